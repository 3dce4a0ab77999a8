/*
 * A day with an app, told by a script: what happens to its sessions? The same as quickstart.rs, with the same output.
 *
 *   cargo build --release
 *   cc -std=c99 -Wall -Wextra -Wpedantic -Iinclude -o quickstart \
 *      examples/quickstart.c examples/quickstart/app.c examples/quickstart/script.c examples/quickstart/table.c \
 *      target/release/libsessio.a -lpthread -ldl -lm
 *   ./quickstart examples/day.txt
 *   ./quickstart                        (type commands; `help` lists them)
 *
 * The tracker lives in a child process (quickstart/app.c: the part to copy from), so that `kill` can be a real SIGKILL. This
 * process reads the script, has the clock, and starts the app again after a kill. The clock is moved by hand: a day takes a moment.
 *
 * The database lives in a folder that is removed at the end. With `--keep <folder>` it stays, and the next run is the next day.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "quickstart/quickstart.h"

char problem[PROBLEM_LENGTH];

bool fail(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(problem, sizeof problem, format, arguments);
  va_end(arguments);
  return false;
}

/* A first day begins on 2026-03-16 at 07:40 UTC, every other one at 07:40 of a later day. */
static const int64_t FIRST_MORNING = INT64_C(1773646800000), DAY = 86400000;

struct day {
  char *program;
  const char *folder;
  int64_t time;
  char *user;
  pid_t app; /* 0: it does not run */
  FILE *commands, *answers;
  const char *gone; /* why it does not run */
  bool headed;      /* the columns have been named */
};

static void show(struct day *day, const char *command)
{
  if (!day->headed) print_header();
  day->headed = true;
  print_row(day->time, command);
}

/* Prints the app's answer: the first line of it is the session's part of the row. A NULL command prints nothing. */
static bool print_answer(struct day *day, const char *command)
{
  char *line = NULL;
  size_t size = 0, lines = 0;
  bool done = true, ended = false;
  while (!ended && getline(&line, &size, day->answers) >= 0) {
    ended = strcmp(line, ".\n") == 0;
    if (ended || command == NULL) continue;
    if (line[0] == '!') done = fail("%s", trim(line + 1));
    else if (lines++ == 0) show(day, command);
    if (done) fputs(line, stdout);
  }
  free(line);
  return ended ? done : fail("the app has ended without an answer");
}

static void exec_app(const struct day *day)
{
  char time[32];
  snprintf(time, sizeof time, "%" PRId64, day->time);
  char *arguments[] = { day->program, "--child", (char *)day->folder, time, day->user, NULL };
  execvp(day->program, arguments);
}

/* In the child, between fork and exec: its ends of the pipes become its standard input and output. */
static void become_app(const struct day *day, const int commands[2], const int answers[2])
{
  if (dup2(commands[0], STDIN_FILENO) >= 0 && dup2(answers[1], STDOUT_FILENO) >= 0) {
    for (int i = 0; i < 2; i++) {
      close(commands[i]);
      close(answers[i]);
    }
    exec_app(day);
  }
  _exit(127);
}

/* Takes leave of the app: the end of its input has it close its tracker, if it still lives. */
static bool reap_app(struct day *day, const char *gone, int *status)
{
  fclose(day->commands);
  pid_t reaped = waitpid(day->app, status, 0);
  fclose(day->answers);
  day->app = 0;
  day->gone = gone;
  return reaped > 0 || fail("cannot wait for the app: %s", strerror(errno));
}

/* Runs the app: this same program with other arguments. */
static bool fork_app(struct day *day)
{
  int commands[2], answers[2];
  if (pipe(commands) != 0 || pipe(answers) != 0) return fail("no pipe: %s", strerror(errno));
  day->commands = fdopen(commands[1], "w");
  day->answers = fdopen(answers[0], "r");
  if (day->commands == NULL || day->answers == NULL) return fail("no memory");
  pid_t app = fork();
  if (app < 0) return fail("cannot fork: %s", strerror(errno));
  if (app == 0) become_app(day, commands, answers);
  day->app = app;
  close(commands[0]);
  close(answers[1]);
  return true;
}

/* Starts the app unless it runs. One that cannot open its tracker is gone again. */
static bool start_app(struct day *day)
{
  int status;
  if (day->app != 0) return true;
  if (!fork_app(day)) return false;
  if (print_answer(day, "(the app starts)")) return true;
  reap_app(day, "off", &status);
  return false;
}

static bool close_app(struct day *day)
{
  int status = 0;
  if (!reap_app(day, "closed", &status)) return false;
  return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || fail("the app has failed: status %d", status);
}

/* Hands a line to the app. */
static bool ask(struct day *day, const char *line, const char *shown)
{
  if (fprintf(day->commands, "%" PRId64 " %s\n", day->time, line) < 0 || fflush(day->commands) != 0)
    return fail("the app is gone: %s", strerror(errno));
  return print_answer(day, shown);
}

/* SIGKILL: no handler runs, nothing is cleaned up. */
static bool kill_app(struct day *day, bool crash)
{
  int status = 0;
  if (crash && !ask(day, "crash", NULL)) return false;
  if (kill(day->app, SIGKILL) != 0) return fail("cannot kill: %s", strerror(errno));
  if (!reap_app(day, "killed", &status)) return false;
  return (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) || fail("the app was not killed: status %d", status);
}

/* What the app cannot do itself: end. */
static bool end_app(struct day *day, enum name name, const char *line)
{
  if (day->app == 0) return fail("the app is not running");
  if (!(name == KILL || name == CRASH ? kill_app(day, name == CRASH) : close_app(day))) return false;
  show(day, line);
  printf("%s\n", day->gone);
  return name != RESTART || start_app(day);
}

