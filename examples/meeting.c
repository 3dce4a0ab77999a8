/*
 * A video call: one session of the app, and a scope for each guest who is in the meeting. Shows what a host can be asked and
 * told (callbacks), sessions beside the app's own (scopes), and data that goes along with events.
 *
 *   cargo build --release
 *   cc -std=c99 -Wall -Wextra -Wpedantic -Iinclude -o meeting examples/meeting.c target/release/libsessio.a -lpthread -ldl -lm
 *   ./meeting meeting.db
 */
#include <stdio.h>

#include "sessio.h"

/* Nothing that fails here stops an app; an example says so and ends. */
#define MUST(call) do { if ((call) != SESSIO_OK) return failed(#call); } while (0)

static int failed(const char *call)
{
  char why[512];
  sessio_last_error(why, sizeof why);
  fprintf(stderr, "%s: %s\n", call, why);
  return 1;
}

static const char *const CHANGES[] = {"", "begins", "is paused", "is resumed", "ends"};

/* Asked before each session begins: it says whose it is, and may refuse it. */
static bool ask(void *user_data, const sessio_session *session, sessio_session_start *start)
{
  (void)session;
  sessio_session_start_set_text(start, "plan", "pro");
  return *(const bool *)user_data; /* the user agreed to being counted */
}

/* Told what becomes of sessions, in order, on a thread of the library's. */
static void tell(void *user_data, uint32_t change, uint32_t cause, const sessio_session *session)
{
  (void)user_data;
  (void)cause;
  printf("session %s %s after %u events\n", session->id, CHANGES[change], (unsigned)session->event_index);
}

/* Shown every event before it is stamped: it may change the event, or drop it by false. */
static bool show(void *user_data, sessio_event *event)
{
  (void)user_data;
  return sessio_event_set_text(event, "room", "blue") == SESSIO_OK;
}

static sessio_config *configured(const char *path, bool *agreed)
{
  const sessio_session_start_callback start = {sizeof start, agreed, ask, NULL};
  const sessio_session_change_callback change = {sizeof change, NULL, tell, NULL};
  const sessio_event_callback event = {sizeof event, NULL, show, NULL};
  sessio_config *config = sessio_config_new();
  sessio_config_set_path(config, path);
  sessio_config_set_app(config, "com.acme.meeting", "1.2.0");
  sessio_config_set_preset(config, "otel");          /* timeouts and policy that a receiver's users expect */
  sessio_config_set_heartbeat_interval_ms(config, 10000);        /* who is online: known to within 10 s */
  sessio_config_set_sampling(config, 0.5, true);                 /* half of the sessions, and each that crashes */
  sessio_config_set_lifecycle_events(config, true);              /* background and foreground are events, too */
  sessio_config_set_trail(config, 50);                           /* an error carries the last 50 events */
  sessio_config_add_global_context(config, "iglu:com.acme/build/jsonschema/1-0-0", "{\"channel\": \"beta\"}");
  sessio_config_add_session_start_callback(config, &start);
  sessio_config_add_session_change_callback(config, &change);
  sessio_config_add_event_callback(config, &event);
  return config;
}

/* A guest is there for a while: a session of its own, with its own user, beside the app's. */
static int visit(sessio_tracker *tracker, const char *guest, const char *session_id)
{
  sessio_scope *scope = NULL;
  MUST(sessio_scope_new(tracker, &scope));
  MUST(sessio_scope_set_user(scope, guest, NULL, NULL));
  MUST(sessio_scope_start_with_id(scope, session_id));
  sessio_event *event = sessio_event_feature("raise-hand");
  MUST(sessio_scope_track(scope, event, NULL));
  sessio_event_free(event);
  MUST(sessio_scope_end(scope));
  sessio_scope_free(scope);
  return 0;
}

static int meet(sessio_tracker *tracker)
{
  MUST(sessio_tracker_start_session_with_id(tracker, "meeting-1"));
  sessio_event *event = sessio_event_screen_view("Meeting", NULL);
  MUST(sessio_tracker_track(tracker, event, NULL));
  sessio_event_free(event);
  if (visit(tracker, "ada", "guest-1") != 0 || visit(tracker, "bob", "guest-2") != 0) return 1;
  MUST(sessio_tracker_set_is_background(tracker, true));
  MUST(sessio_tracker_set_is_background(tracker, false));
  MUST(sessio_tracker_end_session(tracker));
  return 0;
}

int main(int count, char **arguments)
{
  bool agreed = true;
  sessio_tracker *tracker = NULL;
  sessio_config *config = configured(count > 1 ? arguments[1] : "meeting.db", &agreed);
  sessio_status status = sessio_tracker_open(config, &tracker);
  sessio_config_free(config);
  MUST(status);
  int result = meet(tracker);
  MUST(sessio_tracker_close(tracker, 1000));
  sessio_tracker_free(tracker);
  return result;
}
