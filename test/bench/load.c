/*
 * The load of the benchmark: origin, clients, and a stopwatch for a program's start. It is C, one thread and one epoll each, so that
 * it takes as little as possible of the processors that the proxies under test share with it, and it treats every proxy alike.
 *
 *   load origin                                      prints {"source":PORT,"sink":PORT,"echo":PORT}; ends when stdin does
 *   load down     PROXY TARGET STREAMS BYTES PIDS    BYTES in all, asked from the source over STREAMS connections
 *   load up       PROXY TARGET STREAMS BYTES PIDS    BYTES in all, to the sink, until it has acknowledged each stream
 *   load connect  PROXY TARGET FLOWS COUNT PIDS      COUNT connections, FLOWS at a time: open, 64 bytes there and back, close
 *   load pingpong PROXY TARGET FLOWS MILLIS PIDS     64 bytes there and back on FLOWS connections, over and over
 *   load idle     PROXY TARGET FLOWS 0 PIDS          holds FLOWS connections from "ready" on stdout until stdin ends, then tries each
 *   load start    PORT COMMAND...                    milliseconds from fork until PORT of 127.0.0.1 takes a connection
 *
 * PROXY and TARGET are ports of 127.0.0.1, PROXY speaks SOCKS5 (RFC 1928, no authentication). PIDS (comma-separated, "-" for none) are
 * the proxies' processes: their CPU time is read at both ends of the measured span, from the kernel's clock of a process's CPU time,
 * which is utime + stime of all its threads in nanoseconds instead of hundredths of a second. Each client prints one line of JSON.
 */
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE 64                 /* bytes of a request, an answer, a ping and a pong */
#define PIECE (256 * 1024)         /* bytes offered to one send and asked of one recv */
#define SENDS_A_TURN 8             /* the source's streams take turns */
#define EVENTS 256
#define CLIENT_DEADLINE_S 120      /* a client that takes longer has hung */
#define START_DEADLINE_NS 20000000000ull
#define MAX_SAMPLES (4 * 1024 * 1024)

static unsigned char piece[PIECE];

static void set_no_delay(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void watch(int epoll, int operation, int fd, uint32_t mask, void *data) {
  struct epoll_event event = {.events = mask, .data.ptr = data};
  if (epoll_ctl(epoll, operation, fd, &event) != 0) fail_errno("epoll_ctl");
}

/* ---- origin ---- */

enum role { SOURCE, SINK, ECHO };

struct peer {
  int fd;
  enum role role;
  int is_listener;
  unsigned have;            /* bytes of `head` */
  unsigned char head[8];    /* source: bytes to send, sink: bytes to expect; big-endian */
  uint64_t left;
};

static int listen_on_loopback(int epoll, enum role role) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0) fail_errno("listen");
  if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) fail_errno("getsockname");
  struct peer *listener = calloc(1, sizeof *listener);
  listener->fd = fd;
  listener->role = role;
  listener->is_listener = 1;
  watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, listener);
  return ntohs(address.sin_port);
}

static void accept_peers(int epoll, struct peer *listener) {
  for (;;) {
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN || errno == ECONNABORTED) return;
      fail_errno("accept4");
    }
    set_no_delay(fd);
    struct peer *peer = calloc(1, sizeof *peer);
    peer->fd = fd;
    peer->role = listener->role;
    watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, peer);
  }
}

/* 1: the head stands; 0: not yet; -1: the peer is gone. */
static int read_head(struct peer *peer) {
  while (peer->have < sizeof peer->head) {
    ssize_t n = recv(peer->fd, peer->head + peer->have, sizeof peer->head - peer->have, 0);
    if (n < 0 && errno == EAGAIN) return 0;
    if (n <= 0) return -1;
    peer->have += (unsigned)n;
  }
  for (unsigned i = 0; i < sizeof peer->head; i++) peer->left = peer->left << 8 | peer->head[i];
  return 1;
}

