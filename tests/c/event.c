/* Events: every constructor and setter, with and without lengths, on both sides of each limit. */
#include "check.h"

#include <math.h>

#define SCHEMA "iglu:com.acme/thing/jsonschema/1-0-0"

enum { NAME = 1024, TEXT = 32768, MESSAGE = 32768, STACK_TRACE = 65536, JSON = 98304, EVENT = 262144, FIELDS = 128, CONTEXTS = 32 };

static char *repeated(char letter, size_t length) {
  char *text = (char *)malloc(length + 1);
  CHECK(text != NULL);
  memset(text, letter, length);
  text[length] = '\0';
  return text;
}

/* A JSON text of that many bytes. */
static char *long_json(size_t length) {
  char *text = repeated('x', length);
  text[0] = text[length - 1] = '"';
  return text;
}

/* Arrays nested that deep. */
static char *nested_json(size_t depth) {
  char *text = repeated('[', 2 * depth);
  memset(text + depth, ']', depth);
  return text;
}

static void accepted(sessio_event *event) {
  CHECK(event != NULL);
  sessio_event_free(event);
}

static void refused(sessio_event *event, const char *word) {
  char details[512];
  sessio_last_error(details, sizeof details);
  CHECK(event == NULL && strstr(details, word) != NULL);
}

static void constructors_take_what_they_need(void) {
  accepted(sessio_event_screen_view("home", NULL));
  accepted(sessio_event_screen_view(NULL, "7"));
  accepted(sessio_event_screen_view("home", "7"));
  accepted(sessio_event_structured("cart", "add"));
  accepted(sessio_event_self_describing(SCHEMA, "{\"a\":[1,null,\"\\u0000\"]}"));
  accepted(sessio_event_self_describing_n(SCHEMA, "{}garbage", 2));
  accepted(sessio_event_timing("load", "page", 0));
  accepted(sessio_event_timing("load", "page", UINT64_MAX));
  accepted(sessio_event_log(SESSIO_SEVERITY_TRACE, NULL, ""));
  accepted(sessio_event_log(SESSIO_SEVERITY_FATAL, "app", "message"));
  accepted(sessio_event_log(24, "app", "message"));
  accepted(sessio_event_log_n(SESSIO_SEVERITY_INFO, "app", "a\0b", 3));
  accepted(sessio_event_error("Oops", "", false));
  accepted(sessio_event_error_n("Oops", "a\0b", 3, true));
  accepted(sessio_event_error_n("Oops", "", 0, true));
  accepted(sessio_event_feature("\xe5\x90\x8d"));
}

static void constructors_refuse_the_rest(void) {
  refused(sessio_event_screen_view(NULL, NULL), "screen");
  refused(sessio_event_screen_view("", "7"), "empty");
  refused(sessio_event_structured(NULL, "add"), "category");
  refused(sessio_event_structured("cart", NULL), "action");
  refused(sessio_event_structured("", "add"), "category");
  refused(sessio_event_self_describing(NULL, "{}"), "schema");
  refused(sessio_event_self_describing(SCHEMA, NULL), "data_json");
  refused(sessio_event_self_describing(SCHEMA, "{"), "JSON");
  refused(sessio_event_self_describing(SCHEMA, ""), "JSON");
  refused(sessio_event_self_describing_n(SCHEMA, "{}", 0), "JSON");
  refused(sessio_event_self_describing_n(SCHEMA, NULL, 0), "data_json");
  refused(sessio_event_timing(NULL, "page", 1), "category");
  refused(sessio_event_timing("load", "", 1), "variable");
  refused(sessio_event_log(0, "app", "m"), "severity");
  refused(sessio_event_log(25, "app", "m"), "severity");
  refused(sessio_event_log(UINT32_MAX, "app", "m"), "severity");
  refused(sessio_event_log(9, "", "m"), "source");
  refused(sessio_event_log(9, "app", NULL), "message");
  refused(sessio_event_log_n(9, "app", NULL, 3), "message");
  refused(sessio_event_log_n(9, "app", "m", SIZE_MAX), "message");
  refused(sessio_event_error(NULL, "m", true), "type");
  refused(sessio_event_error("E", NULL, true), "message");
  refused(sessio_event_error_n("E", NULL, 0, true), "message");
  refused(sessio_event_feature(NULL), "name");
  refused(sessio_event_feature(""), "empty");
}

