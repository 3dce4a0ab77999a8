/* A session's whole life on a clock that is moved by hand. */
#include "check.h"

#define NIL "00000000-0000-0000-0000-000000000000"
#define MINUTE 60000u

static sessio_tracker *tracker_with(manual_clock *clock, const char *folder, const char *file) {
  sessio_config *config = config_at(folder, file);
  manual_set(config, clock);
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  return tracker;
}

static void nothing_before_the_first_event(sessio_tracker *tracker) {
  const sessio_session none = session_of(tracker);
  CHECK(none.state == SESSIO_SESSION_NONE && none.end_reason == SESSIO_END_NONE && none.index == 0);
  CHECK(strlen(none.user_id) == 36 && strcmp(none.user_id, NIL) != 0);
  CHECK(none.id[0] == '\0' && none.previous_id[0] == '\0' && none.first_event_id[0] == '\0');
  CHECK(none.started_at_ms == 0 && none.first_event_at_ms == 0 && none.last_activity_at_ms == 0 && none.ended_at_ms == 0);
  CHECK(none.foreground_ms == 0 && none.background_ms == 0 && none.paused_ms == 0);
  CHECK(history_of(tracker).count == 0);
}

/* 1 min in foreground, 2 in background, 4 paused, 8 in foreground, end. */
static void a_timeline(sessio_tracker *tracker, manual_clock *clock) {
  char event_id[37];
  const int64_t began = clock->wall;
  sessio_event *event = sessio_event_structured("cart", "add");
  OK(sessio_tracker_track(tracker, event, event_id));
  sessio_session now = session_of(tracker);
  CHECK(now.state == SESSIO_SESSION_ACTIVE && now.index == 1 && now.event_index == 1 && !now.is_background);
  CHECK(strlen(now.id) == 36 && strcmp(now.first_event_id, event_id) == 0);
  CHECK(now.started_at_ms == began && now.first_event_at_ms == began && now.last_activity_at_ms == began);

  manual_advance(clock, 1 * MINUTE);
  OK(sessio_tracker_set_is_background(tracker, true));
  CHECK(session_of(tracker).is_background && session_of(tracker).last_activity_at_ms == began + 1 * (int64_t)MINUTE);
  manual_advance(clock, 2 * MINUTE);
  OK(sessio_tracker_set_is_background(tracker, true)); /* no change, no activity */
  CHECK(session_of(tracker).last_activity_at_ms == began + 1 * (int64_t)MINUTE);
  OK(sessio_tracker_set_is_background(tracker, false));

  OK(sessio_tracker_pause_session(tracker));
  OK(sessio_tracker_pause_session(tracker));
  CHECK(session_of(tracker).state == SESSIO_SESSION_PAUSED);
  OK(sessio_tracker_track(tracker, event, NULL)); /* belongs to no session */
  manual_advance(clock, 4 * MINUTE);
  OK(sessio_tracker_poll(tracker));
  uint32_t resumed = 99;
  OK(sessio_tracker_resume_session(tracker, &resumed));
  CHECK(resumed == SESSIO_RESUME_RESUMED);
  OK(sessio_tracker_resume_session(tracker, &resumed));
  CHECK(resumed == SESSIO_RESUME_ALREADY_ACTIVE);

  manual_advance(clock, 8 * MINUTE);
  OK(sessio_tracker_track(tracker, event, NULL));
  sessio_event_free(event);
  CHECK(session_of(tracker).event_index == 2);
  OK(sessio_tracker_end_session(tracker));
  OK(sessio_tracker_end_session(tracker)); /* nothing left to end */

  now = session_of(tracker);
  CHECK(now.state == SESSIO_SESSION_ENDED && now.end_reason == SESSIO_END_ENDED);
  CHECK(now.foreground_ms == 9 * MINUTE && now.background_ms == 2 * MINUTE && now.paused_ms == 4 * MINUTE);
  CHECK(now.ended_at_ms - now.started_at_ms == 15 * (int64_t)MINUTE);
  const history past = history_of(tracker);
  CHECK(past.count == 1 && past.sessions[0].state == SESSIO_SESSION_ENDED);
  CHECK(strcmp(past.sessions[0].id, now.id) == 0 && past.sessions[0].paused_ms == 4 * MINUTE);
}

