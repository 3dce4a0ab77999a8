/* Destinations and their options: what is no good is refused at once, by its name, and changes nothing. */
#include "delivery.h"

#define REFUSES(call, word) SAYS(call, SESSIO_ERROR_INVALID_ARGUMENT, word)
#define URL "https://acme.example"

static const char *const bad_urls[] = {"",           "acme.example",    "ftp://acme.example",  "http://",
                                       "http://a b", "http://a:0",      "http://a:65536",      "http://user:secret@a",
                                       "http://a?b", "http://a/#b",     "http://b\xc3\xbc.example", "http://[::1"};

static void last_error_has_not(const char *secret) {
  char details[512];
  sessio_last_error(details, sizeof details);
  CHECK(strstr(details, secret) == NULL);
}

static void bad_urls_and_keys_are_refused(void) {
  sessio_config *config = sessio_config_new();
  for (size_t i = 0; i < sizeof bad_urls / sizeof bad_urls[0]; i++) {
    const char *const url = bad_urls[i];
    REFUSES(sessio_config_add_snowplow(config, url), "the collector's URL");
    REFUSES(sessio_config_add_bugsnag(config, url, "key"), "endpoint");
    REFUSES(sessio_config_add_exceptionless(config, url, "key"), "the server URL");
    REFUSES(sessio_config_add_loupe(config, url), "Loupe's URL");
    REFUSES(sessio_config_add_otlp(config, url), "the collector's URL");
    last_error_has_not("secret");
  }
  const char *const bad_keys[] = {"", " ", "a key", "k\xc3\xa9y", "key\n"};
  for (size_t i = 0; i < sizeof bad_keys / sizeof bad_keys[0]; i++) {
    REFUSES(sessio_config_add_bugsnag(config, URL, bad_keys[i]), "the API key");
    REFUSES(sessio_config_add_bugsnag(config, NULL, bad_keys[i]), "the API key");
    REFUSES(sessio_config_add_exceptionless(config, URL, bad_keys[i]), "the API key");
  }
  /* None of them was added. */
  OK(sessio_config_add_snowplow(config, URL));
  OK(sessio_config_add_bugsnag(config, NULL, "key"));
  OK(sessio_config_add_exceptionless(config, URL, "key"));
  OK(sessio_config_add_loupe(config, URL));
  OK(sessio_config_add_otlp(config, URL "/v1/logs"));
  sessio_config_free(config);
}

static void null_and_broken_text(void) {
  sessio_config *config = sessio_config_new();
  REFUSES(sessio_config_add_snowplow(NULL, URL), "config");
  REFUSES(sessio_config_add_bugsnag(NULL, URL, "key"), "config");
  REFUSES(sessio_config_add_exceptionless(NULL, URL, "key"), "config");
  REFUSES(sessio_config_add_loupe(NULL, URL), "config");
  REFUSES(sessio_config_add_otlp(NULL, URL), "config");
  REFUSES(sessio_config_add_snowplow(config, NULL), "collector_url");
  REFUSES(sessio_config_add_bugsnag(config, URL, NULL), "api_key");
  REFUSES(sessio_config_add_exceptionless(config, NULL, "key"), "server_url");
  REFUSES(sessio_config_add_exceptionless(config, URL, NULL), "api_key");
  REFUSES(sessio_config_add_loupe(config, NULL), "server_url");
  REFUSES(sessio_config_add_otlp(config, NULL), "logs_url");
  GIVES(sessio_config_add_snowplow(config, "\xff"), SESSIO_ERROR_INVALID_UTF8);
  GIVES(sessio_config_add_bugsnag(config, "\xff", "key"), SESSIO_ERROR_INVALID_UTF8);
  GIVES(sessio_config_add_bugsnag(config, NULL, "\xff"), SESSIO_ERROR_INVALID_UTF8);
  GIVES(sessio_config_add_exceptionless(config, URL, "\xff"), SESSIO_ERROR_INVALID_UTF8);
  GIVES(sessio_config_add_loupe(config, "\xff"), SESSIO_ERROR_INVALID_UTF8);
  GIVES(sessio_config_add_otlp(config, "\xff"), SESSIO_ERROR_INVALID_UTF8);

  OK(sessio_config_add_otlp(config, URL));
  REFUSES(sessio_config_set_destination_option(NULL, "otlp", "gzip", "true"), "config");
  REFUSES(sessio_config_set_destination_option(config, NULL, "gzip", "true"), "destination");
  REFUSES(sessio_config_set_destination_option(config, "otlp", NULL, "true"), "option");
  REFUSES(sessio_config_set_destination_option(config, "otlp", "gzip", NULL), "value");
  GIVES(sessio_config_set_destination_option(config, "\xff", "gzip", "true"), SESSIO_ERROR_INVALID_UTF8);
  GIVES(sessio_config_set_destination_option(config, "otlp", "\xff", "true"), SESSIO_ERROR_INVALID_UTF8);
  GIVES(sessio_config_set_destination_option(config, "otlp", "gzip", "\xff"), SESSIO_ERROR_INVALID_UTF8);
  sessio_config_free(config);
}

