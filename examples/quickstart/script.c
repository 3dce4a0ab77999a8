/* The commands of a script: what they are called, what they take, and how they are read. */
#define _POSIX_C_SOURCE 200809L

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quickstart.h"

/* In the order of the names. The last of the arguments takes the rest of the line. */
static const struct usage {
  const char *name, *arguments;
  int least, most;
  const char *purpose;
} usages[NAMES] = {
  { "screen", "<name>", 1, 1, "a screen was shown" },
  { "event", "<category> <action>", 2, 2, "something was done" },
  { "error", "<type> [message]", 1, 2, "an error was caught" },
  { "background", "", 0, 0, "the app goes to background" },
  { "foreground", "", 0, 0, "the app comes to foreground" },
  { "pause", "", 0, 0, "the session pauses" },
  { "resume", "", 0, 0, "the paused session goes on, or one begins" },
  { "start", "[id]", 0, 1, "a new session begins, with an id of your own if you like" },
  { "end", "", 0, 0, "the session ends" },
  { "user", "[id]", 0, 1, "this user has signed in; without an id: has signed out" },
  { "anonymous", "on|off", 1, 1, "whether events say whose they are" },
  { "wait", "<time>", 1, 1, "time passes: 500ms, 30s, 40m, 2h, 1d" },
  { "kill", "", 0, 0, "the app gets a SIGKILL; the next command starts it again" },
  { "crash", "", 0, 0, "the same, after a crash handler has marked the crash" },
  { "quit", "", 0, 0, "the app closes properly; the next command starts it again" },
  { "restart", "", 0, 0, "the app closes properly and starts again" },
  { "sessions", "", 0, 0, "the table of all sessions, and the ledger" },
  { "help", "", 0, 0, "this list" },
};

char *trim(char *text)
{
  while (isspace((unsigned char)*text)) text++;
  size_t length = strlen(text);
  while (length > 0 && isspace((unsigned char)text[length - 1])) length--;
  text[length] = '\0';
  return text;
}

char *cut_word(char *text)
{
  char *end = text + strcspn(text, " \t");
  if (*end == '\0') return NULL;
  *end = '\0';
  return trim(end + 1);
}

/* A time such as 40m. */
static bool parse_time(const char *text, int64_t *ms)
{
  static const struct { const char *name; uint64_t ms; } units[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }
  };
  const uint64_t most = UINT64_C(10000) * 86400000;
  char *unit = NULL;
  errno = 0;
  uint64_t number = strtoull(text, &unit, 10);
  for (size_t i = 0; isdigit((unsigned char)*text) && i < sizeof units / sizeof *units; i++) {
    if (strcmp(unit, units[i].name) != 0) continue;
    if (errno != 0 || number > most / units[i].ms) return fail("\"%s\" is too long a time: at most 10000d", text);
    *ms = (int64_t)(number * units[i].ms);
    return true;
  }
  return fail("\"%s\" is no time: write 500ms, 30s, 40m, 2h or 1d", text);
}

bool parse(char *line, struct command *command)
{
  char *rest = cut_word(line);
  int name = 0, given = 0;
  while (name < NAMES && strcmp(line, usages[name].name) != 0) name++;
  if (name == NAMES) return fail("unknown command \"%s\" (help lists them)", line);
  const struct usage *usage = &usages[name];
  *command = (struct command){ .name = (enum name)name };
  while (rest != NULL && given < 2) {
    command->arguments[given++] = rest;
    rest = given < usage->most ? cut_word(rest) : NULL;
  }
  bool right = given >= usage->least && given <= usage->most;
  if (right && name == ANONYMOUS)
    right = strcmp(command->arguments[0], "on") == 0 || strcmp(command->arguments[0], "off") == 0;
  if (!right) return fail("usage: %s%s%s", usage->name, *usage->arguments ? " " : "", usage->arguments);
  return name != WAIT || parse_time(command->arguments[0], &command->wait_ms);
}

void print_help(void)
{
  for (int i = 0; i < NAMES; i++) {
    char synopsis[64];
    snprintf(synopsis, sizeof synopsis, "%s %s", usages[i].name, usages[i].arguments);
    printf("  %-28s%s\n", synopsis, usages[i].purpose);
  }
}
