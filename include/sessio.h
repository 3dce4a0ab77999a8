/*
 * Sessio: session tracking for native apps. This header is the manual.
 *
 * Generated from src/capi; a test of the project fails when it is not up to date. The rules S1 to S22 that it names are in
 * docs/semantics.md.
 *
 * A first program:
 *
 *   sessio_config *config = sessio_config_new();
 *   sessio_config_set_path(config, "app.db");
 *   sessio_tracker *tracker = NULL;
 *   sessio_status status = sessio_tracker_open(config, &tracker);
 *   sessio_config_free(config);
 *   if (status != SESSIO_OK) return;                       (the app goes on without)
 *
 *   sessio_event *event = sessio_event_screen_view("home", NULL);
 *   sessio_tracker_track(tracker, event, NULL);
 *   sessio_event_free(event);
 *
 *   sessio_tracker_set_is_background(tracker, true);       (whenever that changes)
 *   sessio_tracker_close(tracker, 1000);
 *   sessio_tracker_free(tracker);
 *
 * CONVENTIONS
 *
 * Names        sessio_noun_verb for functions, sessio_noun for types, SESSIO_... for constants. Nothing else is exported.
 *
 * Status       Every call that can fail returns a sessio_status, SESSIO_OK (0) if and only if it did what it says. Each status is either a
 *              programming error (the call can never work as it was made) or a runtime condition (it may work later).
 *              sessio_last_error has the details of this thread's last failure. Results go through out-parameters, last, and are written
 *              only on success.
 *
 * Safety       No panic, exception or abort leaves the library, and it prints nothing. NULL where a value is needed, text that is not
 *              UTF-8, numbers out of range and wrong struct sizes give a status. What cannot be checked is yours: a pointer that is not
 *              NULL must be valid. Freeing NULL is fine.
 *
 * Text         In: NUL-terminated UTF-8, copied before the call returns; a function that ends in _n takes a length instead. Out: into your
 *              buffer, or valid only inside the callback that hands it over, or, of a sessio_request, until that is freed.
 *
 * Threads      Every function on a tracker may be called from any thread at any time. Tracking, the session calls and reading the session
 *              wait neither for the disk nor for the network; opening, poll, erase, history, delivery_stats and next_request wait for the
 *              disk; flush and close for both, at most as long as they are told. A request is used by any threads at once. A config and
 *              an event are used by one thread at a time. After sessio_tracker_close every call gives SESSIO_ERROR_CLOSED. In a child
 *              after fork every call gives SESSIO_ERROR_FORKED and leaves the parent's data alone.
 *
 * Ownership    What a function ending in _new, _open, _next_request, or the name of a kind of event returns is yours, and so is a request
 *              that a transport is handed; the _free of its type takes it. Configs and events are borrowed by the calls that use them
 *              and may be used again.
 *
 * Structs      that cross begin with struct_size, which you set to sizeof of the struct, and grow only at their end.
 *
 * Callbacks    are structs of functions with a user_data, which is handed to each, and a release, which is called exactly once after the
 *              last call, also if the call they were given to fails (unless its struct_size is wrong, which makes the rest unreadable). A
 *              callback must not throw and must not leave by longjmp.
 *
 * Time         wall times are UTC in milliseconds since 1970; durations are measured by a clock that counts device sleep and that no change of
 *              the wall clock touches.
 *
 * Versions     sessio_abi_version() is the number of the binary interface; 0.x versions may still change it, and change the number.
 */


#ifndef SESSIO_H
#define SESSIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The library's version, first number: changes when the interface breaks.
 */
#define SESSIO_VERSION_MAJOR 0

/**
 * The library's version, second number: changes when something is added.
 */
#define SESSIO_VERSION_MINOR 1

/**
 * The library's version, third number: changes when something is mended.
 */
#define SESSIO_VERSION_PATCH 0

/**
 * The number of the binary interface that this header describes; the one of the library's SONAME.
 */
#define SESSIO_ABI_VERSION 1

/**
 * An open session goes on after a restart of the app, unless it is expired or the app crashed (the default).
 */
#define SESSIO_RESTART_RESUME 0

/**
 * A restart of the app ends an open session.
 */
#define SESSIO_RESTART_START_NEW 1

/**
 * The destination has them.
 */
#define SESSIO_DELIVERY_DELIVERED 0

/**
 * They stay stored and are sent again.
 */
#define SESSIO_DELIVERY_WILL_RETRY 1

/**
 * The destination gets them no more. They are counted.
 */
#define SESSIO_DELIVERY_DROPPED 2

/**
 * In background what is due is sent once; after a failure it waits for the foreground, for new events, or for
 * sessio_tracker_flush. A phone is not kept awake by it (the default).
 */
#define SESSIO_BACKGROUND_ONCE 0

/**
 * In background everything is as in foreground: for desktops and servers.
 */
#define SESSIO_BACKGROUND_ALWAYS 1

/**
 * In background nothing is sent.
 */
#define SESSIO_BACKGROUND_NEVER 2

/**
 * Fine-grained debugging. Severities are OpenTelemetry's numbers, 1 to 24.
 */
#define SESSIO_SEVERITY_TRACE 1

/**
 * Debugging.
 */
#define SESSIO_SEVERITY_DEBUG 5

/**
 * Something happened, as it should.
 */
#define SESSIO_SEVERITY_INFO 9

/**
 * Not an error, but worth a look.
 */
#define SESSIO_SEVERITY_WARN 13

/**
 * Something went wrong.
 */
#define SESSIO_SEVERITY_ERROR 17

/**
 * The app cannot go on.
 */
#define SESSIO_SEVERITY_FATAL 21

/**
 * There has been no session yet.
 */
#define SESSIO_SESSION_NONE 0

/**
 * A session is open.
 */
#define SESSIO_SESSION_ACTIVE 1

/**
 * A session is open, and a pause is in force.
 */
#define SESSIO_SESSION_PAUSED 2

/**
 * The last session has ended, and none has begun since; also after a restart.
 */
#define SESSIO_SESSION_ENDED 3

/**
 * It has not ended.
 */
#define SESSIO_END_NONE 0

/**
 * Its timeout passed.
 */
#define SESSIO_END_TIMEOUT 1

/**
 * It was over its maximum length.
 */
#define SESSIO_END_MAX_DURATION 2

/**
 * The host started another.
 */
#define SESSIO_END_REPLACED 3

/**
 * The host ended it.
 */
#define SESSIO_END_ENDED 4

/**
 * The user changed.
 */
#define SESSIO_END_USER_CHANGED 5

/**
 * Anonymous mode was switched.
 */
#define SESSIO_END_ANONYMITY_CHANGED 6

/**
 * Tracking was switched off.
 */
#define SESSIO_END_DISABLED 7

/**
 * The tracker was closed under the policy SESSIO_RESTART_START_NEW.
 */
#define SESSIO_END_SHUTDOWN 8

/**
 * The app was restarted under that policy.
 */
#define SESSIO_END_RESTART 9

/**
 * The app crashed.
 */
#define SESSIO_END_CRASHED 10

/**
 * The app was killed, under that policy.
 */
#define SESSIO_END_KILLED 11

/**
 * sessio_tracker_resume_session: the paused session goes on.
 */
#define SESSIO_RESUME_RESUMED 0

/**
 * sessio_tracker_resume_session: there was no pause, and a session is open.
 */
#define SESSIO_RESUME_ALREADY_ACTIVE 1

/**
 * sessio_tracker_resume_session: a session began.
 */
#define SESSIO_RESUME_STARTED 2

/**
 * The session began.
 */
#define SESSIO_CHANGE_BEGAN 1

/**
 * The session was paused.
 */
#define SESSIO_CHANGE_PAUSED 2

/**
 * The session goes on after a pause.
 */
#define SESSIO_CHANGE_RESUMED 3

/**
 * The session ended; its end_reason says why.
 */
#define SESSIO_CHANGE_ENDED 4

/**
 * An event brought it about.
 */
#define SESSIO_CAUSE_EVENT 1

/**
 * sessio_tracker_set_is_background did.
 */
#define SESSIO_CAUSE_BACKGROUND 2

/**
 * sessio_tracker_start_session or its sibling did.
 */
#define SESSIO_CAUSE_START 3

/**
 * sessio_tracker_pause_session did.
 */
#define SESSIO_CAUSE_PAUSE 4

/**
 * sessio_tracker_resume_session did.
 */
#define SESSIO_CAUSE_RESUME 5

/**
 * sessio_tracker_end_session did.
 */
#define SESSIO_CAUSE_END 6

/**
 * sessio_tracker_set_user did.
 */
#define SESSIO_CAUSE_USER 7

/**
 * sessio_tracker_set_anonymous did.
 */
#define SESSIO_CAUSE_ANONYMITY 8

/**
 * sessio_tracker_set_enabled did.
 */
#define SESSIO_CAUSE_ENABLED 9

/**
 * The passing of time did, or sessio_tracker_poll.
 */
#define SESSIO_CAUSE_TIMER 10

/**
 * The opening of the tracker did.
 */
#define SESSIO_CAUSE_OPENING 11

/**
 * The closing of the tracker did.
 */
#define SESSIO_CAUSE_CLOSING 12

/**
 * The settings of a tracker, each with a default. Made by sessio_config_new, freed by sessio_config_free; used
 * by one thread at a time; borrowed by sessio_tracker_open, after which it may be freed or used for another
 * tracker.
 */