typedef struct option {
  const char *destination, *name, *good, *bad;
} option;

static void options_are_checked_by_name(void) {
  static const option options[] = {
      {"snowplow", "method", "get", "put"},
      {"snowplow", "method", "post", "POST"},
      {"snowplow", "path", "/custom/path", "custom"},
      {"snowplow", "platform", "mob", "phone"},
      {"snowplow", "byte_limit", "20000", "0"},
      {"snowplow", "batch_size", "10", "ten"},
      {"snowplow", "session_context", "false", "no"},
      {"snowplow", "status.404", "retry", "again"},
      {"snowplow", "resolution", "1920x1080", "1920*1080"},
      {"snowplow", "ip", "192.0.2.1", "192.0.2"},
      {"bugsnag", "notify_endpoint", URL, "acme"},
      {"bugsnag", "enabled_release_stages", "beta,production", "beta, production"},
      {"bugsnag", "runtime_version.clang", "19", NULL},
      {"bugsnag", "max_age_ms", "1000", "5184000001"},
      {"exceptionless", "heartbeats", "false", ""},
      {"exceptionless", "tag", "blue", NULL},
      {"loupe", "screen_size", "800x600", "0x600"},
      {"loupe", "header.X-Key", "secret", "a\nsecret"},
      {"otlp", "header.Authorization", "Bearer secret", "a\nsecret"},
      {"otlp", "resource_attribute.service.name", "shop", NULL},
      {"otlp", "gzip", "true", "secret"},
  };
  sessio_config *config = sessio_config_new();
  OK(sessio_config_add_snowplow(config, URL));
  OK(sessio_config_add_bugsnag(config, NULL, "key"));
  OK(sessio_config_add_exceptionless(config, URL, "key"));
  OK(sessio_config_add_loupe(config, URL));
  OK(sessio_config_add_otlp(config, URL));
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
    const option *const it = &options[i];
    OK(sessio_config_set_destination_option(config, it->destination, it->name, it->good));
    if (it->bad != NULL) {
      REFUSES(sessio_config_set_destination_option(config, it->destination, it->name, it->bad), it->name);
      check_last_error(__FILE__, __LINE__, it->name, it->destination);
      last_error_has_not("secret");
    }
    REFUSES(sessio_config_set_destination_option(config, "nowhere", it->name, it->good), "nowhere");
  }
  REFUSES(sessio_config_set_destination_option(config, "otlp", "no_such_option", "1"), "no_such_option");
  REFUSES(sessio_config_set_destination_option(config, "otlp", "", "1"), "option");
  REFUSES(sessio_config_set_destination_option(config, "otlp", "header.", "1"), "header.");
  sessio_config_free(config);
}

static void two_of_one_protocol_are_told_apart_by_name(void) {
  sessio_config *config = sessio_config_new();
  OK(sessio_config_add_snowplow(config, URL));
  REFUSES(sessio_config_add_snowplow(config, URL), "\"snowplow\"");
  REFUSES(sessio_config_add_snowplow(config, "https://other.example"), "\"snowplow\"");
  OK(sessio_config_set_destination_option(config, "snowplow", "name", "snowplow")); /* itself */
  OK(sessio_config_set_destination_option(config, "snowplow", "name", "marketing"));
  REFUSES(sessio_config_set_destination_option(config, "snowplow", "gzip", "true"), "\"snowplow\"");
  OK(sessio_config_set_destination_option(config, "marketing", "gzip", "true"));
  OK(sessio_config_add_snowplow(config, URL));
  REFUSES(sessio_config_set_destination_option(config, "snowplow", "name", "marketing"), "\"marketing\"");
  REFUSES(sessio_config_set_destination_option(config, "marketing", "name", "snowplow"), "\"snowplow\"");
  char too_long[66];
  memset(too_long, 'n', 65), too_long[65] = '\0';
  const char *const bad[] = {"", " ", "a b", "a/b", "\xc3\xbc", too_long};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    REFUSES(sessio_config_set_destination_option(config, "marketing", "name", bad[i]), "name");
  OK(sessio_config_set_destination_option(config, "marketing", "name", too_long + 1)); /* 64 */
  sessio_config_free(config);
}