static void names_are_of_1024_bytes(void) {
  char *longest = repeated('n', NAME), *too_long = repeated('n', NAME + 1);
  accepted(sessio_event_feature(longest));
  refused(sessio_event_feature(too_long), "1025");
  accepted(sessio_event_structured(longest, longest));
  refused(sessio_event_structured("a", too_long), "1024");
  sessio_event *event = sessio_event_feature("f");
  OK(sessio_event_set_text(event, longest, "v"));
  GIVES(sessio_event_set_text(event, too_long, "v"), SESSIO_ERROR_TOO_LARGE);
  GIVES(sessio_event_set_number(event, too_long, 1), SESSIO_ERROR_TOO_LARGE);
  GIVES(sessio_event_add_context(event, too_long, "{}"), SESSIO_ERROR_TOO_LARGE);
  sessio_event_free(event);
  free(longest), free(too_long);
}

static void setters_take_values_of_their_kind(void) {
  sessio_event *event = sessio_event_structured("cart", "add");
  OK(sessio_event_set_text(event, "label", "one"));
  OK(sessio_event_set_text(event, "label", ""));
  OK(sessio_event_set_text_n(event, "property", "a\0b", 3));
  OK(sessio_event_set_text_n(event, "caption", "", 0));
  OK(sessio_event_set_number(event, "value", -0.5));
  OK(sessio_event_set_json(event, "free", " {\"a\": 1} "));
  OK(sessio_event_set_json_n(event, "free", "[]]", 2));
  OK(sessio_event_set_number(event, "free", 1)); /* a key without a meaning takes any kind */
  OK(sessio_event_add_context(event, SCHEMA, "{}"));
  OK(sessio_event_add_context_n(event, SCHEMA, "[1]x", 3));
  OK(sessio_event_set_true_time_ms(event, -1));
  OK(sessio_event_set_true_time_ms(event, INT64_MIN));
  OK(sessio_event_set_true_time_ms(event, INT64_MAX));

  SAYS(sessio_event_set_text(event, "value", "1"), SESSIO_ERROR_INVALID_ARGUMENT, "number");
  SAYS(sessio_event_set_number(event, "label", 1), SESSIO_ERROR_INVALID_ARGUMENT, "text");
  GIVES(sessio_event_set_json(event, "stack_trace", "{}"), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_event_set_number(event, "n", NAN), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_event_set_number(event, "n", INFINITY), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_event_set_number(event, "", 1), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_event_set_json(event, "j", "{\"a\":1e999}"), SESSIO_ERROR_INVALID_JSON);
  GIVES(sessio_event_set_json(event, "j", "nul"), SESSIO_ERROR_INVALID_JSON);
  GIVES(sessio_event_set_text_n(event, "t", "x", SIZE_MAX), SESSIO_ERROR_TOO_LARGE);
  sessio_event_free(event);
}

static void texts_and_json_have_limits(void) {
  sessio_event *event = sessio_event_feature("f");
  char *text = repeated('t', TEXT + 1), *json = long_json(JSON + 1);
  GIVES(sessio_event_set_text(event, "t", text), SESSIO_ERROR_TOO_LARGE);
  OK(sessio_event_set_text_n(event, "t", text, TEXT));
  SAYS(sessio_event_set_json(event, "j", json), SESSIO_ERROR_TOO_LARGE, "98305");
  GIVES(sessio_event_add_context(event, SCHEMA, json), SESSIO_ERROR_TOO_LARGE);
  json[JSON - 1] = '"';
  OK(sessio_event_set_json_n(event, "j", json, JSON));
  free(text), free(json);

  char *deep = nested_json(32), *too_deep = nested_json(33), *abyss = nested_json(40000);
  OK(sessio_event_set_json(event, "d", deep));
  GIVES(sessio_event_set_json(event, "d", too_deep), SESSIO_ERROR_INVALID_JSON);
  GIVES(sessio_event_set_json(event, "d", abyss), SESSIO_ERROR_INVALID_JSON);
  free(deep), free(too_deep), free(abyss);
  sessio_event_free(event);
}

