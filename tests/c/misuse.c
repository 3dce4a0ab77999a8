/* What a careless host may do: everything gives a status, nothing is hurt, and what was given is released exactly once. */
#include "every_call.h"

#define BAD "\xc3\x28" /* embedded in good text, no letter */
#define REFUSED(call) GIVES(call, SESSIO_ERROR_INVALID_ARGUMENT)
#define NOT_UTF8(call) GIVES(call, SESSIO_ERROR_INVALID_UTF8)
#define NO_EVENT(call, word) (CHECK((call) == NULL), check_last_error(__FILE__, __LINE__, #call, (word)))

static sessio_tracker *in_memory(void) {
  sessio_config *config = sessio_config_new();
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  return tracker;
}

static void null_everywhere(void) {
  sessio_config *config = sessio_config_new();
  sessio_tracker *tracker = NULL;
  REFUSED(sessio_tracker_open(NULL, &tracker));
  REFUSED(sessio_tracker_open(config, NULL));
  REFUSED(sessio_tracker_open(NULL, NULL));
  REFUSED(sessio_config_set_clock(config, NULL));
  REFUSED(sessio_config_set_session_store(config, NULL));
  REFUSED(sessio_config_set_log(config, NULL));
  every_call_gives(NULL, SESSIO_ERROR_INVALID_ARGUMENT);

  tracker = opened(config);
  sessio_event *event = sessio_event_feature("f");
  REFUSED(sessio_tracker_track(tracker, NULL, NULL));
  REFUSED(sessio_tracker_is_background(tracker, NULL));
  REFUSED(sessio_tracker_session(tracker, NULL));
  REFUSED(sessio_tracker_stats(tracker, NULL));
  REFUSED(sessio_tracker_history(tracker, 1, NULL, NULL));
  REFUSED(sessio_tracker_start_session_with_id(tracker, NULL));
  OK(sessio_tracker_resume_session(tracker, NULL)); /* may be NULL */
  OK(sessio_tracker_track(tracker, event, NULL));
  closed(tracker);

  REFUSED(sessio_event_set_text(NULL, "k", "v"));
  REFUSED(sessio_event_set_text(event, NULL, "v"));
  REFUSED(sessio_event_set_text(event, "k", NULL));
  REFUSED(sessio_event_set_text_n(NULL, "k", "v", 1));
  REFUSED(sessio_event_set_text_n(event, "k", NULL, 0));
  REFUSED(sessio_event_set_number(NULL, "k", 1));
  REFUSED(sessio_event_set_number(event, NULL, 1));
  REFUSED(sessio_event_set_json(event, NULL, "{}"));
  REFUSED(sessio_event_set_json(event, "k", NULL));
  REFUSED(sessio_event_set_json(NULL, "k", "{}"));
  REFUSED(sessio_event_set_json_n(event, "k", NULL, 5));
  REFUSED(sessio_event_add_context(NULL, "s", "{}"));
  REFUSED(sessio_event_add_context(event, NULL, "{}"));
  REFUSED(sessio_event_add_context(event, "s", NULL));
  REFUSED(sessio_event_add_context_n(event, "s", NULL, 5));
  REFUSED(sessio_event_set_true_time_ms(NULL, 0));
  sessio_event_free(event);
  sessio_config_free(config);

  sessio_config_free(NULL);
  sessio_event_free(NULL);
  sessio_tracker_free(NULL);
  sessio_tracker_mark_crashed(NULL);
}