static void other_settings_of_delivery(void) {
  sessio_config *config = sessio_config_new();
  add_collector(config);
  REFUSES(sessio_config_set_connect_timeout_ms(config, 0), "connect timeout");
  REFUSES(sessio_config_set_request_timeout_ms(config, 0), "request timeout");
  REFUSES(sessio_config_set_background_delivery(config, 3), "3");
  REFUSES(sessio_config_set_connect_timeout_ms(NULL, 1), "config");
  REFUSES(sessio_config_set_request_timeout_ms(NULL, 1), "config");
  REFUSES(sessio_config_set_background_delivery(NULL, SESSIO_BACKGROUND_ONCE), "config");
  REFUSES(sessio_config_set_manual_delivery(NULL, true), "config");
  OK(sessio_config_set_connect_timeout_ms(config, UINT64_MAX));
  OK(sessio_config_set_request_timeout_ms(config, UINT64_MAX));
  REFUSES(sessio_config_set_proxy(config, "ftp://proxy.example"), "proxy");
  REFUSES(sessio_config_set_proxy(config, ""), "proxy");
  REFUSES(sessio_config_set_proxy(NULL, NULL), "config");
  OK(sessio_config_set_proxy(config, "http://user:password@127.0.0.1:3128"));
  OK(sessio_config_set_proxy(config, NULL));
  REFUSES(sessio_config_add_root_certificates(config, "no certificate"), "root_certificates");
  REFUSES(sessio_config_add_root_certificates(config, NULL), "root_certificates");
  REFUSES(sessio_config_set_preset(config, "netflix"), "preset");
  REFUSES(sessio_config_set_preset(config, NULL), "name");
  OK(sessio_config_set_preset(config, "bugsnag"));
  OK(sessio_config_set_background_delivery(config, SESSIO_BACKGROUND_ONCE));
  OK(sessio_config_set_background_delivery(config, SESSIO_BACKGROUND_NEVER));
  OK(sessio_config_set_manual_delivery(config, true));
  OK(sessio_config_set_manual_delivery(config, false));
  host it = HOST(ANSWERS, 200);
  const sessio_transport transport = host_transport(&it);
  OK(sessio_config_set_transport(config, &transport));
  OK(sessio_config_set_starts_in_background(config, true));
  for (uint64_t always = 0; always <= 1; always++) {
    sessio_tracker *tracker = opened(config);
    track_feature(tracker, "in background");
    OK(sessio_tracker_poll(tracker));
    if (always) host_wait(&it, &it.sends, 1);
    else pause_ms(20);
    CHECK(always || host_count(&it, &it.sends) == 0);
    closed(tracker);
    OK(sessio_config_set_background_delivery(config, SESSIO_BACKGROUND_ALWAYS));
  }
  sessio_config_free(config);
}

/* A config is borrowed: what is changed later changes no tracker that is open. */
static void a_config_goes_on_after_open(void) {
  host it = HOST(ANSWERS, 200);
  const sessio_transport transport = host_transport(&it);
  sessio_config *config = sessio_config_new();
  OK(sessio_config_set_transport(config, &transport));
  add_collector(config);
  sessio_tracker *one = opened(config);
  OK(sessio_config_set_destination_option(config, "otlp", "name", "renamed"));
  OK(sessio_config_add_loupe(config, URL));
  sessio_tracker *two = opened(config);
  CHECK(delivery_stats_of(one).count == 1 && delivery_stats_of(two).count == 2);
  CHECK(strcmp(delivery_stats_of(one).names[0], "otlp") == 0);
  CHECK(strcmp(delivery_stats_of(two).names[0], "renamed") == 0 && strcmp(delivery_stats_of(two).names[1], "loupe") == 0);
  sessio_config_free(config);
  closed(one);
  CHECK(it.released == 0);
  closed(two);
  CHECK(it.released == 1);
}

int main(int argc, char **argv) {
  CHECK(argc == 2 && argv[1] != NULL);
  bad_urls_and_keys_are_refused();
  null_and_broken_text();
  options_are_checked_by_name();
  two_of_one_protocol_are_told_apart_by_name();
  other_settings_of_delivery();
  a_config_goes_on_after_open();
  return 0;
}
