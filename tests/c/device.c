/* What receivers are told about the device and the app: as detected, as the host says, or nothing; and bad input. */
#include "delivery.h"

/* The fields, a value for each, and where an OpenTelemetry collector finds it: the key and the value. */
static const struct field {
  const char *name, *value, *told;
} fields[] = {
    {"os_name", "Acme OS", "{\"key\":\"os.name\",\"value\":{\"stringValue\":\"Acme OS\"}}"},
    {"os_version", "6.8", "{\"key\":\"os.version\",\"value\":{\"stringValue\":\"6.8\"}}"},
    {"architecture", "riscv64", "{\"key\":\"host.arch\",\"value\":{\"stringValue\":\"riscv64\"}}"},
    {"manufacturer", "Acme", "{\"key\":\"device.manufacturer\",\"value\":{\"stringValue\":\"Acme\"}}"},
    {"model", "Desk 3", "{\"key\":\"device.model.name\",\"value\":{\"stringValue\":\"Desk 3\"}}"},
    {"locale", "de-AT", NULL},
    {"time_zone", "Europe/Vienna", NULL},
    {"processor_count", "8", NULL},
    {"total_memory", "9223372036854775807", NULL},
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

/* What is sent by a tracker of that config. */
static void send_one(host *it, sessio_config *config) {
  sessio_transport transport = host_transport(it);
  add_collector(config);
  OK(sessio_config_set_transport(config, &transport));
  sessio_tracker *tracker = opened(config);
  sessio_config_free(config);
  track_feature(tracker, "a");
  OK(sessio_tracker_flush(tracker, 10000));
  closed(tracker);
}

static void it_is_detected(void) {
  host it = HOST(ANSWERS, 200);
  send_one(&it, sessio_config_new());
  CHECK(strstr(it.body, "\"host.arch\"") != NULL && strstr(it.body, "\"os.name\"") != NULL);
}

static void the_host_goes_before(void) {
  host it = HOST(ANSWERS, 200);
  sessio_config *config = sessio_config_new();
  for (size_t i = 0; i < FIELDS; i++) OK(sessio_config_set_device(config, fields[i].name, fields[i].value));
  send_one(&it, config);
  for (size_t i = 0; i < FIELDS; i++) CHECK(fields[i].told == NULL || strstr(it.body, fields[i].told) != NULL);
}

static void an_empty_field_is_not_told(void) {
  host it = HOST(ANSWERS, 200);
  sessio_config *config = sessio_config_new();
  for (size_t i = 0; i < FIELDS; i++) OK(sessio_config_set_device(config, fields[i].name, ""));
  OK(sessio_config_set_device(config, "architecture", NULL)); /* as detected again */
  send_one(&it, config);
  CHECK(strstr(it.body, "\"os.") == NULL && strstr(it.body, "\"host.arch\"") != NULL);
}

static void nothing_is_told_if_nothing_is_detected(void) {
  host it = HOST(ANSWERS, 200);
  sessio_config *config = sessio_config_new();
  OK(sessio_config_set_detect_device(config, true));
  OK(sessio_config_set_detect_device(config, false));
  OK(sessio_config_set_device(config, "model", "Desk 3"));
  OK(sessio_config_set_device(config, "locale", NULL));
  send_one(&it, config);
  CHECK(strstr(it.body, "\"os.") == NULL && strstr(it.body, "\"host.arch\"") == NULL);
  CHECK(strstr(it.body, "Desk 3") != NULL);
}

static void the_build_is_told(void) {
  host it = HOST(ANSWERS, 200);
  sessio_config *config = sessio_config_new();
  OK(sessio_config_set_app(config, "com.acme.shop", "1.2.0"));
  OK(sessio_config_set_app_build(config, "4711"));
  send_one(&it, config);
  CHECK(strstr(it.body, "{\"key\":\"app.build_id\",\"value\":{\"stringValue\":\"4711\"}}") != NULL);
}

static void bad_numbers(sessio_config *config, const char *field, const char *too_large) {
  static const char *const bad[] = {"0", "-1", "1.5", " 1", "0x10", "many", "99999999999999999999"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    SAYS(sessio_config_set_device(config, field, bad[i]), SESSIO_ERROR_INVALID_ARGUMENT, field);
  SAYS(sessio_config_set_device(config, field, too_large), SESSIO_ERROR_INVALID_ARGUMENT, field);
}

static void bad_input_is_refused_and_changes_nothing(void) {
  char text[514];
  memset(text, 'x', sizeof text);
  text[256] = '\0';
  host it = HOST(ANSWERS, 200);
  sessio_config *config = sessio_config_new();
  OK(sessio_config_set_device(config, "model", "Desk 3"));
  OK(sessio_config_set_app_build(config, "4711"));
  for (size_t i = 0; i < FIELDS - 2; i++) {
    SAYS(sessio_config_set_device(config, fields[i].name, text), SESSIO_ERROR_TOO_LARGE, fields[i].name);
    SAYS(sessio_config_set_device(config, fields[i].name, "\xff"), SESSIO_ERROR_INVALID_UTF8, fields[i].name);
  }
  bad_numbers(config, "processor_count", "4294967296");
  bad_numbers(config, "total_memory", "9223372036854775808");
  SAYS(sessio_config_set_device(config, "Model", "x"), SESSIO_ERROR_INVALID_ARGUMENT, "Model");
  SAYS(sessio_config_set_device(config, "", NULL), SESSIO_ERROR_INVALID_ARGUMENT, "field");
  SAYS(sessio_config_set_device(config, NULL, "x"), SESSIO_ERROR_INVALID_ARGUMENT, "field");
  GIVES(sessio_config_set_device(config, "\xff", "x"), SESSIO_ERROR_INVALID_UTF8);
  GIVES(sessio_config_set_device(NULL, "model", "x"), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_config_set_detect_device(NULL, true), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_config_set_app_build(NULL, "1"), SESSIO_ERROR_INVALID_ARGUMENT);
  SAYS(sessio_config_set_app_build(config, NULL), SESSIO_ERROR_INVALID_ARGUMENT, "build");
  SAYS(sessio_config_set_app_build(config, ""), SESSIO_ERROR_INVALID_ARGUMENT, "build");
  text[256] = 'x';
  text[513] = '\0';
  SAYS(sessio_config_set_app_build(config, text), SESSIO_ERROR_TOO_LARGE, "build");
  GIVES(sessio_config_set_app_build(config, "\xff"), SESSIO_ERROR_INVALID_UTF8);
  send_one(&it, config);
  CHECK(strstr(it.body, "Desk 3") != NULL && strstr(it.body, "4711") != NULL && strstr(it.body, "xxx") == NULL);
}

int main(void) {
  it_is_detected();
  the_host_goes_before();
  an_empty_field_is_not_told();
  nothing_is_told_if_nothing_is_detected();
  the_build_is_told();
  bad_input_is_refused_and_changes_nothing();
  return 0;
}
