//! The app as its parent sees it: a child process that is told what happens, and can be killed.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct Process {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    /// Starts the app: this same program with other arguments. Gives its first answer, too.
    pub fn start(
        folder: &Path,
        time: u64,
        user: Option<&str>,
    ) -> Result<(Self, Vec<String>), Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--child")
            .arg(folder)
            .arg(time.to_string())
            .args(user)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let commands = child.stdin.take().ok_or("the app has no input")?;
        let answers = BufReader::new(child.stdout.take().ok_or("the app has no output")?);
        let mut process = Self { child, commands, answers };
        let answer = process.answer()?;
        Ok((process, answer))
    }

    /// Has a command carried out at a time. Gives the answer.
    pub fn ask(&mut self, time: u64, command: &str) -> Result<Vec<String>, Box<dyn Error>> {
        writeln!(self.commands, "{time} {command}")?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Vec<String>, Box<dyn Error>> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.answers.read_line(&mut line)? == 0 {
                return Err("the app has ended without an answer".into());
            }
            match line.trim_end_matches('\n') {
                "." => break,
                line => lines.push(line.to_owned()),
            }
        }
        match lines.first().and_then(|line| line.strip_prefix('!')) {
            Some(error) => Err(error.into()),
            None => Ok(lines),
        }
    }

    /// SIGKILL: no handler runs, nothing is cleaned up.
    pub fn kill(mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// The end of its input has the app close its tracker and leave.
    pub fn close(self) -> Result<(), Box<dyn Error>> {
        let Self { mut child, commands, .. } = self;
        drop(commands);
        let status = child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the app has failed: {status}").into()) }
    }
}
