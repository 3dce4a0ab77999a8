/* Every setting with good and bad values; a config is borrowed by open and may be used again. */
#include "check.h"

static char *repeated(char letter, size_t length) {
  char *text = (char *)malloc(length + 1);
  CHECK(text != NULL);
  memset(text, letter, length);
  text[length] = '\0';
  return text;
}

typedef sessio_status set_ms(sessio_config *, uint64_t);
typedef sessio_status set_flag(sessio_config *, bool);

static void numbers_and_switches(sessio_config *config) {
  static set_ms *const times[] = {sessio_config_set_foreground_timeout_ms, sessio_config_set_background_timeout_ms,
                                  sessio_config_set_max_session_ms,        sessio_config_set_heartbeat_interval_ms,
                                  sessio_config_set_full_wait_ms,          sessio_config_set_history_limit,
                                  sessio_config_set_commit_window_ms};
  static set_flag *const flags[] = {sessio_config_set_auto_track_sessions, sessio_config_set_starts_in_background, sessio_config_set_lifecycle_events,
                                    sessio_config_set_end_session_on_user_change, sessio_config_set_remember_user};
  const uint64_t values[] = {0, 1, 1800000, INT64_MAX, UINT64_MAX};
  for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
    for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) OK(times[i](config, values[j]));
    GIVES(times[i](NULL, 1), SESSIO_ERROR_INVALID_ARGUMENT);
  }
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
    OK(flags[i](config, true));
    OK(flags[i](config, false));
    GIVES(flags[i](NULL, true), SESSIO_ERROR_INVALID_ARGUMENT);
  }
  OK(sessio_config_set_queue_limits(config, 0, 0, 0));
  OK(sessio_config_set_queue_limits(config, UINT64_MAX, UINT64_MAX, UINT64_MAX));
  GIVES(sessio_config_set_queue_limits(NULL, 1, 1, 1), SESSIO_ERROR_INVALID_ARGUMENT);

  OK(sessio_config_set_restart_policy(config, SESSIO_RESTART_START_NEW));
  OK(sessio_config_set_restart_policy(config, SESSIO_RESTART_RESUME));
  SAYS(sessio_config_set_restart_policy(config, 2), SESSIO_ERROR_INVALID_ARGUMENT, "2");
  GIVES(sessio_config_set_restart_policy(config, UINT32_MAX), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_config_set_restart_policy(NULL, SESSIO_RESTART_RESUME), SESSIO_ERROR_INVALID_ARGUMENT);

  OK(sessio_config_set_journal_bytes(config, 1024 * 1024));
  OK(sessio_config_set_journal_bytes(config, 256 * 1024 * 1024));
  OK(sessio_config_set_journal_bytes(config, 1024 * 1024 + 1));
  const size_t wrong[] = {0, 1024 * 1024 - 1, 256 * 1024 * 1024 + 1, SIZE_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    SAYS(sessio_config_set_journal_bytes(config, wrong[i]), SESSIO_ERROR_INVALID_ARGUMENT, "journal");
  GIVES(sessio_config_set_journal_bytes(NULL, 1024 * 1024), SESSIO_ERROR_INVALID_ARGUMENT);
}

static void texts(sessio_config *config) {
  char *longest = repeated('n', 1024), *too_long = repeated('n', 1025);
  char *identity = repeated('a', 512), *too_long_identity = repeated('a', 513);
  OK(sessio_config_set_namespace(config, "n\xc3\xa4me / \xe5\x90\x8d ../..")); /* any text */
  OK(sessio_config_set_namespace(config, longest));
  SAYS(sessio_config_set_namespace(config, too_long), SESSIO_ERROR_TOO_LARGE, "1025");
  SAYS(sessio_config_set_namespace(config, ""), SESSIO_ERROR_INVALID_ARGUMENT, "namespace");
  GIVES(sessio_config_set_namespace(config, NULL), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_config_set_namespace(config, "\xff"), SESSIO_ERROR_INVALID_UTF8);
  GIVES(sessio_config_set_namespace(NULL, "n"), SESSIO_ERROR_INVALID_ARGUMENT);

  OK(sessio_config_set_app(config, identity, identity));
  GIVES(sessio_config_set_app(config, too_long_identity, "1"), SESSIO_ERROR_TOO_LARGE);
  GIVES(sessio_config_set_app(config, "a", too_long_identity), SESSIO_ERROR_TOO_LARGE);
  GIVES(sessio_config_set_app(config, "", "1"), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_config_set_app(config, "a", ""), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_config_set_app(config, NULL, "1"), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_config_set_app(config, "a", NULL), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_config_set_app(config, "\xc3", "1"), SESSIO_ERROR_INVALID_UTF8);
  GIVES(sessio_config_set_app(NULL, "a", "1"), SESSIO_ERROR_INVALID_ARGUMENT);

  SAYS(sessio_config_set_path(config, ""), SESSIO_ERROR_INVALID_ARGUMENT, "path");
  GIVES(sessio_config_set_path(config, NULL), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_config_set_path(config, "a\xff.db"), SESSIO_ERROR_INVALID_UTF8);
  GIVES(sessio_config_set_path(NULL, "a.db"), SESSIO_ERROR_INVALID_ARGUMENT);
  free(longest), free(too_long), free(identity), free(too_long_identity);
}

