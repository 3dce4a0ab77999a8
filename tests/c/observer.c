/* A delivery observer is told what becomes of events: all of it, in order, on the thread that sends. */
#include "delivery.h"

/* What was told, copied out of the callback. */
typedef struct report {
  uint32_t outcome, status;
  size_t events, sessions;
  char first_event[37], last_event[37], session[129];
  char destination[65], reason[256];
  uint64_t rejected, wait_ms;
  pthread_t thread;
} report;

typedef struct reports {
  pthread_mutex_t lock;
  report all[32];
  int count, released;
} reports;

#define NO_REPORTS {.lock = PTHREAD_MUTEX_INITIALIZER}

static void take_report(void *user_data, const sessio_delivery *delivery) {
  reports *told = (reports *)user_data;
  pthread_mutex_lock(&told->lock);
  CHECK(told->count < 32 && delivery->struct_size == sizeof *delivery);
  report *it = &told->all[told->count++];
  it->outcome = delivery->outcome, it->status = delivery->status;
  it->events = delivery->event_count, it->sessions = delivery->session_count;
  it->rejected = delivery->rejected, it->wait_ms = delivery->wait_ms;
  it->thread = pthread_self();
  for (size_t i = 0; i < delivery->event_count; i++) CHECK(strlen(delivery->event_ids[i]) == 36);
  if (it->events > 0) {
    strcpy(it->first_event, delivery->event_ids[0]);
    strcpy(it->last_event, delivery->event_ids[it->events - 1]);
  }
  if (it->sessions > 0) strcpy(it->session, delivery->session_ids[it->sessions - 1]);
  snprintf(it->destination, sizeof it->destination, "%s", delivery->destination);
  snprintf(it->reason, sizeof it->reason, "%s", delivery->reason);
  pthread_mutex_unlock(&told->lock);
}

static void release_reports(void *user_data) { ((reports *)user_data)->released++; }

static int told_so_far(reports *told) {
  pthread_mutex_lock(&told->lock);
  const int count = told->count;
  pthread_mutex_unlock(&told->lock);
  return count;
}

static report told(reports *told, int index) {
  for (int i = 0; told_so_far(told) <= index && i < 60000; i++) pause_ms(1);
  CHECK(told_so_far(told) > index);
  return told->all[index];
}

static sessio_delivery_observer observer_of(reports *told) {
  const sessio_delivery_observer observer = {sizeof observer, told, take_report, release_reports};
  return observer;
}

/* A config that delivers over that host and is observed. It gathers for a while, so that events go together. */
static sessio_config *observed(reports *told, host *host, manual_clock *clock) {
  const sessio_delivery_observer observer = observer_of(told);
  const sessio_transport transport = host_transport(host);
  sessio_config *config = sessio_config_new();
  manual_set(config, clock);
  add_collector(config);
  OK(sessio_config_set_transport(config, &transport));
  OK(sessio_config_set_delivery_observer(config, &observer));
  return config;
}

static void track_as(sessio_tracker *tracker, char id[37]) {
  sessio_event *event = sessio_event_feature("a");
  OK(sessio_tracker_track(tracker, event, id));
  sessio_event_free(event);
}

static void delivered_retried_and_dropped(void) {
  reports all = NO_REPORTS;
  manual_clock clock = manual_new();
  host it = HOST(ANSWERS, 503);
  it.retry_after = "60";
  sessio_config *config = observed(&all, &it, &clock);
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  char id[37], second[37];
  track_as(tracker, id);

  report got = told(&all, 0);
  CHECK(got.outcome == SESSIO_DELIVERY_WILL_RETRY && got.status == 503 && got.wait_ms == 60000);
  CHECK(strcmp(got.reason, "status 503") == 0 && strcmp(got.destination, "otlp") == 0);
  CHECK(got.events == 1 && strcmp(got.first_event, id) == 0 && got.rejected == 0);
  CHECK(got.sessions == 1 && strcmp(got.session, session_of(tracker).id) == 0);
  CHECK(!pthread_equal(got.thread, pthread_self()));
  const pthread_t sender = got.thread;

  track_as(tracker, second);
  OK(sessio_tracker_poll(tracker));
  host_does(&it, ANSWERS, 200);
  manual_advance(&clock, 60000);
  OK(sessio_tracker_flush(tracker, 10000));
  got = told(&all, 1);
  CHECK(got.outcome == SESSIO_DELIVERY_DELIVERED && got.status == 200 && got.wait_ms == 0 && got.reason[0] == '\0');
  CHECK(got.events == 2 && strcmp(got.first_event, id) == 0 && strcmp(got.last_event, second) == 0);
  CHECK(pthread_equal(got.thread, sender));

  host_does(&it, ANSWERS, 400);
  track_as(tracker, id);
  OK(sessio_tracker_flush(tracker, 10000));
  got = told(&all, 2);
  CHECK(got.outcome == SESSIO_DELIVERY_DROPPED && got.status == 400 && strstr(got.reason, "400") != NULL);
  CHECK(got.events == 1 && strcmp(got.first_event, id) == 0 && got.sessions == 0);

  host_does(&it, FAILS, 0);
  track_as(tracker, id);
  got = told(&all, 3);
  CHECK(got.outcome == SESSIO_DELIVERY_WILL_RETRY && got.status == 0 && strcmp(got.reason, "no route") == 0);
  closed(tracker);
  CHECK(all.released == 1);
}