static bool remember_user(struct day *day, const char *id)
{
  free(day->user);
  day->user = id != NULL ? strdup(id) : NULL;
  return id == NULL || day->user != NULL || fail("no memory");
}

/* What the app does itself. Without a process only the time passes. */
static bool hand_over(struct day *day, const struct command *command, const char *line)
{
  if (command->name == WAIT && day->app == 0) {
    show(day, line);
    printf("%s\n", day->gone);
    return true;
  }
  if (!start_app(day) || !ask(day, line, line)) return false;
  return command->name != USER || remember_user(day, command->arguments[0]);
}

static bool carry_out(struct day *day, const char *line)
{
  struct command command;
  char *copy = strdup(line);
  bool done = copy != NULL ? parse(copy, &command) : fail("no memory");
  if (done) {
    day->time += command.wait_ms;
    switch (command.name) {
      case HELP: print_help(); break;
      case KILL: case CRASH: case QUIT: case RESTART: done = end_app(day, command.name, line); break;
      default: done = hand_over(day, &command, line); break;
    }
  }
  free(copy);
  return done;
}

/* Plays a script; the first line that is wrong ends it. Comments are part of the story. At a terminal one may try again. */
static bool play(struct day *day, FILE *input, const char *name, bool terminal)
{
  char *line = NULL;
  size_t size = 0;
  bool done = true;
  if (terminal) printf("Type commands: help lists them, Ctrl-D ends the day.\n> ");
  for (unsigned number = 1; done && (fflush(stdout), getline(&line, &size, input) >= 0); number++) {
    const char *words = trim(line);
    if (*words != '\0' && *words != '#') done = carry_out(day, words);
    else if (!terminal) printf("%s\n", words);
    if (!done) terminal ? fprintf(stderr, "%s\n", problem) : fprintf(stderr, "%s:%u: ", name, number);
    if (terminal) {
      done = true;
      printf("> ");
    }
  }
  if (terminal) printf("\n");
  free(line);
  return done;
}

/* The file beside the database in which one day leaves the time to the next. */
static FILE *open_clock(const struct day *day, const char *mode)
{
  char path[PATH_LENGTH];
  snprintf(path, sizeof path, "%s/clock", day->folder);
  return fopen(path, mode);
}

static int64_t morning(const struct day *day)
{
  int64_t time = 0;
  FILE *file = open_clock(day, "r");
  if (file == NULL) return FIRST_MORNING;
  if (fscanf(file, "%" SCNd64, &time) != 1 || time < FIRST_MORNING) time = FIRST_MORNING;
  fclose(file);
  return FIRST_MORNING + ((time - FIRST_MORNING) / DAY + 1) * DAY;
}

/* The closing table. An app that was closed is started once more to tell it. */
static bool evening(struct day *day)
{
  printf("\n");
  if (!start_app(day) || !ask(day, "sessions", "sessions") || !close_app(day)) return false;
  FILE *file = open_clock(day, "w");
  if (file == NULL) return fail("cannot keep the time: %s", strerror(errno));
  bool written = fprintf(file, "%" PRId64 "\n", day->time) > 0;
  return (fclose(file) == 0 && written && fflush(stdout) == 0) || fail("cannot write: %s", strerror(errno));
}

static bool run(char *program, const char *folder, const char *script)
{
  struct day day = { program, folder, 0, NULL, 0, NULL, NULL, "off", false };
  FILE *input = script != NULL ? fopen(script, "r") : stdin;
  if (input == NULL) return fail("%s: %s", script, strerror(errno));
  day.time = morning(&day);
  bool done = play(&day, input, script != NULL ? script : "stdin", script == NULL && isatty(STDIN_FILENO)) && evening(&day);
  int status;
  if (day.app != 0) reap_app(&day, "closed", &status);
  if (script != NULL) fclose(input);
  free(day.user);
  return done;
}

static void remove_folder(const char *folder)
{
  char path[PATH_LENGTH];
  DIR *files = opendir(folder);
  for (struct dirent *file; files != NULL && (file = readdir(files)) != NULL;) {
    snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
    if (file->d_name[0] != '.') unlink(path);
  }
  if (files != NULL) closedir(files);
  rmdir(folder);
}

static bool run_in_temporary_folder(char *program, const char *script)
{
  char folder[PATH_LENGTH];
  const char *parent = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/quickstart-XXXXXX", parent != NULL && *parent ? parent : "/tmp");
  if (mkdtemp(folder) == NULL) return fail("%s: %s", folder, strerror(errno));
  bool done = run(program, folder, script);
  remove_folder(folder);
  return done;
}

static bool run_in_folder(char *program, const char *folder, const char *script)
{
  if (mkdir(folder, 0700) != 0 && errno != EEXIST) return fail("%s: %s", folder, strerror(errno));
  return run(program, folder, script);
}

static bool dispatch(int count, char **arguments)
{
  const char *first = count > 1 ? arguments[1] : "";
  if (strcmp(first, "--child") == 0 && (count == 4 || count == 5)) return app_run(arguments[2], arguments[3], arguments[4]);
  signal(SIGPIPE, SIG_IGN); /* an app that is gone is an error of writing, not the end of us */
  if (strcmp(first, "--keep") == 0 && (count == 3 || count == 4)) return run_in_folder(arguments[0], arguments[2], arguments[3]);
  if (count == 1 || (count == 2 && first[0] != '-')) return run_in_temporary_folder(arguments[0], arguments[1]);
  return fail("usage: quickstart [--keep <folder>] [script]");
}

int main(int count, char **arguments)
{
  if (dispatch(count, arguments)) return EXIT_SUCCESS;
  fprintf(stderr, "%s\n", problem);
  return EXIT_FAILURE;
}
