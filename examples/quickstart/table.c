/* How a day is written down: a row for each command, a table of the sessions, the ledger. */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "quickstart.h"

typedef char text[32];

static const char *print_time(text out, int64_t wall_ms)
{
  time_t seconds = (time_t)(wall_ms / 1000);
  struct tm tm;
  if (gmtime_r(&seconds, &tm) == NULL || strftime(out, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0) strcpy(out, "?");
  return out;
}

/* 1:05:00 */
static const char *print_clock_time(text out, uint64_t ms)
{
  unsigned long long s = ms / 1000;
  snprintf(out, sizeof(text), "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
  return out;
}

/* A duration in a column: nothing is a dash, so that what there is stands out. */
static const char *print_duration(text out, uint64_t ms)
{
  return ms == 0 ? "-" : print_clock_time(out, ms);
}

static uint64_t total_ms(const sessio_session *session)
{
  return session->foreground_ms + session->background_ms + session->paused_ms;
}

static const char *end_reason(const sessio_session *session)
{
  switch (session->end_reason) {
    case SESSIO_END_NONE: return "(open)";
    case SESSIO_END_TIMEOUT: return "timeout";
    case SESSIO_END_MAX_DURATION: return "max_duration";
    case SESSIO_END_REPLACED: return "replaced";
    case SESSIO_END_ENDED: return "ended";
    case SESSIO_END_USER_CHANGED: return "user_changed";
    case SESSIO_END_ANONYMITY_CHANGED: return "anonymity_changed";
    case SESSIO_END_DISABLED: return "disabled";
    case SESSIO_END_SHUTDOWN: return "shutdown";
    case SESSIO_END_RESTART: return "restart";
    case SESSIO_END_CRASHED: return "crashed";
    case SESSIO_END_KILLED: return "killed";
    default: return "?";
  }
}

void print_session(const sessio_session *session, const char *user)
{
  static const char *const states[] = { "none", "active", "paused", "ended" };
  const char *state = session->state < 4 ? states[session->state] : "?";
  text foreground, background, paused;
  /* The nil user id is that of anonymous mode, where events do not say who it was. */
  if (strcmp(session->user_id, "00000000-0000-0000-0000-000000000000") == 0) user = "(anonymous)";
  printf("%-6s %3" PRIu32 " %3" PRIu32 "  %-8.8s %7s %7s %7s  %s\n", state, session->index, session->event_index,
         *session->id ? session->id : "-", print_duration(foreground, session->foreground_ms),
         print_duration(background, session->background_ms), print_duration(paused, session->paused_ms), user ? user : "-");
}

void print_end(const sessio_session *session)
{
  text when, length;
  printf("%19s  -> session %" PRIu32 " ended %s (%s): %s, %" PRIu32 " event%s\n", "", session->index,
         print_time(when, session->ended_at_ms), end_reason(session), print_clock_time(length, total_ms(session)),
         session->event_index, session->event_index == 1 ? "" : "s");
}

static void print_table_row(const sessio_session *session)
{
  text start, length, foreground, background, paused;
  printf("%3" PRIu32 "  %s %8s %10s %10s %8s %6" PRIu32 " %6" PRIu32 "  %s\n", session->index,
         print_time(start, session->started_at_ms), print_duration(length, total_ms(session)),
         print_duration(foreground, session->foreground_ms), print_duration(background, session->background_ms),
         print_duration(paused, session->paused_ms), session->event_index,
         session->handled_errors + session->unhandled_errors, end_reason(session));
}

void print_table(const sessio_session *sessions, size_t count, const sessio_stats *stats)
{
  uint64_t events = 0, errors = 0;
  printf("\n  #  start               duration foreground background   paused events errors  why it ended\n");
  while (count-- > 0) {
    events += sessions[count].event_index;
    errors += sessions[count].handled_errors + sessions[count].unhandled_errors;
    print_table_row(&sessions[count]);
  }
  uint64_t outside = stats->accepted > events ? stats->accepted - events : 0;
  if (outside > 0) printf("     %-59s %6" PRIu64 "\n", "outside any session", outside);
  printf("     %-59s %6" PRIu64 " %6" PRIu64 "\n", "total", events + outside, errors);
  printf("\nLedger: %" PRIu64 " accepted = %" PRIu64 " stored + %" PRIu64 " delivered + %" PRIu64 " dropped\n", stats->accepted,
         stats->stored, stats->delivered, stats->dropped);
}

/* Prints a text in a column: cut, or filled up. Counts characters of UTF-8, not bytes. */
static void print_column(const char *value, size_t width)
{
  size_t length = 0, shown = 0;
  for (const char *c = value; *c; c++) length += ((unsigned char)*c & 0xC0) != 0x80;
  size_t room = length > width ? width - 3 : length;
  for (const char *c = value; *c; c++) {
    shown += ((unsigned char)*c & 0xC0) != 0x80;
    if (shown > room) break;
    putchar(*c);
  }
  printf("%*s", (int)(width - room), length > width ? "..." : "");
}

void print_header(void)
{
  printf("%-19s  %-21s  state    #  ev  %-8s foregr. backgr.  paused  user\n", "time (UTC)", "command", "session");
}

void print_row(int64_t wall_ms, const char *command)
{
  text now;
  printf("%-19s  ", print_time(now, wall_ms));
  print_column(command, 21);
  printf("  ");
}
