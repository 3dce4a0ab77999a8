/* A transport of the host's: it answers now or later, fails, lets go, or never answers; in the end each event has left once. */
#include "delivery.h"

static const char *header_of(const sessio_request *request, const char *name) {
  const size_t count = sessio_request_header_count(request);
  CHECK(sessio_request_header_name(request, count) == NULL && sessio_request_header_value(request, count) == NULL);
  for (size_t i = 0; i < count; i++)
    if (strcmp(sessio_request_header_name(request, i), name) == 0) return sessio_request_header_value(request, i);
  return NULL;
}

/* Looks at the whole request, and answers it. */
static void look_and_answer(void *user_data, sessio_request *request) {
  CHECK(strcmp(sessio_request_method(request), "POST") == 0);
  CHECK(strcmp(sessio_request_url(request), COLLECTOR) == 0);
  CHECK(strcmp(header_of(request, "Content-Type"), "application/json") == 0);
  CHECK(strcmp(header_of(request, "Authorization"), "Bearer KEY") == 0);
  CHECK(header_of(request, "Content-Encoding") == NULL && header_of(request, "Content-Length") == NULL);
  CHECK(!sessio_request_is_cancelled(request));
  size_t length = 0;
  const char *body = (const char *)sessio_request_body(request, &length);
  CHECK(length > 2 && body[0] == '{' && body[length - 1] == '}');
  host_send(user_data, request);
}

static void a_request_says_what_to_send(void) {
  host it = HOST(ANSWERS, 200);
  sessio_transport transport = host_transport(&it);
  transport.send = look_and_answer;
  sessio_config *config = sessio_config_new();
  add_collector(config);
  OK(sessio_config_set_destination_option(config, "otlp", "header.Authorization", "Bearer KEY"));
  OK(sessio_config_set_transport(config, &transport));
  sessio_tracker *tracker = opened(config);
  track_feature(tracker, "the-feature");
  OK(sessio_tracker_flush(tracker, 10000));
  CHECK(strstr(it.body, "the-feature") != NULL && strstr(it.body, session_of(tracker).id) != NULL);
  closed(tracker);
  CHECK(it.released == 0);
  sessio_config_free(config);
  CHECK(it.released == 1);
}

/* A GET has no body, and a pointer to it all the same. */
static void look_at_a_get(void *user_data, sessio_request *request) {
  size_t length = 1;
  CHECK(strcmp(sessio_request_method(request), "GET") == 0);
  CHECK(strstr(sessio_request_url(request), "http://collector.example/i?") == sessio_request_url(request));
  CHECK(sessio_request_body(request, &length) != NULL && length == 0);
  host_send(user_data, request);
}

static void a_get_has_no_body(void) {
  host it = HOST(ANSWERS, 200);
  sessio_transport transport = host_transport(&it);
  transport.send = look_at_a_get;
  sessio_config *config = sessio_config_new();
  OK(sessio_config_add_snowplow(config, "http://collector.example"));
  OK(sessio_config_set_destination_option(config, "snowplow", "method", "get"));
  OK(sessio_config_set_transport(config, &transport));
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  track_feature(tracker, "a");
  track_feature(tracker, "b");
  OK(sessio_tracker_flush(tracker, 10000));
  CHECK(stats_of(tracker).delivered == 2 && host_count(&it, &it.sends) == 2);
  closed(tracker);
}

static void it_may_answer_now_or_later(manner manner) {
  host it = HOST(manner, 202);
  sessio_tracker *tracker = delivering(&it, NULL);
  for (uint64_t round = 1; round <= 5; round++) {
    track_feature(tracker, "a");
    track_feature(tracker, "b");
    OK(sessio_tracker_flush(tracker, 10000));
    CHECK(stats_of(tracker).delivered == 2 * round && stats_of(tracker).stored == 0);
  }
  const all_delivery_stats all = delivery_stats_of(tracker);
  CHECK(all.count == 1 && strcmp(all.names[0], "otlp") == 0);
  CHECK(all.of[0].delivered == 11 && all.of[0].refused == 0); /* ten events, and the start of the session */
  closed(tracker);
  CHECK(host_count(&it, &it.released) == 1 && host_count(&it, &it.sends) >= 5);
}