/* All the extreme values from above are taken; and what was refused has changed nothing. */
static void it_opens_with_all_of_that(const char *folder, sessio_config *config) {
  OK(sessio_config_set_path(config, in_folder(folder, "extreme.db")));
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  track_feature(tracker, "a");
  OK(sessio_tracker_poll(tracker));
  OK(sessio_tracker_flush(tracker, UINT64_MAX));
  CHECK(session_of(tracker).state == SESSIO_SESSION_NONE); /* auto_track_sessions is off */
  OK(sessio_tracker_resume_session(tracker, NULL));
  track_feature(tracker, "b");
  CHECK(session_of(tracker).event_index == 1 && stats_of(tracker).stored == 2);
  OK(sessio_tracker_close(tracker, UINT64_MAX));
  sessio_tracker_free(tracker);
}

static void timeouts_of_zero_mean_never(void) {
  manual_clock clock = manual_new();
  sessio_config *config = sessio_config_new();
  manual_set(config, &clock);
  OK(sessio_config_set_foreground_timeout_ms(config, 0));
  OK(sessio_config_set_background_timeout_ms(config, UINT64_MAX));
  OK(sessio_config_set_max_session_ms(config, 0));
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  track_feature(tracker, "a");
  for (int i = 0; i < 4; i++) {
    manual_advance(&clock, 1000000000000);
    OK(sessio_tracker_poll(tracker));
    OK(sessio_tracker_set_is_background(tracker, i % 2 == 0));
  }
  track_feature(tracker, "b");
  CHECK(session_of(tracker).index == 1 && session_of(tracker).event_index == 2);
  closed(tracker);
}

static void it_is_used_for_two_trackers_and_freed_before_them(const char *folder) {
  sessio_config *config = config_at(folder, "two.db");
  OK(sessio_config_set_starts_in_background(config, true));
  sessio_tracker *first = opened(config);
  OK(sessio_config_set_namespace(config, "other"));
  OK(sessio_config_set_starts_in_background(config, false));
  sessio_tracker *second = opened(config);
  sessio_config_free(config);
  CHECK(session_of(first).is_background && !session_of(second).is_background);
  track_feature(first, "a");
  CHECK(session_of(first).index == 1 && session_of(second).index == 0);
  CHECK(strcmp(session_of(first).user_id, session_of(second).user_id) == 0);
  closed(first);
  closed(second);
}

static void changes_of_background_can_be_events(const char *folder) {
  sessio_config *config = config_at(folder, "lifecycle");
  OK(sessio_config_set_lifecycle_events(config, true));
  sessio_tracker *tracker = opened(config);
  OK(sessio_tracker_set_is_background(tracker, true));
  OK(sessio_tracker_set_is_background(tracker, true));
  sessio_stats stats = {.struct_size = sizeof stats};
  OK(sessio_tracker_stats(tracker, &stats));
  CHECK(stats.accepted == 2); /* the installation, and the change */
  closed(tracker);
  sessio_config_free(config);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  sessio_config *config = sessio_config_new();
  numbers_and_switches(config);
  texts(config);
  it_opens_with_all_of_that(argv[1], config);
  timeouts_of_zero_mean_never();
  it_is_used_for_two_trackers_and_freed_before_them(argv[1]);
  sessio_config_free(NULL);
  changes_of_background_can_be_events(argv[1]);
  return 0;
}
