/* The session of another namespace, or process: read without opening it. */
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

static sessio_tracker *in_namespace(const char *folder, const char *name) {
  sessio_config *config = config_at(folder, "app.db");
  OK(sessio_config_set_namespace(config, name));
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  return tracker;
}

static sessio_session peeked(const char *file, const char *name) {
  sessio_session session;
  memset(&session, 0xaa, sizeof session);
  session.struct_size = sizeof session;
  OK(sessio_tracker_peek(file, name, &session));
  return session;
}

static void two_trackers_of_one_file_see_each_other(const char *folder) {
  const char *file = in_folder(folder, "app.db");
  sessio_tracker *app = in_namespace(folder, "main"), *helper = in_namespace(folder, "helper");
  CHECK(peeked(file, "main").state == SESSIO_SESSION_NONE && peeked(file, "main").last_seen_at_ms == 0);
  OK(sessio_tracker_start_session_with_id(app, "the-app"));
  track_feature(app, "a");
  track_feature(helper, "h");
  sessio_session session = peeked(file, "main");
  CHECK(session.state == SESSIO_SESSION_ACTIVE && strcmp(session.id, "the-app") == 0);
  CHECK(session.index == 1 && session.event_index == 1);
  CHECK(session.last_seen_at_ms >= session.started_at_ms && session.started_at_ms > 0);
  CHECK(strcmp(session.user_id, session_of(helper).user_id) == 0);
  CHECK(strcmp(peeked(file, "helper").id, session_of(helper).id) == 0);

  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    GIVES(sessio_tracker_session(app, &session), SESSIO_ERROR_FORKED);
    CHECK(strcmp(peeked(file, "main").id, "the-app") == 0);
    _exit(0);
  }
  int status = 1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);

  OK(sessio_tracker_end_session(app));
  CHECK(peeked(file, "main").state == SESSIO_SESSION_ENDED && peeked(file, "main").end_reason == SESSIO_END_ENDED);
  closed(app);
  CHECK(strcmp(peeked(file, "main").id, "the-app") == 0);
  closed(helper);
  CHECK(peeked(file, "helper").state == SESSIO_SESSION_ACTIVE);
}

static void what_is_wrong_is_refused_and_writes_nothing(const char *folder) {
  const char *file = in_folder(folder, "app.db"), *missing = in_folder(folder, "missing.db");
  sessio_session session;
  memset(&session, 0xaa, sizeof session);
  session.struct_size = sizeof session;
  const sessio_session before = session;
  SAYS(sessio_tracker_peek(NULL, "main", &session), SESSIO_ERROR_INVALID_ARGUMENT, "database_file");
  SAYS(sessio_tracker_peek(file, NULL, &session), SESSIO_ERROR_INVALID_ARGUMENT, "namespace_name");
  GIVES(sessio_tracker_peek(file, "main", NULL), SESSIO_ERROR_INVALID_ARGUMENT);
  SAYS(sessio_tracker_peek("a\xff", "main", &session), SESSIO_ERROR_INVALID_UTF8, "database_file");
  SAYS(sessio_tracker_peek(file, "\xed\xa0\x80", &session), SESSIO_ERROR_INVALID_UTF8, "namespace_name");
  SAYS(sessio_tracker_peek("", "main", &session), SESSIO_ERROR_INVALID_ARGUMENT, "empty");
  SAYS(sessio_tracker_peek(file, "", &session), SESSIO_ERROR_INVALID_ARGUMENT, "empty");
  SAYS(sessio_tracker_peek(file, "nobody", &session), SESSIO_ERROR_INVALID_ARGUMENT, "nobody");
  SAYS(sessio_tracker_peek(missing, "main", &session), SESSIO_ERROR_IO, "missing.db");
  SAYS(sessio_tracker_peek(folder, "main", &session), SESSIO_ERROR_IO, "directory");
  CHECK(memcmp(&session, &before, sizeof session) == 0 && access(missing, F_OK) != 0);
  const size_t wrong[] = {0, 1, sizeof(size_t), offsetof(sessio_session, unhandled_errors), 65537, SIZE_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    session.struct_size = wrong[i];
    SAYS(sessio_tracker_peek(file, "main", &session), SESSIO_ERROR_INVALID_ARGUMENT, "struct_size");
    CHECK(session.struct_size == wrong[i] && session.state == 0xaaaaaaaa);
  }
}

/* A program that was built before `last_seen_at_ms` was there. */
static void the_first_edition_of_the_struct_is_filled(const char *folder) {
  sessio_session session;
  memset(&session, 0xaa, sizeof session);
  session.struct_size = offsetof(sessio_session, last_seen_at_ms);
  OK(sessio_tracker_peek(in_folder(folder, "app.db"), "main", &session));
  CHECK(session.index == 1 && session.unhandled_errors == 0);
  CHECK(session.last_seen_at_ms == (int64_t)0xaaaaaaaaaaaaaaaa);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  two_trackers_of_one_file_see_each_other(argv[1]);
  what_is_wrong_is_refused_and_writes_nothing(argv[1]);
  the_first_edition_of_the_struct_is_filled(argv[1]);
  return 0;
}