/* What has failed is owed, and goes out when the backoff is over. */
static void what_has_failed_is_sent_again(manner manner, uint16_t status) {
  host it = HOST(manner, status);
  manual_clock clock = manual_new();
  sessio_tracker *tracker = delivering(&it, &clock);
  track_feature(tracker, "a");
  host_wait(&it, &it.sends, 1);
  SAYS(sessio_tracker_flush(tracker, 50), SESSIO_ERROR_TIMEOUT, "delivered");
  CHECK(stats_of(tracker).stored == 1 && stats_of(tracker).delivered == 0);
  host_does(&it, ANSWERS, 200);
  manual_advance(&clock, 600000);
  OK(sessio_tracker_flush(tracker, 10000));
  CHECK(stats_of(tracker).stored == 0 && stats_of(tracker).delivered == 1);
  closed(tracker);
  CHECK(it.released == 1);
}

static void what_is_refused_is_dropped(void) {
  host it = HOST(ANSWERS, 400);
  sessio_tracker *tracker = delivering(&it, NULL);
  track_feature(tracker, "a");
  OK(sessio_tracker_flush(tracker, 10000));
  const sessio_stats stats = stats_of(tracker);
  CHECK(stats.dropped == 1 && stats.dropped_refused == 1 && stats.dropped_oversize == 0 && stats.dropped_unsendable == 0);
  CHECK(delivery_stats_of(tracker).of[0].refused == 2);
  closed(tracker);
}

/* One who never answers holds up a close no longer than its timeout, and is told. */
static void close_cancels(manner manner) {
  host it = HOST(manner, 200);
  sessio_tracker *tracker = delivering(&it, NULL);
  track_feature(tracker, "a");
  host_wait(&it, manner == KEEPS ? &it.keeps : &it.sends, 1);
  CHECK(host_count(&it, &it.cancels) == 0);
  OK(sessio_tracker_close(tracker, 200)); /* everything is stored */
  CHECK(host_count(&it, &it.cancels) == 1 && host_count(&it, &it.cancels_released) == 1);
  sessio_tracker_free(tracker);
  host_wait(&it, &it.released, 1);
  if (manner == BLOCKS) return;
  const sessio_cancellation late = host_cancellation(&it);
  CHECK(sessio_request_is_cancelled(it.kept));
  OK(sessio_request_on_cancel(it.kept, &late)); /* at once */
  CHECK(it.cancels == 2 && it.cancels_released == 2);
  OK(sessio_request_answer(it.kept, 200, NULL, NULL, 0)); /* comes to nothing */
  CHECK(strcmp(sessio_request_url(it.kept), COLLECTOR) == 0); /* ours to read until it is freed */
  GIVES(sessio_request_on_cancel(it.kept, &late), SESSIO_ERROR_INVALID_ARGUMENT);
  CHECK(it.cancels == 2 && it.cancels_released == 3 && it.released == 1);
  sessio_request_free(it.kept);
}

/* A request has only so much time. */
static void a_request_that_takes_too_long_is_cancelled(void) {
  host it = HOST(KEEPS, 200);
  const sessio_transport transport = host_transport(&it);
  manual_clock clock = manual_new();
  sessio_config *config = sessio_config_new();
  manual_set(config, &clock);
  add_collector(config);
  OK(sessio_config_set_transport(config, &transport));
  OK(sessio_config_set_request_timeout_ms(config, 30));
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  track_feature(tracker, "a");
  host_wait(&it, &it.cancels, 1);
  CHECK(sessio_request_is_cancelled(it.kept));
  sessio_request_free(it.kept);
  GIVES(sessio_tracker_flush(tracker, 20), SESSIO_ERROR_TIMEOUT);
  host_does(&it, ANSWERS, 200);
  manual_advance(&clock, 600000);
  OK(sessio_tracker_flush(tracker, 10000));
  CHECK(stats_of(tracker).delivered == 1 && it.cancels == 1 && it.cancels_released == 1);
  closed(tracker);
}

/* A cancellation is released by the outcome, by being replaced, and by freeing. */
static void an_answer_releases_the_cancellation(void) {
  host it = HOST(KEEPS, 200);
  sessio_tracker *tracker = delivering(&it, NULL);
  const sessio_cancellation other = host_cancellation(&it);
  track_feature(tracker, "a");
  OK(sessio_request_on_cancel(host_kept(&it), &other));
  CHECK(host_count(&it, &it.cancels_released) == 1);
  OK(sessio_request_answer(it.kept, 200, NULL, NULL, 0));
  CHECK(host_count(&it, &it.cancels_released) == 2);
  sessio_request_free(it.kept);
  OK(sessio_tracker_flush(tracker, 10000));
  closed(tracker);
  CHECK(it.cancels == 0 && it.cancels_released == 2);
}