static void fields_and_contexts_are_counted(void) {
  sessio_event *event = sessio_event_feature("f");
  char key[16];
  for (int i = 0; i < FIELDS; i++) {
    snprintf(key, sizeof key, "key%d", i);
    OK(sessio_event_set_number(event, key, i));
  }
  SAYS(sessio_event_set_number(event, "one more", 0), SESSIO_ERROR_TOO_LARGE, "128");
  OK(sessio_event_set_number(event, "key0", 7)); /* replaces */
  for (int i = 0; i < CONTEXTS; i++) OK(sessio_event_add_context(event, SCHEMA, "{}"));
  SAYS(sessio_event_add_context(event, SCHEMA, "{}"), SESSIO_ERROR_TOO_LARGE, "32");
  sessio_event_free(event);
}

static void an_event_as_a_whole_has_a_limit(sessio_tracker *tracker) {
  sessio_event *event = sessio_event_feature("f");
  char *json = long_json(JSON);
  char id[37];
  OK(sessio_event_set_json(event, "a", json));
  OK(sessio_event_set_json(event, "b", json));
  OK(sessio_tracker_track(tracker, event, id));
  CHECK(strlen(id) == 36);
  OK(sessio_event_set_json(event, "c", json));
  memset(id, '#', sizeof id);
  SAYS(sessio_tracker_track(tracker, event, id), SESSIO_ERROR_TOO_LARGE, "262144");
  CHECK(id[0] == '#'); /* results are written only on success */
  free(json);
  sessio_event_free(event);
}

/* Texts that people paste whole are cut, not refused, and the cut is marked. */
static void messages_and_stack_traces_are_cut(sessio_tracker *tracker, const char *journal) {
  char *message = repeated('m', MESSAGE + 1000), *trace = repeated('s', STACK_TRACE + 1);
  const char *mark = "bytes more]";
  sessio_event *whole = sessio_event_error_n("E", message, MESSAGE, false);
  OK(sessio_event_set_text_n(whole, "stack_trace", trace, STACK_TRACE));
  OK(sessio_tracker_track(tracker, whole, NULL));
  CHECK(!file_holds(journal, mark));

  sessio_event *cut = sessio_event_error("E", message, false);
  OK(sessio_tracker_track(tracker, cut, NULL));
  CHECK(file_holds(journal, "[cut, 1048 bytes more]")); /* the mark itself takes 48 */
  sessio_event *cut_trace = sessio_event_error("E", "m", true);
  OK(sessio_event_set_text(cut_trace, "stack_trace", trace));
  OK(sessio_tracker_track(tracker, cut_trace, NULL));
  CHECK(file_holds(journal, "[cut, 49 bytes more]"));
  const sessio_session session = session_of(tracker);
  CHECK(session.handled_errors == 2 && session.unhandled_errors == 1);

  sessio_event_free(whole), sessio_event_free(cut), sessio_event_free(cut_trace);
  free(message), free(trace);
}

static void an_event_is_copied_and_may_be_used_again(sessio_tracker *tracker) {
  char first[37], second[37];
  sessio_event *event = sessio_event_feature("again");
  const uint32_t before = session_of(tracker).event_index;
  OK(sessio_tracker_track(tracker, event, first));
  OK(sessio_event_set_text(event, "label", "changed"));
  OK(sessio_tracker_track(tracker, event, second));
  sessio_event_free(event);
  CHECK(strcmp(first, second) != 0);
  CHECK(session_of(tracker).event_index == before + 2);
  OK(sessio_tracker_poll(tracker));
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  constructors_take_what_they_need();
  constructors_refuse_the_rest();
  names_are_of_1024_bytes();
  setters_take_values_of_their_kind();
  texts_and_json_have_limits();
  fields_and_contexts_are_counted();

  sessio_config *config = config_at(argv[1], "events.db");
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  messages_and_stack_traces_are_cut(tracker, in_folder(argv[1], "events.db.default.journal"));
  an_event_as_a_whole_has_a_limit(tracker);
  an_event_is_copied_and_may_be_used_again(tracker);
  closed(tracker);
  sessio_event_free(NULL);
  return 0;
}
