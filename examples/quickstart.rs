//! A day with an app, told by a script: what happens to its sessions?
//!
//! ```text
//! cargo run --release --example quickstart -- examples/day.txt
//! cargo run --release --example quickstart                          (type commands; `help` lists them)
//! ```
//!
//! The tracker lives in a child process (`quickstart/app.rs`: the part to copy from), so that `kill` can be a real
//! SIGKILL. This process reads the script, has the clock, and starts the app again after a kill. The clock is moved
//! by hand: a day takes a moment.
//!
//! The database lives in a folder that is removed at the end. With `--keep <folder>` it stays, and the next run is
//! the next day.

#[path = "quickstart/app.rs"]
mod app;
#[path = "quickstart/process.rs"]
mod process;
#[path = "quickstart/script.rs"]
mod script;
#[path = "quickstart/table.rs"]
mod table;

use std::error::Error;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, IsTerminal, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use process::Process;
use script::Command;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: quickstart [--keep <folder>] [script]";
/// A first day begins on 2026-03-16 at 07:40 UTC, every other one at 07:40 of a later day.
const FIRST_MORNING: u64 = 1_773_646_800_000;
const DAY: u64 = 86_400_000;
const NOT_RUNNING: &str = "the app is not running";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let arguments: Option<Vec<&str>> = arguments.iter().map(|argument| argument.to_str()).collect();
    match arguments.ok_or_else(|| USAGE.into()).and_then(|arguments| dispatch(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["--child", folder, time] => child(folder, time, None),
        ["--child", folder, time, user] => child(folder, time, Some(user)),
        [] => in_temporary_folder(None),
        ["--keep", folder] => in_folder(Path::new(folder), None),
        ["--keep", folder, script] => in_folder(Path::new(folder), Some(script)),
        [script] if !script.starts_with('-') => in_temporary_folder(Some(script)),
        _ => Err(USAGE.into()),
    }
}

fn child(folder: &str, time: &str, user: Option<&str>) -> Result<()> {
    app::run(Path::new(folder), time.parse()?, user.map(Into::into))
}

fn in_temporary_folder(script: Option<&str>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    run(folder.path(), script)
}