typedef struct sessio_config sessio_config;

/**
 * Something that happened. Made by one of the constructors, completed by the setters, handed to
 * sessio_tracker_track as often as one likes (which copies it), freed by sessio_event_free. Used by one thread
 * at a time.
 *
 * Limits, in bytes of UTF-8: names (categories, actions, screens, types, schemas, keys) 1 to 1,024; a field's text
 * 32,768; JSON 98,304 and 32 levels; 128 fields; 32 contexts; 262,144 in all. What is over one is refused with
 * SESSIO_ERROR_TOO_LARGE, but a message over 32,768 and a stack_trace over 65,536 are cut, and the cut is marked.
 */
typedef struct sessio_event sessio_event;

/**
 * An HTTP request of the library's that the host carries: handed to the function send of a sessio_transport, or by
 * sessio_tracker_next_request. It is the host's until sessio_request_free and has its outcome once, by
 * sessio_request_answer or sessio_request_fail; freed without one it counts as failed, and its events stay stored
 * and are sent again. What it says (URL, headers, body) never changes and may be read from several threads at once,
 * also after the outcome; it may outlive its tracker.
 */
typedef struct sessio_request sessio_request;

/**
 * A session beside the tracker's own (S21), for programs with several users or windows at once: thousands of them cost
 * about a kilobyte each. It is held in memory, and neither in the history nor there after the process. Its events go the
 * way of the tracker's: numbered with them, safe from a kill as soon as they are tracked. Its sessions begin, end and are
 * delivered by the tracker's rules, of which the foreground timeout counts; what is said to the tracker of consent,
 * anonymity and erasure holds for it, too. Made by sessio_scope_new, freed by sessio_scope_free, before or after the
 * tracker. Counted inside: every function may be called from any thread at any time.
 */
typedef struct sessio_scope sessio_scope;

/**
 * A session that is to begin, inside on_session_start. Valid for the length of that call, on its thread.
 */
typedef struct sessio_session_start sessio_session_start;

/**
 * Knows which session the user is in and keeps what happens there. Opened by sessio_tracker_open, closed by
 * sessio_tracker_close, freed by sessio_tracker_free. Counted inside: every function may be called from any
 * thread at any time, and freeing while a call is under way is fine.
 */
typedef struct sessio_tracker sessio_tracker;

/**
 * What a call gives back: SESSIO_OK, or why it failed. Numbers are in bands by origin (100 arguments, 200 the
 * tracker's state, 300 files, 400 time and the host, 900 defects) and are never reused. A later version may give
 * numbers that are not here.
 */
typedef uint32_t sessio_status;

/**
 * A clock of the host's, for tests and simulation. Its functions are called from any thread, inside most calls of
 * the library and with its lock held: they must be fast and must not call the library.
 */
typedef struct sessio_clock {
  /**
   * sizeof(sessio_clock)
   */
  size_t struct_size;
  /**
   * Handed to each function.
   */
  void *user_data;
  /**
   * Milliseconds since 1970 UTC.
   */
  int64_t (*wall_ms)(void *user_data);
  /**
   * Milliseconds of a monotonic clock that counts device sleep.
   */
  uint64_t (*elapsed_ms)(void *user_data);
  /**
   * Called exactly once after the last call, also if the call it was given to fails. May be NULL.
   */
  void (*release)(void *user_data);
  /**
   * Equal numbers: the same boot, elapsed values can be compared. 0 is as good as any.
   */
  uint64_t boot_id;
} sessio_clock;

/**
 * A session store of the host's: the three operations of a store, a session as JSON text in UTF-8. Its functions are
 * called on the library's worker thread only, once at opening and at most once a commit window; they may block
 * there. What a failing one gives is logged, and it is called again later. What it gave at opening is the truth,
 * completed by the journal where that is fresher.
 */
typedef struct sessio_session_store {
  /**
   * sizeof(sessio_session_store)
   */
  size_t struct_size;
  /**
   * Handed to each function.
   */
  void *user_data;
  /**
   * Hands the stored session to give once, or does not call it when there is none.
   */
  sessio_status (*get_session)(void *user_data,
                               void (*give)(void *context, const char *json, size_t length),
                               void *context);
  /**
   * Stores length bytes at json (not terminated) in place of what was stored before.
   */
  sessio_status (*set_session)(void *user_data, const char *json, size_t length);
  /**
   * Forgets the stored session. There may be none.
   */
  sessio_status (*delete_session)(void *user_data);
  /**
   * Called exactly once after the last call, also if the call it was given to fails. May be NULL.
   */
  void (*release)(void *user_data);
} sessio_session_store;

/**
 * A log of the host's: what the library has to say to developers. Without one its messages go nowhere.
 */
typedef struct sessio_log {
  /**
   * sizeof(sessio_log)
   */
  size_t struct_size;
  /**
   * Handed to each function.
   */
  void *user_data;
  /**
   * Called with a severity (SESSIO_SEVERITY_…) and a line of English text, which is valid for the length of the
   * call. On the thread where it arises, mostly the library's worker; it may be called from several at once, and
   * must not call the tracker.
   */
  void (*log)(void *user_data, uint32_t severity, const char *message);
  /**
   * Called exactly once after the last call, also if the call it was given to fails. May be NULL.
   */
  void (*release)(void *user_data);
} sessio_log;

/**
 * What to do when nobody waits for the answer to a request any more.
 */
typedef struct sessio_cancellation {
  /**
   * sizeof(sessio_cancellation)
   */
  size_t struct_size;
  /**
   * Handed to each function.
   */
  void *user_data;
  /**
   * Called at most once, to let go of the connection at once: the tracker is being closed, or the time for the
   * request is over. On a thread of the library's that others wait for, while another one may just be about to
   * answer: it must not block. It may call sessio_request_fail and the like.
   */
  void (*cancel)(void *user_data);
  /**
   * Called exactly once, when cancel has returned or can never be called any more: at the outcome of the
   * request, when it is freed, or when another cancellation takes the place of this one. Also if the call it was
   * given to fails. May be NULL.
   */
  void (*release)(void *user_data);
} sessio_cancellation;

/**
 * A transport of the host's: sends requests over the network stack of its choice. For hosts that rather ask for
 * requests than be called there is sessio_config_set_manual_delivery.
 */
typedef struct sessio_transport {
  /**
   * sizeof(sessio_transport)
   */
  size_t struct_size;
  /**
   * Handed to each function.
   */
  void *user_data;
  /**
   * Sends a request and answers it when it can: now, or later from any thread, by sessio_request_answer or
   * sessio_request_fail, once, and then sessio_request_free. Each destination has a thread of its own on which
   * this is called, with one request at a time; it may block there, which delays nobody else. Two destinations
   * may call it at once. It may call the library.
   *
   * No answer in time (sessio_config_set_request_timeout_ms) is a failure, and the request is cancelled; so it is
   * when the tracker is closed. See sessio_request_on_cancel: one who blocks here without it keeps its thread
   * until it returns, though close does not wait for that.
   */
  void (*send)(void *user_data, struct sessio_request *request);
  /**
   * Called exactly once after the last call of send has returned, also if the call it was given to fails.
   * Requests that are still held then may be answered and must be freed all the same. May be NULL.
   */
  void (*release)(void *user_data);
} sessio_transport;

/**
 * What became of the events and sessions of a request, or of one that never got into a request. It and what it
 * points to are valid for the length of the call that hands it over.
 */
typedef struct sessio_delivery {
  /**
   * sizeof(sessio_delivery), as the library has it.
   */
  size_t struct_size;
  /**
   * The name of the destination.
   */
  const char *destination;
  /**
   * SESSIO_DELIVERY_…; a later version may have others.
   */
  uint32_t outcome;
  /**
   * The status of the answer; 0 if there was none.
   */
  uint32_t status;
  /**
   * The ids of the events, in the order in which they were tracked: event_count UUIDs.
   */
  const char *const *event_ids;
  /**
   * May be 0.
   */
  size_t event_count;
  /**
   * The ids of the sessions whose start or end is among it, in order: session_count texts. A session whose start
   * and end go together is there twice.
   */
  const char *const *session_ids;
  /**
   * May be 0.
   */
  size_t session_count;
  /**
   * How many of all these the destination refused one by one, without saying which. Only if delivered.
   */
  uint64_t rejected;
  /**
   * Why, in English: "status 503". "" if delivered.
   */
  const char *reason;
  /**
   * How long the destination is left alone from now on; 0 if it is not.
   */
  uint64_t wait_ms;
} sessio_delivery;

/**
 * A delivery observer of the host's: is told what becomes of events, for each destination in the order in which it
 * happens.
 */
typedef struct sessio_delivery_observer {
  /**
   * sizeof(sessio_delivery_observer)
   */
  size_t struct_size;
  /**
   * Handed to each function.
   */
  void *user_data;
  /**
   * Called after it is stored, on the thread that sends to the destination; those of two destinations may call at
   * once. With manual delivery it is the thread that answers the request, or asks for the next. It may block, which
   * delays this destination, and call the library; flush and close do not wait when called from here.
   */
  void (*on_delivery)(void *user_data, const struct sessio_delivery *delivery);
  /**
   * Called exactly once after the last call, also if the call it was given to fails. May be NULL.
   */
  void (*release)(void *user_data);
} sessio_delivery_observer;

/**
 * The ledger: accepted == stored + delivered + dropped, at every moment, also after a kill. Set struct_size before
 * handing it over to be filled.
 */