/* Each returns 0 when the peer is to be closed. */
static int serve_source(int epoll, struct peer *peer) {
  if (peer->have < sizeof peer->head) {
    int status = read_head(peer);
    if (status <= 0) return status == 0;
    watch(epoll, EPOLL_CTL_MOD, peer->fd, EPOLLOUT, peer);
  } else if (peer->left == 0) {
    return recv(peer->fd, piece, sizeof piece, 0) > 0; /* the client closes first */
  }
  for (int i = 0; i < SENDS_A_TURN && peer->left > 0; i++) {
    ssize_t n = send(peer->fd, piece, peer->left < PIECE ? (size_t)peer->left : PIECE, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN;
    peer->left -= (uint64_t)n;
  }
  if (peer->left == 0) watch(epoll, EPOLL_CTL_MOD, peer->fd, EPOLLIN, peer);
  return 1;
}

static int serve_sink(struct peer *peer) {
  if (peer->have < sizeof peer->head) {
    int status = read_head(peer);
    if (status <= 0) return status == 0;
  }
  /* MSG_TRUNC: the kernel drops the bytes instead of copying them out. */
  ssize_t n = recv(peer->fd, NULL, 4 * PIECE, MSG_TRUNC);
  if (n < 0) return errno == EAGAIN;
  if (n == 0) return 0;
  peer->left -= (uint64_t)n;
  return peer->left > 0 || send(peer->fd, "!", 1, MSG_NOSIGNAL) == 1;
}

static int serve_echo(struct peer *peer) {
  unsigned char bytes[4096];
  ssize_t n = recv(peer->fd, bytes, sizeof bytes, 0);
  if (n < 0) return errno == EAGAIN;
  return n > 0 && send(peer->fd, bytes, (size_t)n, MSG_NOSIGNAL) == n; /* one small message in flight: always fits */
}

static int serve(int epoll, struct peer *peer) {
  if (peer->role == SOURCE) return serve_source(epoll, peer);
  return peer->role == SINK ? serve_sink(peer) : serve_echo(peer);
}

static void run_origin(void) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  int source = listen_on_loopback(epoll, SOURCE);
  int sink = listen_on_loopback(epoll, SINK);
  int echo = listen_on_loopback(epoll, ECHO);
  watch(epoll, EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, NULL);
  printf("{\"source\":%d,\"sink\":%d,\"echo\":%d}\n", source, sink, echo);
  fflush(stdout);
  for (;;) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, -1);
    if (count < 0 && errno != EINTR) fail_errno("epoll_wait");
    for (int i = 0; i < count; i++) {
      struct peer *peer = events[i].data.ptr;
      if (peer == NULL) return; /* stdin ended */
      if (peer->is_listener) {
        accept_peers(epoll, peer);
      } else if (!serve(epoll, peer)) {
        close(peer->fd);
        free(peer);
      }
    }
  }
}

/* ---- clients ---- */

enum mode { DOWN, UP, CONNECT, PINGPONG, IDLE };
enum stage { CONNECTING, GREETED, REQUESTED, OPEN };

struct flow {
  int fd;
  enum stage stage;
  unsigned have;            /* bytes of `in`, or of the pong */
  unsigned char in[24];
  uint64_t left;            /* bulk: bytes still to come or to go */
  int done;                 /* this flow has nothing more to wait for */
  uint64_t sent_ns;         /* ping-pong: when the ping left */
};

static enum mode mode;
static int proxy_port, target_port, flow_count, epoll_fd;
static uint64_t amount;     /* bytes, connections or milliseconds, by mode */
static struct flow *flows;
static uint64_t to_open, completed, deadline_ns;
static int active;
static uint32_t *samples;
static size_t sample_count;

