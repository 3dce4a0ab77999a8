//! The commands of a script: what they are called, what they take, and how they are read.

use std::time::Duration;

/// One line of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    Screen(&'a str),
    Event(&'a str, &'a str),
    Error(&'a str, &'a str),
    Background,
    Foreground,
    Pause,
    Resume,
    Start(Option<&'a str>),
    End,
    User(Option<&'a str>),
    Anonymous(bool),
    Wait(Duration),
    Kill,
    Crash,
    Quit,
    Restart,
    Sessions,
    Help,
}

/// How a command is written, how many arguments it takes at most (the last one takes the rest of the line), and what
/// it is for.
type Usage = (&'static str, &'static str, usize, &'static str);

const USAGES: [Usage; 18] = [
    ("screen", "<name>", 1, "a screen was shown"),
    ("event", "<category> <action>", 2, "something was done"),
    ("error", "<type> [message]", 2, "an error was caught"),
    ("background", "", 0, "the app goes to background"),
    ("foreground", "", 0, "the app comes to foreground"),
    ("pause", "", 0, "the session pauses"),
    ("resume", "", 0, "the paused session goes on, or one begins"),
    ("start", "[id]", 1, "a new session begins, with an id of your own if you like"),
    ("end", "", 0, "the session ends"),
    ("user", "[id]", 1, "this user has signed in; without an id: has signed out"),
    ("anonymous", "on|off", 1, "whether events say whose they are"),
    ("wait", "<time>", 1, "time passes: 500ms, 30s, 40m, 2h, 1d"),
    ("kill", "", 0, "the app gets a SIGKILL; the next command starts it again"),
    ("crash", "", 0, "the same, after a crash handler has marked the crash"),
    ("quit", "", 0, "the app closes properly; the next command starts it again"),
    ("restart", "", 0, "the app closes properly and starts again"),
    ("sessions", "", 0, "the table of all sessions, and the ledger"),
    ("help", "", 0, "this list"),
];

/// Reads a line that is neither blank nor a comment. The error says what is wrong with it.
pub fn parse(line: &str) -> Result<Command<'_>, String> {
    let (name, rest) = split(line);
    let usage = USAGES.iter().find(|usage| usage.0 == name);
    let (_, arguments, most, _) =
        usage.ok_or_else(|| format!("unknown command \"{name}\" (help lists them)"))?;
    let given = if *most == 2 { split(rest) } else { (rest, "") };
    Ok(match (name, given) {
        ("screen", (name, _)) if !name.is_empty() => Command::Screen(name),
        ("event", (category, action)) if !action.is_empty() => Command::Event(category, action),
        ("error", (kind, message)) if !kind.is_empty() => Command::Error(kind, message),
        ("start", (id, _)) => Command::Start(some(id)),
        ("user", (id, _)) => Command::User(some(id)),
        ("anonymous", ("on", _)) => Command::Anonymous(true),
        ("anonymous", ("off", _)) => Command::Anonymous(false),
        ("wait", (time, _)) if !time.is_empty() => Command::Wait(duration(time)?),
        (_, ("", _)) if *most == 0 => plain(name),
        _ => return Err(format!("usage: {}", format!("{name} {arguments}").trim_end())),
    })
}

/// A command without arguments.
fn plain(name: &str) -> Command<'static> {
    match name {
        "background" => Command::Background,
        "foreground" => Command::Foreground,
        "pause" => Command::Pause,
        "resume" => Command::Resume,
        "end" => Command::End,
        "kill" => Command::Kill,
        "crash" => Command::Crash,
        "quit" => Command::Quit,
        "restart" => Command::Restart,
        "sessions" => Command::Sessions,
        _ => Command::Help,
    }
}

/// The first word, and the rest without the space between.
fn split(text: &str) -> (&str, &str) {
    let (word, rest) = text.trim().split_once([' ', '\t']).unwrap_or((text.trim(), ""));
    (word, rest.trim_start())
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A time such as `40m`.
fn duration(text: &str) -> Result<Duration, String> {
    const MOST_MS: u64 = 10_000 * 86_400_000;
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = &text[..text.len() - unit.len()];
    let scale = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => 0,
    };
    if number.is_empty() || scale == 0 {
        return Err(format!("\"{text}\" is no time: write 500ms, 30s, 40m, 2h or 1d"));
    }
    // Digits that are no number are too many of them.
    let ms = number.parse().unwrap_or(u64::MAX).saturating_mul(scale);
    if ms > MOST_MS {
        return Err(format!("\"{text}\" is too long a time: at most 10000d"));
    }
    Ok(Duration::from_millis(ms))
}

/// What `help` prints.
pub fn help() -> String {
    let line =
        |(name, arguments, _, purpose): &Usage| format!("  {:<28}{purpose}\n", format!("{name} {arguments}"));
    USAGES.iter().map(line).collect()
}
