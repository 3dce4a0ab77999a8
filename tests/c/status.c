/* Statuses: each has a text of its own, and the details of the last failure are this thread's. */
#include "check.h"

static void each_status_has_a_text_of_its_own(void) {
  static const sessio_status all[] = {SESSIO_OK,
                                      SESSIO_ERROR_INVALID_ARGUMENT,
                                      SESSIO_ERROR_INVALID_UTF8,
                                      SESSIO_ERROR_INVALID_JSON,
                                      SESSIO_ERROR_TOO_LARGE,
                                      SESSIO_ERROR_CLOSED,
                                      SESSIO_ERROR_FORKED,
                                      SESSIO_ERROR_DISABLED,
                                      SESSIO_ERROR_IO,
                                      SESSIO_ERROR_NO_SPACE,
                                      SESSIO_ERROR_DATABASE,
                                      SESSIO_ERROR_LOCKED,
                                      SESSIO_ERROR_TOO_NEW,
                                      SESSIO_ERROR_FOREIGN_DATABASE,
                                      SESSIO_ERROR_NAMESPACE_IN_USE,
                                      SESSIO_ERROR_JOURNAL_FULL,
                                      SESSIO_ERROR_TIMEOUT,
                                      SESSIO_ERROR_STORE,
                                      SESSIO_ERROR_INTERNAL};
  const size_t count = sizeof all / sizeof all[0];
  const char *unknown = sessio_status_text(12345);
  CHECK(strcmp(unknown, "unknown status") == 0);
  CHECK(sessio_status_text(UINT32_MAX) == unknown);
  for (size_t i = 0; i < count; i++) {
    const char *text = sessio_status_text(all[i]);
    CHECK(text != NULL && text[0] != '\0' && strcmp(text, unknown) != 0);
    CHECK(text == sessio_status_text(all[i]));
    for (size_t j = 0; j < i; j++) CHECK(all[i] != all[j] && strcmp(text, sessio_status_text(all[j])) != 0);
  }
}

static void nothing_has_failed_yet(void) {
  char buffer[4] = "abc";
  CHECK(sessio_last_error(NULL, 0) == 0);
  CHECK(sessio_last_error(buffer, sizeof buffer) == 0);
  CHECK(buffer[0] == '\0');
}

static void a_buffer_of_any_size_is_terminated_and_not_overrun(void) {
  char whole[256];
  GIVES(sessio_config_set_path(NULL, "x.db"), SESSIO_ERROR_INVALID_ARGUMENT);
  const size_t length = sessio_last_error(whole, sizeof whole);
  CHECK(length > 0 && length < sizeof whole && strlen(whole) == length);
  CHECK(strstr(whole, "config") != NULL);

  CHECK(sessio_last_error(NULL, 0) == length);
  CHECK(sessio_last_error(NULL, 100) == length);
  for (size_t capacity = 0; capacity <= length + 2; capacity++) {
    char buffer[300];
    memset(buffer, '#', sizeof buffer);
    CHECK(sessio_last_error(buffer, capacity) == length);
    for (size_t i = capacity; i < sizeof buffer; i++) CHECK(buffer[i] == '#');
    if (capacity == 0) continue;
    const size_t fits = capacity <= length ? capacity - 1 : length;
    CHECK(strlen(buffer) == fits && memcmp(buffer, whole, fits) == 0);
  }
}

/* The error quotes an argument, whose letters are of two bytes: none is cut in half. */
static void letters_stay_whole(void) {
  sessio_event *event = sessio_event_feature("f");
  const char *key = "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc";
  GIVES(sessio_event_set_json(event, key, "{"), SESSIO_ERROR_INVALID_JSON);
  const size_t length = sessio_last_error(NULL, 0);
  for (size_t capacity = 1; capacity <= length + 1; capacity++) {
    char buffer[512];
    CHECK(capacity <= sizeof buffer);
    sessio_last_error(buffer, capacity);
    const size_t end = strlen(buffer);
    CHECK(end == 0 || (unsigned char)buffer[end - 1] != 0xc3);
  }
  sessio_event_free(event);
}

static void a_call_that_works_does_not_change_it(void) {
  char before[256], after[256];
  sessio_config *config = sessio_config_new();
  GIVES(sessio_config_set_restart_policy(config, 77), SESSIO_ERROR_INVALID_ARGUMENT);
  sessio_last_error(before, sizeof before);
  CHECK(strstr(before, "77") != NULL);
  OK(sessio_config_set_restart_policy(config, SESSIO_RESTART_RESUME));
  sessio_config_free(config);
  sessio_last_error(after, sizeof after);
  CHECK(strcmp(before, after) == 0);
}

static void *in_another_thread(void *unused) {
  (void)unused;
  nothing_has_failed_yet();
  CHECK(sessio_event_feature("") == NULL);
  CHECK(sessio_last_error(NULL, 0) > 0);
  return NULL;
}

static void each_thread_has_its_own(void) {
  char before[256], after[256];
  pthread_t thread;
  GIVES(sessio_config_set_app(NULL, "a", "1"), SESSIO_ERROR_INVALID_ARGUMENT);
  sessio_last_error(before, sizeof before);
  CHECK(pthread_create(&thread, NULL, in_another_thread, NULL) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  sessio_last_error(after, sizeof after);
  CHECK(strcmp(before, after) == 0);
}

int main(void) {
  nothing_has_failed_yet();
  each_status_has_a_text_of_its_own();
  a_buffer_of_any_size_is_terminated_and_not_overrun();
  letters_stay_whole();
  a_call_that_works_does_not_change_it();
  each_thread_has_its_own();
  return 0;
}
