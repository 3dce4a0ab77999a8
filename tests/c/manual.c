/* Delivery driven by the host: it asks for requests, and says what came of them. */
#include "delivery.h"

#define FOR_EVER UINT64_MAX

typedef struct observed {
  sessio_tracker *tracker;
  int told;
} observed;

static sessio_tracker *by_hand(manual_clock *clock, observed *observed, void (*on_delivery)(void *, const sessio_delivery *)) {
  const sessio_delivery_observer observer = {sizeof observer, observed, on_delivery, NULL};
  sessio_config *config = sessio_config_new();
  if (clock != NULL) manual_set(config, clock);
  if (on_delivery != NULL) OK(sessio_config_set_delivery_observer(config, &observer));
  add_collector(config);
  OK(sessio_config_set_manual_delivery(config, true));
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  return tracker;
}

static sessio_request *next(sessio_tracker *tracker) {
  sessio_request *request = NULL;
  uint64_t wait_ms = 4711;
  OK(sessio_tracker_next_request(tracker, &request, &wait_ms));
  CHECK(request != NULL && wait_ms == 0);
  return request;
}

/* How long there is nothing to send. */
static uint64_t nothing_for(sessio_tracker *tracker) {
  sessio_request *request = (sessio_request *)&request;
  uint64_t wait_ms = 0;
  OK(sessio_tracker_next_request(tracker, &request, &wait_ms));
  CHECK(request == NULL && wait_ms > 0);
  return wait_ms;
}

static bool body_has(const sessio_request *request, const char *text) {
  size_t length, size = strlen(text);
  const char *body = (const char *)sessio_request_body(request, &length);
  for (size_t i = 0; i + size <= length; i++)
    if (memcmp(body + i, text, size) == 0) return true;
  return false;
}

static void answer(sessio_request *request, uint16_t status, const char *retry_after) {
  OK(sessio_request_answer(request, status, retry_after, "{}", 2));
  sessio_request_free(request);
}

static void the_loop_of_a_host(void) {
  sessio_tracker *tracker = by_hand(NULL, NULL, NULL);
  CHECK(nothing_for(tracker) == FOR_EVER);
  track_feature(tracker, "one");
  sessio_request *request = next(tracker);
  CHECK(strcmp(sessio_request_url(request), COLLECTOR) == 0 && body_has(request, "one"));
  track_feature(tracker, "two");
  CHECK(nothing_for(tracker) == FOR_EVER); /* one at a time */
  SAYS(sessio_tracker_flush(tracker, 20), SESSIO_ERROR_TIMEOUT, "delivered");
  answer(request, 200, NULL);
  CHECK(stats_of(tracker).delivered == 1 && stats_of(tracker).stored == 1);
  request = next(tracker);
  CHECK(body_has(request, "two") && !body_has(request, "one"));
  answer(request, 200, NULL);
  CHECK(nothing_for(tracker) == FOR_EVER);
  OK(sessio_tracker_flush(tracker, 10000));
  CHECK(stats_of(tracker).delivered == 2 && delivery_stats_of(tracker).of[0].delivered == 3);
  closed(tracker);
}

static void what_is_freed_without_an_outcome_is_given_again(void) {
  sessio_tracker *tracker = by_hand(NULL, NULL, NULL);
  track_feature(tracker, "one");
  for (int i = 0; i < 3; i++) {
    sessio_request *request = next(tracker);
    CHECK(body_has(request, "one"));
    sessio_request_free(request);
  }
  answer(next(tracker), 200, NULL);
  CHECK(stats_of(tracker).delivered == 1);
  closed(tracker);
}

static void a_wait_is_told_and_kept(void) {
  manual_clock clock = manual_new();
  sessio_tracker *tracker = by_hand(&clock, NULL, NULL);
  track_feature(tracker, "one");
  answer(next(tracker), 503, "120");
  CHECK(nothing_for(tracker) == 120000);
  manual_advance(&clock, 119999);
  CHECK(nothing_for(tracker) == 1);
  manual_advance(&clock, 1);
  sessio_request *request = next(tracker);
  OK(sessio_request_fail(request, "no route"));
  sessio_request_free(request);
  manual_advance(&clock, 600000); /* longer than any backoff */
  answer(next(tracker), 503, "\xff\xfe"); /* nonsense: as if it were not there */
  manual_advance(&clock, 600000);
  answer(next(tracker), 200, NULL);
  CHECK(stats_of(tracker).delivered == 1 && nothing_for(tracker) == FOR_EVER);
  closed(tracker);
}