/* On the sender's own thread nothing waits for it. */
static sessio_tracker *inside;

static void send_from_inside(void *user_data, sessio_request *request) {
  if (host_count((host *)user_data, &((host *)user_data)->sends) == 0) {
    track_feature(inside, "from inside");
    OK(sessio_tracker_flush(inside, 60000));
    OK(sessio_tracker_poll(inside));
    CHECK(session_of(inside).event_index == 2 && stats_of(inside).stored == 2);
    CHECK(delivery_stats_of(inside).count == 1);
  }
  host_send(user_data, request);
}

/* It may close its tracker and free it, even so. */
static void send_and_free(void *user_data, sessio_request *request) {
  OK(sessio_tracker_close(inside, 60000));
  sessio_tracker_free(inside);
  host_send(user_data, request);
}

static void it_may_call_the_tracker(void) {
  for (int frees = 0; frees <= 1; frees++) {
    host it = HOST(ANSWERS, 200);
    sessio_transport transport = host_transport(&it);
    transport.send = frees ? send_and_free : send_from_inside;
    sessio_config *config = sessio_config_new();
    add_collector(config);
    OK(sessio_config_set_transport(config, &transport));
    inside = opened(config);
    sessio_config_free(config);
    sessio_event *event = sessio_event_feature("a");
    OK(sessio_tracker_track(inside, event, NULL));
    sessio_event_free(event);
    if (frees == 0) {
      OK(sessio_tracker_flush(inside, 10000));
      closed(inside);
    }
    host_wait(&it, &it.released, 1);
    CHECK(it.sends >= 1);
  }
}

static void two_destinations_share_it(const char *folder) {
  host it = HOST(ANSWERS, 200);
  const sessio_transport transport = host_transport(&it);
  sessio_config *config = config_at(folder, "two.db");
  add_collector(config);
  OK(sessio_config_set_destination_option(config, "otlp", "name", "first"));
  add_collector(config);
  OK(sessio_config_set_transport(config, &transport));
  for (uint64_t start = 1; start <= 2; start++) {
    sessio_tracker *tracker = opened(config);
    track_feature(tracker, "a");
    OK(sessio_tracker_flush(tracker, 10000));
    const all_delivery_stats all = delivery_stats_of(tracker);
    CHECK(all.count == 2 && strcmp(all.names[0], "first") == 0 && strcmp(all.names[1], "otlp") == 0);
    CHECK(all.of[0].delivered == all.of[1].delivered && all.of[0].delivered == start + 1);
    CHECK(stats_of(tracker).delivered == start);
    closed(tracker);
  }
  sessio_config_free(config);
  CHECK(it.released == 1);
}

static void it_is_released_once_whatever_becomes_of_it(void) {
  host it = HOST(ANSWERS, 200);
  sessio_transport transport = host_transport(&it);
  GIVES(sessio_config_set_transport(NULL, &transport), SESSIO_ERROR_INVALID_ARGUMENT);
  CHECK(it.released == 1);
  sessio_config *config = sessio_config_new();
  transport.send = NULL;
  SAYS(sessio_config_set_transport(config, &transport), SESSIO_ERROR_INVALID_ARGUMENT, "send");
  CHECK(it.released == 2);
  transport = host_transport(&it);
  OK(sessio_config_set_transport(config, &transport));
  OK(sessio_config_set_transport(config, &transport)); /* takes the place of the one before */
  CHECK(it.released == 3);
  closed(opened(config)); /* nothing to deliver to */
  CHECK(it.released == 3);
  sessio_config_free(config);
  CHECK(it.released == 4);
  config = sessio_config_new();
  transport.release = NULL;
  OK(sessio_config_set_transport(config, &transport));
  sessio_config_free(config);
  CHECK(it.released == 4 && it.sends == 0);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  a_request_says_what_to_send();
  a_get_has_no_body();
  it_may_answer_now_or_later(ANSWERS);
  it_may_answer_now_or_later(ANSWERS_LATER);
  what_has_failed_is_sent_again(FAILS, 0);
  what_has_failed_is_sent_again(LETS_GO, 0);
  what_has_failed_is_sent_again(ANSWERS, 503);
  what_is_refused_is_dropped();
  close_cancels(KEEPS);
  close_cancels(BLOCKS);
  a_request_that_takes_too_long_is_cancelled();
  an_answer_releases_the_cancellation();
  it_may_call_the_tracker();
  two_destinations_share_it(argv[1]);
  it_is_released_once_whatever_becomes_of_it();
  return 0;
}
