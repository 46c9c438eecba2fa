/*
 * The load of the UDP benchmark, beside load.c: an echo, and a client that keeps a window of datagrams under way through a SOCKS5 association.
 * Both receive one datagram a call and send one a call, as most programs do, so that what they send comes in no larger bursts than the
 * proxies themselves make.
 *
 *   datagrams echo                                  prints {"echo":PORT}; ends when stdin does
 *   datagrams window PROXY TARGET WINDOW MILLIS PIDS  WINDOW datagrams of 512 bytes under way, each answer sends the next
 *
 * PROXY, TARGET and PIDS as in load.c. A datagram that is not answered within LOST_AFTER_NS is lost, and another takes its place. The client
 * prints one line of JSON: seconds, cpuSeconds, count (answers in the span), lost, p50Us, p99Us.
 */
#include "common.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PAYLOAD 512
#define SOCKS_HEADER 10            /* RSV RSV FRAG ATYP, IPv4 address, port */
#define MAX_WINDOW 4096
#define BUFFER (4 * 1024 * 1024)   /* of sockets: neither end is to be the one that loses */
#define LOST_AFTER_NS 500000000ull
#define CLIENT_DEADLINE_S 60
#define MAX_SAMPLES (8 * 1024 * 1024)

struct packet {
  unsigned char header[SOCKS_HEADER];
  uint32_t slot;
  uint32_t round;                  /* tells an answer that comes after its datagram was given up */
  unsigned char rest[PAYLOAD - 8];
} __attribute__((packed));

static int udp_socket(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int size = BUFFER;
  struct sockaddr_in address = loopback(0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail_errno("bind");
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  return fd;
}

static int port_of(int fd) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) fail_errno("getsockname");
  return ntohs(address.sin_port);
}

static void run_echo(void) {
  int fd = udp_socket();
  struct pollfd watched[2] = {{.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
  printf("{\"echo\":%d}\n", port_of(fd));
  fflush(stdout);
  for (;;) {
    static unsigned char bytes[65536];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t n = recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from, &length);
    if (n >= 0) {
      sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, length);
    } else {
      poll(watched, 2, -1);
      if (watched[1].revents != 0) return;
    }
  }
}

/* The control connection; the association lives as long as it does. */
static struct sockaddr_in associate(int proxy_port) {
  struct sockaddr_in proxy = loopback(proxy_port), relay = loopback(0);
  unsigned char bytes[10];
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&proxy, sizeof proxy) != 0) fail_errno("connect to the proxy");
  if (send(fd, "\5\1\0", 3, 0) != 3 || recv(fd, bytes, 2, MSG_WAITALL) != 2 || bytes[1] != 0) fail("no greeting");
  if (send(fd, "\5\3\0\1\0\0\0\0\0\0", 10, 0) != 10) fail_errno("send");
  if (recv(fd, bytes, 10, MSG_WAITALL) != 10 || bytes[1] != 0 || bytes[3] != 1) fail("no association");
  memcpy(&relay.sin_addr, bytes + 4, 4);
  memcpy(&relay.sin_port, bytes + 8, 2);
  return relay;
}

static struct packet packet;
static int fd, window;
static uint64_t sent_ns[MAX_WINDOW];
static uint32_t rounds[MAX_WINDOW];
static uint32_t *samples;
static size_t sample_count;
static uint64_t count, lost;

static void send_packet(uint32_t slot) {
  packet.slot = slot;
  packet.round = ++rounds[slot];
  sent_ns[slot] = now_ns();
  if (send(fd, &packet, sizeof packet, 0) != sizeof packet) fail_errno("send");
}

