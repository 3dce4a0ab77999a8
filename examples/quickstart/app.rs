//! The app: a process of its own with a tracker in it, which can be killed like any other. This is the part to copy
//! from.

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sessio::clock::{ManualClock, Now};
use sessio::{Config, Event, SessionState, Tracker, User};

use crate::script::{self, Command};
use crate::table;

/// How many ended sessions the table shows.
const MOST_SESSIONS: usize = 1_000;

pub struct App {
    tracker: Tracker,
    clock: Arc<ManualClock>,
    time: u64,
    user: Option<String>,
    /// The last session whose end was told of.
    told: u32,
}

/// Carries out the commands that come in, each with the time it is, until there are no more.
pub fn run(folder: &Path, time: u64, user: Option<String>) -> Result<(), Box<dyn Error>> {
    let mut app = match App::open(folder, time, user) {
        Ok(app) => app,
        Err(e) => return Ok(answer(Err(e))?),
    };
    answer(app.report())?;
    for line in stdin().lock().lines() {
        let line = line?;
        let (time, command) = line.split_once(' ').unwrap_or((&line, "help"));
        app.move_clock(time.parse()?);
        let command = script::parse(command)?;
        answer(app.carry_out(command).and_then(|()| app.told(command)))?;
    }
    Ok(app.tracker.close(Duration::from_secs(2))?)
}

/// An answer is some lines and a dot; one that begins with `!` is an error.
fn answer(result: sessio::Result<String>) -> std::io::Result<()> {
    let text = result.unwrap_or_else(|e| format!("!{e}\n"));
    writeln!(stdout(), "{text}.")
}

impl App {
    fn open(folder: &Path, time: u64, user: Option<String>) -> sessio::Result<Self> {
        let clock = Arc::new(ManualClock::new(Now::new(time.cast_signed(), time)));
        let config = Config::builder()
            .path(folder.join("day.db"))
            .app("com.example.news", "1.0.0")
            .clock(clock.clone()) // an app of your own leaves this out
            .build()?;
        let tracker = Tracker::open(config)?;
        // The app knows who is signed in, and says so at every start.
        if let Some(id) = &user {
            tracker.set_user(Some(User::new(id, None, None)?))?;
        }
        // Ends before that of the last session were told of by the process before.
        let told = tracker.session()?.index.saturating_sub(1);
        Ok(Self { tracker, clock, time, user, told })
    }

    fn move_clock(&mut self, time: u64) {
        self.clock.advance(Duration::from_millis(time.saturating_sub(self.time)));
        self.time = time;
    }

    fn carry_out(&mut self, command: Command<'_>) -> sessio::Result<()> {
        let tracker = &self.tracker;
        match command {
            Command::Screen(name) => tracker.track(&Event::screen_view(Some(name), None)?).map(drop),
            Command::Event(category, action) => {
                tracker.track(&Event::structured(category, action)?).map(drop)
            }
            Command::Error(kind, message) => tracker.track(&Event::error(kind, message, false)?).map(drop),
            Command::Background => tracker.set_is_background(true),
            Command::Foreground => tracker.set_is_background(false),
            Command::Pause => tracker.pause_session(),
            Command::Resume => tracker.resume_session().map(drop),
            Command::Start(None) => tracker.start_session().map(drop),
            Command::Start(Some(id)) => tracker.start_session_with_id(id).map(drop),
            Command::End => tracker.end_session(),
            Command::User(id) => self.set_user(id),
            Command::Anonymous(on) => tracker.set_anonymous(on),
            // What is due by the clock happens within a second; a simulation does not wait for that.
            Command::Wait(_) => tracker.poll(),
            Command::Crash => {
                tracker.mark_crashed();
                Ok(())
            }
            Command::Kill | Command::Quit | Command::Restart | Command::Sessions | Command::Help => Ok(()),
        }
    }

    fn set_user(&mut self, id: Option<&str>) -> sessio::Result<()> {
        self.tracker.set_user(id.map(|id| User::new(id, None, None)).transpose()?)?;
        self.user = id.map(Into::into);
        Ok(())
    }

    /// What the session is after a command.
    fn told(&mut self, command: Command<'_>) -> sessio::Result<String> {
        let report = self.report()?;
        Ok(if command == Command::Sessions { report + &self.sessions()? } else { report })
    }

    /// The session, and the one that has ended meanwhile.
    fn report(&mut self) -> sessio::Result<String> {
        let session = self.tracker.session()?;
        let mut report = table::session(&session, self.user.as_deref()) + "\n";
        let last = self.tracker.history(1)?;
        if let Some(ended) = last.first().filter(|ended| ended.index > self.told) {
            self.told = ended.index;
            report += &(table::ended(ended) + "\n");
        }
        Ok(report)
    }

    /// All sessions, the open one included, and the ledger.
    fn sessions(&self) -> sessio::Result<String> {
        let mut sessions = self.tracker.history(MOST_SESSIONS)?;
        sessions.reverse();
        let now = self.tracker.session()?;
        if matches!(now.state, SessionState::Active | SessionState::Paused) {
            sessions.push(now);
        }
        Ok(table::sessions(&sessions, &self.tracker.stats()?))
    }
}