/* What the receiver refuses one by one is told as a number. */
static void answer_partly(void *user_data, sessio_request *request) {
  static const char body[] = "{\"partialSuccess\":{\"rejectedLogRecords\":1}}";
  (void)user_data;
  OK(sessio_request_answer(request, 200, NULL, body, sizeof body - 1));
  sessio_request_free(request);
}

static void what_is_rejected_is_counted(void) {
  reports all = NO_REPORTS;
  manual_clock clock = manual_new();
  host it = HOST(ANSWERS, 200);
  sessio_config *config = observed(&all, &it, &clock);
  sessio_transport transport = host_transport(&it);
  transport.send = answer_partly;
  OK(sessio_config_set_transport(config, &transport));
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  track_feature(tracker, "a");
  OK(sessio_tracker_flush(tracker, 10000));
  const report got = told(&all, 0);
  CHECK(got.outcome == SESSIO_DELIVERY_DELIVERED && got.rejected == 1);
  CHECK(delivery_stats_of(tracker).of[0].refused >= 1);
  closed(tracker);
}

/* Everything is told once, in order. */
static void each_event_is_told_once_and_in_order(void) {
  reports all = NO_REPORTS;
  manual_clock clock = manual_new();
  host it = HOST(ANSWERS_LATER, 200);
  sessio_config *config = observed(&all, &it, &clock);
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  static char ids[8][37];
  for (int i = 0; i < 8; i++) {
    track_as(tracker, ids[i]);
    if (i % 3 == 0) OK(sessio_tracker_poll(tracker));
  }
  OK(sessio_tracker_flush(tracker, 10000));
  size_t at = 0;
  for (int i = 0; i < all.count; i++) {
    if (all.all[i].events == 0) continue;
    CHECK(strcmp(all.all[i].first_event, ids[at]) == 0);
    at += all.all[i].events;
    CHECK(at <= 8 && strcmp(all.all[i].last_event, ids[at - 1]) == 0);
  }
  CHECK(at == 8);
  closed(tracker);
}

/* It may call the tracker: on the sender's thread nothing waits for the sender. */
typedef struct caller {
  sessio_tracker *tracker;
  host *host;
  int calls, released;
  bool closes;
} caller;

static void call_from_inside(void *user_data, const sessio_delivery *delivery) {
  caller *it = (caller *)user_data;
  host_add(it->host, &it->calls);
  if (it->calls > 1) return;
  if (it->closes) {
    OK(sessio_tracker_close(it->tracker, 60000));
    sessio_tracker_free(it->tracker);
  } else {
    track_feature(it->tracker, "from inside");
    OK(sessio_tracker_flush(it->tracker, 60000));
    OK(sessio_tracker_poll(it->tracker));
    CHECK(stats_of(it->tracker).delivered == 1 && delivery_stats_of(it->tracker).count == 1);
    CHECK(session_of(it->tracker).event_index == 2);
  }
  CHECK(delivery->event_count == 1 && strlen(delivery->event_ids[0]) == 36);
}

static void release_caller(void *user_data) { host_add(((caller *)user_data)->host, &((caller *)user_data)->released); }

static void it_may_call_close_and_free(bool closes) {
  host over = HOST(ANSWERS, 200);
  caller it = {NULL, &over, 0, 0, closes};
  const sessio_delivery_observer observer = {sizeof observer, &it, call_from_inside, release_caller};
  const sessio_transport transport = host_transport(&over);
  sessio_config *config = sessio_config_new();
  add_collector(config);
  OK(sessio_config_set_transport(config, &transport));
  OK(sessio_config_set_delivery_observer(config, &observer));
  it.tracker = opened(config);
  sessio_config_free(config);
  sessio_event *event = sessio_event_feature("a");
  OK(sessio_tracker_track(it.tracker, event, NULL));
  sessio_event_free(event);
  host_wait(&over, &it.calls, closes ? 1 : 2);
  if (!closes) closed(it.tracker);
  host_wait(&over, &it.released, 1);
  host_wait(&over, &over.released, 1);
}

static void it_is_released_once_whatever_becomes_of_it(void) {
  reports all = NO_REPORTS;
  sessio_delivery_observer observer = observer_of(&all);
  GIVES(sessio_config_set_delivery_observer(NULL, &observer), SESSIO_ERROR_INVALID_ARGUMENT);
  CHECK(all.released == 1);
  sessio_config *config = sessio_config_new();
  observer.on_delivery = NULL;
  SAYS(sessio_config_set_delivery_observer(config, &observer), SESSIO_ERROR_INVALID_ARGUMENT, "on_delivery");
  CHECK(all.released == 2);
  observer = observer_of(&all);
  OK(sessio_config_set_delivery_observer(config, &observer));
  OK(sessio_config_set_delivery_observer(config, &observer)); /* takes the place of the one before */
  CHECK(all.released == 3);
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  CHECK(all.released == 3);
  closed(tracker);
  CHECK(all.released == 4 && all.count == 0);
}

int main(int argc, char **argv) {
  CHECK(argc == 2 && argv[1] != NULL);
  delivered_retried_and_dropped();
  what_is_rejected_is_counted();
  each_event_is_told_once_and_in_order();
  it_may_call_close_and_free(false);
  it_may_call_close_and_free(true);
  it_is_released_once_whatever_becomes_of_it();
  return 0;
}