static void own_ids(sessio_tracker *tracker) {
  char longest[130];
  memset(longest, 'x', sizeof longest);
  longest[128] = '\0';
  OK(sessio_tracker_start_session_with_id(tracker, "A-z_0.9"));
  CHECK(strcmp(session_of(tracker).id, "A-z_0.9") == 0 && session_of(tracker).event_index == 0);
  CHECK(session_of(tracker).first_event_id[0] == '\0' && session_of(tracker).first_event_at_ms == 0);
  const uint32_t index = session_of(tracker).index;
  OK(sessio_tracker_start_session_with_id(tracker, "A-z_0.9")); /* it is that one */
  CHECK(session_of(tracker).index == index);
  OK(sessio_tracker_start_session_with_id(tracker, longest));
  CHECK(strcmp(session_of(tracker).id, longest) == 0 && strcmp(session_of(tracker).previous_id, "A-z_0.9") == 0);
  OK(sessio_tracker_start_session(tracker));
  CHECK(strcmp(session_of(tracker).previous_id, longest) == 0 && strlen(session_of(tracker).id) == 36);
  const history past = history_of(tracker);
  CHECK(past.count == 3 && past.sessions[0].end_reason == SESSIO_END_REPLACED);
  CHECK(strcmp(past.sessions[0].id, longest) == 0 && strcmp(past.sessions[1].id, "A-z_0.9") == 0); /* newest first */
  OK(sessio_tracker_pause_session(tracker));
  OK(sessio_tracker_start_session(tracker)); /* lifts the pause */
  CHECK(session_of(tracker).state == SESSIO_SESSION_ACTIVE);
}

static void is_anna(void *times, const char *id, const char *name, const char *email) {
  CHECK(strcmp(id, "anna") == 0 && strcmp(name, "Anna") == 0 && email == NULL);
  *(int *)times += 1;
}

static void users(sessio_tracker *tracker) {
  const uint32_t index = session_of(tracker).index;
  int times = 0;
  OK(sessio_tracker_user(tracker, is_anna, &times)); /* no one yet: not called */
  CHECK(times == 0);
  OK(sessio_tracker_set_user(tracker, "anna", "Anna", NULL));
  OK(sessio_tracker_user(tracker, is_anna, &times));
  CHECK(times == 1);
  GIVES(sessio_tracker_user(tracker, NULL, NULL), SESSIO_ERROR_INVALID_ARGUMENT);
  OK(sessio_tracker_set_user(tracker, "anna", "Anna", "anna@example.com"));
  OK(sessio_tracker_set_user(tracker, "anna", NULL, NULL)); /* the same one */
  CHECK(session_of(tracker).index == index && session_of(tracker).state == SESSIO_SESSION_ACTIVE);
  OK(sessio_tracker_set_user(tracker, "b\xc3\xa4rbel", NULL, NULL));
  CHECK(session_of(tracker).end_reason == SESSIO_END_USER_CHANGED);
  track_feature(tracker, "a");
  OK(sessio_tracker_set_user(tracker, NULL, NULL, NULL));
  CHECK(session_of(tracker).end_reason == SESSIO_END_USER_CHANGED && session_of(tracker).index == index + 1);
}

static void anonymity(sessio_tracker *tracker) {
  track_feature(tracker, "a");
  const sessio_session before = session_of(tracker);
  OK(sessio_tracker_set_anonymous(tracker, true));
  OK(sessio_tracker_set_anonymous(tracker, true));
  CHECK(session_of(tracker).end_reason == SESSIO_END_ANONYMITY_CHANGED);
  track_feature(tracker, "a");
  CHECK(session_of(tracker).index == before.index + 1);
  CHECK(strcmp(session_of(tracker).user_id, NIL) == 0 && session_of(tracker).previous_id[0] == '\0');
  OK(sessio_tracker_set_anonymous(tracker, false));
  track_feature(tracker, "a");
  CHECK(strcmp(session_of(tracker).user_id, before.user_id) == 0 && session_of(tracker).previous_id[0] == '\0');
}

static void consent(sessio_tracker *tracker) {
  uint32_t resumed = 99;
  sessio_event *event = sessio_event_feature("a");
  const uint64_t accepted = stats_of(tracker).accepted;
  OK(sessio_tracker_set_enabled(tracker, false));
  CHECK(session_of(tracker).end_reason == SESSIO_END_DISABLED);
  GIVES(sessio_tracker_track(tracker, event, NULL), SESSIO_ERROR_DISABLED);
  GIVES(sessio_tracker_start_session(tracker), SESSIO_ERROR_DISABLED);
  GIVES(sessio_tracker_start_session_with_id(tracker, "x"), SESSIO_ERROR_DISABLED);
  GIVES(sessio_tracker_resume_session(tracker, &resumed), SESSIO_ERROR_DISABLED);
  CHECK(resumed == 99 && stats_of(tracker).accepted == accepted);
  OK(sessio_tracker_set_is_background(tracker, true)); /* taken note of */
  OK(sessio_tracker_set_is_background(tracker, false));
  OK(sessio_tracker_set_enabled(tracker, true));
  OK(sessio_tracker_track(tracker, event, NULL));
  sessio_event_free(event);
}

