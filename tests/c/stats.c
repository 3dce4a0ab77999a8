/* The ledger: accepted == stored + delivered + dropped, at every moment. stats_of checks that each time. */
#include "check.h"

static void what_is_tracked_is_stored(const char *folder) {
  sessio_config *config = config_at(folder, "app.db");
  sessio_tracker *tracker = opened(config);
  CHECK(stats_of(tracker).accepted == 0 && stats_of(tracker).survives_kill);
  for (uint64_t i = 1; i <= 200; i++) {
    track_feature(tracker, "a");
    CHECK(stats_of(tracker).accepted == i && stats_of(tracker).stored == i);
  }
  sessio_event *event = sessio_event_feature("a");
  OK(sessio_tracker_set_enabled(tracker, false));
  GIVES(sessio_tracker_track(tracker, event, NULL), SESSIO_ERROR_DISABLED); /* not accepted, not counted */
  OK(sessio_tracker_set_enabled(tracker, true));
  GIVES(sessio_tracker_track(tracker, NULL, NULL), SESSIO_ERROR_INVALID_ARGUMENT);
  sessio_event_free(event);
  OK(sessio_tracker_flush(tracker, 10000));
  CHECK(stats_of(tracker).stored == 200 && stats_of(tracker).delivered == 0 && stats_of(tracker).dropped == 0);
  closed(tracker);
  tracker = opened(config);
  CHECK(stats_of(tracker).accepted == 200 && stats_of(tracker).stored == 200);
  closed(tracker);
  sessio_config_free(config);
}

static void over_the_caps_the_oldest_go_and_are_counted(const char *folder) {
  manual_clock clock = manual_new();
  sessio_config *config = config_at(folder, "caps.db");
  manual_set(config, &clock);
  OK(sessio_config_set_queue_limits(config, 60000, 10, UINT64_MAX));
  sessio_tracker *tracker = opened(config);
  for (int i = 0; i < 25; i++) track_feature(tracker, "a");
  OK(sessio_tracker_flush(tracker, 10000));
  sessio_stats stats = stats_of(tracker);
  CHECK(stats.accepted == 25 && stats.stored == 10 && stats.dropped == 15 && stats.dropped_overflowed == 15);
  manual_advance(&clock, 60001);
  track_feature(tracker, "young");
  OK(sessio_tracker_flush(tracker, 10000));
  stats = stats_of(tracker);
  CHECK(stats.accepted == 26 && stats.stored == 1 && stats.dropped_aged + stats.dropped_overflowed == 25 && stats.dropped_aged >= 9);
  CHECK(stats.dropped == stats.dropped_aged + stats.dropped_overflowed + stats.dropped_erased + stats.dropped_lost);
  closed(tracker);
  sessio_config_free(config);
}

/* A burst that the journal cannot hold is refused, never lost silently: what was acknowledged is there. */
static void a_full_journal_refuses(const char *folder) {
  sessio_config *config = config_at(folder, "full.db");
  OK(sessio_config_set_journal_bytes(config, 1024 * 1024));
  OK(sessio_config_set_full_wait_ms(config, 0));
  OK(sessio_config_set_queue_limits(config, 60000000, 1000000, UINT64_MAX));
  sessio_tracker *tracker = opened(config);
  sessio_event *event = sessio_event_feature("large");
  static char text[30000];
  memset(text, 'x', sizeof text - 1);
  OK(sessio_event_set_text(event, "note", text));
  uint64_t taken = 0, refused = 0;
  for (int i = 0; i < 2000 && refused < 10; i++) {
    const sessio_status status = sessio_tracker_track(tracker, event, NULL);
    CHECK(status == SESSIO_OK || status == SESSIO_ERROR_JOURNAL_FULL);
    if (status == SESSIO_OK) taken++;
    else refused++;
  }
  CHECK(taken > 20 && refused > 0); /* 60 MB in a row are too fast for any disk */
  CHECK(stats_of(tracker).accepted == taken);
  OK(sessio_tracker_end_session(tracker)); /* there is always room for that */
  OK(sessio_tracker_flush(tracker, 10000));
  OK(sessio_tracker_track(tracker, event, NULL));
  CHECK(stats_of(tracker).stored == taken + 1);
  sessio_event_free(event);
  closed(tracker);
  tracker = opened(config);
  CHECK(stats_of(tracker).stored == taken + 1 && stats_of(tracker).dropped == 0);
  closed(tracker);
  sessio_config_free(config);
}

static void what_is_sampled_out_is_counted(const char *folder) {
  sessio_config *config = config_at(folder, "sampled");
  SAYS(sessio_config_set_sampling(config, 1.1, false), SESSIO_ERROR_INVALID_ARGUMENT, "share");
  SAYS(sessio_config_set_sampling(config, -0.1, true), SESSIO_ERROR_INVALID_ARGUMENT, "share");
  SAYS(sessio_config_set_sampling(NULL, 0.5, true), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  OK(sessio_config_set_sampling(config, 0.0, false));
  sessio_tracker *tracker = opened(config);
  track_feature(tracker, "sampled out");
  OK(sessio_tracker_poll(tracker));
  sessio_stats stats = {.struct_size = sizeof stats};
  OK(sessio_tracker_stats(tracker, &stats));
  CHECK(stats.accepted == 1 && stats.dropped == 1 && stats.dropped_sampled == 1 && stats.stored == 0);
  closed(tracker);
  sessio_config_free(config);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  what_is_tracked_is_stored(argv[1]);
  over_the_caps_the_oldest_go_and_are_counted(argv[1]);
  a_full_journal_refuses(argv[1]);
  what_is_sampled_out_is_counted(argv[1]);
  return 0;
}