static void text_that_is_not_utf8(void) {
  sessio_config *config = sessio_config_new();
  sessio_tracker *tracker = opened(config);
  sessio_event *event = sessio_event_feature("f");
  const char *const bad[] = {"a" BAD "b", "\xff", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80", "cut \xe5\x90"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    const char *const text = bad[i];
    NOT_UTF8(sessio_config_set_path(config, text));
    NOT_UTF8(sessio_config_set_namespace(config, text));
    NOT_UTF8(sessio_config_set_app(config, text, "1"));
    NOT_UTF8(sessio_config_set_app(config, "a", text));
    NOT_UTF8(sessio_tracker_start_session_with_id(tracker, text));
    NOT_UTF8(sessio_tracker_set_user(tracker, text, NULL, NULL));
    NOT_UTF8(sessio_tracker_set_user(tracker, "id", text, NULL));
    NOT_UTF8(sessio_tracker_set_user(tracker, "id", NULL, text));
    NO_EVENT(sessio_event_screen_view(text, NULL), "UTF-8");
    NO_EVENT(sessio_event_screen_view(NULL, text), "UTF-8");
    NO_EVENT(sessio_event_structured(text, "a"), "UTF-8");
    NO_EVENT(sessio_event_structured("a", text), "UTF-8");
    NO_EVENT(sessio_event_self_describing(text, "{}"), "UTF-8");
    NO_EVENT(sessio_event_self_describing("s", text), "UTF-8");
    NO_EVENT(sessio_event_self_describing_n("s", text, strlen(text)), "UTF-8");
    NO_EVENT(sessio_event_timing(text, "v", 1), "UTF-8");
    NO_EVENT(sessio_event_timing("c", text, 1), "UTF-8");
    NO_EVENT(sessio_event_log(9, text, "m"), "UTF-8");
    NO_EVENT(sessio_event_log(9, "s", text), "UTF-8");
    NO_EVENT(sessio_event_log_n(9, "s", text, strlen(text)), "UTF-8");
    NO_EVENT(sessio_event_error(text, "m", true), "UTF-8");
    NO_EVENT(sessio_event_error("t", text, true), "UTF-8");
    NO_EVENT(sessio_event_error_n("t", text, strlen(text), true), "UTF-8");
    NO_EVENT(sessio_event_feature(text), "UTF-8");
    NOT_UTF8(sessio_event_set_text(event, text, "v"));
    NOT_UTF8(sessio_event_set_text(event, "k", text));
    NOT_UTF8(sessio_event_set_text_n(event, "k", text, strlen(text)));
    NOT_UTF8(sessio_event_set_number(event, text, 1));
    NOT_UTF8(sessio_event_set_json(event, text, "{}"));
    NOT_UTF8(sessio_event_set_json(event, "k", text));
    NOT_UTF8(sessio_event_set_json_n(event, "k", text, strlen(text)));
    NOT_UTF8(sessio_event_add_context(event, text, "{}"));
    NOT_UTF8(sessio_event_add_context(event, "s", text));
    NOT_UTF8(sessio_event_add_context_n(event, "s", text, strlen(text)));
  }
  CHECK(session_of(tracker).state == SESSIO_SESSION_NONE);
  sessio_event_free(event);
  closed(tracker);
  sessio_config_free(config);
}

static void ids_and_users_that_are_none(void) {
  sessio_tracker *tracker = in_memory();
  char too_long[130], too_long_user[514];
  memset(too_long, 'x', 129), too_long[129] = '\0';
  memset(too_long_user, 'u', 513), too_long_user[513] = '\0';
  const char *const bad[] = {"", " ", "a b", "a/b", "a\nb", "{id}", "\xc3\xbc", "a:b", too_long};
  OK(sessio_tracker_start_session_with_id(tracker, "good"));
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) REFUSED(sessio_tracker_start_session_with_id(tracker, bad[i]));
  REFUSED(sessio_tracker_set_user(tracker, "", NULL, NULL));
  REFUSED(sessio_tracker_set_user(tracker, NULL, "a name", NULL));
  REFUSED(sessio_tracker_set_user(tracker, NULL, NULL, "an@address"));
  GIVES(sessio_tracker_set_user(tracker, too_long_user, NULL, NULL), SESSIO_ERROR_TOO_LARGE);
  GIVES(sessio_tracker_set_user(tracker, "id", too_long_user, NULL), SESSIO_ERROR_TOO_LARGE);
  GIVES(sessio_tracker_set_user(tracker, "id", NULL, too_long_user), SESSIO_ERROR_TOO_LARGE);
  const sessio_session session = session_of(tracker);
  CHECK(strcmp(session.id, "good") == 0 && session.index == 1 && session.state == SESSIO_SESSION_ACTIVE);
  closed(tracker);
}

static void structs_of_a_wrong_size(void) {
  sessio_tracker *tracker = in_memory();
  sessio_config *config = sessio_config_new();
  manual_clock clock = manual_new();
  sessio_clock host_clock = {0, &clock, manual_wall, manual_elapsed, manual_release, 1};
  sessio_session_store store;
  sessio_log log;
  sessio_session session;
  sessio_stats stats;
  memset(&store, 0xaa, sizeof store), memset(&log, 0xaa, sizeof log);
  memset(&session, 0xaa, sizeof session), memset(&stats, 0xaa, sizeof stats);
  const size_t wrong[] = {0, 1, sizeof(size_t), 65537, SIZE_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    host_clock.struct_size = store.struct_size = log.struct_size = session.struct_size = stats.struct_size = wrong[i];
    SAYS(sessio_config_set_clock(config, &host_clock), SESSIO_ERROR_INVALID_ARGUMENT, "struct_size");
    SAYS(sessio_config_set_session_store(config, &store), SESSIO_ERROR_INVALID_ARGUMENT, "struct_size");
    SAYS(sessio_config_set_log(config, &log), SESSIO_ERROR_INVALID_ARGUMENT, "struct_size");
    SAYS(sessio_tracker_session(tracker, &session), SESSIO_ERROR_INVALID_ARGUMENT, "struct_size");
    SAYS(sessio_tracker_stats(tracker, &stats), SESSIO_ERROR_INVALID_ARGUMENT, "struct_size");
    CHECK(session.struct_size == wrong[i] && session.state == 0xaaaaaaaa && stats.accepted == 0xaaaaaaaaaaaaaaaa);
  }
  CHECK(clock.released == 0); /* what is in such a struct cannot be known */
  host_clock.struct_size = sizeof host_clock - 1;
  REFUSED(sessio_config_set_clock(config, &host_clock));
  sessio_config_free(config);
  closed(tracker);
}

