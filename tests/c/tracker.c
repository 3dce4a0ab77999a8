/* Opening, closing, flushing, and what a path may be. */
#include "check.h"

#include <dirent.h>
#include <sys/stat.h>

static sessio_status opens(const char *path, sessio_tracker **out) {
  sessio_config *config = sessio_config_new();
  OK(sessio_config_set_path(config, path));
  const sessio_status status = sessio_tracker_open(config, out);
  sessio_config_free(config);
  return status;
}

static void flush_poll_close_free(const char *folder) {
  sessio_tracker *tracker = NULL;
  OK(opens(in_folder(folder, "app.db"), &tracker));
  track_feature(tracker, "a");
  OK(sessio_tracker_poll(tracker));
  OK(sessio_tracker_flush(tracker, 10000));
  OK(sessio_tracker_flush(tracker, UINT64_MAX));
  track_feature(tracker, "b"); /* it stays open */
  bool in_background = true;
  OK(sessio_tracker_is_background(tracker, &in_background));
  CHECK(!in_background);
  OK(sessio_tracker_set_is_background(tracker, true));
  OK(sessio_tracker_is_background(tracker, &in_background));
  CHECK(in_background);
  const sessio_session before = session_of(tracker);
  OK(sessio_tracker_close(tracker, 10000));
  GIVES(sessio_tracker_close(tracker, 10000), SESSIO_ERROR_CLOSED);
  sessio_tracker_free(tracker);

  OK(opens(in_folder(folder, "app.db"), &tracker));
  CHECK(strcmp(session_of(tracker).id, before.id) == 0 && strcmp(session_of(tracker).user_id, before.user_id) == 0);
  track_feature(tracker, "c");
  sessio_tracker_free(tracker); /* stores everything, too */

  OK(opens(in_folder(folder, "app.db"), &tracker));
  CHECK(stats_of(tracker).accepted == 3 && session_of(tracker).event_index == 3);
  closed(tracker);
  sessio_tracker_free(NULL);
}

static void a_tracker_without_a_path_lives_in_memory(void) {
  sessio_config *config = sessio_config_new();
  sessio_tracker *first = opened(config), *second = opened(config); /* they share nothing */
  track_feature(first, "a");
  OK(sessio_tracker_flush(first, 10000));
  CHECK(stats_of(first).stored == 1 && !stats_of(first).survives_kill && stats_of(second).stored == 0);
  closed(first);
  first = opened(config);
  CHECK(session_of(first).state == SESSIO_SESSION_NONE);
  closed(first);
  closed(second);
  sessio_config_free(config);
}

static void namespaces_share_the_user_and_nothing_else(const char *folder) {
  sessio_config *config = config_at(folder, "shared.db");
  sessio_tracker *first = opened(config), *again = NULL;
  SAYS(sessio_tracker_open(config, &again), SESSIO_ERROR_NAMESPACE_IN_USE, "open already");
  CHECK(again == NULL);
  OK(sessio_config_set_namespace(config, "se\xc3\xb1or / 2"));
  sessio_tracker *second = opened(config);
  GIVES(sessio_tracker_open(config, &again), SESSIO_ERROR_NAMESPACE_IN_USE);
  track_feature(first, "a");
  OK(sessio_tracker_start_session_with_id(second, "second"));
  OK(sessio_tracker_end_session(second));
  CHECK(history_of(first).count == 0 && history_of(second).count == 1);
  CHECK(strcmp(session_of(first).user_id, session_of(second).user_id) == 0);
  CHECK(stats_of(first).accepted == 1 && stats_of(second).accepted == 0);

  OK(sessio_tracker_close(second, 10000));
  again = opened(config); /* closed is enough, it need not be freed */
  CHECK(history_of(again).count == 1);
  sessio_tracker_mark_crashed(second); /* must not reach the journal, which is another's now */
  sessio_tracker_free(second);
  CHECK(history_of(again).count == 1);
  closed(again);
  again = opened(config);
  CHECK(session_of(again).end_reason == SESSIO_END_ENDED && session_of(again).unhandled_errors == 0);
  closed(again);
  closed(first);
  sessio_config_free(config);
}