typedef struct sessio_stats {
  /**
   * sizeof(sessio_stats)
   */
  size_t struct_size;
  /**
   * Events for which sessio_tracker_track gave SESSIO_OK, since the database was made.
   */
  uint64_t accepted;
  /**
   * Events that wait, in the journal or the database: for delivery, or for the end of a session that is kept only if
   * it crashes.
   */
  uint64_t stored;
  /**
   * Events that at least one destination took.
   */
  uint64_t delivered;
  /**
   * Events that are gone without; by reason below.
   */
  uint64_t dropped;
  /**
   * Dropped because they were over the cap of age.
   */
  uint64_t dropped_aged;
  /**
   * Dropped because there were too many, or too many bytes.
   */
  uint64_t dropped_overflowed;
  /**
   * Dropped because the host had them erased.
   */
  uint64_t dropped_erased;
  /**
   * Lost with a damaged file, or with power.
   */
  uint64_t dropped_lost;
  /**
   * What is acknowledged survives the death of the process. False without a database file, and where the journal
   * cannot be mapped.
   */
  bool survives_kill;
  /**
   * Dropped because every destination refused them for good.
   */
  uint64_t dropped_refused;
  /**
   * Dropped because they were larger than any destination takes.
   */
  uint64_t dropped_oversize;
  /**
   * Dropped because no destination could be sent them: they were damaged, or older than it takes.
   */
  uint64_t dropped_unsendable;
  /**
   * Events that event callbacks dropped since the tracker was opened: they were never accepted.
   */
  uint64_t filtered;
  /**
   * Dropped because their session is not among the share that is kept (sessio_config_set_sampling).
   */
  uint64_t dropped_sampled;
} sessio_stats;

/**
 * What one destination has done since the database was made: events, and starts and ends of sessions, which
 * sessio_stats does not count.
 */
typedef struct sessio_delivery_stats {
  /**
   * sizeof(sessio_delivery_stats), as the library has it.
   */
  size_t struct_size;
  /**
   * Its name, valid for the length of the call that hands it over.
   */
  const char *destination;
  /**
   * It took them.
   */
  uint64_t delivered;
  /**
   * It refused them for good.
   */
  uint64_t refused;
  /**
   * They were larger than it takes.
   */
  uint64_t oversize;
  /**
   * They could not be written, or were older than it takes.
   */
  uint64_t unsendable;
  /**
   * There was more than is kept for it.
   */
  uint64_t overflowed;
} sessio_delivery_stats;

/**
 * A session, by value. Texts are UTF-8, terminated, "" when there is none; times are UTC in milliseconds since 1970,
 * 0 when there is none. Set struct_size before handing it over to be filled.
 */
typedef struct sessio_session {
  /**
   * sizeof(sessio_session)
   */
  size_t struct_size;
  /**
   * SESSIO_SESSION_…
   */
  uint32_t state;
  /**
   * SESSIO_END_…; SESSIO_END_NONE while it is open.
   */
  uint32_t end_reason;
  /**
   * The installation, a UUID; the nil UUID in anonymous mode.
   */
  char user_id[37];
  /**
   * A UUID, or the host's own id.
   */
  char id[129];
  /**
   * The session before; "" for the first, and where the two must not be linked.
   */
  char previous_id[129];
  /**
   * "" until an event is tracked.
   */
  char first_event_id[37];
  /**
   * 1 for the first session ever of the namespace; 0 before.
   */
  uint32_t index;
  /**
   * The number of the last event, which is also how many there are.
   */
  uint32_t event_index;
  /**
   * The app is in background. In the history: it was, at the end.
   */
  bool is_background;
  /**
   * When the first event was tracked.
   */
  int64_t first_event_at_ms;
  /**
   * When the session began.
   */
  int64_t started_at_ms;
  /**
   * The last event, change of background, or resume.
   */
  int64_t last_activity_at_ms;
  /**
   * When it ended; after a kill that is when the process was last known to live.
   */
  int64_t ended_at_ms;
  /**
   * Time in foreground. The three add up to the duration, whatever the wall clock did; of an open session they are
   * true up to the last call that changed something, or the last second.
   */
  uint64_t foreground_ms;
  /**
   * Time in background, and time in which no process ran.
   */
  uint64_t background_ms;
  /**
   * Time paused.
   */
  uint64_t paused_ms;
  /**
   * Errors the app caught.
   */
  uint32_t handled_errors;
  /**
   * Errors nothing caught.
   */
  uint32_t unhandled_errors;
  /**
   * When the process was last known to live; kept to within a second while it does.
   */
  int64_t last_seen_at_ms;
} sessio_session;

/**
 * Asks the host before a session begins (S15).
 */
typedef struct sessio_session_start_callback {
  /**
   * sizeof(sessio_session_start_callback)
   */
  size_t struct_size;
  /**
   * Handed to each function.
   */
  void *user_data;
  /**
   * Called on the thread that causes the start, before the session is current and before any event carries it. It gets
   * the session to come, may set its user and attributes through start, and refuses it by false: then nothing is
   * started, the call that would have started it gives SESSIO_ERROR_REFUSED, and an event is tracked without a session;
   * the next event asks again. Several callbacks are asked in the order added, up to the first refusal. It may call the
   * library: what it tracks belongs to the session before, and it cannot start another. It should be quick; another
   * thread that would begin a session meanwhile waits 10 ms for the answer at most, and then asks, too.
   */
  bool (*on_session_start)(void *user_data,
                           const struct sessio_session *session,
                           struct sessio_session_start *start);
  /**
   * Called exactly once after the last call, also if the call it was given to fails. May be NULL.
   */
  void (*release)(void *user_data);
} sessio_session_start_callback;

/**
 * Tells the host what becomes of sessions (S15).
 */
typedef struct sessio_session_change_callback {
  /**
   * sizeof(sessio_session_change_callback)
   */
  size_t struct_size;
  /**
   * Handed to each function.
   */
  void *user_data;
  /**
   * Called for every begin, pause, resume and end, in order, with SESSIO_CHANGE_…, SESSIO_CAUSE_… and the session as it
   * was at that moment, valid for the length of the call. On the library's worker thread; it may call the library, and
   * may block: meanwhile nothing is stored, and events stay in the journal.
   */
  void (*on_session_change)(void *user_data,
                            uint32_t change,
                            uint32_t cause,
                            const struct sessio_session *session);
  /**
   * Called exactly once after the last call, also if the call it was given to fails. May be NULL.
   */
  void (*release)(void *user_data);
} sessio_session_change_callback;

/**
 * Shows the host every event before it is stamped.
 */
typedef struct sessio_event_callback {
  /**
   * sizeof(sessio_event_callback)
   */
  size_t struct_size;
  /**
   * Handed to each function.
   */
  void *user_data;
  /**
   * Called on the thread that tracks, with a copy of the event that is valid for the length of the call: it may be
   * changed with the setters, and must be neither freed nor kept. False drops it: sessio_tracker_track gives
   * SESSIO_ERROR_REFUSED, and it is counted as filtered. Several are asked in the order added, up to the first that
   * drops it. It may call the library; what it tracks itself is not shown again.
   */
  bool (*on_event)(void *user_data, struct sessio_event *event);
  /**
   * Called exactly once after the last call, also if the call it was given to fails. May be NULL.
   */
  void (*release)(void *user_data);
} sessio_event_callback;

/**
 * What a decorated link says beside the user, the time and the session. All zero but struct_size: nothing.
 */
typedef struct sessio_link {
  /**
   * sizeof(sessio_link)
   */
  size_t struct_size;
  /**
   * The id of the user who is signed in.
   */
  bool user;
  /**
   * The app's id.
   */
  bool app;
  /**
   * What the app runs on, one of "mob", "pc", "srv", "app", "tv", "cnsl", "iot", "web"; NULL: not told.
   */
  const char *platform;
  /**
   * Why, e.g. the text of the link; NULL: not told.
   */
  const char *reason;
} sessio_link;

/**
 * It worked.
 */
#define SESSIO_OK 0

/**
 * An argument is NULL, empty, out of range, or of another kind than asked for. Programming error.
 */
#define SESSIO_ERROR_INVALID_ARGUMENT 100

/**
 * A text is not UTF-8. Programming error.
 */
#define SESSIO_ERROR_INVALID_UTF8 101

/**
 * A JSON text does not parse, is nested deeper than 32, or holds a number that is not finite. Programming error.
 */
#define SESSIO_ERROR_INVALID_JSON 102

/**
 * An argument is over its limit; the last error names limit and size. Programming error.
 */
#define SESSIO_ERROR_TOO_LARGE 103

/**
 * The tracker was closed. Programming error.
 */
#define SESSIO_ERROR_CLOSED 200

/**
 * This process was forked from the one that opened the tracker. Programming error.
 */
#define SESSIO_ERROR_FORKED 201

/**
 * Tracking is off (sessio_tracker_set_enabled). Runtime condition.
 */
#define SESSIO_ERROR_DISABLED 202

/**
 * A callback of the host's refused it: an event it dropped, a session it did not let begin. Runtime condition.
 */
#define SESSIO_ERROR_REFUSED 203

/**
 * A file could not be created, read or written. Runtime condition.
 */
#define SESSIO_ERROR_IO 300

/**
 * There is no space left on the device. Runtime condition.
 */
#define SESSIO_ERROR_NO_SPACE 301

