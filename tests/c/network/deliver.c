/* An app that delivers to five back ends at once, over the built-in HTTP client: `deliver URL DATABASE`. Written against
   the header alone. */
#include <stdio.h>
#include <string.h>

#include "sessio.h"

#define OK(call)                                                        \
  do {                                                                  \
    sessio_status status = (call);                                      \
    if (status != SESSIO_OK) {                                          \
      char why[512];                                                    \
      sessio_last_error(why, sizeof why);                               \
      printf("%s: %s: %s\n", #call, sessio_status_text(status), why);   \
      return 1;                                                         \
    }                                                                   \
  } while (0)

enum { EVENTS = 100, PATIENCE_MS = 20000 };

static int configure(sessio_config *config, const char *url, const char *database) {
  char logs[256];
  snprintf(logs, sizeof logs, "%s/v1/logs", url);
  OK(sessio_config_set_path(config, database));
  OK(sessio_config_set_app(config, "com.acme.shop", "1.2.0"));
  OK(sessio_config_add_snowplow(config, url));
  OK(sessio_config_add_bugsnag(config, url, "0123456789abcdef0123456789abcdef"));
  OK(sessio_config_add_exceptionless(config, url, "API_KEY"));
  OK(sessio_config_add_loupe(config, url));
  OK(sessio_config_add_otlp(config, logs));
  OK(sessio_config_set_destination_option(config, "snowplow", "platform", "pc"));
  OK(sessio_config_set_destination_option(config, "otlp", "header.Authorization", "Bearer TOKEN"));
  return 0;
}

static int use(sessio_tracker *tracker) {
  sessio_event *event = sessio_event_structured("cart", "add");
  sessio_stats stats;
  int i;
  for (i = 0; i < EVENTS; i++)
    OK(sessio_tracker_track(tracker, event, NULL));
  sessio_event_free(event);
  OK(sessio_tracker_end_session(tracker));
  OK(sessio_tracker_flush(tracker, PATIENCE_MS));
  memset(&stats, 0, sizeof stats);
  stats.struct_size = sizeof stats;
  OK(sessio_tracker_stats(tracker, &stats));
  if (stats.delivered != EVENTS || stats.stored != 0) {
    printf("delivered %d, stored %d\n", (int)stats.delivered, (int)stats.stored);
    return 1;
  }
  OK(sessio_tracker_close(tracker, PATIENCE_MS));
  return 0;
}

int main(int count, char **arguments) {
  sessio_config *config = sessio_config_new();
  sessio_tracker *tracker = NULL;
  int failed = count != 3 || configure(config, arguments[1], arguments[2]);
  if (!failed && sessio_tracker_open(config, &tracker) == SESSIO_OK)
    failed = use(tracker);
  else
    failed = 1;
  sessio_tracker_free(tracker);
  sessio_config_free(config);
  return failed;
}