/* A host compiled with an older header gets what it knows, one with a newer header what there is. */
static void structs_of_another_edition(void) {
  sessio_tracker *tracker = in_memory();
  track_feature(tracker, "a");
  sessio_stats old;
  memset(&old, 0xaa, sizeof old);
  old.struct_size = offsetof(sessio_stats, dropped) + sizeof old.dropped;
  OK(sessio_tracker_stats(tracker, &old));
  CHECK(old.accepted == 1 && old.dropped == 0 && old.dropped_aged == 0xaaaaaaaaaaaaaaaa);
  struct {
    sessio_session known;
    uint64_t added;
  } newer;
  memset(&newer, 0xaa, sizeof newer);
  newer.known.struct_size = sizeof newer;
  OK(sessio_tracker_session(tracker, &newer.known));
  CHECK(newer.known.struct_size == sizeof newer && newer.known.index == 1 && newer.added == 0xaaaaaaaaaaaaaaaa);
  closed(tracker);
}

static void clocks_without_hands_are_released_all_the_same(void) {
  manual_clock clock = manual_new();
  sessio_config *config = sessio_config_new();
  sessio_clock host = {sizeof host, &clock, NULL, manual_elapsed, manual_release, 1};
  REFUSED(sessio_config_set_clock(config, &host));
  CHECK(clock.released == 1);
  host.wall_ms = manual_wall, host.elapsed_ms = NULL;
  REFUSED(sessio_config_set_clock(config, &host));
  CHECK(clock.released == 2);
  host.elapsed_ms = manual_elapsed;
  REFUSED(sessio_config_set_clock(NULL, &host));
  CHECK(clock.released == 3);
  OK(sessio_config_set_clock(config, &host));
  REFUSED(sessio_config_set_clock(config, NULL)); /* changes nothing */
  sessio_tracker *tracker = opened(config);
  CHECK(clock.released == 3);
  sessio_config_free(config);
  CHECK(clock.released == 3);
  track_feature(tracker, "a");
  closed(tracker);
  CHECK(clock.released == 4);
}

static void after_close(const char *folder) {
  sessio_config *config = config_at(folder, "closed.db");
  sessio_tracker *tracker = opened(config);
  track_feature(tracker, "a");
  OK(sessio_tracker_close(tracker, 10000));
  every_call_gives(tracker, SESSIO_ERROR_CLOSED);
  every_call_gives(tracker, SESSIO_ERROR_CLOSED);
  sessio_tracker_free(tracker);
  tracker = opened(config); /* none of that has changed anything */
  CHECK(session_of(tracker).state == SESSIO_SESSION_ACTIVE && session_of(tracker).unhandled_errors == 0);
  CHECK(stats_of(tracker).accepted == 1 && !session_of(tracker).is_background);
  closed(tracker);
  sessio_config_free(config);
}

/* A callback that frees, closes and goes on calling. */
typedef struct busy_callback {
  sessio_tracker *tracker;
  bool frees;
  int calls;
} busy_callback;

static void call_from_inside(void *context, const sessio_session *session) {
  busy_callback *busy = (busy_callback *)context;
  if (busy->calls++ == 0) {
    track_feature(busy->tracker, "from inside");
    CHECK(history_of(busy->tracker).count == 3);
    OK(sessio_tracker_poll(busy->tracker));
    if (busy->frees) sessio_tracker_free(busy->tracker);
    else OK(sessio_tracker_close(busy->tracker, 10000));
  }
  CHECK(strlen(session->id) == 1); /* ours to read, all the same */
}

static void closed_and_freed_inside_a_callback(void) {
  for (int frees = 0; frees <= 1; frees++) {
    manual_clock clock = manual_new();
    sessio_config *config = sessio_config_new();
    manual_set(config, &clock);
    busy_callback busy = {opened(config), frees == 1, 0};
    sessio_config_free(config);
    OK(sessio_tracker_start_session_with_id(busy.tracker, "1"));
    OK(sessio_tracker_start_session_with_id(busy.tracker, "2"));
    OK(sessio_tracker_start_session_with_id(busy.tracker, "3"));
    OK(sessio_tracker_end_session(busy.tracker));
    OK(sessio_tracker_history(busy.tracker, 0, never_given, NULL));
    OK(sessio_tracker_history(busy.tracker, UINT32_MAX, call_from_inside, &busy));
    CHECK(busy.calls == 3);
    if (frees == 0) sessio_tracker_free(busy.tracker);
    CHECK(clock.released == 1);
  }
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  null_everywhere();
  text_that_is_not_utf8();
  ids_and_users_that_are_none();
  structs_of_a_wrong_size();
  structs_of_another_edition();
  clocks_without_hands_are_released_all_the_same();
  after_close(argv[1]);
  closed_and_freed_inside_a_callback();
  return 0;
}
