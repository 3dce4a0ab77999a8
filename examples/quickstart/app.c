/* The app: a process of its own with a tracker in it, which can be killed like any other. This is the part to copy from. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quickstart.h"

/* How many ended sessions the table shows. */
enum { MOST_SESSIONS = 1000 };

/* A clock that is moved by hand; an app of your own needs none. Other threads of the library read it, too. */
struct manual_clock {
  pthread_mutex_t lock;
  int64_t ms;
};

static int64_t clock_wall_ms(void *user_data)
{
  struct manual_clock *clock = user_data;
  pthread_mutex_lock(&clock->lock);
  int64_t ms = clock->ms;
  pthread_mutex_unlock(&clock->lock);
  return ms;
}

static uint64_t clock_elapsed_ms(void *user_data)
{
  return (uint64_t)clock_wall_ms(user_data);
}

static void clock_set(struct manual_clock *clock, int64_t ms)
{
  pthread_mutex_lock(&clock->lock);
  clock->ms = ms;
  pthread_mutex_unlock(&clock->lock);
}

/* Whether a call of the library worked; if not, what it says is the problem. */
static bool ok(sessio_status status)
{
  if (status != SESSIO_OK && sessio_last_error(problem, PROBLEM_LENGTH) == 0) fail("%s", sessio_status_text(status));
  return status == SESSIO_OK;
}

struct app {
  sessio_tracker *tracker;
  struct manual_clock clock;
  char *user;    /* who is signed in, or NULL */
  uint32_t told; /* the last session whose end was told of */
};

static bool app_session(struct app *app, sessio_session *session)
{
  session->struct_size = sizeof *session;
  return ok(sessio_tracker_session(app->tracker, session));
}

static bool app_set_user(struct app *app, const char *id)
{
  if (!ok(sessio_tracker_set_user(app->tracker, id, NULL, NULL))) return false;
  char *copy = id != NULL ? strdup(id) : NULL;
  if (id != NULL && copy == NULL) return fail("no memory");
  free(app->user);
  app->user = copy;
  return true;
}

static bool app_open(struct app *app, const char *folder, const char *user)
{
  char path[PATH_LENGTH];
  snprintf(path, sizeof path, "%s/day.db", folder);
  sessio_clock clock = { sizeof clock, &app->clock, clock_wall_ms, clock_elapsed_ms, NULL, 0 };
  sessio_config *config = sessio_config_new();
  bool open = ok(sessio_config_set_path(config, path)) &&
              ok(sessio_config_set_app(config, "com.example.news", "1.0.0")) &&
              ok(sessio_config_set_clock(config, &clock)) && ok(sessio_tracker_open(config, &app->tracker));
  sessio_config_free(config);
  /* The app knows who is signed in, and says so at every start. */
  if (!open || (user != NULL && !app_set_user(app, user))) return false;
  /* Ends before that of the last session were told of by the process before. */
  sessio_session session;
  if (!app_session(app, &session)) return false;
  app->told = session.index > 0 ? session.index - 1 : 0;
  return true;
}

/* Tracks an event and frees it. A constructor gives NULL for bad arguments. */
static bool app_track(struct app *app, sessio_event *event)
{
  bool done = ok(event != NULL ? sessio_tracker_track(app->tracker, event, NULL) : SESSIO_ERROR_INVALID_ARGUMENT);
  sessio_event_free(event);
  return done;
}

static bool app_carry_out(struct app *app, const struct command *command)
{
  sessio_tracker *tracker = app->tracker;
  const char *first = command->arguments[0], *second = command->arguments[1];
  switch (command->name) {
    case SCREEN: return app_track(app, sessio_event_screen_view(first, NULL));
    case EVENT: return app_track(app, sessio_event_structured(first, second));
    case ERROR: return app_track(app, sessio_event_error(first, second != NULL ? second : "", false));
    case BACKGROUND: return ok(sessio_tracker_set_is_background(tracker, true));
    case FOREGROUND: return ok(sessio_tracker_set_is_background(tracker, false));
    case PAUSE: return ok(sessio_tracker_pause_session(tracker));
    case RESUME: return ok(sessio_tracker_resume_session(tracker, NULL));
    case START:
      return ok(first ? sessio_tracker_start_session_with_id(tracker, first) : sessio_tracker_start_session(tracker));
    case END: return ok(sessio_tracker_end_session(tracker));
    case USER: return app_set_user(app, first);
    case ANONYMOUS: return ok(sessio_tracker_set_anonymous(tracker, strcmp(first, "on") == 0));
    /* What is due by the clock happens within a second; a simulation does not wait for that. */
    case WAIT: return ok(sessio_tracker_poll(tracker));
    case CRASH: sessio_tracker_mark_crashed(tracker); return true;
    default: return true;
  }
}

/* Sessions copied from the history: what the callback gets is valid for the length of the call only. */
struct list {
  size_t count;
  sessio_session sessions[MOST_SESSIONS + 1];
};

static void add_to_list(void *context, const sessio_session *session)
{
  struct list *list = context;
  if (list->count < MOST_SESSIONS + 1) list->sessions[list->count++] = *session;
}

/* All sessions, the open one included, and the ledger. */
static bool app_sessions(struct app *app)
{
  static struct list list;
  sessio_stats stats = { .struct_size = sizeof stats };
  list.count = 0;
  if (!app_session(app, &list.sessions[0])) return false;
  bool open = list.sessions[0].state == SESSIO_SESSION_ACTIVE || list.sessions[0].state == SESSIO_SESSION_PAUSED;
  list.count = open ? 1 : 0;
  if (!ok(sessio_tracker_history(app->tracker, MOST_SESSIONS, add_to_list, &list))) return false;
  if (!ok(sessio_tracker_stats(app->tracker, &stats))) return false;
  print_table(list.sessions, list.count, &stats);
  return true;
}

static void tell_end(void *context, const sessio_session *session)
{
  struct app *app = context;
  if (session->index <= app->told) return;
  app->told = session->index;
  print_end(session);
}

/* The session, and the one that has ended meanwhile. */
static bool app_report(struct app *app)
{
  sessio_session session;
  if (!app_session(app, &session)) return false;
  print_session(&session, app->user);
  return ok(sessio_tracker_history(app->tracker, 1, tell_end, app));
}

/* An answer is some lines and a dot; one that begins with ! is an error. */
static bool answer(bool done)
{
  if (!done) printf("!%s\n", problem);
  printf(".\n");
  return fflush(stdout) == 0 || fail("cannot answer: %s", strerror(errno));
}

/* Carries out one line, a time and a command, and answers. */
static bool app_line(struct app *app, char *line)
{
  struct command command;
  char *words = cut_word(trim(line));
  if (words == NULL) return fail("a time without a command");
  clock_set(&app->clock, strtoll(line, NULL, 10));
  return answer(parse(words, &command) && app_carry_out(app, &command) && app_report(app) &&
                (command.name != SESSIONS || app_sessions(app)));
}

bool app_run(const char *folder, const char *time, const char *user)
{
  struct app app = { NULL, { PTHREAD_MUTEX_INITIALIZER, strtoll(time, NULL, 10) }, NULL, 0 };
  char *line = NULL;
  size_t size = 0;
  bool open = app_open(&app, folder, user);
  bool done = answer(open && app_report(&app));
  while (open && done && getline(&line, &size, stdin) >= 0) done = app_line(&app, line);
  if (open && done) done = ok(sessio_tracker_close(app.tracker, 2000));
  sessio_tracker_free(app.tracker);
  free(app.user);
  free(line);
  return done;
}
