/*
 * What the load generators share: complaints, clocks, and the CPU time of the processes under test.
 */
#ifndef COMMON_H
#define COMMON_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define MAX_PIDS 8

static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("load: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  exit(1);
}

static void fail_errno(const char *call) { fail("%s: %s", call, strerror(errno)); }

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/* ---- CPU time of the processes under test ---- */

static clockid_t cpu_clocks[MAX_PIDS];
static int cpu_clock_count;

static void use_pids(const char *list) {
  if (strcmp(list, "-") == 0) return;
  for (const char *at = list; at != NULL && cpu_clock_count < MAX_PIDS; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
    if (clock_getcpuclockid(atoi(at), &cpu_clocks[cpu_clock_count]) != 0) fail("no process %d", atoi(at));
    cpu_clock_count++;
  }
}

static double cpu_seconds(void) {
  double sum = 0;
  for (int i = 0; i < cpu_clock_count; i++) {
    struct timespec t;
    if (clock_gettime(cpu_clocks[i], &t) != 0) fail("a process under test is gone");
    sum += (double)t.tv_sec + (double)t.tv_nsec / 1e9;
  }
  return sum;
}

static uint64_t span_started_ns;
static double span_cpu_before;

static void start_span(void) {
  span_cpu_before = cpu_seconds();
  span_started_ns = now_ns();
}

/* Ends the span and prints what every client reports; the caller adds its own fields and closes the object. */
static void end_span(void) {
  double seconds = (double)(now_ns() - span_started_ns) / 1e9;
  printf("{\"seconds\":%.6f,\"cpuSeconds\":%.6f", seconds, cpu_seconds() - span_cpu_before);
}

#endif
