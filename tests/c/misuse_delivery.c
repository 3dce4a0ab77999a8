/* What a careless host may do with requests and what goes with them: everything gives a status, and nothing is hurt. */
#include "delivery.h"

#include <sys/wait.h>
#include <unistd.h>

#define REFUSED(call) GIVES(call, SESSIO_ERROR_INVALID_ARGUMENT)

static void null_everywhere(void) {
  sessio_config *config = sessio_config_new();
  REFUSED(sessio_config_set_transport(config, NULL));
  REFUSED(sessio_config_set_delivery_observer(config, NULL));
  REFUSED(sessio_config_set_manual_delivery(NULL, true));
  OK(sessio_config_set_manual_delivery(config, true));
  add_collector(config);
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  sessio_request *request = NULL;
  uint64_t wait_ms = 4711;
  SAYS(sessio_tracker_next_request(tracker, NULL, &wait_ms), SESSIO_ERROR_INVALID_ARGUMENT, "out");
  SAYS(sessio_tracker_next_request(tracker, &request, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "wait_ms_out");
  SAYS(sessio_tracker_delivery_stats(tracker, NULL, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "give");
  CHECK(request == NULL && wait_ms == 4711);
  closed(tracker);

  size_t length = 4711;
  CHECK(sessio_request_method(NULL) == NULL && sessio_request_url(NULL) == NULL);
  CHECK(sessio_request_header_count(NULL) == 0);
  CHECK(sessio_request_header_name(NULL, 0) == NULL && sessio_request_header_value(NULL, 0) == NULL);
  CHECK(sessio_request_body(NULL, &length) == NULL && length == 4711);
  CHECK(!sessio_request_is_cancelled(NULL));
  SAYS(sessio_request_answer(NULL, 200, NULL, NULL, 0), SESSIO_ERROR_INVALID_ARGUMENT, "the request");
  REFUSED(sessio_request_fail(NULL, "why"));
  REFUSED(sessio_request_on_cancel(NULL, NULL));
  sessio_request_free(NULL);
}

/* A request in either seam: by hand, or of a transport that keeps it. */
static sessio_request *request_of(host *host, sessio_tracker **tracker, bool manual) {
  const sessio_transport transport = host_transport(host);
  sessio_config *config = sessio_config_new();
  add_collector(config);
  OK(sessio_config_set_transport(config, &transport));
  OK(sessio_config_set_manual_delivery(config, manual));
  *tracker = opened(config);
  sessio_config_free(config);
  track_feature(*tracker, "a");
  if (!manual) return host_kept(host);
  sessio_request *request = NULL;
  uint64_t wait_ms;
  OK(sessio_tracker_next_request(*tracker, &request, &wait_ms));
  CHECK(request != NULL);
  return request;
}

static void bad_outcomes_and_a_second_one(bool manual) {
  host it = HOST(KEEPS, 200);
  sessio_tracker *tracker;
  sessio_request *request = request_of(&it, &tracker, manual);
  SAYS(sessio_request_answer(request, 0, NULL, NULL, 0), SESSIO_ERROR_INVALID_ARGUMENT, "status");
  REFUSED(sessio_request_answer(request, 99, NULL, NULL, 0));
  REFUSED(sessio_request_answer(request, 1000, NULL, NULL, 0));
  SAYS(sessio_request_answer(request, 200, NULL, NULL, 1), SESSIO_ERROR_INVALID_ARGUMENT, "body");
  SAYS(sessio_request_fail(request, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "reason");
  GIVES(sessio_request_fail(request, "\xff"), SESSIO_ERROR_INVALID_UTF8);
  CHECK(sessio_request_body(request, NULL) == NULL);
  CHECK(sessio_request_header_name(request, SIZE_MAX) == NULL);
  CHECK(sessio_request_header_value(request, SIZE_MAX) == NULL);

  OK(sessio_request_answer(request, 200, "nonsense", NULL, 0));
  SAYS(sessio_request_answer(request, 200, NULL, NULL, 0), SESSIO_ERROR_INVALID_ARGUMENT, "outcome already");
  SAYS(sessio_request_fail(request, "again"), SESSIO_ERROR_INVALID_ARGUMENT, "outcome already");
  CHECK(!sessio_request_is_cancelled(request) && strcmp(sessio_request_url(request), COLLECTOR) == 0);
  sessio_request_free(request);
  OK(sessio_tracker_flush(tracker, 10000));
  CHECK(stats_of(tracker).delivered == 1);
  closed(tracker);
}

static void cancellations_are_released_once(bool manual) {
  host it = HOST(KEEPS, 200);
  sessio_tracker *tracker;
  sessio_request *request = request_of(&it, &tracker, manual);
  const int replaced = manual ? 0 : 1; /* that of the transport */
  sessio_cancellation cancellation = host_cancellation(&it);
  REFUSED(sessio_request_on_cancel(request, NULL));
  const size_t wrong[] = {0, 1, sizeof cancellation - 1, 65537, SIZE_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    cancellation.struct_size = wrong[i];
    SAYS(sessio_request_on_cancel(request, &cancellation), SESSIO_ERROR_INVALID_ARGUMENT, "struct_size");
  }
  CHECK(host_count(&it, &it.cancels_released) == 0); /* what is in such a struct cannot be known */
  cancellation = host_cancellation(&it);
  REFUSED(sessio_request_on_cancel(NULL, &cancellation));
  CHECK(host_count(&it, &it.cancels_released) == 1);
  cancellation.cancel = NULL;
  SAYS(sessio_request_on_cancel(request, &cancellation), SESSIO_ERROR_INVALID_ARGUMENT, "cancel");
  CHECK(host_count(&it, &it.cancels_released) == 2);
  cancellation = host_cancellation(&it);
  OK(sessio_request_on_cancel(request, &cancellation));
  OK(sessio_request_fail(request, "a\nline"));
  CHECK(host_count(&it, &it.cancels_released) == 3 + replaced);
  SAYS(sessio_request_on_cancel(request, &cancellation), SESSIO_ERROR_INVALID_ARGUMENT, "outcome already");
  CHECK(host_count(&it, &it.cancels_released) == 4 + replaced && it.cancels == 0);
  sessio_request_free(request);
  sessio_tracker_free(tracker);
}

static void structs_of_a_wrong_size(void) {
  sessio_config *config = sessio_config_new();
  sessio_transport transport;
  sessio_delivery_observer observer;
  memset(&transport, 0xaa, sizeof transport), memset(&observer, 0xaa, sizeof observer);
  const size_t wrong[] = {0, 1, sizeof(size_t), 65537, SIZE_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    transport.struct_size = observer.struct_size = wrong[i];
    SAYS(sessio_config_set_transport(config, &transport), SESSIO_ERROR_INVALID_ARGUMENT, "struct_size");
    SAYS(sessio_config_set_delivery_observer(config, &observer), SESSIO_ERROR_INVALID_ARGUMENT, "struct_size");
  }
  sessio_config_free(config);
}

/* A host that was compiled with an older header. */
static void stats_of_an_older_edition(void) {
  sessio_config *config = sessio_config_new();
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  sessio_stats old;
  memset(&old, 0xaa, sizeof old);
  old.struct_size = offsetof(sessio_stats, dropped_refused);
  OK(sessio_tracker_stats(tracker, &old));
  CHECK(!old.survives_kill && old.dropped_refused == 0xaaaaaaaaaaaaaaaa && old.dropped_unsendable == 0xaaaaaaaaaaaaaaaa);
  closed(tracker);
}

/* Many threads end one request, and read it meanwhile: one of them is the first. */
typedef struct race {
  host *host;
  sessio_request *request;
  int firsts;
} race;

static void *ends_it(void *user_data) {
  race *it = (race *)user_data;
  CHECK(strcmp(sessio_request_method(it->request), "POST") == 0);
  (void)sessio_request_is_cancelled(it->request);
  const sessio_status status = sessio_request_answer(it->request, 200, NULL, "{}", 2);
  CHECK(status == SESSIO_OK || status == SESSIO_ERROR_INVALID_ARGUMENT);
  if (status == SESSIO_OK) host_add(it->host, &it->firsts);
  return NULL;
}

static void only_one_of_many_threads_answers(bool manual) {
  host it = HOST(KEEPS, 200);
  sessio_tracker *tracker;
  race race = {&it, request_of(&it, &tracker, manual), 0};
  pthread_t threads[8];
  for (int i = 0; i < 8; i++) CHECK(pthread_create(&threads[i], NULL, ends_it, &race) == 0);
  for (int i = 0; i < 8; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  CHECK(race.firsts == 1);
  OK(sessio_tracker_flush(tracker, 10000));
  sessio_request_free(race.request);
  CHECK(stats_of(tracker).delivered == 1);
  closed(tracker);
}

static void a_forked_child_has_no_part_in_it(bool manual) {
  host it = HOST(KEEPS, 200);
  sessio_tracker *tracker;
  sessio_request *request = request_of(&it, &tracker, manual);
  const pid_t child = fork();
  if (child == 0) {
    const sessio_cancellation cancellation = host_cancellation(&it);
    GIVES(sessio_request_answer(request, 200, NULL, NULL, 0), SESSIO_ERROR_FORKED);
    GIVES(sessio_request_fail(request, "why"), SESSIO_ERROR_FORKED);
    GIVES(sessio_request_on_cancel(request, &cancellation), SESSIO_ERROR_FORKED);
    CHECK(strcmp(sessio_request_url(request), COLLECTOR) == 0 && !sessio_request_is_cancelled(request));
    sessio_request_free(request);
    sessio_tracker_free(tracker);
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  OK(sessio_request_answer(request, 200, NULL, NULL, 0));
  sessio_request_free(request);
  OK(sessio_tracker_flush(tracker, 10000));
  CHECK(stats_of(tracker).delivered == 1);
  closed(tracker);
}

int main(int argc, char **argv) {
  CHECK(argc == 2 && argv[1] != NULL);
  null_everywhere();
  for (int manual = 0; manual <= 1; manual++) {
    bad_outcomes_and_a_second_one(manual == 1);
    cancellations_are_released_once(manual == 1);
    only_one_of_many_threads_answers(manual == 1);
    a_forked_child_has_no_part_in_it(manual == 1);
  }
  structs_of_a_wrong_size();
  stats_of_an_older_edition();
  return 0;
}
