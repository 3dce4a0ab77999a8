/* Scopes: sessions of their own beside the tracker's, by the thousand, freed before or after it. */
#include "check.h"

static void track_in(sessio_scope *scope, const char *name) {
  sessio_event *event = sessio_event_feature(name);
  char id[37] = "";
  OK(sessio_scope_track(scope, event, id));
  CHECK(strlen(id) == 36);
  sessio_event_free(event);
}

static sessio_session scope_session(sessio_scope *scope) {
  sessio_session session = {.struct_size = sizeof session};
  OK(sessio_scope_session(scope, &session));
  return session;
}

static void scopes_do_not_touch_each_other(sessio_tracker *tracker) {
  sessio_scope *ada = NULL, *bob = NULL;
  OK(sessio_scope_new(tracker, &ada));
  OK(sessio_scope_new(tracker, &bob));
  char own[37] = "", other[37] = "", trackers[37] = "";
  OK(sessio_scope_instance_id(ada, own));
  OK(sessio_scope_instance_id(bob, other));
  OK(sessio_tracker_instance_id(tracker, trackers));
  CHECK(strlen(own) == 36 && strcmp(own, other) != 0 && strcmp(own, trackers) != 0);

  CHECK(scope_session(ada).state == SESSIO_SESSION_NONE);
  OK(sessio_scope_start_with_id(ada, "ada-1"));
  OK(sessio_scope_start(bob));
  OK(sessio_scope_set_user(ada, "ada", "Ada", NULL));
  track_in(ada, "a");
  track_in(ada, "b");
  CHECK(strcmp(scope_session(ada).id, "ada-1") == 0 && scope_session(ada).event_index == 2);
  CHECK(scope_session(bob).state == SESSIO_SESSION_ACTIVE && scope_session(bob).event_index == 0);

  uint32_t resumed = 4711;
  OK(sessio_scope_pause(ada));
  CHECK(scope_session(ada).state == SESSIO_SESSION_PAUSED);
  OK(sessio_scope_resume(ada, &resumed));
  CHECK(resumed == SESSIO_RESUME_RESUMED);
  OK(sessio_scope_resume(ada, NULL));
  OK(sessio_scope_end(ada));
  CHECK(scope_session(ada).end_reason == SESSIO_END_ENDED);
  OK(sessio_scope_set_user(ada, NULL, NULL, NULL));

  sessio_session trackers_own = {.struct_size = sizeof trackers_own};
  OK(sessio_tracker_session(tracker, &trackers_own));
  CHECK(trackers_own.state == SESSIO_SESSION_NONE);
  sessio_scope_free(ada);
  sessio_scope_free(bob);
  sessio_scope_free(NULL);
}

static void bad_arguments_are_refused(sessio_tracker *tracker) {
  sessio_scope *scope = NULL;
  SAYS(sessio_scope_new(NULL, &scope), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  SAYS(sessio_scope_new(tracker, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  OK(sessio_scope_new(tracker, &scope));
  sessio_session session = {.struct_size = 3};
  SAYS(sessio_scope_session(scope, &session), SESSIO_ERROR_INVALID_ARGUMENT, "struct_size");
  SAYS(sessio_scope_session(scope, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  SAYS(sessio_scope_track(scope, NULL, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  SAYS(sessio_scope_start_with_id(scope, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  SAYS(sessio_scope_start_with_id(scope, "a b"), SESSIO_ERROR_INVALID_ARGUMENT, "id");
  SAYS(sessio_scope_set_user(scope, NULL, "Ada", NULL), SESSIO_ERROR_INVALID_ARGUMENT, "id");
  SAYS(sessio_scope_set_user(scope, "\xff", NULL, NULL), SESSIO_ERROR_INVALID_UTF8, "id");
  SAYS(sessio_scope_instance_id(scope, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  SAYS(sessio_tracker_instance_id(tracker, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  SAYS(sessio_scope_start(NULL), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  SAYS(sessio_scope_pause(NULL), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  SAYS(sessio_scope_resume(NULL, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  SAYS(sessio_scope_end(NULL), SESSIO_ERROR_INVALID_ARGUMENT, "NULL");
  sessio_scope_free(scope);
}

static void a_scope_may_outlive_its_tracker(sessio_tracker *tracker) {
  sessio_scope *scope = NULL;
  OK(sessio_scope_new(tracker, &scope));
  track_in(scope, "a");
  closed(tracker);
  sessio_event *event = sessio_event_feature("late");
  GIVES(sessio_scope_track(scope, event, NULL), SESSIO_ERROR_CLOSED);
  GIVES(sessio_scope_start(scope), SESSIO_ERROR_CLOSED);
  sessio_event_free(event);
  sessio_scope_free(scope);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  sessio_config *config = config_at(argv[1], "scopes");
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  scopes_do_not_touch_each_other(tracker);
  bad_arguments_are_refused(tracker);
  a_scope_may_outlive_its_tracker(tracker);
  return 0;
}