/* The observer is told on the thread that answers, and may call everything from there. */
static void calls_from_inside(void *user_data, const sessio_delivery *delivery) {
  observed *it = (observed *)user_data;
  CHECK(delivery->outcome == SESSIO_DELIVERY_DELIVERED);
  it->told++;
  if (it->told > 1) return;
  track_feature(it->tracker, "from inside");
  CHECK(nothing_for(it->tracker) == FOR_EVER); /* this one is still at work */
  OK(sessio_tracker_flush(it->tracker, 60000)); /* does not wait for itself */
  OK(sessio_tracker_poll(it->tracker));
  CHECK(stats_of(it->tracker).delivered == 1 && delivery_stats_of(it->tracker).count == 1);
}

static void an_observer_may_call_the_tracker(void) {
  observed it = {NULL, 0};
  it.tracker = by_hand(NULL, &it, calls_from_inside);
  track_feature(it.tracker, "one");
  answer(next(it.tracker), 200, NULL);
  sessio_request *request = next(it.tracker);
  CHECK(it.told == 1 && body_has(request, "from inside"));
  answer(request, 200, NULL);
  CHECK(it.told == 2);
  closed(it.tracker);
}

static void frees_from_inside(void *user_data, const sessio_delivery *delivery) {
  observed *it = (observed *)user_data;
  it->told++;
  OK(sessio_tracker_close(it->tracker, 10000));
  sessio_tracker_free(it->tracker);
  CHECK(delivery->event_count == 1 && strlen(delivery->event_ids[0]) == 36);
}

static void an_observer_may_free_the_tracker(void) {
  observed it = {NULL, 0};
  it.tracker = by_hand(NULL, &it, frees_from_inside);
  track_feature(it.tracker, "one");
  answer(next(it.tracker), 200, NULL);
  CHECK(it.told == 1);
}

static void *answers(void *user_data) {
  answer((sessio_request *)user_data, 200, NULL);
  return NULL;
}

static void another_thread_may_answer(void) {
  sessio_tracker *tracker = by_hand(NULL, NULL, NULL);
  for (int i = 0; i < 20; i++) {
    track_feature(tracker, "one");
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, answers, next(tracker)) == 0);
    OK(sessio_tracker_flush(tracker, 10000)); /* waits for that */
    CHECK(pthread_join(thread, NULL) == 0);
  }
  CHECK(stats_of(tracker).delivered == 20);
  closed(tracker);
}

/* A request may outlive its tracker; then what it says comes to nothing, and goes out after the next start. */
static void what_comes_after_close_comes_to_nothing(const char *folder) {
  observed it = {NULL, 0};
  sessio_config *config = config_at(folder, "late.db");
  const sessio_delivery_observer observer = {sizeof observer, &it, calls_from_inside, NULL};
  OK(sessio_config_set_delivery_observer(config, &observer));
  add_collector(config);
  OK(sessio_config_set_manual_delivery(config, true));
  it.tracker = opened(config);
  track_feature(it.tracker, "one");
  sessio_request *request = next(it.tracker);
  OK(sessio_tracker_close(it.tracker, 10000));
  OK(sessio_request_answer(request, 200, NULL, NULL, 0));
  sessio_tracker_free(it.tracker);
  GIVES(sessio_request_answer(request, 200, NULL, NULL, 0), SESSIO_ERROR_INVALID_ARGUMENT);
  CHECK(body_has(request, "one") && it.told == 0);
  sessio_request_free(request);

  it.told = 1; /* calls nothing any more */
  it.tracker = opened(config);
  request = next(it.tracker);
  closed(it.tracker);
  sessio_request_free(request);

  it.tracker = opened(config);
  request = next(it.tracker);
  CHECK(body_has(request, "one"));
  answer(request, 200, NULL);
  CHECK(stats_of(it.tracker).delivered == 1 && it.told == 2);
  closed(it.tracker);
  sessio_config_free(config);
}

static void one_that_delivers_by_itself_is_not_asked(void) {
  sessio_config *config = sessio_config_new();
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  sessio_request *request = NULL;
  uint64_t wait_ms = 4711;
  SAYS(sessio_tracker_next_request(tracker, &request, &wait_ms), SESSIO_ERROR_INVALID_ARGUMENT, "by itself");
  CHECK(request == NULL && wait_ms == 4711);
  closed(tracker);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  the_loop_of_a_host();
  what_is_freed_without_an_outcome_is_given_again();
  a_wait_is_told_and_kept();
  an_observer_may_call_the_tracker();
  an_observer_may_free_the_tracker();
  another_thread_may_answer();
  what_comes_after_close_comes_to_nothing(argv[1]);
  one_that_delivers_by_itself_is_not_asked();
  return 0;
}