/**
 * The database could not be read or written. Runtime condition.
 */
#define SESSIO_ERROR_DATABASE 302

/**
 * The database is locked by another program. Runtime condition.
 */
#define SESSIO_ERROR_LOCKED 303

/**
 * The file was written by a newer version of the library, and is left untouched. Runtime condition.
 */
#define SESSIO_ERROR_TOO_NEW 304

/**
 * The file is another application's database, and is left untouched. Programming error.
 */
#define SESSIO_ERROR_FOREIGN_DATABASE 305

/**
 * The namespace is open already, in this process or another. Runtime condition.
 */
#define SESSIO_ERROR_NAMESPACE_IN_USE 306

/**
 * The journal is full: events come faster than they can be stored, or they cannot be stored at all. The event was not
 * accepted. Runtime condition.
 */
#define SESSIO_ERROR_JOURNAL_FULL 307

/**
 * The deadline passed first. Runtime condition.
 */
#define SESSIO_ERROR_TIMEOUT 400

/**
 * The host's session store failed. Runtime condition.
 */
#define SESSIO_ERROR_STORE 401

/**
 * A defect of the library. Please report it.
 */
#define SESSIO_ERROR_INTERNAL 900

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that runs, e.g. "0.1.0". Valid for ever.
 */
const char *sessio_version(void);

/**
 * The binary interface of the library that runs. A program that finds another number than its own
 * SESSIO_ABI_VERSION was linked with a library of another edition and must not go on.
 */
uint32_t sessio_abi_version(void);

/**
 * What a status means, in English, for logs. Never NULL; valid for ever. A number that is no status gives "unknown
 * status".
 */
const char *sessio_status_text(sessio_status status);

/**
 * Copies what is known of this thread's last failure into buffer, in English, always terminated, cut to capacity
 * bytes. Gives the length of the whole text without its end, 0 if nothing has failed yet. buffer may be NULL to
 * ask for the length. A call that works does not change it.
 */
size_t sessio_last_error(char *buffer,
                         size_t capacity);

/**
 * A config with every default. Never NULL.
 */
struct sessio_config *sessio_config_new(void);

/**
 * Frees a config. Trackers opened with it go on. NULL is fine.
 */
void sessio_config_free(struct sessio_config *config);

/**
 * The database file (UTF-8). It is created if it is not there; its folder must be. The journal lies beside it. A
 * path that cannot be used is told of by sessio_tracker_open. Unset: everything is kept in memory.
 */
sessio_status sessio_config_set_path(struct sessio_config *config,
                                     const char *database_file);

/**
 * Separates trackers that share a database: each namespace has sessions, events and counters of its own. 1 to 1,024
 * bytes of any text. Default "default".
 */
sessio_status sessio_config_set_namespace(struct sessio_config *config,
                                          const char *name);

/**
 * What the receivers call the app, and its version: 1 to 512 bytes each. Default: neither.
 */
sessio_status sessio_config_set_app(struct sessio_config *config,
                                    const char *app_id,
                                    const char *app_version);

/**
 * The build of the app, beside its version: 1 to 512 bytes of any text. Receivers are told it with what this version
 * of the app tracked. Default: none.
 */
sessio_status sessio_config_set_app_build(struct sessio_config *config,
                                          const char *build);

/**
 * Whether the app is in background when the tracker is opened (S3). Default false.
 */
sessio_status sessio_config_set_starts_in_background(struct sessio_config *config, bool on);

/**
 * Whether changes of background are events themselves (application_background, application_foreground in Snowplow's
 * words), tracked by sessio_tracker_set_is_background and judged by the state that is left (S3), and the installation of
 * the app one (application_install), tracked once per database when it is first opened with tracking on. Default false.
 */
sessio_status sessio_config_set_lifecycle_events(struct sessio_config *config,
                                                 bool on);

/**
 * The least severity of messages that go to the log (SESSIO_SEVERITY_…): less is not even written. Default
 * SESSIO_SEVERITY_DEBUG, which is all.
 */
sessio_status sessio_config_set_log_level(struct sessio_config *config, uint32_t severity);

/**
 * A clock of the host's, copied. Default: the system's clocks. Its release is called when neither config nor
 * tracker uses it any more.
 */
sessio_status sessio_config_set_clock(struct sessio_config *config,
                                      const struct sessio_clock *clock);

/**
 * A session store of the host's, copied. Default: the database. Its release is called when neither config nor
 * tracker uses it any more.
 */
sessio_status sessio_config_set_session_store(struct sessio_config *config,
                                              const struct sessio_session_store *store);

/**
 * Where the library's messages go, copied. Default: nowhere. Its release is called when neither config nor tracker
 * uses it any more.
 */
sessio_status sessio_config_set_log(struct sessio_config *config,
                                    const struct sessio_log *log);

/**
 * How long events are gathered for one transaction. They survive a kill of the process meanwhile, though not a loss
 * of power. Longer saves energy. Default 20.
 */
sessio_status sessio_config_set_commit_window_ms(struct sessio_config *config,
                                                 uint64_t ms);

/**
 * Size of the journal: how large a burst is taken at full speed. 1 to 256 MiB; a journal that is there keeps its
 * size. Default 4194304, about 15,000 events.
 */
sessio_status sessio_config_set_journal_bytes(struct sessio_config *config,
                                              size_t bytes);

/**
 * How long sessio_tracker_track may wait for space in a full journal before it refuses the event. Once it has waited
 * in vain, events are refused at once until there is space again. 0: it does not wait. Default 10.
 */
sessio_status sessio_config_set_full_wait_ms(struct sessio_config *config,
                                             uint64_t ms);

/**
 * Caps of the stored events of a namespace: age, number, bytes. Over them the oldest go first, and are counted as
 * dropped. Default 2592000000 (30 days), 100000, 67108864 (64 MiB).
 */
sessio_status sessio_config_set_queue_limits(struct sessio_config *config,
                                             uint64_t max_age_ms,
                                             uint64_t max_events,
                                             uint64_t max_bytes);

/**
 * How many ended sessions are kept for sessio_tracker_history. Default 1000.
 */
sessio_status sessio_config_set_history_limit(struct sessio_config *config, uint64_t sessions);

/**
 * How long a session may be idle while the app is in foreground (rule S1): it expires when the gap since the last
 * activity is greater. 0: never. Default 1800000 (30 min).
 */
sessio_status sessio_config_set_foreground_timeout_ms(struct sessio_config *config,
                                                      uint64_t ms);

/**
 * The same while the app is in background. 0: never. Default 1800000 (30 min).
 */
sessio_status sessio_config_set_background_timeout_ms(struct sessio_config *config, uint64_t ms);

/**
 * How long a session may last at all (S12). Over it, the next event or change of background ends it. 0: no limit
 * (the default).
 */
sessio_status sessio_config_set_max_session_ms(struct sessio_config *config,
                                               uint64_t ms);

/**
 * How long without an event until a heartbeat (S13). 0: off. Default 30000.
 */
sessio_status sessio_config_set_heartbeat_interval_ms(struct sessio_config *config, uint64_t ms);

/**
 * What a restart of the app does to an open session (S9): SESSIO_RESTART_RESUME (default) or SESSIO_RESTART_START_NEW.
 */
sessio_status sessio_config_set_restart_policy(struct sessio_config *config,
                                               uint32_t policy);

/**
 * Ends sessions as another system does: sets both timeouts, the maximum length and the restart policy. One of
 * "snowplow" (30 min; each start of the app begins a new session), "bugsnag" (30 s in background, never in foreground; a
 * new one), "exceptionless" (never; a new one), "datadog" (15 min, at most 4 h; a new one), "otel" (15 min in background, at
 * most 4 h; a new one), "firebase" (30 min in background; a new one), "amplitude" (5 min in background; goes on). What is
 * set after it goes before it. Default: ours, as written at each option.
 */
sessio_status sessio_config_set_preset(struct sessio_config *config,
                                       const char *name);

/**
 * Whether sessions begin with events and end by timeout (S17). Off: only the session calls begin and end them.
 * Default true.
 */
sessio_status sessio_config_set_auto_track_sessions(struct sessio_config *config,
                                                    bool on);

/**
 * Whether another user ends the session (S10). Default true.
 */
sessio_status sessio_config_set_end_session_on_user_change(struct sessio_config *config, bool on);

/**
 * Whether a session that begins after a restart keeps the user set before (S10). Default false.
 */
sessio_status sessio_config_set_remember_user(struct sessio_config *config, bool on);

/**
 * Which sessions are kept: a share of them from 0 (none) to 1 (all, the default), decided by their ids when they begin,
 * and for good. Nothing of the others is delivered; their events are counted as dropped (dropped_sampled), and the
 * history has them all the same. Events outside of sessions are always kept.
 *
 * With keep_crashed up to 1,000 events of the others (4 MiB), the latest, are held on the disk until their session
 * ends: they are delivered if it crashed, else dropped. Default false.
 */
sessio_status sessio_config_set_sampling(struct sessio_config *config,
                                         double share,
                                         bool keep_crashed);

/**
 * Whether the library finds out by itself what receivers are told about the device: once per process, on a thread of
 * its own, and only if there is a destination. Off: they are told what sessio_config_set_device says and nothing else.
 * Default true.
 */
sessio_status sessio_config_set_detect_device(struct sessio_config *config,
                                              bool on);

