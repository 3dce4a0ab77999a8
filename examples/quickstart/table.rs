//! How a day is written down: a row for each command, a table of the sessions, the ledger.

use std::fmt::Write as _;

use sessio::{Session, SessionState, Stats};

/// The columns of the rows.
pub fn header() -> String {
    row("time (UTC)", "command", &format!("state    #  ev  {:<8} foregr. backgr.  paused  user", "session"))
}

/// A row: when, what, and what the session is now.
pub fn row(time: &str, command: &str, session: &str) -> String {
    format!("{time:<19}  {:<21}  {session}", cut(command, 21))
}

/// The time of a clock.
pub fn time(wall_ms: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(wall_ms);
    time.map_or_else(|| "?".into(), |time| time.format("%Y-%m-%d %H:%M:%S").to_string())
}

/// The session's part of a row.
pub fn session(session: &Session, user: Option<&str>) -> String {
    let state = match session.state {
        SessionState::None => "none",
        SessionState::Active => "active",
        SessionState::Paused => "paused",
        SessionState::Ended => "ended",
    };
    let id = session.id.as_ref().map_or_else(|| "-".into(), ToString::to_string);
    let spent = session.durations;
    format!(
        "{state:<6} {:>3} {:>3}  {id:<8.8} {:>7} {:>7} {:>7}  {}",
        session.index,
        session.event_index,
        duration(spent.foreground_ms),
        duration(spent.background_ms),
        duration(spent.paused_ms),
        // The nil user id is that of anonymous mode, where events do not say who it was.
        if session.user_id.0.is_nil() { "(anonymous)" } else { user.unwrap_or("-") },
    )
}

/// A line that tells of an end.
pub fn ended(session: &Session) -> String {
    format!(
        "{:19}  -> session {} ended {} ({}): {}, {} event{}",
        "",
        session.index,
        time(session.ended_at.unwrap_or_default()),
        reason(session),
        clock_time(session.durations.total()),
        session.event_index,
        if session.event_index == 1 { "" } else { "s" },
    )
}

fn reason(session: &Session) -> &'static str {
    session.end_reason.map_or("(open)", |reason| reason.name())
}

/// The table of the sessions, oldest first, and the ledger. Every accepted event is in one of its rows.
pub fn sessions(sessions: &[Session], stats: &Stats) -> String {
    let mut table = String::from(
        "\n  #  start               duration foreground background   paused events errors  why it ended\n",
    );
    let (mut events, mut errors) = (0, 0);
    for session in sessions {
        events += u64::from(session.event_index);
        errors += u64::from(session.handled_errors + session.unhandled_errors);
        table += &session_row(session);
    }
    let outside = stats.accepted.saturating_sub(events);
    if outside > 0 {
        table += &sum_row("outside any session", outside, "");
    }
    table += &sum_row("total", events + outside, &errors.to_string());
    // Writing into a string cannot fail.
    let _ = write!(
        table,
        "\nLedger: {} accepted = {} stored + {} delivered + {} dropped\n",
        stats.accepted,
        stats.stored,
        stats.delivered,
        stats.dropped.total(),
    );
    table
}

fn session_row(session: &Session) -> String {
    format!(
        "{:>3}  {} {:>8} {:>10} {:>10} {:>8} {:>6} {:>6}  {}\n",
        session.index,
        time(session.started_at.unwrap_or_default()),
        duration(session.durations.total()),
        duration(session.durations.foreground_ms),
        duration(session.durations.background_ms),
        duration(session.durations.paused_ms),
        session.event_index,
        session.handled_errors + session.unhandled_errors,
        reason(session),
    )
}

fn sum_row(name: &str, events: u64, errors: &str) -> String {
    format!("     {:<59} {events:>6} {errors:>6}", name).trim_end().to_owned() + "\n"
}

/// A duration in a column: nothing is a dash, so that what there is stands out.
fn duration(ms: u64) -> String {
    if ms == 0 { "-".into() } else { clock_time(ms) }
}

/// `1:05:00`
fn clock_time(ms: u64) -> String {
    let seconds = ms / 1_000;
    format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.into();
    }
    text.chars().take(width - 3).chain("...".chars()).collect()
}