static void a_path_may_hold_spaces_and_any_letters(const char *folder) {
  const char *names[] = {"with space.db", "K\xc3\xb6ln \xe6\x9d\xb1\xe4\xba\xac \xf0\x9f\x8c\x8d.db", "100%?&#'\".db", "no-extension"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    sessio_tracker *tracker = NULL;
    struct stat file;
    OK(opens(in_folder(folder, names[i]), &tracker));
    track_feature(tracker, "a");
    closed(tracker);
    CHECK(stat(in_folder(folder, names[i]), &file) == 0 && file.st_size > 0);
    OK(opens(in_folder(folder, names[i]), &tracker));
    CHECK(stats_of(tracker).stored == 1);
    closed(tracker);
  }
}

static void a_path_that_cannot_be_a_database_is_refused(const char *folder) {
  int mark;
  sessio_tracker *const unwritten = (sessio_tracker *)(void *)&mark, *tracker = unwritten;
  CHECK(mkdir(in_folder(folder, "a folder"), 0700) == 0);
  SAYS(opens(in_folder(folder, "a folder"), &tracker), SESSIO_ERROR_IO, "a folder");
  SAYS(opens(in_folder(folder, "missing/app.db"), &tracker), SESSIO_ERROR_IO, "missing");
  GIVES(opens(in_folder(folder, "app.db/app.db"), &tracker), SESSIO_ERROR_IO); /* below a file */
  GIVES(opens("/dev/null", &tracker), SESSIO_ERROR_IO);
  char long_name[600];
  memset(long_name, 'x', sizeof long_name);
  long_name[sizeof long_name - 1] = '\0';
  GIVES(opens(in_folder(folder, long_name), &tracker), SESSIO_ERROR_IO);
  CHECK(tracker == unwritten); /* results are written only on success */
}

static int files_like(const char *folder, const char *part) {
  int count = 0;
  DIR *entries = opendir(folder);
  CHECK(entries != NULL);
  for (struct dirent *entry; (entry = readdir(entries)) != NULL;) count += strstr(entry->d_name, part) != NULL;
  closedir(entries);
  return count;
}

static void a_file_that_is_no_database_is_moved_aside(const char *folder) {
  const char *path = in_folder(folder, "letter.db");
  FILE *file = fopen(path, "wb");
  CHECK(file != NULL);
  for (int i = 0; i < 1000; i++) fputs("Dear Sir or Madam, ", file);
  CHECK(fclose(file) == 0);
  sessio_tracker *tracker = NULL;
  OK(opens(path, &tracker));
  track_feature(tracker, "a");
  closed(tracker);
  CHECK(files_like(folder, "letter.db.corrupt-") == 1);
  CHECK(!file_holds(path, "Dear Sir"));
}

static void erasing_leaves_nothing_in_the_files(const char *folder) {
  const char *const secret = "a-secret-that-must-go", *const files[] = {"erase.db", "erase.db.default.journal"};
  sessio_config *config = config_at(folder, "erase.db");
  sessio_tracker *tracker = opened(config);
  OK(sessio_tracker_set_user(tracker, secret, secret, secret));
  track_feature(tracker, secret);
  OK(sessio_tracker_start_session_with_id(tracker, secret));
  OK(sessio_tracker_end_session(tracker));
  OK(sessio_tracker_flush(tracker, 10000));
  track_feature(tracker, secret); /* in the journal only, perhaps */
  const sessio_session before = session_of(tracker);
  OK(sessio_tracker_erase(tracker));
  CHECK(session_of(tracker).state == SESSIO_SESSION_NONE && history_of(tracker).count == 0);
  CHECK(strcmp(session_of(tracker).user_id, before.user_id) != 0);
  const sessio_stats stats = stats_of(tracker);
  CHECK(stats.accepted == 2 && stats.stored == 0 && stats.dropped_erased == 2);
  track_feature(tracker, "goes on");
  CHECK(session_of(tracker).index == 1 && session_of(tracker).previous_id[0] == '\0');
  OK(sessio_tracker_erase(tracker)); /* as often as one likes */
  closed(tracker);
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) CHECK(!file_holds(in_folder(folder, files[i]), secret));
  tracker = opened(config);
  CHECK(session_of(tracker).state == SESSIO_SESSION_NONE && stats_of(tracker).accepted == 3);
  closed(tracker);
  sessio_config_free(config);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  flush_poll_close_free(argv[1]);
  a_tracker_without_a_path_lives_in_memory();
  namespaces_share_the_user_and_nothing_else(argv[1]);
  a_path_may_hold_spaces_and_any_letters(argv[1]);
  a_path_that_cannot_be_a_database_is_refused(argv[1]);
  a_file_that_is_no_database_is_moved_aside(argv[1]);
  erasing_leaves_nothing_in_the_files(argv[1]);
  return 0;
}
