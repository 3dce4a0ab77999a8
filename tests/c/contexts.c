/* What goes along with events and sessions: global contexts, attributes, the trail; and the level of the log. */
#include "check.h"

#define SCHEMA "iglu:com.acme/build/jsonschema/1-0-0"

static int lines;

static void count_line(void *user_data, uint32_t severity, const char *message) {
  (void)user_data, (void)message;
  CHECK(severity >= SESSIO_SEVERITY_ERROR);
  lines++;
}

static void bad_options_are_refused(sessio_config *config) {
  SAYS(sessio_config_set_trail(config, 101), SESSIO_ERROR_INVALID_ARGUMENT, "trail");
  SAYS(sessio_config_set_trail(NULL, 1), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  SAYS(sessio_config_add_global_context(config, NULL, "{}"), SESSIO_ERROR_INVALID_ARGUMENT, "schema");
  SAYS(sessio_config_add_global_context(config, SCHEMA, "{"), SESSIO_ERROR_INVALID_JSON, "context");
  SAYS(sessio_config_add_global_context(config, SCHEMA, "\xff"), SESSIO_ERROR_INVALID_UTF8, "data_json");
  SAYS(sessio_config_set_session_text(config, "", "x"), SESSIO_ERROR_INVALID_ARGUMENT, "key");
  SAYS(sessio_config_set_session_text(config, "k", NULL), SESSIO_ERROR_INVALID_ARGUMENT, "value");
  SAYS(sessio_config_set_session_number(config, "k", 1e308 * 10), SESSIO_ERROR_INVALID_ARGUMENT, "\"k\"");
  SAYS(sessio_config_set_session_number(NULL, "k", 1), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  SAYS(sessio_config_set_log_level(config, 0), SESSIO_ERROR_INVALID_ARGUMENT, "severity");
  SAYS(sessio_config_set_log_level(config, 25), SESSIO_ERROR_INVALID_ARGUMENT, "severity");
  char key[] = "k00";
  for (int i = 0; i < 32; i++) {
    key[1] = (char)('0' + i / 10), key[2] = (char)('0' + i % 10);
    OK(sessio_config_set_session_number(config, key, i));
  }
  SAYS(sessio_config_set_session_text(config, "more", "x"), SESSIO_ERROR_TOO_LARGE, "32");
}

static void they_are_stored(const char *folder) {
  sessio_config *config = config_at(folder, "along");
  OK(sessio_config_set_trail(config, 5));
  OK(sessio_config_add_global_context(config, SCHEMA, "{\"build\": \"from-config\"}"));
  OK(sessio_config_set_session_text(config, "channel", "session-attribute"));
  const sessio_log log = {sizeof log, NULL, count_line, NULL};
  OK(sessio_config_set_log(config, &log));
  OK(sessio_config_set_log_level(config, SESSIO_SEVERITY_ERROR));
  sessio_tracker *tracker = opened(config);
  track_feature(tracker, "led-to-it");
  OK(sessio_tracker_set_global_context(tracker, "iglu:com.acme/later/jsonschema/1-0-0", "{}"));
  SAYS(sessio_tracker_set_global_context(tracker, SCHEMA, "nonsense"), SESSIO_ERROR_INVALID_JSON, "context");
  SAYS(sessio_tracker_set_global_context(tracker, NULL, "{}"), SESSIO_ERROR_INVALID_ARGUMENT, "schema");
  SAYS(sessio_tracker_remove_global_context(tracker, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "schema");
  OK(sessio_tracker_remove_global_context(tracker, "iglu:com.acme/none/jsonschema/1-0-0"));
  sessio_event *error = sessio_event_error("E", "m", false);
  OK(sessio_tracker_track(tracker, error, NULL));
  sessio_event_free(error);
  closed(tracker);
  sessio_config_free(config);
  CHECK(file_holds(in_folder(folder, "along"), "from-config") && file_holds(in_folder(folder, "along"), "session-attribute"));
  CHECK(file_holds(in_folder(folder, "along"), "com.acme/later") && lines == 0);
}

static void take_id(void *context, const sessio_session *session) { strcpy((char *)context, session->id); }

static void an_error_may_be_told_of_a_session_that_has_ended(const char *folder) {
  sessio_config *config = config_at(folder, "afterwards");
  sessio_tracker *tracker = opened(config);
  track_feature(tracker, "before");
  OK(sessio_tracker_end_session(tracker));
  char id[129] = "";
  OK(sessio_tracker_history(tracker, 1, take_id, id));
  track_feature(tracker, "another session");
  sessio_event *error = sessio_event_error("E", "m", false);
  char event_id[37] = "";
  OK(sessio_tracker_track_in_session(tracker, error, id, event_id));
  CHECK(strlen(event_id) == 36);
  SAYS(sessio_tracker_track_in_session(tracker, error, "never-was", NULL), SESSIO_ERROR_INVALID_ARGUMENT, "never-was");
  SAYS(sessio_tracker_track_in_session(tracker, error, "not allowed", NULL), SESSIO_ERROR_INVALID_ARGUMENT, "session id");
  SAYS(sessio_tracker_track_in_session(tracker, error, NULL, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  SAYS(sessio_tracker_track_in_session(tracker, NULL, id, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  sessio_event_free(error);
  sessio_session session = {.struct_size = sizeof session};
  OK(sessio_tracker_session(tracker, &session));
  CHECK(session.index == 2 && session.event_index == 1 && session.handled_errors == 0);
  closed(tracker);
  sessio_config_free(config);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  sessio_config *config = sessio_config_new();
  bad_options_are_refused(config);
  sessio_config_free(config);
  they_are_stored(argv[1]);
  an_error_may_be_told_of_a_session_that_has_ended(argv[1]);
  return 0;
}
