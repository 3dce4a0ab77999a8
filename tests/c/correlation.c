/* The session in the app's own requests and links. */
#include "check.h"

typedef struct found { char baggage[256], loupe[64], value[512]; int headers, values; } found;

static void take_header(void *context, const char *name, const char *value) {
  found *here = context;
  here->headers++;
  char *to = strcmp(name, "baggage") == 0 ? here->baggage : here->loupe;
  CHECK(strcmp(name, "baggage") == 0 || strcmp(name, "loupe-agent-sessionId") == 0);
  snprintf(to, 64, "%s", value);
}

static void take_value(void *context, const char *value) {
  found *here = context;
  here->values++;
  snprintf(here->value, sizeof here->value, "%s", value);
}

static found headers_of(sessio_tracker *tracker) {
  found here;
  memset(&here, 0, sizeof here);
  OK(sessio_tracker_request_headers(tracker, take_header, &here));
  return here;
}

static const char *baggage_of(sessio_tracker *tracker, const char *given, found *here) {
  here->values = 0;
  OK(sessio_tracker_baggage(tracker, given, take_value, here));
  CHECK(here->values == 1);
  return here->value;
}

static void headers_name_the_session_while_there_is_one(const char *folder) {
  sessio_config *config = config_at(folder, "app.db");
  OK(sessio_config_add_loupe(config, "http://127.0.0.1:1"));
  OK(sessio_config_set_manual_delivery(config, true));
  sessio_tracker *tracker = opened(config);
  found here = headers_of(tracker);
  CHECK(here.headers == 1 && strlen(here.loupe) == 36); /* no session yet */
  CHECK(strcmp(baggage_of(tracker, "a=1", &here), "a=1") == 0);
  OK(sessio_tracker_start_session_with_id(tracker, "web-1.a_b"));
  here = headers_of(tracker);
  CHECK(here.headers == 2 && strcmp(here.baggage, "session.id=web-1.a_b") == 0);
  CHECK(strcmp(baggage_of(tracker, "a=1, session.id=old", &here), "a=1,session.id=web-1.a_b") == 0);
  CHECK(strcmp(baggage_of(tracker, NULL, &here), "session.id=web-1.a_b") == 0);
  OK(sessio_tracker_pause_session(tracker));
  CHECK(headers_of(tracker).headers == 1); /* events carry no session now */
  closed(tracker);
  sessio_config_free(config);
}

static void links_lead_the_user_on(const char *folder) {
  sessio_config *config = config_at(folder, "links.db");
  sessio_tracker *tracker = opened(config);
  sessio_session session;
  found here;
  char expected[512];
  sessio_link more;
  memset(&more, 0, sizeof more);
  more.struct_size = sizeof more;
  OK(sessio_tracker_start_session(tracker));
  memset(&session, 0, sizeof session);
  session.struct_size = sizeof session;
  OK(sessio_tracker_session(tracker, &session));
  CHECK(headers_of(tracker).headers == 1); /* no Loupe */

  OK(sessio_tracker_decorate_link(tracker, "https://acme.example/a?b=c#d", NULL, take_value, &here));
  snprintf(expected, sizeof expected, "https://acme.example/a?b=c&_sp=%s.", session.user_id);
  CHECK(strncmp(here.value, expected, strlen(expected)) == 0);
  snprintf(expected, sizeof expected, ".%s#d", session.id);
  CHECK(strcmp(here.value + strlen(here.value) - strlen(expected), expected) == 0);

  OK(sessio_tracker_set_user(tracker, "u-1", NULL, NULL));
  more.user = true;
  more.platform = "pc";
  more.reason = "sale";
  OK(sessio_tracker_decorate_link(tracker, "app://a", &more, take_value, &here));
  CHECK(strstr(here.value, ".dS0x..pc.c2FsZQ") != NULL); /* the user and the reason in base64 */

  more.platform = "toaster";
  GIVES(sessio_tracker_decorate_link(tracker, "app://a", &more, take_value, &here), SESSIO_ERROR_INVALID_ARGUMENT);
  more.platform = NULL;
  more.struct_size = 3;
  GIVES(sessio_tracker_decorate_link(tracker, "app://a", &more, take_value, &here), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_tracker_decorate_link(tracker, "no link", NULL, take_value, &here), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_tracker_decorate_link(tracker, NULL, NULL, take_value, &here), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_tracker_decorate_link(tracker, "app://a", NULL, NULL, &here), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_tracker_baggage(tracker, "\xff", take_value, &here), SESSIO_ERROR_INVALID_UTF8);
  GIVES(sessio_tracker_baggage(tracker, "a=1", NULL, &here), SESSIO_ERROR_INVALID_ARGUMENT);
  GIVES(sessio_tracker_request_headers(tracker, NULL, NULL), SESSIO_ERROR_INVALID_ARGUMENT);

  OK(sessio_tracker_set_anonymous(tracker, true));
  OK(sessio_tracker_decorate_link(tracker, "https://acme.example/a", NULL, take_value, &here));
  CHECK(strcmp(here.value, "https://acme.example/a") == 0); /* nothing may link who wants to be nobody */
  closed(tracker);
  sessio_config_free(config);
}

int main(int count, char **arguments) {
  (void)count;
  headers_name_the_session_while_there_is_one(arguments[1]);
  links_lead_the_user_on(arguments[1]);
  return 0;
}
