/* Every call on a tracker, with arguments that are right: for trackers that can take none. */
#ifndef EVERY_CALL_H
#define EVERY_CALL_H

#include "check.h"

static inline void never_given(void *context, const sessio_session *session) {
  (void)context, (void)session;
  CHECK(!"called");
}

static inline void no_user(void *context, const char *id, const char *name, const char *email) {
  (void)context, (void)id, (void)name, (void)email;
  CHECK(!"called");
}

static inline void no_stats(void *context, const sessio_delivery_stats *stats) {
  (void)context, (void)stats;
  CHECK(!"called");
}

static inline void no_header(void *context, const char *name, const char *value) {
  (void)context, (void)name, (void)value;
  CHECK(!"called");
}

static inline void no_value(void *context, const char *value) {
  (void)context, (void)value;
  CHECK(!"called");
}

static inline bool never_asked(void *user_data, const sessio_session *session, sessio_session_start *start) {
  (void)user_data, (void)session, (void)start;
  CHECK(!"called");
  return true;
}

static inline void never_told(void *user_data, uint32_t change, uint32_t cause, const sessio_session *session) {
  (void)user_data, (void)change, (void)cause, (void)session;
  CHECK(!"called");
}

static inline bool never_shown(void *user_data, sessio_event *event) {
  (void)user_data, (void)event;
  CHECK(!"called");
  return true;
}

/* All but free and mark_crashed, which have no status, give `expected` and write nothing. */
static inline void every_call_gives(sessio_tracker *tracker, sessio_status expected) {
  static const char untouched[37] = "untouched";
  char event_id[37];
  bool flag = true;
  uint32_t number = 4711;
  sessio_request *request = NULL;
  uint64_t wait_ms = 4711;
  sessio_scope *scope = NULL;
  sessio_session session;
  sessio_stats stats;
  memcpy(event_id, untouched, sizeof event_id);
  memset(&session, 0xaa, sizeof session);
  memset(&stats, 0xaa, sizeof stats);
  session.struct_size = sizeof session;
  stats.struct_size = sizeof stats;
  const sessio_session session_before = session;
  const sessio_stats stats_before = stats;
  sessio_event *event = sessio_event_feature("f");

  GIVES(sessio_tracker_track(tracker, event, event_id), expected);
  GIVES(sessio_tracker_track(tracker, event, NULL), expected);
  GIVES(sessio_tracker_track_in_session(tracker, event, "id", event_id), expected);
  GIVES(sessio_tracker_set_global_context(tracker, "s", "{}"), expected);
  GIVES(sessio_tracker_remove_global_context(tracker, "s"), expected);
  GIVES(sessio_tracker_set_is_background(tracker, true), expected);
  GIVES(sessio_tracker_is_background(tracker, &flag), expected);
  GIVES(sessio_tracker_start_session(tracker), expected);
  GIVES(sessio_tracker_start_session_with_id(tracker, "id"), expected);
  GIVES(sessio_tracker_request_headers(tracker, no_header, NULL), expected);
  GIVES(sessio_tracker_baggage(tracker, "a=1", no_value, NULL), expected);
  GIVES(sessio_tracker_decorate_link(tracker, "https://acme.example", NULL, no_value, NULL), expected);
  GIVES(sessio_tracker_pause_session(tracker), expected);
  GIVES(sessio_tracker_resume_session(tracker, &number), expected);
  GIVES(sessio_tracker_end_session(tracker), expected);
  GIVES(sessio_tracker_set_user(tracker, "id", "name", "email"), expected);
  GIVES(sessio_tracker_user(tracker, no_user, NULL), expected);
  GIVES(sessio_tracker_set_anonymous(tracker, true), expected);
  GIVES(sessio_tracker_set_enabled(tracker, false), expected);
  GIVES(sessio_tracker_session(tracker, &session), expected);
  GIVES(sessio_tracker_history(tracker, 10, never_given, NULL), expected);
  GIVES(sessio_tracker_stats(tracker, &stats), expected);
  GIVES(sessio_tracker_delivery_stats(tracker, no_stats, NULL), expected);
  GIVES(sessio_tracker_next_request(tracker, &request, &wait_ms), expected);
  const sessio_session_start_callback asked = {sizeof asked, NULL, never_asked, NULL};
  const sessio_session_change_callback told = {sizeof told, NULL, never_told, NULL};
  const sessio_event_callback shown = {sizeof shown, NULL, never_shown, NULL};
  GIVES(sessio_tracker_add_session_start_callback(tracker, &asked, &wait_ms), expected);
  GIVES(sessio_tracker_add_session_change_callback(tracker, &told, &wait_ms), expected);
  GIVES(sessio_tracker_add_event_callback(tracker, &shown, &wait_ms), expected);
  GIVES(sessio_tracker_remove_callback(tracker, 1), expected);
  GIVES(sessio_tracker_instance_id(tracker, event_id), expected);
  GIVES(sessio_scope_new(tracker, &scope), expected);
  GIVES(sessio_tracker_flush(tracker, 1000), expected);
  GIVES(sessio_tracker_poll(tracker), expected);
  GIVES(sessio_tracker_erase(tracker), expected);
  GIVES(sessio_tracker_close(tracker, 1000), expected);
  sessio_tracker_mark_crashed(tracker);

  CHECK(memcmp(event_id, untouched, sizeof event_id) == 0 && flag && number == 4711);
  CHECK(request == NULL && scope == NULL && wait_ms == 4711);
  CHECK(memcmp(&session, &session_before, sizeof session) == 0 && memcmp(&stats, &stats_before, sizeof stats) == 0);
  sessio_event_free(event);
}

#endif
