/* Crashes: a signal handler marks them, and the next start ends the session as crashed. The process that crashes is this program, run
 * anew with the name of its crash. */
#include "check.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static sessio_tracker *tracker_to_mark;
static int marks;

static void on_crash(int signal_number) {
  for (int i = 0; i < marks; i++) sessio_tracker_mark_crashed(tracker_to_mark);
  /* Back to what would have happened: SA_RESETHAND has put that in place. */
  raise(signal_number);
}

static void handle(int signal_number) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_crash;
  action.sa_flags = (int)SA_RESETHAND | SA_NODEFER;
  CHECK(sigemptyset(&action.sa_mask) == 0 && sigaction(signal_number, &action, NULL) == 0);
}

static volatile int *volatile nowhere;

/* The process that crashes. */
static int crash(const char *folder, const char *how) {
  const struct rlimit no_core = {0, 0};
  CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
  sessio_config *config = config_at(folder, how);
  tracker_to_mark = opened(config);
  sessio_event *event = sessio_event_error("E", "before", true);
  OK(sessio_tracker_track(tracker_to_mark, event, NULL));
  track_feature(tracker_to_mark, "last");
  marks = strcmp(how, "twice") == 0 ? 2 : strcmp(how, "unmarked") == 0 ? 0 : 1;
  handle(SIGSEGV);
  handle(SIGABRT);
  if (strcmp(how, "segv") == 0) *nowhere = 1;
  abort();
}

static void run(const char *program, const char *folder, const char *how, int expected_signal) {
  int status = 0;
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    execl(program, program, folder, how, (char *)NULL);
    _exit(127);
  }
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == expected_signal);
}

static void a_marked_crash_ends_the_session(const char *program, const char *folder, const char *how, int signal_number) {
  run(program, folder, how, signal_number);
  sessio_config *config = config_at(folder, how);
  sessio_tracker *tracker = opened(config);
  const sessio_session crashed = session_of(tracker);
  CHECK(crashed.state == SESSIO_SESSION_ENDED && crashed.end_reason == SESSIO_END_CRASHED);
  CHECK(crashed.unhandled_errors == 2 && crashed.event_index == 2); /* the one before, and the crash: once */
  CHECK(stats_of(tracker).accepted == 2);
  history past = history_of(tracker);
  CHECK(past.count == 1 && past.sessions[0].end_reason == SESSIO_END_CRASHED && past.sessions[0].unhandled_errors == 2);
  track_feature(tracker, "after");
  CHECK(session_of(tracker).index == 2 && strcmp(session_of(tracker).previous_id, crashed.id) == 0);
  CHECK(session_of(tracker).unhandled_errors == 0);

  /* What a crash reporter found belongs to the session that crashed; the mark has counted it. */
  sessio_event *report = sessio_event_error("Signal", how, true);
  OK(sessio_tracker_track_in_session(tracker, report, crashed.id, NULL));
  sessio_event_free(report);
  past = history_of(tracker);
  CHECK(past.sessions[0].event_index == 3 && past.sessions[0].unhandled_errors == 2);
  CHECK(session_of(tracker).index == 2 && session_of(tracker).event_index == 1);
  closed(tracker);

  tracker = opened(config); /* the mark counts for one start */
  CHECK(session_of(tracker).state == SESSIO_SESSION_ACTIVE && history_of(tracker).count == 1);
  closed(tracker);
  sessio_config_free(config);
}

/* Nothing is lost, and the session goes on; or ends as killed, under the other policy. */
static void a_crash_that_nobody_marked(const char *program, const char *folder) {
  run(program, folder, "unmarked", SIGABRT);
  sessio_config *config = config_at(folder, "unmarked");
  sessio_tracker *tracker = opened(config);
  CHECK(session_of(tracker).state == SESSIO_SESSION_ACTIVE && session_of(tracker).event_index == 2);
  OK(sessio_tracker_end_session(tracker));
  closed(tracker);
  run(program, folder, "unmarked", SIGABRT);
  OK(sessio_config_set_restart_policy(config, SESSIO_RESTART_START_NEW));
  tracker = opened(config);
  CHECK(session_of(tracker).end_reason == SESSIO_END_KILLED && session_of(tracker).unhandled_errors == 1);
  closed(tracker);
  sessio_config_free(config);
}

/* A host may mark an error that it survives; and one without a session has nothing to count in. */
static void a_mark_without_a_crash(const char *folder) {
  sessio_config *config = config_at(folder, "survived.db");
  sessio_tracker *tracker = opened(config);
  sessio_tracker_mark_crashed(tracker);
  closed(tracker);
  tracker = opened(config);
  CHECK(session_of(tracker).state == SESSIO_SESSION_NONE && history_of(tracker).count == 0);
  track_feature(tracker, "a");
  sessio_tracker_mark_crashed(tracker);
  sessio_tracker_mark_crashed(tracker);
  closed(tracker);
  tracker = opened(config);
  CHECK(session_of(tracker).end_reason == SESSIO_END_CRASHED && session_of(tracker).unhandled_errors == 1);
  closed(tracker);
  sessio_config_free(config);
}

int main(int argc, char **argv) {
  if (argc == 3) return crash(argv[1], argv[2]);
  CHECK(argc == 2);
  a_marked_crash_ends_the_session(argv[0], argv[1], "segv", SIGSEGV);
  a_marked_crash_ends_the_session(argv[0], argv[1], "abort", SIGABRT);
  a_marked_crash_ends_the_session(argv[0], argv[1], "twice", SIGABRT);
  a_crash_that_nobody_marked(argv[0], argv[1]);
  a_mark_without_a_crash(argv[1]);
  return 0;
}
