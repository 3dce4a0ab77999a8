/* What the files of the quickstart share. */
#ifndef QUICKSTART_H
#define QUICKSTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sessio.h"

enum { PATH_LENGTH = 4096, PROBLEM_LENGTH = 1024 };

/* What went wrong last. A function that fails says so here and gives false. */
extern char problem[PROBLEM_LENGTH];
bool fail(const char *format, ...);

/* ---- script.c: the commands, what they take, and how they are read ---- */

enum name {
  SCREEN, EVENT, ERROR, BACKGROUND, FOREGROUND, PAUSE, RESUME, START, END, USER, ANONYMOUS, WAIT, KILL, CRASH, QUIT, RESTART,
  SESSIONS, HELP, NAMES
};

/* One line of a script. The arguments are NULL where there are none. */
struct command {
  enum name name;
  char *arguments[2];
  int64_t wait_ms;
};

/* Cuts the space around a text off. */
char *trim(char *text);
/* Cuts the first word off and gives the rest, or NULL if there is none. */
char *cut_word(char *text);
/* Reads a line that is neither blank nor a comment, and cuts it into pieces. */
bool parse(char *line, struct command *command);
void print_help(void);

/* ---- table.c: how a day is written down ---- */

/* The columns of the rows, and the first ones of a row: when, and what. */
void print_header(void);
void print_row(int64_t wall_ms, const char *command);
/* The session's part of a row. */
void print_session(const sessio_session *session, const char *user);
/* A line that tells of an end. */
void print_end(const sessio_session *session);
/* The table of the sessions, which come newest first, and the ledger. Every accepted event is in one of its rows. */
void print_table(const sessio_session *sessions, size_t count, const sessio_stats *stats);

/* ---- app.c: the app, a process of its own with a tracker in it ---- */

/* Carries out the commands that come in, each with the time it is, until there are no more. */
bool app_run(const char *folder, const char *time, const char *user);

#endif
