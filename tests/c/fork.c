/* Forks: a child leaves everything of its parent's alone, and keeps nothing from whoever comes after. */
#include "every_call.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t forked(void) {
  const pid_t pid = fork();
  CHECK(pid >= 0);
  return pid;
}

static void ended_well(pid_t pid) {
  int status = -1;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Says something through a pipe, and waits for it to be said. */
static void say(int to, pid_t number) { CHECK(write(to, &number, sizeof number) == (ssize_t)sizeof number); }
static pid_t hear(int from) {
  pid_t number = -1;
  CHECK(read(from, &number, sizeof number) == (ssize_t)sizeof number);
  return number;
}

/* A parent that has forked is killed; its child lives on until `hold` is closed. */
static void parent_to_be_killed(const char *folder, int ready, int hold) {
  sessio_config *config = config_at(folder, "killed.db");
  sessio_tracker *tracker = opened(config);
  track_feature(tracker, "a");
  track_feature(tracker, "b");
  if (forked() == 0) {
    char byte;
    say(ready, getpid());
    CHECK(read(hold, &byte, 1) == 0);
    _exit(0);
  }
  for (;;) pause();
}

/* First of all, so that the process that opens the namespace anew is no fork of one that used it. */
static void a_killed_parent_does_not_keep_its_namespace(const char *folder) {
  int ready[2], hold[2];
  CHECK(pipe(ready) == 0 && pipe(hold) == 0);
  const pid_t parent = forked();
  if (parent == 0) {
    close(hold[1]);
    parent_to_be_killed(folder, ready[1], hold[0]);
  }
  const pid_t child = hear(ready[0]);
  sessio_config *config = config_at(folder, "killed.db");
  sessio_tracker *tracker = NULL;
  GIVES(sessio_tracker_open(config, &tracker), SESSIO_ERROR_NAMESPACE_IN_USE); /* by another process */

  CHECK(kill(parent, SIGKILL) == 0 && waitpid(parent, NULL, 0) == parent);
  CHECK(kill(child, 0) == 0); /* lives */
  OK(sessio_tracker_open(config, &tracker));
  CHECK(kill(child, 0) == 0);
  CHECK(stats_of(tracker).accepted == 2 && session_of(tracker).event_index == 2);
  track_feature(tracker, "c");
  CHECK(session_of(tracker).index == 1 && session_of(tracker).event_index == 3);
  close(hold[1]); /* the child may go */
  closed(tracker);
  sessio_config_free(config);
  close(hold[0]), close(ready[0]), close(ready[1]);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *wait_at_the_gate(void *unused) {
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  return unused;
}

/* A thread of the child's may get the stack of one of the parent's: letting go of the latter must not touch it. */
static void child_with_a_thread(sessio_tracker *tracker) {
  pthread_t thread;
  pthread_mutex_lock(&gate);
  CHECK(pthread_create(&thread, NULL, wait_at_the_gate, NULL) == 0);
  sessio_tracker_free(tracker);
  pthread_mutex_unlock(&gate);
  CHECK(pthread_join(thread, NULL) == 0);
  _exit(0);
}

static void child_that_tries_everything(sessio_tracker *tracker, sessio_config *config) {
  sessio_tracker *again = NULL;
  every_call_gives(tracker, SESSIO_ERROR_FORKED);
  GIVES(sessio_tracker_open(config, &again), SESSIO_ERROR_NAMESPACE_IN_USE); /* the parent has it */
  CHECK(again == NULL);
  sessio_tracker_free(tracker); /* leaks on purpose */
  sessio_config_free(config);
  exit(0); /* not _exit: what runs at the end of a program must be harmless, too */
}

static void a_child_leaves_the_parents_data_alone(const char *folder) {
  sessio_config *config = config_at(folder, "parent.db");
  sessio_tracker *tracker = opened(config);
  track_feature(tracker, "before");
  OK(sessio_tracker_poll(tracker));
  const sessio_session before = session_of(tracker);
  for (int i = 0; i < 3; i++) {
    const pid_t child = forked();
    if (child == 0) child_that_tries_everything(tracker, config);
    ended_well(child);
    track_feature(tracker, "between");
  }
  const sessio_session after = session_of(tracker);
  CHECK(strcmp(after.id, before.id) == 0 && strcmp(after.user_id, before.user_id) == 0);
  CHECK(after.state == SESSIO_SESSION_ACTIVE && after.event_index == 4 && !after.is_background);
  CHECK(stats_of(tracker).accepted == 4 && history_of(tracker).count == 0);
  closed(tracker);

  tracker = opened(config); /* the crash mark of the children has reached nobody */
  CHECK(session_of(tracker).state == SESSIO_SESSION_ACTIVE && stats_of(tracker).stored == 4);
  CHECK(session_of(tracker).unhandled_errors == 0);
  closed(tracker);
  sessio_config_free(config);
}

/* A tracker that is closed already, and one whose worker is busy at the moment of the fork. */
static void at_any_moment(const char *folder) {
  sessio_config *config = config_at(folder, "busy.db");
  sessio_tracker *tracker = opened(config);
  for (int i = 0; i < 20; i++) {
    track_feature(tracker, "busy");
    const pid_t child = forked();
    if (child == 0) {
      GIVES(sessio_tracker_poll(tracker), SESSIO_ERROR_FORKED);
      child_with_a_thread(tracker);
    }
    ended_well(child);
  }
  OK(sessio_tracker_close(tracker, 10000));
  const pid_t child = forked();
  if (child == 0) {
    every_call_gives(tracker, SESSIO_ERROR_FORKED);
    sessio_tracker_free(tracker);
    _exit(0);
  }
  ended_well(child);
  every_call_gives(tracker, SESSIO_ERROR_CLOSED);
  sessio_tracker_free(tracker);
  tracker = opened(config);
  CHECK(stats_of(tracker).stored == 20);
  closed(tracker);
  sessio_config_free(config);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  a_killed_parent_does_not_keep_its_namespace(argv[1]);
  a_child_leaves_the_parents_data_alone(argv[1]);
  at_any_moment(argv[1]);
  return 0;
}