static void errors(sessio_tracker *tracker) {
  sessio_event *handled = sessio_event_error("E", "caught", false), *unhandled = sessio_event_error("E", "not", true);
  OK(sessio_tracker_start_session(tracker));
  OK(sessio_tracker_track(tracker, handled, NULL));
  OK(sessio_tracker_track(tracker, handled, NULL));
  OK(sessio_tracker_track(tracker, unhandled, NULL));
  CHECK(session_of(tracker).handled_errors == 2 && session_of(tracker).unhandled_errors == 1);
  OK(sessio_tracker_end_session(tracker));
  CHECK(history_of(tracker).sessions[0].handled_errors == 2 && history_of(tracker).sessions[0].unhandled_errors == 1);
  sessio_event_free(handled);
  sessio_event_free(unhandled);
}

/* The gap is told by the monotonic clock within one boot, and by the wall clock across boots (S9). */
static void restarts(const char *folder) {
  manual_clock clock = manual_new();
  sessio_tracker *tracker = tracker_with(&clock, folder, "restarts.db");
  track_feature(tracker, "a");
  closed(tracker);
  manual_to(&clock, clock.wall + 1000 * (int64_t)MINUTE, clock.elapsed + 30 * MINUTE);
  tracker = tracker_with(&clock, folder, "restarts.db");
  CHECK(session_of(tracker).state == SESSIO_SESSION_ACTIVE && session_of(tracker).background_ms == 30 * MINUTE);
  track_feature(tracker, "b");
  CHECK(session_of(tracker).index == 1 && session_of(tracker).event_index == 2);
  closed(tracker);

  clock.boot_id = 2;
  manual_to(&clock, clock.wall + 30 * (int64_t)MINUTE, 5);
  tracker = tracker_with(&clock, folder, "restarts.db");
  CHECK(session_of(tracker).state == SESSIO_SESSION_ACTIVE && session_of(tracker).index == 1);
  closed(tracker);

  clock.boot_id = 3;
  manual_to(&clock, clock.wall + 30 * (int64_t)MINUTE + 1, 6);
  tracker = tracker_with(&clock, folder, "restarts.db");
  CHECK(session_of(tracker).end_reason == SESSIO_END_TIMEOUT);
  track_feature(tracker, "c");
  CHECK(session_of(tracker).index == 2 && history_of(tracker).count == 1);
  CHECK(strcmp(session_of(tracker).previous_id, history_of(tracker).sessions[0].id) == 0);
  closed(tracker);
}

static void the_policy_start_new_ends_a_session_at_closing(const char *folder) {
  sessio_config *config = config_at(folder, "new.db");
  OK(sessio_config_set_restart_policy(config, SESSIO_RESTART_START_NEW));
  sessio_tracker *tracker = opened(config);
  track_feature(tracker, "a");
  closed(tracker);
  tracker = opened(config);
  CHECK(session_of(tracker).state == SESSIO_SESSION_ENDED && session_of(tracker).end_reason == SESSIO_END_SHUTDOWN);
  closed(tracker);
  sessio_config_free(config);
}

static void without_automatic_tracking_only_calls_begin_and_end_sessions(void) {
  manual_clock clock = manual_new();
  sessio_config *config = sessio_config_new();
  manual_set(config, &clock);
  OK(sessio_config_set_auto_track_sessions(config, false));
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  track_feature(tracker, "a");
  CHECK(session_of(tracker).state == SESSIO_SESSION_NONE && stats_of(tracker).accepted == 1);
  uint32_t resumed = 99;
  OK(sessio_tracker_resume_session(tracker, &resumed));
  CHECK(resumed == SESSIO_RESUME_STARTED);
  manual_advance(&clock, 1000 * MINUTE);
  OK(sessio_tracker_poll(tracker));
  track_feature(tracker, "b");
  CHECK(session_of(tracker).state == SESSIO_SESSION_ACTIVE && session_of(tracker).event_index == 1);
  closed(tracker);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  manual_clock clock = manual_new();
  sessio_tracker *tracker = tracker_with(&clock, argv[1], "app.db");
  nothing_before_the_first_event(tracker);
  a_timeline(tracker, &clock);
  own_ids(tracker);
  users(tracker);
  anonymity(tracker);
  consent(tracker);
  errors(tracker);
  closed(tracker);
  restarts(argv[1]);
  the_policy_start_new_ends_a_session_at_closing(argv[1]);
  without_automatic_tracking_only_calls_begin_and_end_sessions();
  return 0;
}
