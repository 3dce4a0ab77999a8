/* What the programs about delivery share: a collector that is nowhere, and a transport that does as it is told. */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "check.h"

#include <time.h>

#define COLLECTOR "http://collector.example:4318/v1/logs"

/* A destination whose bodies can be read. */
static inline void add_collector(sessio_config *config) {
  OK(sessio_config_add_otlp(config, COLLECTOR));
  OK(sessio_config_set_destination_option(config, "otlp", "gzip", "false"));
}

static inline void pause_ms(long ms) {
  const struct timespec moment = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&moment, NULL);
}

/* What a transport does with a request. */
typedef enum manner { ANSWERS, ANSWERS_LATER, FAILS, LETS_GO, KEEPS, BLOCKS } manner;

typedef struct host {
  pthread_mutex_t lock;
  manner manner;
  uint16_t status;         /* of an answer */
  const char *retry_after; /* of an answer */
  sessio_request *kept;
  int sends, keeps, cancels, cancels_released, released;
  char body[65536]; /* of the last request */
} host;

#define HOST(does, answers) {PTHREAD_MUTEX_INITIALIZER, does, answers, NULL, NULL, 0, 0, 0, 0, 0, ""}

static inline int host_count(host *host, const int *number) {
  pthread_mutex_lock(&host->lock);
  const int count = *number;
  pthread_mutex_unlock(&host->lock);
  return count;
}

static inline void host_add(host *host, int *number) {
  pthread_mutex_lock(&host->lock);
  ++*number;
  pthread_mutex_unlock(&host->lock);
}

/* Waits until a number is at least so large. */
static inline void host_wait(host *host, const int *number, int wanted) {
  for (int i = 0; host_count(host, number) < wanted && i < 60000; i++) pause_ms(1);
  CHECK(host_count(host, number) >= wanted);
}

static inline void host_does(host *host, manner manner, uint16_t status) {
  pthread_mutex_lock(&host->lock);
  host->manner = manner;
  host->status = status;
  pthread_mutex_unlock(&host->lock);
}

static inline void host_cancel(void *user_data) { host_add((host *)user_data, &((host *)user_data)->cancels); }
static inline void host_cancel_released(void *user_data) {
  host_add((host *)user_data, &((host *)user_data)->cancels_released);
}

static inline sessio_cancellation host_cancellation(host *host) {
  const sessio_cancellation cancellation = {sizeof cancellation, host, host_cancel, host_cancel_released};
  return cancellation;
}

static inline void *host_answers_later(void *user_data) {
  host *it = (host *)user_data;
  pause_ms(5); /* mostly `send` has returned by then */
  pthread_mutex_lock(&it->lock);
  sessio_request *request = it->kept;
  it->kept = NULL;
  pthread_mutex_unlock(&it->lock);
  OK(sessio_request_answer(request, it->status, it->retry_after, "{}", 2));
  sessio_request_free(request);
  return NULL;
}

/* Takes over what the request says. */
static inline manner host_takes(host *host, sessio_request *request) {
  pthread_mutex_lock(&host->lock);
  size_t length;
  const void *body = sessio_request_body(request, &length);
  CHECK(body != NULL && length < sizeof host->body);
  memcpy(host->body, body, length);
  host->body[length] = '\0';
  host->sends++;
  const manner manner = host->manner;
  if (manner == ANSWERS_LATER) host->kept = request;
  pthread_mutex_unlock(&host->lock);
  return manner;
}

static inline void host_send(void *user_data, sessio_request *request) {
  host *it = (host *)user_data;
  const sessio_cancellation cancellation = host_cancellation(it);
  pthread_t thread;
  switch (host_takes(it, request)) {
  case ANSWERS:
    OK(sessio_request_answer(request, it->status, it->retry_after, NULL, 0));
    sessio_request_free(request);
    return;
  case ANSWERS_LATER:
    CHECK(pthread_create(&thread, NULL, host_answers_later, it) == 0 && pthread_detach(thread) == 0);
    return;
  case FAILS:
    OK(sessio_request_fail(request, "no route"));
    sessio_request_free(request);
    return;
  case LETS_GO:
    sessio_request_free(request);
    return;
  case KEEPS:
    OK(sessio_request_on_cancel(request, &cancellation));
    pthread_mutex_lock(&it->lock);
    it->kept = request; /* from now on others may answer and free it */
    it->keeps++;
    pthread_mutex_unlock(&it->lock);
    return;
  case BLOCKS:
    OK(sessio_request_on_cancel(request, &cancellation));
    while (!sessio_request_is_cancelled(request)) pause_ms(1);
    OK(sessio_request_fail(request, "interrupted"));
    sessio_request_free(request);
  }
}

/* The request that is kept, once it is. */
static inline sessio_request *host_kept(host *host) {
  host_wait(host, &host->keeps, 1);
  return host->kept;
}

static inline void host_release(void *user_data) { host_add((host *)user_data, &((host *)user_data)->released); }

static inline sessio_transport host_transport(host *host) {
  const sessio_transport transport = {sizeof transport, host, host_send, host_release};
  return transport;
}

/* A tracker that delivers to the collector over that host, with that clock unless it is NULL. */
static inline sessio_tracker *delivering(host *host, manual_clock *clock) {
  const sessio_transport transport = host_transport(host);
  sessio_config *config = sessio_config_new();
  if (clock != NULL) manual_set(config, clock);
  add_collector(config);
  OK(sessio_config_set_transport(config, &transport));
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  return tracker;
}

/* The counters of the destinations, copied out of the callback. */
typedef struct all_delivery_stats {
  sessio_delivery_stats of[4];
  char names[4][65];
  size_t count;
} all_delivery_stats;

static inline void take_delivery_stats(void *context, const sessio_delivery_stats *stats) {
  all_delivery_stats *all = (all_delivery_stats *)context;
  CHECK(stats->struct_size == sizeof *stats && all->count < 4);
  all->of[all->count] = *stats;
  snprintf(all->names[all->count], sizeof all->names[0], "%s", stats->destination);
  all->count++;
}

static inline all_delivery_stats delivery_stats_of(sessio_tracker *tracker) {
  all_delivery_stats all;
  memset(&all, 0, sizeof all);
  OK(sessio_tracker_delivery_stats(tracker, take_delivery_stats, &all));
  return all;
}

#endif
