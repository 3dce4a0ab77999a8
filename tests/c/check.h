/* Checks of the C programs: silent when they hold; otherwise they say where, what, and what the library knows, and end the program. */
#ifndef CHECK_H
#define CHECK_H

#include "sessio.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(expression) ((expression) ? (void)0 : check_failed(__FILE__, __LINE__, #expression))

/* That a call gives a status. The call stands first, as it is what one looks for. */
#define GIVES(call, expected) check_status(__FILE__, __LINE__, #call, (call), (expected))
#define OK(call) GIVES(call, SESSIO_OK)

/* That a call is refused with a status and leaves the details behind. */
#define SAYS(call, expected, word) (GIVES(call, expected), check_last_error(__FILE__, __LINE__, #call, (word)))

static inline void check_failed(const char *file, int line, const char *expression) {
  char details[512];
  sessio_last_error(details, sizeof details);
  fprintf(stderr, "%s:%d: %s\n  last error: %s\n", file, line, expression, details);
  /* Not exit: a failed check in a forked child or a thread must not run what the program registered for its end. */
  fflush(stderr);
  _Exit(1);
}

static inline void check_status(const char *file, int line, const char *call, sessio_status status, sessio_status expected) {
  if (status == expected) return;
  fprintf(stderr, "gave %u (%s), expected %u (%s)\n", (unsigned)status, sessio_status_text(status), (unsigned)expected,
          sessio_status_text(expected));
  check_failed(file, line, call);
}

static inline void check_last_error(const char *file, int line, const char *call, const char *word) {
  char details[512];
  sessio_last_error(details, sizeof details);
  if (strstr(details, word) != NULL) return;
  fprintf(stderr, "the last error does not say \"%s\"\n", word);
  check_failed(file, line, call);
}

/* A path in the program's own folder. The text lives until the next call but three. */
static inline const char *in_folder(const char *folder, const char *name) {
  static char paths[4][1024];
  static unsigned next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

/* Whether a file holds a text. In C there is no other way to look at what was stored. */
static inline bool file_holds(const char *path, const char *text) {
  const size_t length = strlen(text), size = 16u * 1024 * 1024;
  char *bytes = (char *)malloc(size);
  FILE *file = fopen(path, "rb");
  CHECK(bytes != NULL && file != NULL);
  const size_t have = fread(bytes, 1, size, file);
  CHECK(have < size);
  bool found = false;
  for (size_t i = 0; !found && i + length <= have; i++) found = memcmp(bytes + i, text, length) == 0;
  fclose(file);
  free(bytes);
  return found;
}

/* A clock that stands still until it is moved. The library's worker reads it, too, so all of them share a lock. */
typedef struct manual_clock {
  int64_t wall;
  uint64_t elapsed;
  uint64_t boot_id;
  int released;
} manual_clock;

static pthread_mutex_t manual_lock = PTHREAD_MUTEX_INITIALIZER;

static inline int64_t manual_wall(void *user_data) {
  pthread_mutex_lock(&manual_lock);
  const int64_t wall = ((manual_clock *)user_data)->wall;
  pthread_mutex_unlock(&manual_lock);
  return wall;
}

static inline uint64_t manual_elapsed(void *user_data) {
  pthread_mutex_lock(&manual_lock);
  const uint64_t elapsed = ((manual_clock *)user_data)->elapsed;
  pthread_mutex_unlock(&manual_lock);
  return elapsed;
}

static inline void manual_release(void *user_data) { ((manual_clock *)user_data)->released++; }

static inline manual_clock manual_new(void) {
  manual_clock clock = {1700000000000, 1000000, 1, 0};
  return clock;
}

static inline void manual_to(manual_clock *clock, int64_t wall, uint64_t elapsed) {
  pthread_mutex_lock(&manual_lock);
  clock->wall = wall;
  clock->elapsed = elapsed;
  pthread_mutex_unlock(&manual_lock);
}

static inline void manual_advance(manual_clock *clock, uint64_t ms) {
  manual_to(clock, clock->wall + (int64_t)ms, clock->elapsed + ms);
}

static inline void manual_set(sessio_config *config, manual_clock *clock) {
  sessio_clock host = {sizeof host, clock, manual_wall, manual_elapsed, manual_release, clock->boot_id};
  OK(sessio_config_set_clock(config, &host));
}

static inline sessio_config *config_at(const char *folder, const char *file) {
  sessio_config *config = sessio_config_new();
  CHECK(config != NULL);
  OK(sessio_config_set_path(config, in_folder(folder, file)));
  return config;
}

static inline sessio_tracker *opened(const sessio_config *config) {
  sessio_tracker *tracker = NULL;
  OK(sessio_tracker_open(config, &tracker));
  CHECK(tracker != NULL);
  return tracker;
}

static inline void closed(sessio_tracker *tracker) {
  OK(sessio_tracker_close(tracker, 10000));
  sessio_tracker_free(tracker);
}

static inline void track_feature(sessio_tracker *tracker, const char *name) {
  sessio_event *event = sessio_event_feature(name);
  CHECK(event != NULL);
  OK(sessio_tracker_track(tracker, event, NULL));
  sessio_event_free(event);
}

static inline sessio_session session_of(sessio_tracker *tracker) {
  sessio_session session;
  memset(&session, 0xaa, sizeof session);
  session.struct_size = sizeof session;
  OK(sessio_tracker_session(tracker, &session));
  return session;
}

static inline sessio_stats stats_of(sessio_tracker *tracker) {
  sessio_stats stats;
  memset(&stats, 0xaa, sizeof stats);
  stats.struct_size = sizeof stats;
  OK(sessio_tracker_stats(tracker, &stats));
  CHECK(stats.accepted == stats.stored + stats.delivered + stats.dropped);
  return stats;
}

/* The history, copied out of the callback. */
typedef struct history {
  sessio_session sessions[16];
  uint32_t count;
} history;

static inline void history_give(void *context, const sessio_session *session) {
  history *all = (history *)context;
  CHECK(session->struct_size == sizeof *session);
  CHECK(all->count < 16);
  all->sessions[all->count++] = *session;
}

static inline history history_of(sessio_tracker *tracker) {
  history all;
  all.count = 0;
  OK(sessio_tracker_history(tracker, 16, history_give, &all));
  return all;
}

#endif