/**
 * What receivers are told about the device in one field, in place of what the library finds out. An empty value: the
 * field is not told to anybody. NULL: as detected (the default). docs/wire.md says where each field goes.
 *
 * - os_name: "Linux", "Android", "macOS", "iOS", "Windows";
 * - os_version: as the system numbers itself;
 * - architecture: "x86_64", "aarch64" …;
 * - manufacturer, model: who made the device, and what they call it;
 * - locale: the user's language, BCP 47: "de-AT";
 * - time_zone: a name of the IANA's: "Europe/Vienna";
 * - processor_count: how many processors the app may use, in decimal digits: 1 to 2^32 - 1;
 * - total_memory: the memory of the device in bytes, in decimal digits: 1 to 2^63 - 1.
 *
 * Texts have at most 255 bytes. SESSIO_ERROR_INVALID_ARGUMENT: there is no such field, or the number is none or out of
 * range. SESSIO_ERROR_TOO_LARGE: the text is too long. The message names the field.
 */
sessio_status sessio_config_set_device(struct sessio_config *config,
                                       const char *field,
                                       const char *value);

/**
 * Delivers to a Snowplow collector, as the destination "snowplow". The URL has no path of the protocol's:
 * "https://collector.acme.example".
 *
 * This and its four siblings check at once what they are given: a URL is http or https, with a host, perhaps a port
 * and a path, without user name, query and fragment. SESSIO_ERROR_INVALID_ARGUMENT: it is not, a key is empty or
 * no visible ASCII, or there is a destination of that name already; the last error says which, without the URL or
 * the key, and the config stays as it was. For a second destination of a protocol (the same URL is fine) give the
 * first one another name before: sessio_config_set_destination_option(config, "snowplow", "name", "marketing").
 *
 * Under its name a destination has its progress and its counters in the database, and goes on there after a restart
 * of the app, also if its URL has changed. One that is new gets what is stored already; nothing is owed to one that is
 * not configured any more.
 */
sessio_status sessio_config_add_snowplow(struct sessio_config *config,
                                         const char *collector_url);

/**
 * Delivers to Bugsnag, as the destination "bugsnag": sessions to sessions_url, for which NULL means Bugsnag's own
 * (https://sessions.bugsnag.com/). Errors are sent only with the option notify_endpoint.
 */
sessio_status sessio_config_add_bugsnag(struct sessio_config *config,
                                        const char *sessions_url,
                                        const char *api_key);

/**
 * Delivers to an Exceptionless server, as the destination "exceptionless": "https://collector.exceptionless.io", or
 * one's own.
 */
sessio_status sessio_config_add_exceptionless(struct sessio_config *config,
                                              const char *server_url,
                                              const char *api_key);

/**
 * Delivers to a Loupe server, as the destination "loupe". /loupe/log is added to the URL. A key, where one is
 * needed, is a header: the option header.<name>.
 */
sessio_status sessio_config_add_loupe(struct sessio_config *config, const char *server_url);

/**
 * Delivers to an OpenTelemetry collector as OTLP logs in JSON, as the destination "otlp". The URL is the whole one,
 * to which nothing is added: "http://localhost:4318/v1/logs". A key, where one is needed, is a header: the option
 * header.Authorization.
 */
sessio_status sessio_config_add_otlp(struct sessio_config *config,
                                     const char *logs_url);

/**
 * Sets an option of a destination that was added. An option that was set before is replaced. Everything is checked
 * at once: SESSIO_ERROR_INVALID_ARGUMENT (there is no such destination, no such option, or its value is no good) or
 * SESSIO_ERROR_TOO_LARGE; the last error names the option, does not repeat the value, as it may be a secret, and the
 * destination stays as it was.
 *
 * Values are text. A switch is "true" or "false"; a number has decimal digits and nothing else; a size is
 * "1920x1080"; <...> in an option's name stands for any name. The options, and their defaults in brackets:
 *
 * All destinations
 * - name: 1 to 64 of A-Z a-z 0-9 . _ -, another one for each destination (its protocol: "snowplow" ...). From
 *   then on the destination is called that, here, too, in the statistics and for the delivery observer.
 *
 * Snowplow
 * - method: get or post (post): one event in a URL, or many in a body.
 * - path: begins with a slash (/com.snowplowanalytics.snowplow/tp2, /i for get): what follows the URL.
 * - platform: mob pc srv app tv cnsl iot web (by the system compiled for).
 * - base64: switch (true): contexts and self-describing data go in base64.
 * - byte_limit: number from 1 (40000): the largest body; an event over it goes alone.
 * - batch_size: number from 1 (100): most events of a body.
 * - gzip: switch (false): large bodies may go compressed; older collectors do not read that.
 * - session_context, device_context, application_context: switches (true): the contexts client_session,
 *   mobile_context or desktop_context, and application.
 * - fields_context: switch (true): the contexts io.sessio/fields and, with an error, io.sessio/trail; without them
 *   fields that have no place elsewhere, and what led to an error, are not sent.
 * - app_build: up to 255 characters (the app's): the build of the app.
 * - programming_language: RUST CPLUSPLUS SWIFT ... (RUST): of errors.
 * - session_events: switch (false): starts and ends of sessions are events of their own.
 * - status.<code>: done, retry or drop (as docs/wire.md says): what a status from 100 to 599 means.
 * - resolution, viewport: sizes (none). color_depth: number (none).
 * - time_zone, language: up to 1,000 bytes (the device's). user_agent, domain_user_id, network_user_id:
 *   likewise (none). ip: an IPv4 or IPv6 address (none).
 *
 * Bugsnag
 * - sessions_endpoint: URL (as added): where sessions go.
 * - notify_endpoint: URL (none): where errors go; without it they are not sent.
 * - release_stage: text (production): the stage of this build.
 * - enabled_release_stages: texts with commas between them, no spaces (all): stages that report; "" for none.
 * - app.<field>, device.<field>: text (none): replaces or joins the texts of app and device.
 * - runtime_version.<name>: text (none): joins device.runtimeVersions.
 * - max_age_ms: number up to 5184000000 (5184000000, 60 days): what is older is dropped.
 * - max_sessions: 1 to 100000 (128): most sessions that wait; of more the oldest are dropped.
 *
 * Exceptionless
 * - default_identity: switch (true): the installation's id stands for the user of a session that has none.
 * - heartbeats: switch (true): sessions are kept alive.
 * - gzip: switch (true): large bodies may go compressed.
 * - tag: up to 255 bytes (none): one more tag on everything; each setting adds one.
 * - version: up to 512 bytes (the app's): the version.
 * - environment.<field>: text (none): replaces or joins the texts of the environment.
 *
 * Loupe
 * - header.<name>: visible ASCII, spaces, tabs (none): one more header of every request: a key, for example.
 * - product: text (the device's model). application: text (the app id). client_name: text (the application).
 *   client_version: text (the app's). screen_size: size, neither 0 (none).
 * - gzip: switch (false): large bodies may go compressed; Loupe's own agent sends none that are.
 *
 * OpenTelemetry
 * - header.<name>: visible ASCII, spaces, tabs (none): one more header of every request: a key, for example.
 * - resource_attribute.<key>: text (none): replaces or joins the attributes of the resource.
 * - gzip: switch (true): large bodies may go compressed.
 */
sessio_status sessio_config_set_destination_option(struct sessio_config *config,
                                                   const char *destination,
                                                   const char *option,
                                                   const char *value);

/**
 * Its method: "GET" or "POST". NULL for NULL. Valid for ever.
 */
const char *sessio_request_method(const struct sessio_request *request);

/**
 * Its whole URL, to be sent as it is. NULL for NULL. Valid until the request is freed.
 */
const char *sessio_request_url(const struct sessio_request *request);

/**
 * How many headers it has; 0 for NULL. All of them must be sent, keys and Content-Type and, if the body is
 * compressed, Content-Encoding among them. Host, Content-Length and the like are the host's, and not among them.
 */
size_t sessio_request_header_count(const struct sessio_request *request);

/**
 * The name of header index, from 0. NULL if there are not so many. Valid until the request is freed.
 */
const char *sessio_request_header_name(const struct sessio_request *request, size_t index);

/**
 * The value of header index, from 0. NULL if there are not so many. Valid until the request is freed.
 */
const char *sessio_request_header_value(const struct sessio_request *request, size_t index);

/**
 * Its body, and how many bytes that are into length_out; NULL if one of the two is NULL. A GET has none: length 0,
 * and a pointer that is not NULL. Bytes, not terminated. Valid until the request is freed.
 */
const void *sessio_request_body(const struct sessio_request *request,
                                size_t *length_out);

/**
 * The receiver answered: with this HTTP status (100 to 999), the value of the header Retry-After (NULL if there was
 * none; one that cannot be read counts as none), and length bytes of body, which are copied, of a long one the
 * first 4 MiB. body may be NULL if length is 0. A redirect is to be followed only for 307 and 308, and only to
 * the same scheme, host and port; any other is the answer.
 *
 * From any thread, also while send is still running. Of a request from sessio_tracker_next_request this stores
 * what the answer means and tells the delivery observer, on this thread: it waits for the disk. Else it hands the
 * answer to the library's thread and returns. For a request that is cancelled, or whose tracker is closed, it comes
 * to nothing: what was sent is sent again.
 *
 * SESSIO_ERROR_INVALID_ARGUMENT: it has its outcome already, or the status is none; then it has no outcome yet.
 */
