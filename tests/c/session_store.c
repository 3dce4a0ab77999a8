/* A session store of the host's: what it was given is what the next start goes on with. */
#include "check.h"

/* A store in memory. */
typedef struct memory_store {
  char json[16384];
  size_t length; /* 0: none */
  int gets, sets, deletes, released;
  bool twice;            /* hands the session over twice */
  pthread_t caller;      /* of the last call */
} memory_store;

static sessio_status memory_get(void *user_data, void (*give)(void *context, const char *json, size_t length), void *context) {
  memory_store *store = (memory_store *)user_data;
  store->gets++;
  store->caller = pthread_self();
  if (store->length > 0) give(context, store->json, store->length);
  if (store->twice) give(context, "{}", 2);
  return SESSIO_OK;
}

static sessio_status memory_set(void *user_data, const char *json, size_t length) {
  memory_store *store = (memory_store *)user_data;
  CHECK(length > 0 && length <= sizeof store->json && json[0] == '{' && json[length - 1] == '}');
  CHECK(memchr(json, '\0', length) == NULL);
  memcpy(store->json, json, length);
  store->length = length;
  store->sets++;
  store->caller = pthread_self();
  return SESSIO_OK;
}

static sessio_status memory_delete(void *user_data) {
  memory_store *store = (memory_store *)user_data;
  store->length = 0;
  store->deletes++;
  return SESSIO_OK;
}

static void memory_release(void *user_data) { ((memory_store *)user_data)->released++; }

static sessio_session_store callbacks(memory_store *store) {
  const sessio_session_store host = {sizeof host, store, memory_get, memory_set, memory_delete, memory_release};
  return host;
}

/* A tracker with that store, and a database unless path is NULL. */
static sessio_tracker *tracker_with(memory_store *store, manual_clock *clock, const char *path) {
  sessio_config *config = sessio_config_new();
  const sessio_session_store host = callbacks(store);
  if (path != NULL) OK(sessio_config_set_path(config, path));
  if (clock != NULL) manual_set(config, clock);
  OK(sessio_config_set_session_store(config, &host));
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  return tracker;
}

static void a_session_goes_on_from_the_store(const char *path) {
  memory_store store = {0};
  manual_clock clock = manual_new();
  sessio_tracker *tracker = tracker_with(&store, &clock, path);
  CHECK(store.gets == 1 && !pthread_equal(store.caller, pthread_self()));
  OK(sessio_tracker_start_session_with_id(tracker, "kept-by-the-host"));
  track_feature(tracker, "one");
  OK(sessio_tracker_poll(tracker));
  CHECK(store.sets > 0 && !pthread_equal(store.caller, pthread_self()));
  CHECK(strstr(store.json, "kept-by-the-host") != NULL);
  track_feature(tracker, "two");
  closed(tracker);
  CHECK(store.released == 1);

  tracker = tracker_with(&store, &clock, path);
  const sessio_session session = session_of(tracker);
  CHECK(session.state == SESSIO_SESSION_ACTIVE && strcmp(session.id, "kept-by-the-host") == 0);
  CHECK(session.event_index == 2 && session.index == 1);
  track_feature(tracker, "three");
  CHECK(session_of(tracker).event_index == 3);
  OK(sessio_tracker_end_session(tracker));
  closed(tracker);
  CHECK(store.released == 2 && clock.released == 2);

  tracker = tracker_with(&store, &clock, path);
  CHECK(session_of(tracker).state == SESSIO_SESSION_ENDED && session_of(tracker).event_index == 3);
  track_feature(tracker, "four");
  CHECK(session_of(tracker).index == 2 && strcmp(session_of(tracker).previous_id, "kept-by-the-host") == 0);
  OK(sessio_tracker_erase(tracker));
  CHECK(store.length == 0 && store.deletes > 0);
  closed(tracker);
  CHECK(store.released == 3);
}

/* The stored session is judged like any other (S9). */
static void a_session_of_the_store_expires(void) {
  memory_store store = {0};
  manual_clock clock = manual_new();
  sessio_tracker *tracker = tracker_with(&store, &clock, NULL);
  track_feature(tracker, "one");
  closed(tracker);
  manual_advance(&clock, 1800001);
  tracker = tracker_with(&store, &clock, NULL);
  CHECK(session_of(tracker).end_reason == SESSIO_END_TIMEOUT);
  const history past = history_of(tracker);
  CHECK(past.count == 1 && past.sessions[0].end_reason == SESSIO_END_TIMEOUT);
  closed(tracker);
}

static void only_the_first_that_is_handed_over_counts(void) {
  memory_store store = {0};
  sessio_tracker *tracker = tracker_with(&store, NULL, NULL);
  OK(sessio_tracker_start_session_with_id(tracker, "first"));
  closed(tracker);
  store.twice = true;
  tracker = tracker_with(&store, NULL, NULL);
  CHECK(strcmp(session_of(tracker).id, "first") == 0);
  closed(tracker);
}

static void it_is_released_once_whatever_becomes_of_it(const char *folder) {
  memory_store store = {0};
  sessio_session_store host = callbacks(&store);

  GIVES(sessio_config_set_session_store(NULL, &host), SESSIO_ERROR_INVALID_ARGUMENT);
  CHECK(store.released == 1);

  sessio_config *config = sessio_config_new();
  host.set_session = NULL;
  SAYS(sessio_config_set_session_store(config, &host), SESSIO_ERROR_INVALID_ARGUMENT, "set_session");
  CHECK(store.released == 2);

  host = callbacks(&store);
  OK(sessio_config_set_session_store(config, &host));
  CHECK(store.released == 2);
  OK(sessio_config_set_session_store(config, &host)); /* takes the place of the one before */
  CHECK(store.released == 3);

  OK(sessio_config_set_path(config, in_folder(folder, "no such folder/app.db")));
  sessio_tracker *tracker = NULL;
  GIVES(sessio_tracker_open(config, &tracker), SESSIO_ERROR_IO);
  CHECK(tracker == NULL && store.released == 3);
  sessio_config_free(config);
  CHECK(store.released == 4);

  host.release = NULL;
  config = sessio_config_new();
  OK(sessio_config_set_session_store(config, &host));
  sessio_config_free(config);
  CHECK(store.released == 4);
}

static void two_trackers_share_one_and_the_last_releases_it(void) {
  memory_store store = {0};
  const sessio_session_store host = callbacks(&store);
  sessio_config *config = sessio_config_new();
  OK(sessio_config_set_session_store(config, &host));
  sessio_tracker *first = opened(config);
  closed(first);
  sessio_tracker *second = opened(config);
  sessio_config_free(config);
  CHECK(store.released == 0);
  sessio_tracker_free(second); /* not closed before */
  CHECK(store.released == 1);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  a_session_goes_on_from_the_store(NULL);
  a_session_goes_on_from_the_store(in_folder(argv[1], "app.db"));
  a_session_of_the_store_expires();
  only_the_first_that_is_handed_over_counts();
  it_is_released_once_whatever_becomes_of_it(argv[1]);
  two_trackers_share_one_and_the_last_releases_it();
  return 0;
}
