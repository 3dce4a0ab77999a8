/* A log of the host's gets what the library has to say; nothing else does. */
#include "check.h"

typedef struct lines {
  pthread_mutex_t lock;
  char last[1024];
  uint32_t severity;
  int count, released;
} lines;

#define NO_LINES {PTHREAD_MUTEX_INITIALIZER, "", 0, 0, 0}

static uint32_t worst_of(lines *all) {
  pthread_mutex_lock(&all->lock);
  const uint32_t severity = all->severity;
  pthread_mutex_unlock(&all->lock);
  return severity;
}

static void write_line(void *user_data, uint32_t severity, const char *message) {
  lines *all = (lines *)user_data;
  pthread_mutex_lock(&all->lock);
  CHECK(severity >= SESSIO_SEVERITY_TRACE && severity <= SESSIO_SEVERITY_FATAL && message[0] != '\0');
  CHECK(strchr(message, '\n') == NULL);
  if (severity >= all->severity) {
    all->severity = severity;
    snprintf(all->last, sizeof all->last, "%s", message);
  }
  all->count++;
  pthread_mutex_unlock(&all->lock);
}

static void release_lines(void *user_data) { ((lines *)user_data)->released++; }

static sessio_log log_to(lines *all) {
  const sessio_log host = {sizeof host, all, write_line, release_lines};
  return host;
}

static void write_garbage(const char *path) {
  FILE *file = fopen(path, "wb");
  CHECK(file != NULL);
  for (int i = 0; i < 500; i++) fputs("this is no database. ", file);
  CHECK(fclose(file) == 0);
}

static void a_file_that_is_no_database_is_told_of(const char *folder) {
  lines all = NO_LINES;
  const sessio_log host = log_to(&all);
  write_garbage(in_folder(folder, "garbage.db"));
  sessio_config *config = config_at(folder, "garbage.db");
  OK(sessio_config_set_log(config, &host));
  sessio_tracker *tracker = opened(config);
  CHECK(all.count > 0 && all.severity >= SESSIO_SEVERITY_WARN && strstr(all.last, "garbage.db") != NULL);
  track_feature(tracker, "goes on");
  sessio_config_free(config);
  CHECK(all.released == 0);
  closed(tracker);
  CHECK(all.released == 1);
}

static sessio_status cannot_get(void *user_data, void (*give)(void *context, const char *json, size_t length), void *context) {
  (void)user_data, (void)give, (void)context;
  return 1234;
}
static sessio_status cannot_set(void *user_data, const char *json, size_t length) {
  (void)user_data, (void)json, (void)length;
  return SESSIO_ERROR_STORE;
}
static sessio_status cannot_delete(void *user_data) {
  (void)user_data;
  return SESSIO_ERROR_STORE;
}

static void a_store_that_fails_is_told_of(void) {
  static lines all = NO_LINES; /* the worker may have something to say after a close that did not wait for it */
  const sessio_log host = log_to(&all);
  const sessio_session_store store = {sizeof store, NULL, cannot_get, cannot_set, cannot_delete, NULL};
  sessio_config *config = sessio_config_new();
  OK(sessio_config_set_log(config, &host));
  OK(sessio_config_set_session_store(config, &store));
  sessio_tracker *tracker = opened(config);
  CHECK(worst_of(&all) == SESSIO_SEVERITY_WARN && strstr(all.last, "1234") != NULL);
  track_feature(tracker, "kept all the same");
  SAYS(sessio_tracker_poll(tracker), SESSIO_ERROR_STORE, "store");
  CHECK(worst_of(&all) == SESSIO_SEVERITY_ERROR);
  GIVES(sessio_tracker_close(tracker, 0), SESSIO_ERROR_TIMEOUT);
  sessio_tracker_free(tracker);
  sessio_config_free(config);
}

static void it_is_released_once_whatever_becomes_of_it(void) {
  lines all = NO_LINES;
  sessio_log host = log_to(&all);
  GIVES(sessio_config_set_log(NULL, &host), SESSIO_ERROR_INVALID_ARGUMENT);
  CHECK(all.released == 1);
  sessio_config *config = sessio_config_new();
  host.log = NULL;
  GIVES(sessio_config_set_log(config, &host), SESSIO_ERROR_INVALID_ARGUMENT);
  CHECK(all.released == 2);
  host.log = write_line;
  OK(sessio_config_set_log(config, &host));
  OK(sessio_config_set_log(config, &host));
  CHECK(all.released == 3);
  sessio_config_free(config);
  CHECK(all.released == 4 && all.count == 0);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  a_file_that_is_no_database_is_told_of(argv[1]);
  a_store_that_fails_is_told_of();
  it_is_released_once_whatever_becomes_of_it();
  return 0;
}