sessio_status sessio_request_answer(struct sessio_request *request,
                                    uint16_t status,
                                    const char *retry_after,
                                    const void *body,
                                    size_t length);

/**
 * There is no answer: no network, a broken connection, no answer in time. reason is English for the log and the
 * delivery observer: without keys or user data. The events stay stored and are sent again after a backoff. Threads,
 * cost and errors as of sessio_request_answer.
 */
sessio_status sessio_request_fail(struct sessio_request *request,
                                  const char *reason);

/**
 * Says what to do when nobody waits for the answer any more, in place of what was said before; copied. If it is so
 * already, cancel is called at once, on this thread. A request from sessio_tracker_next_request is never
 * cancelled: release is called at once. SESSIO_ERROR_INVALID_ARGUMENT: it has its outcome already.
 */
sessio_status sessio_request_on_cancel(struct sessio_request *request,
                                       const struct sessio_cancellation *cancellation);

/**
 * Whether nobody waits for the answer any more: then there is no use in sending it. For hosts that would rather ask
 * than be told. False for NULL, and for a request from sessio_tracker_next_request.
 */
bool sessio_request_is_cancelled(const struct sessio_request *request);

/**
 * Frees a request. Without an outcome it has failed: one for a transport is sent again after a backoff, one from
 * sessio_tracker_next_request as soon as that is asked again. From any thread; calls under way in others end
 * properly. In a forked child it leaks on purpose. NULL is fine.
 */
void sessio_request_free(struct sessio_request *request);

/**
 * A transport of the host's, copied: carries the requests to all destinations. Default: the built-in HTTP client, in
 * builds that have it; in others a tracker with destinations opens only with this, or with manual delivery. Its
 * release is called when neither config nor tracker uses it any more.
 */
sessio_status sessio_config_set_transport(struct sessio_config *config,
                                          const struct sessio_transport *transport);

/**
 * Whether the host drives delivery: it asks by sessio_tracker_next_request when the network and the system suit it
 * (uploads in background, say), and nothing is sent by itself, whatever transport is set. Default false.
 */
sessio_status sessio_config_set_manual_delivery(struct sessio_config *config,
                                                bool on);

/**
 * Who is told what becomes of events, copied. Default: nobody. Its release is called when neither config nor
 * tracker uses it any more.
 */
sessio_status sessio_config_set_delivery_observer(struct sessio_config *config,
                                                  const struct sessio_delivery_observer *observer);

/**
 * What is sent while the app is in background: SESSIO_BACKGROUND_ONCE (default), SESSIO_BACKGROUND_ALWAYS or
 * SESSIO_BACKGROUND_NEVER.
 */
sessio_status sessio_config_set_background_delivery(struct sessio_config *config, uint32_t what);

/**
 * How long connecting may take, on the built-in HTTP client. 0 is refused. Default 10000.
 */
sessio_status sessio_config_set_connect_timeout_ms(struct sessio_config *config, uint64_t ms);

/**
 * How long a whole request may take, also one of the host's transport: without an answer by then it has failed, is
 * cancelled, and is sent again after a backoff. It has no meaning for manual delivery. 0 is refused. Default 30000.
 */
sessio_status sessio_config_set_request_timeout_ms(struct sessio_config *config,
                                                   uint64_t ms);

/**
 * A proxy for all receivers, on the built-in HTTP client: http://, https://, socks4:// or socks5://, with user and
 * password if it wants them; an HTTP proxy must allow CONNECT. NULL: none, whatever the environment says. Default: the
 * environment (ALL_PROXY, HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
 */
sessio_status sessio_config_set_proxy(struct sessio_config *config,
                                      const char *url);

/**
 * Trusts certificates (PEM, one or more) as roots beside Mozilla's, on the built-in HTTP client: for receivers with a
 * certificate authority of your own. May be called for several. Default: Mozilla's alone.
 */
sessio_status sessio_config_add_root_certificates(struct sessio_config *config,
                                                  const char *pem);

/**
 * A screen was shown. Either argument may be NULL, not both. NULL for bad arguments; sessio_last_error says why.
 */
struct sessio_event *sessio_event_screen_view(const char *name,
                                              const char *screen_id);

/**
 * Something was done: Snowplow's structured event. Its label and property are set as texts, its value as a
 * number. NULL for bad arguments; sessio_last_error says why.
 */
struct sessio_event *sessio_event_structured(const char *category,
                                             const char *action);

/**
 * Data described by a schema, e.g. "iglu:com.acme/thing/jsonschema/1-0-0". NULL for bad arguments;
 * sessio_last_error says why.
 */
struct sessio_event *sessio_event_self_describing(const char *schema, const char *data_json);

/**
 * The same with the length of the data in bytes.
 */
struct sessio_event *sessio_event_self_describing_n(const char *schema, const char *data_json, size_t length);

/**
 * Something took timing_ms milliseconds. NULL for bad arguments; sessio_last_error says why.
 */
struct sessio_event *sessio_event_timing(const char *category, const char *variable, uint64_t timing_ms);

/**
 * A log record. severity is 1 to 24 (SESSIO_SEVERITY_…); source, a logger's or class's name, may be NULL. NULL
 * for bad arguments; sessio_last_error says why.
 */
struct sessio_event *sessio_event_log(uint32_t severity,
                                      const char *source,
                                      const char *message);

/**
 * The same with the length of the message in bytes; it may hold NUL.
 */
struct sessio_event *sessio_event_log_n(uint32_t severity,
                                        const char *source,
                                        const char *message,
                                        size_t length);

/**
 * An error or exception; unhandled if nothing caught it. It is counted in its session (S14). Its stack_trace is
 * set as a text. NULL for bad arguments; sessio_last_error says why.
 */
struct sessio_event *sessio_event_error(const char *type,
                                        const char *message,
                                        bool unhandled);

/**
 * The same with the length of the message in bytes; it may hold NUL.
 */
struct sessio_event *sessio_event_error_n(const char *type,
                                          const char *message,
                                          size_t length,
                                          bool unhandled);

/**
 * A feature of the app was used. NULL for bad arguments; sessio_last_error says why.
 */
struct sessio_event *sessio_event_feature(const char *name);

/**
 * Sets a field to a text, replacing what it was. Keys with a meaning of their own: label, property, caption,
 * stack_trace.
 */
sessio_status sessio_event_set_text(struct sessio_event *event,
                                    const char *key,
                                    const char *value);

/**
 * The same with the length of the value in bytes; it may hold NUL.
 */
sessio_status sessio_event_set_text_n(struct sessio_event *event,
                                      const char *key,
                                      const char *value,
                                      size_t length);

/**
 * Sets a field to a finite number, replacing what it was. A key with a meaning of its own: value.
 */
sessio_status sessio_event_set_number(struct sessio_event *event, const char *key, double value);

/**
 * Sets a field to free data, replacing what it was. The JSON is kept as it is written here.
 */
sessio_status sessio_event_set_json(struct sessio_event *event, const char *key, const char *json);

/**
 * The same with the length of the JSON in bytes.
 */
sessio_status sessio_event_set_json_n(struct sessio_event *event,
                                      const char *key,
                                      const char *json,
                                      size_t length);

/**
 * Adds data in a schema of its own to an event.
 */
sessio_status sessio_event_add_context(struct sessio_event *event, const char *schema, const char *data_json);

/**
 * The same with the length of the data in bytes.
 */
sessio_status sessio_event_add_context_n(struct sessio_event *event,
                                         const char *schema,
                                         const char *data_json,
                                         size_t length);

/**
 * When it truly happened, UTC in milliseconds since 1970, if that is not the moment of sessio_tracker_track.
 */
sessio_status sessio_event_set_true_time_ms(struct sessio_event *event,
                                            int64_t wall_ms);

/**
 * Frees an event; what was tracked stays. NULL is fine.
 */
void sessio_event_free(struct sessio_event *event);

/**
 * The name of a state: "none", "active", "paused", "ended". Never NULL; valid for ever. "unknown" for any other
 * number.
 */
const char *sessio_session_state_text(uint32_t state);

/**
 * The name of a reason: "none", "timeout", "max_duration" … Never NULL; valid for ever. "unknown" for any other
 * number.
 */
const char *sessio_end_reason_text(uint32_t end_reason);

/**
 * Opens a tracker with the settings as they are now and puts it into out. Reads a few small things from the disk:
 * about a millisecond for a database that exists, under ten for a new one.
 *
 * SESSIO_ERROR_NAMESPACE_IN_USE: the namespace is open already, in this process or another. SESSIO_ERROR_IO: the
 * folder cannot be written, or the path is a folder. SESSIO_ERROR_NO_SPACE: there is no room for the journal.
 * SESSIO_ERROR_TOO_NEW, SESSIO_ERROR_FOREIGN_DATABASE: the file is left as it is. SESSIO_ERROR_LOCKED: another
 * program has kept the database locked for over two seconds. A file that is no database is moved aside to
 * <file>.corrupt-<time>, the log says so, and tracking goes on.
 */
sessio_status sessio_tracker_open(const struct sessio_config *config,
                                  struct sessio_tracker **out);

