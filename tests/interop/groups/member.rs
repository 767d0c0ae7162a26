//! A process that is a member of consumer groups: it takes commands, and what it prints is entered in a ledger.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;

use super::ledger::Ledger;
use crate::support::eventually;

/// A member, killed when dropped.
pub struct Member {
    name: String,
    child: Child,
    input: ChildStdin,
    ledger: Arc<Ledger>,
    errors: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Member {
    /// Starts this command under a name that no other running member of its groups has.
    pub fn start(name: &str, command: &mut Command, ledger: &Arc<Ledger>) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let output = BufReader::new(child.stdout.take().unwrap());
        let (entered, owner) = (ledger.clone(), name.to_owned());
        let read = move || output.lines().map_while(Result::ok).for_each(|line| entered.enter(&owner, &line));
        let errors = Arc::new(Mutex::new(String::new()));
        keep(child.stderr.take().unwrap(), errors.clone());
        Self {
            name: name.to_owned(),
            input: child.stdin.take().unwrap(),
            child,
            ledger: ledger.clone(),
            errors,
            reader: Some(std::thread::spawn(read)),
        }
    }

    /// Has it do this: `hang`, `resume` or `leave`.
    pub fn command(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    /// Stops it where it is (`STOP`), or has it go on (`CONT`).
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success(), "{} takes no {signal}", self.name);
    }

    /// Has it close its consumers, and waits for its end.
    pub fn leave(mut self) {
        self.command("leave");
        let what = format!("{} ends", self.name);
        let status = eventually(&what, Duration::from_secs(30), || self.child.try_wait().unwrap());
        assert!(status.success(), "{}: {status}", self.name);
    }

    /// Ends it as a crash would.
    pub fn kill(self) {}
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.ledger.remove(&self.name);
        if std::thread::panicking() {
            eprintln!("--- {} printed:\n{}", self.name, self.errors.lock());
        }
    }
}

fn keep(mut stream: impl Read + Send + 'static, kept: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut chunk) {
            kept.lock().push_str(&String::from_utf8_lossy(&chunk[..count]));
        }
    });
}
