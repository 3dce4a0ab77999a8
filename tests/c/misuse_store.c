/* Session stores that fail, give garbage, or turn on the tracker that calls them. */
#include "check.h"

#include <time.h>

typedef struct odd_store {
  sessio_status status;      /* of every call */
  const char *json;          /* what it has; NULL: nothing */
  size_t length;
  bool null_context;         /* gives to nobody */
  bool null_json;            /* gives nothing, of some length */
  sessio_tracker *to_free;   /* frees it when asked to store */
  int sets, released;
} odd_store;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int count_of(const int *number) {
  pthread_mutex_lock(&lock);
  const int count = *number;
  pthread_mutex_unlock(&lock);
  return count;
}

static void count(int *number) {
  pthread_mutex_lock(&lock);
  ++*number;
  pthread_mutex_unlock(&lock);
}

static sessio_status odd_get(void *user_data, void (*give)(void *context, const char *json, size_t length), void *context) {
  odd_store *store = (odd_store *)user_data;
  if (store->null_context) give(NULL, "{}", 2);
  if (store->null_json) give(context, NULL, 7);
  if (store->json != NULL) give(context, store->json, store->length);
  return store->status;
}

static sessio_status odd_set(void *user_data, const char *json, size_t length) {
  odd_store *store = (odd_store *)user_data;
  CHECK(json != NULL && length > 0);
  pthread_mutex_lock(&lock);
  sessio_tracker *to_free = store->to_free;
  store->to_free = NULL;
  pthread_mutex_unlock(&lock);
  if (to_free != NULL) {
    sessio_session session;
    session.struct_size = sizeof session;
    OK(sessio_tracker_session(to_free, &session));
    track_feature(to_free, "from the store");
    OK(sessio_tracker_poll(to_free)); /* on the worker these do not wait for the worker */
    OK(sessio_tracker_flush(to_free, 1000));
    sessio_tracker_free(to_free);
  }
  count(&store->sets);
  return store->status;
}

static sessio_status odd_delete(void *user_data) { return ((odd_store *)user_data)->status; }
static void odd_release(void *user_data) { count(&((odd_store *)user_data)->released); }

static sessio_config *config_with(odd_store *store, const char *path) {
  const sessio_session_store host = {sizeof host, store, odd_get, odd_set, odd_delete, odd_release};
  sessio_config *config = sessio_config_new();
  if (path != NULL) OK(sessio_config_set_path(config, path));
  OK(sessio_config_set_session_store(config, &host));
  return config;
}

/* The worker may need a moment after a close that could not wait for it. */
static void wait_for(const int *number, int wanted) {
  const struct timespec moment = {0, 1000000};
  for (int i = 0; count_of(number) != wanted && i < 60000; i++) nanosleep(&moment, NULL);
  CHECK(count_of(number) == wanted);
}

/* A store that cannot delete makes an erasure last, but it must not be carried out again on what others have stored since. */
static void erasing_with_a_store_that_fails(const char *path) {
  odd_store store = {0};
  store.status = 77;
  sessio_config *config = config_with(&store, path), *other_config = sessio_config_new();
  OK(sessio_config_set_path(other_config, path));
  OK(sessio_config_set_namespace(other_config, "other"));
  sessio_tracker *tracker = opened(config), *other = opened(other_config);
  sessio_config_free(config), sessio_config_free(other_config);
  GIVES(sessio_tracker_erase(tracker), SESSIO_ERROR_STORE);
  track_feature(other, "is erased, too, if the other had stored something before");
  OK(sessio_tracker_flush(other, 10000)); /* learns of it */
  const uint64_t before = stats_of(other).stored;
  track_feature(other, "after the erasure");
  OK(sessio_tracker_flush(other, 10000));
  GIVES(sessio_tracker_poll(tracker), SESSIO_ERROR_STORE);
  GIVES(sessio_tracker_poll(tracker), SESSIO_ERROR_STORE);
  track_feature(other, "and again");
  OK(sessio_tracker_flush(other, 10000));
  CHECK(stats_of(other).stored == before + 2);
  closed(other);
  GIVES(sessio_tracker_close(tracker, 20), SESSIO_ERROR_TIMEOUT);
  sessio_tracker_free(tracker);
  wait_for(&store.released, 1);
}