/**
 * Stores everything, sends what is due as long as there is time, and closes; always returns by the timeout. A wait
 * that a receiver asked for, or a backoff, is not shortened; a request that has no answer by then is cancelled. What
 * is not sent goes out after the next start. Every other call but sessio_tracker_free gives SESSIO_ERROR_CLOSED
 * from now on. The session does not end, it may go on after a restart, unless the policy is
 * SESSIO_RESTART_START_NEW: then receivers that know live ends are told at once, too. Call it when the app exits. Called in a
 * callback on a thread of the library's it does not wait.
 *
 * SESSIO_ERROR_TIMEOUT: not everything could be stored in the database in time. It is in the journal, and there
 * after the next start. That not everything could be sent is no failure: sessio_tracker_flush tells.
 */
sessio_status sessio_tracker_close(struct sessio_tracker *tracker,
                                   uint64_t timeout_ms);

/**
 * Frees a tracker; one that is open is closed without waiting for the network: nothing is sent any more, also not live. Calls under way in other threads end
 * properly. In a forked child it leaks on purpose. NULL is fine.
 */
void sessio_tracker_free(struct sessio_tracker *tracker);

/**
 * Stores everything, durably against the loss of power, has sent what is due, also in background, and waits until
 * nothing is owed to a destination any more; stays open. It overrides neither a backoff nor a wait that a receiver
 * asked for. With manual delivery it waits for the host's requests to be answered, from other threads. Called in a
 * callback on a thread of the library's it does not wait.
 *
 * SESSIO_OK: everything is stored, and what was tracked before has left for every destination, or was dropped by it.
 * SESSIO_ERROR_TIMEOUT: not by the deadline, or not before the tracker was closed by another thread; the last error says
 * whether storing or sending was slow. It goes on without the call.
 */
sessio_status sessio_tracker_flush(struct sessio_tracker *tracker,
                                   uint64_t timeout_ms);

/**
 * Does at once what is due by the clock (a session that is idle for too long ends, the running durations are brought
 * up to now), and stores what is pending. Waits for one attempt at that, at most a second; if it fails, the status
 * says why, and everything stays in the journal.
 */
sessio_status sessio_tracker_poll(struct sessio_tracker *tracker);

/**
 * Tracks an event: stamps it with its session, begins one if none is open (S2), and puts its id, a UUID, into
 * event_id_out, which may be NULL. When this gives SESSIO_OK the event survives the death of the process. About a
 * microsecond; no system call but a wake of the worker at the start of a burst.
 *
 * SESSIO_ERROR_DISABLED: tracking is off. SESSIO_ERROR_JOURNAL_FULL: no room after waiting at most 10 ms (settable);
 * the event was not accepted. SESSIO_ERROR_TOO_LARGE: over 262,144 bytes in all.
 */
sessio_status sessio_tracker_track(struct sessio_tracker *tracker,
                                   const struct sessio_event *event,
                                   char event_id_out[37]);

/**
 * Tracks an event in a session that has ended, by its id (from sessio_tracker_history, or a change callback): the error,
 * say, that a crash reporter found at the next start. It carries that session with its user and the app's version then, and
 * gets the next number in it; the session does not go on, and no other is touched. An error is counted there, but for the
 * unhandled one of a session that ended as crashed, which the crash mark has counted already. In the session that is open it
 * is tracked as by sessio_tracker_track. Waits for the disk, at most a second.
 *
 * SESSIO_ERROR_INVALID_ARGUMENT: no session of that id is in the history. Else as sessio_tracker_track.
 */
sessio_status sessio_tracker_track_in_session(struct sessio_tracker *tracker,
                                              const struct sessio_event *event,
                                              const char *session_id,
                                              char event_id_out[37]);

/**
 * The app went to background, or came to foreground (S3). Call it on every change; the same value again does nothing.
 */
sessio_status sessio_tracker_set_is_background(struct sessio_tracker *tracker,
                                               bool in_background);

/**
 * Puts the id that names this tracker object as long as it lives into out, a UUID: its events carry it beside the session
 * (Loupe's agent session id).
 */
sessio_status sessio_tracker_instance_id(struct sessio_tracker *tracker,
                                         char out[37]);

/**
 * Puts what was last said about the background into out.
 */
sessio_status sessio_tracker_is_background(struct sessio_tracker *tracker, bool *out);

/**
 * Switches anonymous mode (S18): events then carry the nil UUID as user id, no previous session, no identity. A
 * change ends the session. Survives restarts.
 */
sessio_status sessio_tracker_set_anonymous(struct sessio_tracker *tracker,
                                           bool on);

/**
 * Switches tracking (S19). Off: the session ends, and tracking, starting and resuming give SESSIO_ERROR_DISABLED.
 * What is stored stays; sessio_tracker_erase removes it. Survives restarts.
 */
sessio_status sessio_tracker_set_enabled(struct sessio_tracker *tracker,
                                         bool on);

/**
 * Removes every event, session and identity from the files, those of the database's other namespaces too, and goes
 * on as a new installation (S19). Waits for the disk, at most a second. If it fails the files could not be cleaned
 * yet (another program has locked them, say): here all is forgotten nevertheless, and they are cleaned as soon as
 * that works, after a restart at the latest.
 */
sessio_status sessio_tracker_erase(struct sessio_tracker *tracker);

/**
 * Marks a crash (S16): the next start ends the session as crashed, with one more unhandled error. Async-signal-safe:
 * meant for crash handlers. The tracker must not be freed meanwhile. NULL is fine.
 */
void sessio_tracker_mark_crashed(struct sessio_tracker *tracker);

/**
 * Puts the ledger into out.
 */
sessio_status sessio_tracker_stats(struct sessio_tracker *tracker, struct sessio_stats *out);

/**
 * Calls give once for each destination, in the order of the configuration, on this thread, with context and what
 * it has done, which is valid for the length of the call. Waits for the disk. give may call the library.
 */
sessio_status sessio_tracker_delivery_stats(struct sessio_tracker *tracker,
                                            void (*give)(void *context,
                                                         const struct sessio_delivery_stats *stats),
                                            void *context);

/**
 * Ends the open session (replaced) and begins a new one now (S5). Lifts a pause. SESSIO_ERROR_DISABLED: tracking
 * is off, nothing changed.
 */
sessio_status sessio_tracker_start_session(struct sessio_tracker *tracker);

/**
 * The same with an id of the host's (S11): 1 to 128 of A-Z a-z 0-9 . _ -; anything else is refused, and nothing
 * changes. The id of the open session has no effect.
 */
sessio_status sessio_tracker_start_session_with_id(struct sessio_tracker *tracker,
                                                   const char *id);

/**
 * Pauses (S6): until sessio_tracker_resume_session events belong to no session, and nothing expires. Pausing twice
 * is pausing once.
 */
sessio_status sessio_tracker_pause_session(struct sessio_tracker *tracker);

/**
 * Lifts a pause, or begins a session if none is open (S6). Puts SESSIO_RESUME_RESUMED, _ALREADY_ACTIVE or _STARTED
 * into out, which may be NULL.
 */
sessio_status sessio_tracker_resume_session(struct sessio_tracker *tracker,
                                            uint32_t *out);

/**
 * Ends the open session (S7). The next event begins a new one. Without an open session it has no effect.
 */
sessio_status sessio_tracker_end_session(struct sessio_tracker *tracker);

/**
 * Says who uses the app from now on (S10): an id of 1 to 512 bytes, name and address of at most as many; these may
 * be NULL. id NULL: no user, the others must be NULL, too. Another user than before, or none, ends the session.
 */
sessio_status sessio_tracker_set_user(struct sessio_tracker *tracker,
                                      const char *id,
                                      const char *name,
                                      const char *email);

/**
 * Calls give once, on this thread, with who was last said to use the app, or not at all when that is no one. A
 * session that goes on after a restart brings its user along (S10). Name and email are NULL when not known; the
 * texts are valid for the length of the call.
 */
sessio_status sessio_tracker_user(struct sessio_tracker *tracker,
                                  void (*give)(void *context,
                                               const char *id,
                                               const char *name,
                                               const char *email),
                                  void *context);

/**
 * Puts the current session, or the last one, into out. Neither waits nor counts as activity; well under a
 * microsecond.
 */
sessio_status sessio_tracker_session(struct sessio_tracker *tracker, struct sessio_session *out);

/**
 * Calls give once for each ended session, newest first, at most limit times, on this thread, with context and
 * a session that is valid for the length of the call. A session is there from the moment it ended. Stores what is
 * pending first: waits for the disk. give may call the library, sessio_tracker_free included.
 */
sessio_status sessio_tracker_history(struct sessio_tracker *tracker,
                                     uint32_t limit,
                                     void (*give)(void *context, const struct sessio_session *session),
                                     void *context);

/**
 * Sets who uses the app from the start of the session on (S10), as sessio_tracker_set_user. Only inside
 * on_session_start.
 */
sessio_status sessio_session_start_set_user(struct sessio_session_start *start,
                                            const char *id,
                                            const char *name,
                                            const char *email);

/**
 * Sets an attribute of the session to a text: constant data that stays with it and is sent with its start and its end. Up
 * to 32 attributes, keys of 1 to 128 bytes, 2,048 bytes in all; over that SESSIO_ERROR_TOO_LARGE. Only inside
 * on_session_start.
 */
sessio_status sessio_session_start_set_text(struct sessio_session_start *start,
                                            const char *key,
                                            const char *value);

/**
 * Sets an attribute of the session to a finite number. Only inside on_session_start.
 */
sessio_status sessio_session_start_set_number(struct sessio_session_start *start,
                                              const char *key,
                                              double value);

