/* An app whose process ends in the middle of a session: `leave URL DATABASE`. It closes the tracker and exits. */
#include "sessio.h"

int main(int count, char **arguments) {
  sessio_config *config = sessio_config_new();
  sessio_tracker *tracker = NULL;
  sessio_event *event = sessio_event_feature("leaving");
  sessio_status status = SESSIO_OK;
  if (count != 3) return 1;
  sessio_config_set_path(config, arguments[2]);
  sessio_config_set_preset(config, "exceptionless"); /* a session is one run of the app */
  sessio_config_add_exceptionless(config, arguments[1], "API_KEY");
  status = sessio_tracker_open(config, &tracker);
  if (status == SESSIO_OK) status = sessio_tracker_start_session_with_id(tracker, "one-run-of-the-app");
  if (status == SESSIO_OK) status = sessio_tracker_track(tracker, event, NULL);
  if (status == SESSIO_OK) status = sessio_tracker_close(tracker, 20000);
  sessio_event_free(event);
  sessio_config_free(config);
  return status != SESSIO_OK; /* the process ends with the tracker still there */
}