static void open_flow(struct flow *flow) {
  uint64_t left = flow->left;
  memset(flow, 0, sizeof *flow);
  flow->left = left;
  struct sockaddr_in address = loopback(proxy_port);
  flow->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (flow->fd < 0) fail_errno("socket");
  set_no_delay(flow->fd);
  if (connect(flow->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) fail_errno("connect");
  watch(epoll_fd, EPOLL_CTL_ADD, flow->fd, EPOLLIN | EPOLLOUT | EPOLLET, flow);
  active++;
}

static void close_flow(struct flow *flow) {
  close(flow->fd);
  flow->fd = -1;
  active--;
}

static void send_all(struct flow *flow, const void *bytes, size_t length) {
  if (send(flow->fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) fail_errno("send of a small message");
}

/* 1: `length` bytes of `in` stand; 0: not yet. */
static int receive_exactly(struct flow *flow, unsigned length) {
  while (flow->have < length) {
    ssize_t n = recv(flow->fd, flow->in + flow->have, length - flow->have, 0);
    if (n < 0 && errno == EAGAIN) return 0;
    if (n < 0) fail_errno("recv from the proxy");
    if (n == 0) fail("the proxy closed the connection during the SOCKS handshake");
    flow->have += (unsigned)n;
  }
  return 1;
}

/* Takes SOCKS5 as far as it goes; 1 once the relay stands. */
static int shake_hands(struct flow *flow) {
  if (flow->stage == CONNECTING) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(flow->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) fail("connect to the proxy: %s", strerror(error));
    send_all(flow, "\5\1\0", 3);
    flow->stage = GREETED;
  }
  if (flow->stage == GREETED) {
    if (!receive_exactly(flow, 2)) return 0;
    if (flow->in[0] != 5 || flow->in[1] != 0) fail("the proxy wants authentication");
    unsigned char request[10] = {5, 1, 0, 1, 127, 0, 0, 1, (unsigned char)(target_port >> 8), (unsigned char)target_port};
    send_all(flow, request, sizeof request);
    flow->have = 0;
    flow->stage = REQUESTED;
  }
  if (flow->stage == REQUESTED) {
    if (!receive_exactly(flow, 10) || !receive_exactly(flow, flow->in[3] == 4 ? 22 : 10)) return 0;
    if (flow->in[1] != 0) fail("the proxy answered %d", flow->in[1]);
    flow->have = 0;
    flow->stage = OPEN;
  }
  return 1;
}

static void send_ping(struct flow *flow) {
  flow->sent_ns = now_ns();
  send_all(flow, piece, MESSAGE);
}

/* 1: the whole pong is here. */
static int receive_pong(struct flow *flow) {
  while (flow->have < MESSAGE) {
    unsigned char bytes[MESSAGE];
    ssize_t n = recv(flow->fd, bytes, MESSAGE - flow->have, 0);
    if (n < 0 && errno == EAGAIN) return 0;
    if (n <= 0) fail("a connection ended before its answer");
    if (memcmp(bytes, piece + flow->have, (size_t)n) != 0) fail("the answer is not what was sent");
    flow->have += (unsigned)n;
  }
  flow->have = 0;
  return 1;
}

static void begin(struct flow *flow) {
  if (mode == DOWN || mode == UP) {
    unsigned char head[8];
    for (int i = 0; i < 8; i++) head[i] = (unsigned char)(flow->left >> (56 - 8 * i));
    send_all(flow, head, sizeof head);
  } else {
    send_ping(flow);
  }
}

static void advance_down(struct flow *flow) {
  while (flow->left > 0) {
    ssize_t n = recv(flow->fd, NULL, 4 * PIECE, MSG_TRUNC);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) fail("a download ended %llu bytes early", (unsigned long long)flow->left);
    flow->left -= (uint64_t)n;
  }
  close_flow(flow);
}

static void advance_up(struct flow *flow) {
  while (flow->left > 0) {
    ssize_t n = send(flow->fd, piece, flow->left < PIECE ? (size_t)flow->left : PIECE, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) fail_errno("upload");
    flow->left -= (uint64_t)n;
  }
  char acknowledgement;
  ssize_t n = recv(flow->fd, &acknowledgement, 1, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) fail("an upload was not acknowledged");
  close_flow(flow);
}

static void advance_connect(struct flow *flow) {
  if (!receive_pong(flow)) return;
  completed++;
  close_flow(flow);
  if (to_open > 0) {
    to_open--;
    open_flow(flow);
  }
}

static void advance_pingpong(struct flow *flow) {
  while (receive_pong(flow)) {
    uint64_t now = now_ns();
    completed++;
    if (sample_count < MAX_SAMPLES) samples[sample_count++] = (uint32_t)(now - flow->sent_ns);
    if (now >= deadline_ns) {
      close_flow(flow);
      return;
    }
    send_ping(flow);
  }
}

static void advance(struct flow *flow) {
  if (flow->stage != OPEN) {
    if (!shake_hands(flow)) return;
    if (mode == PINGPONG) {
      /* All handshakes first: the span starts when the last one is through. */
      if (++completed < (uint64_t)flow_count) return;
      completed = 0;
      start_span();
      deadline_ns = now_ns() + amount * 1000000ull;
      for (int i = 0; i < flow_count; i++) send_ping(&flows[i]);
      return;
    }
    begin(flow);
  }
  switch (mode) {
    case DOWN: advance_down(flow); break;
    case UP: advance_up(flow); break;
    case CONNECT: advance_connect(flow); break;
    case PINGPONG: advance_pingpong(flow); break;
    case IDLE:
      if (!flow->done && receive_pong(flow)) {
        flow->done = 1;
        completed++;
      }
      break;
  }
}

