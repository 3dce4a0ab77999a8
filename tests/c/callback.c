/* Callbacks: asked before a session begins, told what becomes of it, shown events. They call the tracker, change what they are
 * shown, remove themselves, and are released once. */
#include "check.h"

typedef struct host {
  sessio_tracker *tracker;
  uint64_t id;
  int calls, released;
  bool allow;
  uint32_t changes[8], causes[8], reasons[8], indices[8];
} host;

static void release(void *user_data) { ((host *)user_data)->released++; }

static bool ask(void *user_data, const sessio_session *session, sessio_session_start *start) {
  host *it = (host *)user_data;
  it->calls++;
  CHECK(session->struct_size == sizeof *session && session->id[0] != '\0' && session->event_index == 0);
  if (it->tracker != NULL) {
    sessio_session now = {.struct_size = sizeof now};
    OK(sessio_tracker_session(it->tracker, &now));
    CHECK(strcmp(now.id, session->id) != 0);
    GIVES(sessio_tracker_start_session(it->tracker), SESSIO_ERROR_REFUSED);
  }
  OK(sessio_session_start_set_user(start, "ada", "Ada", NULL));
  OK(sessio_session_start_set_text(start, "plan", "pro"));
  OK(sessio_session_start_set_number(start, "seats", 3));
  SAYS(sessio_session_start_set_user(start, NULL, "Ada", NULL), SESSIO_ERROR_INVALID_ARGUMENT, "id");
  SAYS(sessio_session_start_set_text(start, "", "pro"), SESSIO_ERROR_INVALID_ARGUMENT, "key");
  SAYS(sessio_session_start_set_text(start, "plan", NULL), SESSIO_ERROR_INVALID_ARGUMENT, "value");
  SAYS(sessio_session_start_set_text(start, "plan", "\xff"), SESSIO_ERROR_INVALID_UTF8, "value");
  SAYS(sessio_session_start_set_number(start, "seats", 1e308 * 10), SESSIO_ERROR_INVALID_ARGUMENT, "seats");
  SAYS(sessio_session_start_set_number(NULL, "seats", 1), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  return it->allow;
}

static void tell(void *user_data, uint32_t change, uint32_t cause, const sessio_session *session) {
  host *it = (host *)user_data;
  CHECK(it->calls < 8 && session->struct_size == sizeof *session);
  it->changes[it->calls] = change, it->causes[it->calls] = cause;
  it->reasons[it->calls] = session->end_reason, it->indices[it->calls] = session->index;
  it->calls++;
}

static bool show(void *user_data, sessio_event *event) {
  host *it = (host *)user_data;
  it->calls++;
  OK(sessio_event_set_text(event, "label", "shown"));
  if (it->id != 0) OK(sessio_tracker_remove_callback(it->tracker, it->id));
  return it->allow;
}

static void nobody_id(void *context, const char *id, const char *name, const char *email) {
  CHECK(strcmp(id, "ada") == 0 && strcmp(name, "Ada") == 0 && email == NULL);
  ++*(int *)context;
}

static void starts_are_asked_for(const char *folder) {
  host asked = {0};
  const sessio_session_start_callback callback = {sizeof callback, &asked, ask, release};
  sessio_config *config = config_at(folder, "starts");
  OK(sessio_config_add_session_start_callback(config, &callback));
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  sessio_session session = {.struct_size = sizeof session};

  track_feature(tracker, "without");
  GIVES(sessio_tracker_start_session(tracker), SESSIO_ERROR_REFUSED);
  uint32_t resumed = 4711;
  GIVES(sessio_tracker_resume_session(tracker, &resumed), SESSIO_ERROR_REFUSED);
  OK(sessio_tracker_session(tracker, &session));
  CHECK(asked.calls == 3 && resumed == 4711 && session.state == SESSIO_SESSION_NONE);

  asked.allow = true, asked.tracker = tracker;
  track_feature(tracker, "with");
  OK(sessio_tracker_session(tracker, &session));
  CHECK(asked.calls == 4 && session.state == SESSIO_SESSION_ACTIVE && session.event_index == 1);
  int users = 0;
  OK(sessio_tracker_user(tracker, nobody_id, &users));
  CHECK(users == 1);
  OK(sessio_tracker_close(tracker, 10000));
  CHECK(asked.released == 1);
  sessio_tracker_free(tracker);
}

static void changes_are_told(const char *folder) {
  host told = {0};
  const sessio_session_change_callback callback = {sizeof callback, &told, tell, release};
  sessio_config *config = config_at(folder, "changes");
  OK(sessio_config_add_session_change_callback(config, &callback));
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  track_feature(tracker, "f");
  OK(sessio_tracker_pause_session(tracker));
  OK(sessio_tracker_resume_session(tracker, NULL));
  OK(sessio_tracker_start_session(tracker));
  OK(sessio_tracker_poll(tracker));
  static const uint32_t changes[] = {SESSIO_CHANGE_BEGAN, SESSIO_CHANGE_PAUSED, SESSIO_CHANGE_RESUMED, SESSIO_CHANGE_ENDED,
                                     SESSIO_CHANGE_BEGAN};
  static const uint32_t causes[] = {SESSIO_CAUSE_EVENT, SESSIO_CAUSE_PAUSE, SESSIO_CAUSE_RESUME, SESSIO_CAUSE_START,
                                    SESSIO_CAUSE_START};
  CHECK(told.calls == 5 && memcmp(told.changes, changes, sizeof changes) == 0 && memcmp(told.causes, causes, sizeof causes) == 0);
  CHECK(told.reasons[2] == SESSIO_END_NONE && told.reasons[3] == SESSIO_END_REPLACED && told.indices[4] == 2);
  sessio_tracker_free(tracker);
  CHECK(told.released == 1);
}

static void events_are_shown(const char *folder) {
  host shown = {0};
  const sessio_event_callback callback = {sizeof callback, &shown, show, release};
  sessio_config *config = config_at(folder, "events");
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  OK(sessio_tracker_add_event_callback(tracker, &callback, &shown.id));
  shown.tracker = tracker;
  sessio_event *event = sessio_event_feature("dropped");
  SAYS(sessio_tracker_track(tracker, event, NULL), SESSIO_ERROR_REFUSED, "dropped");
  CHECK(shown.calls == 1 && shown.released == 1);
  OK(sessio_tracker_track(tracker, event, NULL));
  sessio_event_free(event);
  sessio_stats stats = {.struct_size = sizeof stats};
  OK(sessio_tracker_stats(tracker, &stats));
  CHECK(shown.calls == 1 && stats.filtered == 1 && stats.accepted == 1);
  SAYS(sessio_tracker_remove_callback(tracker, shown.id), SESSIO_ERROR_INVALID_ARGUMENT, "id");
  sessio_tracker_free(tracker);
}

static void bad_callbacks_are_refused_and_released(const char *folder) {
  host it = {0};
  sessio_config *config = config_at(folder, "bad");
  sessio_session_start_callback start = {sizeof start, &it, NULL, release};
  sessio_session_change_callback change = {sizeof change, &it, NULL, release};
  sessio_event_callback event = {sizeof event, &it, NULL, release};
  SAYS(sessio_config_add_session_start_callback(config, &start), SESSIO_ERROR_INVALID_ARGUMENT, "on_session_start");
  SAYS(sessio_config_add_session_change_callback(config, &change), SESSIO_ERROR_INVALID_ARGUMENT, "on_session_change");
  SAYS(sessio_config_add_event_callback(config, &event), SESSIO_ERROR_INVALID_ARGUMENT, "on_event");
  CHECK(it.released == 3);
  start.struct_size = change.struct_size = event.struct_size = 1;
  SAYS(sessio_config_add_session_start_callback(config, &start), SESSIO_ERROR_INVALID_ARGUMENT, "struct_size");
  SAYS(sessio_config_add_session_change_callback(config, &change), SESSIO_ERROR_INVALID_ARGUMENT, "struct_size");
  SAYS(sessio_config_add_event_callback(config, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  start = (sessio_session_start_callback){sizeof start, &it, ask, release};
  SAYS(sessio_config_add_session_start_callback(NULL, &start), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  SAYS(sessio_tracker_add_session_start_callback(NULL, &start, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  sessio_config_free(config);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  starts_are_asked_for(argv[1]);
  changes_are_told(argv[1]);
  events_are_shown(argv[1]);
  bad_callbacks_are_refused_and_released(argv[1]);
  return 0;
}
