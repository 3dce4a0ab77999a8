/* Four threads track, read and switch at the same time; another one closes. */
#include "check.h"

enum { THREADS = 4, EVENTS = 2000 };

typedef struct work {
  sessio_tracker *tracker;
  unsigned number;
  char ids[EVENTS][37];
} work;

static work works[THREADS];

/* Calls that any thread may make at any time. None may fail but for being closed. */
static void look_around(sessio_tracker *tracker, sessio_status otherwise) {
  sessio_session session;
  sessio_stats stats;
  bool in_background;
  session.struct_size = sizeof session;
  stats.struct_size = sizeof stats;
  sessio_status status = sessio_tracker_session(tracker, &session);
  CHECK(status == otherwise || (status == SESSIO_OK && strlen(session.user_id) == 36));
  status = sessio_tracker_stats(tracker, &stats);
  CHECK(status == otherwise || (status == SESSIO_OK && stats.accepted == stats.stored + stats.delivered + stats.dropped));
  status = sessio_tracker_is_background(tracker, &in_background);
  CHECK(status == otherwise || status == SESSIO_OK);
}

/* On a machine that is busy enough storing may take longer than poll waits. */
static void poll_of(sessio_tracker *tracker) {
  const sessio_status status = sessio_tracker_poll(tracker);
  CHECK(status == SESSIO_OK || status == SESSIO_ERROR_TIMEOUT);
}

static void *track_and_read(void *argument) {
  work *mine = (work *)argument;
  sessio_event *event = sessio_event_structured("thread", "work");
  for (int i = 0; i < EVENTS; i++) {
    sessio_status status;
    while ((status = sessio_tracker_track(mine->tracker, event, mine->ids[i])) == SESSIO_ERROR_JOURNAL_FULL) continue;
    OK(status);
    if (i % 16 == 0) look_around(mine->tracker, SESSIO_OK);
    if (i % 100 == 0) OK(sessio_tracker_set_is_background(mine->tracker, i % 200 == 0));
    if (i % 300 == 0) poll_of(mine->tracker);
    if (i % 500 == 0) history_of(mine->tracker);
    if (mine->number == 0 && i == EVENTS / 2) OK(sessio_tracker_start_session(mine->tracker));
  }
  sessio_event_free(event);
  return NULL;
}

static int compare(const void *a, const void *b) { return memcmp(a, b, 37); }

static void ids_are_unique(void) {
  static char all[THREADS * EVENTS][37];
  for (int i = 0; i < THREADS; i++) memcpy(all[i * EVENTS], works[i].ids, sizeof works[i].ids);
  qsort(all, THREADS * EVENTS, sizeof all[0], compare);
  for (int i = 1; i < THREADS * EVENTS; i++) CHECK(strlen(all[i]) == 36 && strcmp(all[i - 1], all[i]) != 0);
}

static void work_at_the_same_time(const char *folder) {
  pthread_t threads[THREADS];
  sessio_config *config = config_at(folder, "app.db");
  OK(sessio_config_set_full_wait_ms(config, 1000));
  sessio_tracker *tracker = opened(config);
  for (unsigned i = 0; i < THREADS; i++) {
    works[i].tracker = tracker;
    works[i].number = i;
    CHECK(pthread_create(&threads[i], NULL, track_and_read, &works[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  ids_are_unique();
  CHECK(stats_of(tracker).accepted == THREADS * EVENTS);
  const history past = history_of(tracker);
  CHECK(past.count == 1 && past.sessions[0].end_reason == SESSIO_END_REPLACED);
  CHECK(past.sessions[0].event_index + session_of(tracker).event_index == THREADS * EVENTS); /* no gap, no repeat */
  closed(tracker);
  tracker = opened(config);
  CHECK(stats_of(tracker).stored == THREADS * EVENTS);
  closed(tracker);
  sessio_config_free(config);
}

static uint64_t tracked[THREADS];

static void *until_closed(void *argument) {
  const work *mine = (const work *)argument;
  sessio_event *event = sessio_event_feature("until closed");
  sessio_status status;
  while ((status = sessio_tracker_track(mine->tracker, event, NULL)) != SESSIO_ERROR_CLOSED) {
    CHECK(status == SESSIO_OK || status == SESSIO_ERROR_JOURNAL_FULL);
    if (status == SESSIO_OK) tracked[mine->number]++;
    look_around(mine->tracker, SESSIO_ERROR_CLOSED);
  }
  GIVES(sessio_tracker_poll(mine->tracker), SESSIO_ERROR_CLOSED);
  sessio_event_free(event);
  return NULL;
}

static void *close_it(void *tracker) {
  OK(sessio_tracker_close((sessio_tracker *)tracker, 60000));
  return NULL;
}

/* What was acknowledged before is stored, though the close came in between. */
static void closed_by_another_thread(const char *folder) {
  pthread_t threads[THREADS], closer;
  sessio_config *config = config_at(folder, "close.db");
  OK(sessio_config_set_queue_limits(config, UINT64_MAX, UINT64_MAX, UINT64_MAX)); /* nobody knows how many it will be */
  sessio_tracker *tracker = opened(config);
  for (unsigned i = 0; i < THREADS; i++) {
    works[i].tracker = tracker;
    CHECK(pthread_create(&threads[i], NULL, until_closed, &works[i]) == 0);
  }
  while (stats_of(tracker).accepted < 500) poll_of(tracker);
  CHECK(pthread_create(&closer, NULL, close_it, tracker) == 0);
  CHECK(pthread_join(closer, NULL) == 0);
  uint64_t sum = 0;
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
    sum += tracked[i];
  }
  sessio_tracker_free(tracker);
  tracker = opened(config);
  CHECK(stats_of(tracker).accepted == sum && stats_of(tracker).dropped == 0);
  closed(tracker);
  sessio_config_free(config);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  work_at_the_same_time(argv[1]);
  closed_by_another_thread(argv[1]);
  return 0;
}