fn in_folder(folder: &Path, script: Option<&str>) -> Result<()> {
    if !folder.is_dir() {
        fs::create_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    run(folder, script)
}

fn run(folder: &Path, script: Option<&str>) -> Result<()> {
    let mut input: Box<dyn BufRead> = match script {
        Some(path) => Box::new(BufReader::new(File::open(path).map_err(|e| format!("{path}: {e}"))?)),
        None => Box::new(stdin().lock()),
    };
    let mut day = Day::begin(folder)?;
    if script.is_none() && stdin().is_terminal() {
        day.listen(&mut *input)?;
    } else {
        day.play(&mut *input, script.unwrap_or("stdin"))?;
    }
    day.end()
}

/// The simulation: the clock, who is signed in, and the app while it runs.
struct Day {
    folder: PathBuf,
    time: u64,
    user: Option<String>,
    app: Option<Process>,
    /// Why the app does not run.
    gone: &'static str,
    /// The columns have been named.
    headed: bool,
}

impl Day {
    fn begin(folder: &Path) -> Result<Self> {
        let time = match fs::read_to_string(folder.join("clock")) {
            Ok(text) => next_morning(text.trim().parse()?),
            Err(_) => FIRST_MORNING,
        };
        Ok(Self { folder: folder.into(), time, user: None, app: None, gone: "off", headed: false })
    }

    /// Plays a script; the first line that is wrong ends it. Comments are part of the story.
    fn play(&mut self, input: &mut dyn BufRead, name: &str) -> Result<()> {
        for (number, line) in (1..).zip(input.lines()) {
            let done = line.map_err(Into::into).and_then(|line| match line.trim() {
                told if told.is_empty() || told.starts_with('#') => Ok(writeln!(stdout(), "{told}")?),
                command => self.carry_out(command),
            });
            done.map_err(|e| format!("{name}:{number}: {e}"))?;
        }
        Ok(())
    }

    /// Carries out what is typed; after a mistake one tries again.
    fn listen(&mut self, input: &mut dyn BufRead) -> Result<()> {
        writeln!(stdout(), "Type commands: help lists them, Ctrl-D ends the day.")?;
        loop {
            write!(stdout(), "> ")?;
            stdout().flush()?;
            let mut line = String::new();
            if input.read_line(&mut line)? == 0 {
                return Ok(writeln!(stdout())?);
            }
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                self.carry_out(line).unwrap_or_else(|e| eprintln!("{e}"));
            }
        }
    }

    fn carry_out(&mut self, line: &str) -> Result<()> {
        let command = script::parse(line)?;
        match command {
            Command::Help => return Ok(write!(stdout(), "{}", script::help())?),
            Command::Wait(time) => self.time += u64::try_from(time.as_millis())?,
            _ => {}
        }
        match command {
            Command::Kill | Command::Crash => self.kill(line, command == Command::Crash),
            Command::Quit => self.quit(line),
            Command::Restart => self.quit(line).and_then(|()| self.start()),
            // Without a process only the time passes.
            Command::Wait(_) if self.app.is_none() => self.show(line, &[self.gone.into()]),
            _ => self.ask(line, command),
        }
    }

    /// Hands a command to the app, which is started if need be.
    fn ask(&mut self, line: &str, command: Command<'_>) -> Result<()> {
        self.start()?;
        let app = self.app.as_mut().ok_or(NOT_RUNNING)?;
        let answer = app.ask(self.time, line)?;
        if let Command::User(id) = command {
            self.user = id.map(Into::into);
        }
        self.show(line, &answer)
    }

    fn start(&mut self) -> Result<()> {
        if self.app.is_some() {
            return Ok(());
        }
        let (app, answer) = Process::start(&self.folder, self.time, self.user.as_deref())?;
        self.app = Some(app);
        self.show("(the app starts)", &answer)
    }

    fn kill(&mut self, line: &str, crash: bool) -> Result<()> {
        let mut app = self.app.take().ok_or(NOT_RUNNING)?;
        self.gone = "killed";
        if crash {
            app.ask(self.time, line)?;
        }
        app.kill()?;
        self.show(line, &[self.gone.into()])
    }

    fn quit(&mut self, line: &str) -> Result<()> {
        let app = self.app.take().ok_or(NOT_RUNNING)?;
        self.gone = "closed";
        app.close()?;
        self.show(line, &[self.gone.into()])
    }

    /// Prints an answer: the first line of it is the session's part of the row.
    fn show(&mut self, command: &str, answer: &[String]) -> Result<()> {
        let mut out = stdout().lock();
        if !std::mem::replace(&mut self.headed, true) {
            writeln!(out, "{}", table::header())?;
        }
        let (session, more) = answer.split_first().ok_or("the app has nothing to say")?;
        writeln!(out, "{}", table::row(&table::time(self.time.cast_signed()), command, session))?;
        more.iter().try_for_each(|line| Ok(writeln!(out, "{line}")?))
    }

    /// The closing table. An app that was closed is started once more to tell it.
    fn end(&mut self) -> Result<()> {
        writeln!(stdout())?;
        self.start()?;
        self.ask("sessions", Command::Sessions)?;
        self.app.take().map_or(Ok(()), Process::close)?;
        Ok(fs::write(self.folder.join("clock"), format!("{}\n", self.time))?)
    }
}

impl Drop for Day {
    /// After a mistake in the script the app must not be left running.
    fn drop(&mut self) {
        if let Some(app) = self.app.take() {
            app.close().unwrap_or_else(|e| eprintln!("{e}"));
        }
    }
}

fn next_morning(time: u64) -> u64 {
    FIRST_MORNING + (time.saturating_sub(FIRST_MORNING) / DAY + 1) * DAY
}