static int compare_samples(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static double percentile_us(double share) {
  return sample_count == 0 ? 0 : (double)samples[(size_t)((double)(sample_count - 1) * share)] / 1e3;
}

/* Runs the loop until every flow is closed, or (idle) until `completed` reaches `until`. */
static void run_flows(uint64_t until) {
  struct epoll_event events[EVENTS];
  while (active > 0 && completed < until) {
    int count = epoll_wait(epoll_fd, events, EVENTS, -1);
    if (count < 0 && errno != EINTR) fail_errno("epoll_wait");
    for (int i = 0; i < count; i++) {
      struct flow *flow = events[i].data.ptr;
      if (flow->fd >= 0) advance(flow);
    }
  }
}

/* Opens 64 at a time, so that no listener's queue overflows; then waits for stdin; then shows that every relay still works. */
static void run_idle(void) {
  for (int i = 0; i < flow_count; i += 64) {
    int upto = i + 64 < flow_count ? i + 64 : flow_count;
    for (int j = i; j < upto; j++) open_flow(&flows[j]);
    run_flows((uint64_t)upto);
  }
  printf("ready\n");
  fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {}
  completed = 0;
  for (int i = 0; i < flow_count; i++) {
    flows[i].done = 0;
    send_ping(&flows[i]);
  }
  run_flows((uint64_t)flow_count);
}

static void on_alarm(int signal_number) {
  static const char text[] = "load: the proxy stopped making progress\n";
  ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
  (void)ignored;
  _exit(signal_number == SIGALRM ? 3 : 1);
}

static void run_client(char **arguments) {
  proxy_port = atoi(arguments[0]);
  target_port = atoi(arguments[1]);
  flow_count = atoi(arguments[2]);
  amount = strtoull(arguments[3], NULL, 10);
  use_pids(arguments[4]);
  flows = calloc((size_t)flow_count, sizeof *flows);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (mode == PINGPONG) {
    samples = malloc(MAX_SAMPLES * sizeof *samples);
    memset(samples, 0, MAX_SAMPLES * sizeof *samples); /* no page faults inside the span */
  }
  signal(SIGALRM, on_alarm);
  alarm(CLIENT_DEADLINE_S);
  start_span();
  if (mode == IDLE) {
    run_idle();
    end_span();
    printf(",\"count\":%d}\n", flow_count);
    return;
  }
  if (mode == CONNECT) to_open = amount - (uint64_t)flow_count;
  for (int i = 0; i < flow_count; i++) {
    flows[i].left = amount / (uint64_t)flow_count + (i == 0 ? amount % (uint64_t)flow_count : 0);
    open_flow(&flows[i]);
  }
  run_flows(UINT64_MAX);
  end_span();
  if (mode == DOWN || mode == UP) {
    printf(",\"bytes\":%llu}\n", (unsigned long long)amount);
    return;
  }
  if (samples != NULL) qsort(samples, sample_count, sizeof *samples, compare_samples);
  printf(",\"count\":%llu,\"p50Us\":%.1f,\"p99Us\":%.1f}\n", (unsigned long long)completed, percentile_us(0.5), percentile_us(0.99));
}

/* ---- the time until a program listens ---- */

static int takes_connections(int port) {
  struct sockaddr_in address = loopback(port);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int ok = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
  close(fd);
  return ok;
}

static void run_start(int port, char **command) {
  if (takes_connections(port)) fail("port %d is taken", port);
  uint64_t started = now_ns();
  pid_t child = fork();
  if (child == 0) {
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++) dup2(null, fd);
    execvp(command[0], command);
    _exit(127);
  }
  const struct timespec pause = {.tv_nsec = 100000};
  int up = 0;
  while (!(up = takes_connections(port)) && now_ns() - started < START_DEADLINE_NS && waitpid(child, NULL, WNOHANG) == 0) {
    nanosleep(&pause, NULL);
  }
  double millis = (double)(now_ns() - started) / 1e6;
  if (!up) {
    kill(child, SIGKILL);
    fail("%s ended or did not listen on %d", command[0], port);
  }
  kill(child, SIGTERM);
  for (int i = 0; waitpid(child, NULL, WNOHANG) == 0; i++) {
    if (i == 50000) kill(child, SIGKILL);
    nanosleep(&pause, NULL);
  }
  printf("{\"millis\":%.3f}\n", millis);
}

int main(int count, char **arguments) {
  static const char *const modes[] = {"down", "up", "connect", "pingpong", "idle"};
  struct rlimit files;
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlives the benchmark */
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  for (size_t i = 0; i < sizeof piece; i++) piece[i] = (unsigned char)(i * 167 + (i >> 8) * 13);
  if (count == 2 && strcmp(arguments[1], "origin") == 0) {
    run_origin();
    return 0;
  }
  if (count > 3 && strcmp(arguments[1], "start") == 0) {
    run_start(atoi(arguments[2]), arguments + 3);
    return 0;
  }
  for (int i = 0; i < 5; i++) {
    if (count == 7 && strcmp(arguments[1], modes[i]) == 0) {
      mode = (enum mode)i;
      run_client(arguments + 2);
      return 0;
    }
  }
  fail("usage: see the head of load.c");
}