/**
 * Asks before each session begins, from the opening of the tracker on. May be called for several. Copied; its release is
 * called when neither config nor tracker uses it any more.
 */
sessio_status sessio_config_add_session_start_callback(struct sessio_config *config,
                                                       const struct sessio_session_start_callback *callback);

/**
 * Tells what becomes of sessions, also what the opening of the tracker brings about (a session that crashed, say). May be
 * called for several. Copied; its release is called when neither config nor tracker uses it any more.
 */
sessio_status sessio_config_add_session_change_callback(struct sessio_config *config,
                                                        const struct sessio_session_change_callback *callback);

/**
 * Shows every event before it is stamped. May be called for several. Copied; its release is called when neither config
 * nor tracker uses it any more.
 */
sessio_status sessio_config_add_event_callback(struct sessio_config *config,
                                               const struct sessio_event_callback *callback);

/**
 * Adds a callback to an open tracker, and puts its id into out, which may be NULL. Copied; its release is called when it
 * was removed or the tracker closed, and the last call of it has returned.
 */
sessio_status sessio_tracker_add_session_start_callback(struct sessio_tracker *tracker,
                                                        const struct sessio_session_start_callback *callback,
                                                        uint64_t *out);

/**
 * The same for what becomes of sessions.
 */
sessio_status sessio_tracker_add_session_change_callback(struct sessio_tracker *tracker,
                                                         const struct sessio_session_change_callback *callback,
                                                         uint64_t *out);

/**
 * The same for events.
 */
sessio_status sessio_tracker_add_event_callback(struct sessio_tracker *tracker,
                                                const struct sessio_event_callback *callback,
                                                uint64_t *out);

/**
 * Removes a callback that was added to an open tracker, also from within itself. A call of it that is under way in another
 * thread goes on; release follows its end. SESSIO_ERROR_INVALID_ARGUMENT: there is none of that id.
 */
sessio_status sessio_tracker_remove_callback(struct sessio_tracker *tracker,
                                             uint64_t id);

/**
 * A scope of the tracker, put into out. It has no session yet; its first event begins one.
 */
sessio_status sessio_scope_new(struct sessio_tracker *tracker, struct sessio_scope **out);

/**
 * Frees a scope; its session ends (shutdown). In a forked child it leaks on purpose. NULL is fine.
 */
void sessio_scope_free(struct sessio_scope *scope);

/**
 * As sessio_tracker_track, in the scope's session.
 */
sessio_status sessio_scope_track(struct sessio_scope *scope,
                                 const struct sessio_event *event,
                                 char event_id_out[37]);

/**
 * As sessio_tracker_start_session, for the scope's session.
 */
sessio_status sessio_scope_start(struct sessio_scope *scope);

/**
 * As sessio_tracker_start_session_with_id, for the scope's session.
 */
sessio_status sessio_scope_start_with_id(struct sessio_scope *scope, const char *id);

/**
 * As sessio_tracker_pause_session, for the scope's session.
 */
sessio_status sessio_scope_pause(struct sessio_scope *scope);

/**
 * As sessio_tracker_resume_session, for the scope's session.
 */
sessio_status sessio_scope_resume(struct sessio_scope *scope, uint32_t *out);

/**
 * As sessio_tracker_end_session, for the scope's session.
 */
sessio_status sessio_scope_end(struct sessio_scope *scope);

/**
 * As sessio_tracker_set_user, for the scope alone.
 */
sessio_status sessio_scope_set_user(struct sessio_scope *scope,
                                    const char *id,
                                    const char *name,
                                    const char *email);

/**
 * Fills out, whose struct_size is set, with the scope's session as it is now.
 */
sessio_status sessio_scope_session(struct sessio_scope *scope, struct sessio_session *out);

/**
 * Puts the id that names this scope as long as it lives into out, a UUID: its events carry it beside the session (Loupe's
 * agent session id).
 */
sessio_status sessio_scope_instance_id(struct sessio_scope *scope,
                                       char out[37]);

/**
 * How many of the last events of its session an error event carries (kind, name, time), from memory, in at most 64 bytes
 * each on average; 0 for none, at most 100; in a scope 10. Default 30.
 */
sessio_status sessio_config_set_trail(struct sessio_config *config,
                                      uint32_t events);

/**
 * Adds data in a schema of its own to every event: up to 16 of them, and 16,384 bytes in all. Default: none.
 */
sessio_status sessio_config_add_global_context(struct sessio_config *config,
                                               const char *schema,
                                               const char *data_json);

/**
 * Sets an attribute with which each session begins, to a text: constant data that stays with it and is sent with its start
 * and its end. Up to 32 attributes, keys of 1 to 128 bytes, 2,048 bytes in all. A start callback may change it. Default: none.
 */
sessio_status sessio_config_set_session_text(struct sessio_config *config,
                                             const char *key,
                                             const char *value);

/**
 * The same to a finite number.
 */
sessio_status sessio_config_set_session_number(struct sessio_config *config, const char *key, double value);

/**
 * Adds data in a schema of its own to every event from now on, in place of that of the same schema: up to 16 of them, and
 * 16,384 bytes in all. It is not kept: set it after each start.
 */
sessio_status sessio_tracker_set_global_context(struct sessio_tracker *tracker,
                                                const char *schema,
                                                const char *data_json);

/**
 * Removes the global context of that schema. Without one it has no effect.
 */
sessio_status sessio_tracker_remove_global_context(struct sessio_tracker *tracker, const char *schema);

/**
 * Puts the session of a namespace into out, read from the files of a database: for a helper process that stamps its
 * own data with the id and the index of the main process's session, say, or shows whether it is online. The namespace
 * may be open in another process, in this one, or in none; whoever has it or opens it does not notice. Nothing is
 * written and no file is made. What it gives is as new as the last call of the owner that returned. It takes no
 * tracker: any thread may call it, and a forked child, too.
 *
 * An owner that closed, or was killed, leaves its session open: it may go on after a restart (S9). While one lives,
 * last_seen_at_ms is kept to within a second: an open session that was seen in the last few seconds belongs to a
 * process that lives.
 *
 * Takes about a tenth of a millisecond: opens, reads and closes the files; waits at most a quarter of a second where
 * another program keeps the database locked.
 *
 * SESSIO_ERROR_IO: there is no such file, or it cannot be read. SESSIO_ERROR_INVALID_ARGUMENT: there is no such
 * namespace in the file, or the library was built without SQLite. SESSIO_ERROR_TOO_NEW,
 * SESSIO_ERROR_FOREIGN_DATABASE: as for opening. SESSIO_ERROR_DATABASE: it is damaged, or no database. The file is left
 * as it is in every case.
 */
sessio_status sessio_tracker_peek(const char *database_file,
                                  const char *namespace_name,
                                  struct sessio_session *out);

/**
 * With manual delivery, puts the next request to send into out: to be carried, answered by sessio_request_answer
 * or sessio_request_fail, and freed. There may be more: ask until out is NULL, which means that there is nothing
 * to send now; then wait_ms_out is how long that is so (a receiver is left alone for a while), or UINT64_MAX, which
 * is until something changes: new events, the outcome of a request, the foreground. It is 0 with a request. Each
 * destination has at most one request under way; until its outcome there is no other for it.
 *
 * Stores what is pending first: waits for the disk, at most a second, never for the network. From any thread.
 *
 * A loop that sends what there is:
 *
 *   while (sessio_tracker_next_request(tracker, &request, &wait_ms) == SESSIO_OK && request != NULL) {
 *     send_and_answer(request);                             (yours)
 *     sessio_request_free(request);
 *   }
 *
 * SESSIO_ERROR_INVALID_ARGUMENT: manual delivery is off (sessio_config_set_manual_delivery).
 */
sessio_status sessio_tracker_next_request(struct sessio_tracker *tracker,
                                          struct sessio_request **out,
                                          uint64_t *wait_ms_out);

/**
 * Headers for the app's own requests, so that a server can tell the session they belong to. Calls give once per
 * header, on this thread, with context, the header's name and its value, which are valid for the length of the call:
 * "baggage" with session.id (W3C, OpenTelemetry) while a session is open and not paused; "loupe-agent-sessionId" if Loupe
 * is among the destinations. Neither waits nor counts as activity. give may call the library.
 */
sessio_status sessio_tracker_request_headers(struct sessio_tracker *tracker,
                                             void (*give)(void *context, const char *name, const char *value),
                                             void *context);

/**
 * A value for the header "baggage" that names the session, behind what the app has given already (NULL: nothing),
 * within the limits of W3C Baggage (8192 bytes, 64 members): over them, and without an open session, what is given stays
 * as it is. Calls give once, on this thread, with context and the value, which is valid for the length of the call.
 */
sessio_status sessio_tracker_baggage(struct sessio_tracker *tracker,
                                     const char *given,
                                     void (*give)(void *context, const char *value),
                                     void *context);

/**
 * A link with Snowplow's cross-navigation parameter "_sp", in place of one that is there: who follows it to another app
 * or site of yours is known there as the same user. more (NULL: nothing) says what it tells beside the installation's
 * user id, the time and the session. In anonymous mode the link stays as it is. Calls give once, on this thread, with
 * context and the link, which is valid for the length of the call.
 */
sessio_status sessio_tracker_decorate_link(struct sessio_tracker *tracker,
                                           const char *link,
                                           const struct sessio_link *more,
                                           void (*give)(void *context, const char *link),
                                           void *context);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SESSIO_H */