/* Tracking goes on; the failure is told by the calls that store, and nothing is lost. */
static void a_store_that_fails(const char *path) {
  odd_store store = {0};
  store.status = 77;
  sessio_config *config = config_with(&store, path);
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  track_feature(tracker, "a");
  CHECK(session_of(tracker).index == 1);
  SAYS(sessio_tracker_poll(tracker), SESSIO_ERROR_STORE, "77");
  SAYS(sessio_tracker_flush(tracker, 20), SESSIO_ERROR_TIMEOUT, "77");
  GIVES(sessio_tracker_erase(tracker), SESSIO_ERROR_STORE);
  CHECK(session_of(tracker).state == SESSIO_SESSION_NONE && history_of(tracker).count == 0);
  track_feature(tracker, "b");
  CHECK(stats_of(tracker).accepted == 2 && stats_of(tracker).stored == 1);
  GIVES(sessio_tracker_close(tracker, 20), SESSIO_ERROR_TIMEOUT);
  sessio_tracker_free(tracker);
  wait_for(&store.released, 1);
  if (path == NULL) return;

  store.status = SESSIO_OK; /* later it works again: the journal has kept the session */
  config = config_with(&store, path);
  tracker = opened(config);
  sessio_config_free(config);
  CHECK(session_of(tracker).index == 1 && session_of(tracker).event_index == 1 && stats_of(tracker).stored == 1);
  closed(tracker);
  CHECK(store.sets > 0 && store.released == 2);
}

static void a_store_that_gives_garbage(void) {
  static char large[1000000];
  memset(large, '[', sizeof large);
  static const char *const texts[] = {"", "x", "{", "{}", "[]", "null", "7", "\"text\"", "\xff\xfe", "{\"id\":\"\xc3\x28\"}", "{\"id\":\"a b\"}",
                                      "{\"id\":null,\"index\":-1}", "{\"id\":\"x\",\"index\":99999999999999999999}"};
  for (size_t i = 0; i <= sizeof texts / sizeof texts[0] + 2; i++) {
    odd_store store = {0};
    if (i < sizeof texts / sizeof texts[0]) store.json = texts[i], store.length = strlen(texts[i]);
    else if (i == sizeof texts / sizeof texts[0]) store.json = large, store.length = sizeof large;
    else if (i == sizeof texts / sizeof texts[0] + 1) store.null_json = true;
    else store.null_context = true;
    sessio_config *config = config_with(&store, NULL);
    sessio_tracker *tracker = opened(config); /* a damaged record costs that record alone */
    sessio_config_free(config);
    CHECK(session_of(tracker).state == SESSIO_SESSION_NONE);
    track_feature(tracker, "a");
    OK(sessio_tracker_poll(tracker));
    CHECK(session_of(tracker).index == 1 && count_of(&store.sets) > 0);
    closed(tracker);
    CHECK(store.released == 1);
  }
}

/* Bits of a record that was good once. */
static void a_record_with_a_wrong_byte(void) {
  static char record[8192];
  odd_store store = {0};
  static const char good[] =
      "{\"id\":\"x\",\"index\":1,\"event_index\":1,\"started_at\":{\"wall\":9223372036854775807,\"elapsed\":-9223372036854775808}}";
  for (size_t at = 0; at < sizeof good - 1; at++) {
    memcpy(record, good, sizeof good);
    record[at] = '9';
    store.json = record;
    store.length = sizeof good - 1;
    store.released = 0;
    sessio_config *config = config_with(&store, NULL);
    sessio_tracker *tracker = opened(config);
    sessio_config_free(config);
    track_feature(tracker, "a");
    closed(tracker);
    CHECK(store.released == 1);
  }
}

static void a_store_that_frees_the_tracker(const char *path) {
  odd_store store = {0};
  sessio_config *config = config_with(&store, path);
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  OK(sessio_tracker_poll(tracker));
  pthread_mutex_lock(&lock);
  store.to_free = tracker;
  pthread_mutex_unlock(&lock);
  track_feature(tracker, "a"); /* the worker stores it, and the tracker is gone */
  wait_for(&store.released, 1);
  if (path == NULL) return;
  config = config_with(&store, path);
  tracker = opened(config);
  CHECK(stats_of(tracker).stored == 2);
  sessio_config_free(config);
  closed(tracker);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  a_store_that_fails(NULL);
  a_store_that_fails(in_folder(argv[1], "fails.db"));
  erasing_with_a_store_that_fails(in_folder(argv[1], "erased.db"));
  a_store_that_gives_garbage();
  a_record_with_a_wrong_byte();
  a_store_that_frees_the_tracker(NULL);
  a_store_that_frees_the_tracker(in_folder(argv[1], "frees.db"));
  return 0;
}
