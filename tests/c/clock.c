/* A clock of the host's drives every timer; poll makes the tracker look. No test waits. */
#include "check.h"

#define MINUTE 60000u
#define HOUR (60 * MINUTE)
#define TIMEOUT (30 * MINUTE)

static sessio_tracker *tracker_with(manual_clock *clock) {
  sessio_config *config = sessio_config_new();
  manual_set(config, clock);
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  return tracker;
}

static void a_session_ends_by_poll_when_it_was_idle_for_longer_than_its_timeout(void) {
  manual_clock clock = manual_new();
  sessio_tracker *tracker = tracker_with(&clock);
  const int64_t began = clock.wall;
  track_feature(tracker, "start");
  manual_advance(&clock, TIMEOUT);
  OK(sessio_tracker_poll(tracker));
  CHECK(session_of(tracker).state == SESSIO_SESSION_ACTIVE); /* a gap equal to the timeout does not expire */
  CHECK(session_of(tracker).foreground_ms == TIMEOUT);
  manual_advance(&clock, 1);
  OK(sessio_tracker_poll(tracker));
  const sessio_session ended = session_of(tracker);
  CHECK(ended.state == SESSIO_SESSION_ENDED && ended.end_reason == SESSIO_END_TIMEOUT);
  CHECK(ended.ended_at_ms == began && ended.foreground_ms == 0); /* idle time is not the session's */
  OK(sessio_tracker_poll(tracker));
  CHECK(session_of(tracker).index == 1); /* none begins without a cause */
  track_feature(tracker, "again");
  CHECK(session_of(tracker).index == 2);
  closed(tracker);
  CHECK(clock.released == 1);
}

static void the_timeout_is_that_of_the_state_the_app_has_been_in(void) {
  manual_clock clock = manual_new();
  sessio_config *config = sessio_config_new();
  manual_set(config, &clock);
  OK(sessio_config_set_foreground_timeout_ms(config, 10 * MINUTE));
  OK(sessio_config_set_background_timeout_ms(config, 60 * MINUTE));
  sessio_tracker *tracker = opened(config);
  track_feature(tracker, "a");
  OK(sessio_tracker_set_is_background(tracker, true));
  manual_advance(&clock, 60 * MINUTE);
  OK(sessio_tracker_set_is_background(tracker, false));
  CHECK(session_of(tracker).state == SESSIO_SESSION_ACTIVE);
  CHECK(session_of(tracker).background_ms == 60 * MINUTE);
  manual_advance(&clock, 10 * MINUTE + 1);
  OK(sessio_tracker_set_is_background(tracker, true));
  CHECK(session_of(tracker).end_reason == SESSIO_END_TIMEOUT);
  closed(tracker);
  CHECK(clock.released == 0); /* the config has it yet */
  sessio_config_free(config);
  CHECK(clock.released == 1);
}

static void steps_of_the_wall_clock_neither_end_nor_renew_a_session(void) {
  manual_clock clock = manual_new();
  sessio_tracker *tracker = tracker_with(&clock);
  track_feature(tracker, "a");
  const int64_t steps[] = {365 * 24 * (int64_t)HOUR, -2 * 365 * 24 * (int64_t)HOUR, -1000000000000000};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    manual_to(&clock, clock.wall + steps[i], clock.elapsed);
    OK(sessio_tracker_poll(tracker));
    track_feature(tracker, "b");
  }
  CHECK(session_of(tracker).index == 1 && session_of(tracker).event_index == 4);
  CHECK(session_of(tracker).foreground_ms == 0);
  manual_to(&clock, clock.wall - HOUR, clock.elapsed + TIMEOUT + 1); /* by the wall clock no time has passed */
  OK(sessio_tracker_poll(tracker));
  CHECK(session_of(tracker).end_reason == SESSIO_END_TIMEOUT);
  closed(tracker);
}

static void the_maximum_length_waits_for_an_event(void) {
  manual_clock clock = manual_new();
  sessio_config *config = sessio_config_new();
  manual_set(config, &clock);
  OK(sessio_config_set_max_session_ms(config, HOUR));
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  for (int i = 0; i < 4; i++) {
    track_feature(tracker, "a");
    manual_advance(&clock, 20 * MINUTE);
  }
  OK(sessio_tracker_poll(tracker));
  CHECK(session_of(tracker).state == SESSIO_SESSION_ACTIVE && session_of(tracker).event_index == 4);
  track_feature(tracker, "b");
  CHECK(session_of(tracker).index == 2);
  const history past = history_of(tracker);
  CHECK(past.count == 1 && past.sessions[0].end_reason == SESSIO_END_MAX_DURATION);
  CHECK(past.sessions[0].foreground_ms == HOUR); /* up to its last activity */
  closed(tracker);
}

/* Whatever a clock says, no call fails or panics, and the books are right; also for the next start. */
static void a_mad_clock_hurts_nobody(const char *folder) {
  const int64_t walls[] = {INT64_MIN, INT64_MAX, 0, -1, 1700000000000};
  const uint64_t times[] = {0, UINT64_MAX, 1, (uint64_t)INT64_MAX, (uint64_t)INT64_MAX + 1};
  manual_clock clock = manual_new();
  sessio_config *config = config_at(folder, "mad.db");
  manual_set(config, &clock);
  sessio_tracker *tracker = opened(config);
  for (unsigned i = 0; i < 25; i++) {
    manual_to(&clock, walls[i / 5], times[i % 5]);
    OK(sessio_tracker_poll(tracker));
    track_feature(tracker, "mad");
    OK(sessio_tracker_set_is_background(tracker, i % 2 == 0));
    OK(sessio_tracker_pause_session(tracker));
    OK(sessio_tracker_resume_session(tracker, NULL));
    if (i % 3 == 0) OK(sessio_tracker_start_session(tracker));
    session_of(tracker);
    if (i % 4 == 0) {
      closed(tracker);
      tracker = opened(config);
    }
  }
  CHECK(stats_of(tracker).accepted == 25);
  closed(tracker);
  sessio_config_free(config);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  a_session_ends_by_poll_when_it_was_idle_for_longer_than_its_timeout();
  the_timeout_is_that_of_the_state_the_app_has_been_in();
  steps_of_the_wall_clock_neither_end_nor_renew_a_session();
  the_maximum_length_waits_for_an_event();
  a_mad_clock_hurts_nobody(argv[1]);
  return 0;
}