/* 1: an answer; 0: none yet. */
static int receive_answer(uint32_t *slot) {
  struct packet answer;
  ssize_t n = recv(fd, &answer, sizeof answer, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return 0;
  if (n < 0) fail_errno("recv");
  if (n != sizeof answer || memcmp(answer.header, packet.header, SOCKS_HEADER) != 0) fail("an answer is not what was sent");
  if (memcmp(answer.rest, packet.rest, sizeof answer.rest) != 0 || answer.slot >= (uint32_t)window) fail("an answer was changed");
  if (answer.round != rounds[answer.slot]) return receive_answer(slot); /* one that was given up */
  *slot = answer.slot;
  return 1;
}

static void give_up_lost(int resend) {
  uint64_t now = now_ns();
  for (int i = 0; i < window; i++) {
    if (sent_ns[i] == 0 || now - sent_ns[i] < LOST_AFTER_NS) continue;
    lost++;
    sent_ns[i] = 0;
    if (resend) send_packet((uint32_t)i);
  }
}

static int compare_samples(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static double percentile_us(double share) {
  return sample_count == 0 ? 0 : (double)samples[(size_t)((double)(sample_count - 1) * share)] / 1e3;
}

static void run_window(char **arguments) {
  struct sockaddr_in relay = associate(atoi(arguments[0]));
  int target = atoi(arguments[1]);
  window = atoi(arguments[2]);
  if (window < 1 || window > MAX_WINDOW) fail("a window of 1 to %d", MAX_WINDOW);
  uint64_t nanos = strtoull(arguments[3], NULL, 10) * 1000000ull;
  use_pids(arguments[4]);
  unsigned char header[SOCKS_HEADER] = {0, 0, 0, 1, 127, 0, 0, 1, (unsigned char)(target >> 8), (unsigned char)target};
  memcpy(packet.header, header, SOCKS_HEADER);
  for (size_t i = 0; i < sizeof packet.rest; i++) packet.rest[i] = (unsigned char)(i * 167 + 13);
  samples = malloc(MAX_SAMPLES * sizeof *samples);
  memset(samples, 0, MAX_SAMPLES * sizeof *samples); /* no page faults inside the span */
  fd = udp_socket();
  if (connect(fd, (struct sockaddr *)&relay, sizeof relay) != 0) fail_errno("connect");
  alarm(CLIENT_DEADLINE_S);
  struct pollfd watched = {.fd = fd, .events = POLLIN};
  start_span();
  uint64_t end_ns = now_ns() + nanos, checked_ns = now_ns();
  for (int i = 0; i < window; i++) send_packet((uint32_t)i);
  while (now_ns() < end_ns) {
    uint32_t slot;
    if (receive_answer(&slot)) {
      uint64_t now = now_ns();
      if (sample_count < MAX_SAMPLES) samples[sample_count++] = (uint32_t)(now - sent_ns[slot]);
      count++;
      send_packet(slot);
    } else {
      poll(&watched, 1, 100);
    }
    if (now_ns() - checked_ns < LOST_AFTER_NS / 5) continue;
    checked_ns = now_ns();
    give_up_lost(1);
  }
  end_span();
  /* What is still under way is lost only if it does not come. */
  for (int left = window; left > 0;) {
    uint32_t slot;
    if (receive_answer(&slot)) sent_ns[slot] = 0;
    else if (poll(&watched, 1, 100) == 0) give_up_lost(0);
    left = 0;
    for (int i = 0; i < window; i++) left += sent_ns[i] != 0;
  }
  qsort(samples, sample_count, sizeof *samples, compare_samples);
  printf(",\"count\":%llu,\"lost\":%llu,\"p50Us\":%.1f,\"p99Us\":%.1f}\n", (unsigned long long)count,
         (unsigned long long)lost, percentile_us(0.5), percentile_us(0.99));
}

int main(int argument_count, char **arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlives the benchmark */
  if (argument_count == 2 && strcmp(arguments[1], "echo") == 0) run_echo();
  else if (argument_count == 7 && strcmp(arguments[1], "window") == 0) run_window(arguments + 2);
  else fail("usage: see the head of datagrams.c");
}
