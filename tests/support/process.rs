//! A child process whose output is kept and can be waited for; ended by its id when dropped.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// How long what an ended process printed is waited for: a process that it started may have its output still.
const LAST_LINES: Duration = Duration::from_secs(5);

/// A running (or ended) child process.
pub struct Process {
    name: String,
    child: Child,
    output: Arc<(Mutex<Output>, Condvar)>,
}

#[derive(Default)]
struct Output {
    lines: Vec<String>,
    open: usize,
}

impl Process {
    /// Starts `command`; `name` is what failures call it.
    pub fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let output = Arc::new((Mutex::new(Output { lines: Vec::new(), open: 2 }), Condvar::new()));
        collect(child.stdout.take().unwrap(), output.clone());
        collect(child.stderr.take().unwrap(), output.clone());
        Self { name: name.to_owned(), child, output }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All lines it has printed so far, on both streams.
    pub fn lines(&self) -> Vec<String> {
        self.output.0.lock().lines.clone()
    }

    /// Waits until it has printed a line that holds `text`, and gives that line.
    pub fn wait_for_line(&self, text: &str, limit: Duration) -> String {
        self.wait_for_line_after(0, text, limit)
    }

    /// As [`Process::wait_for_line`], of the lines from number `from` on.
    pub fn wait_for_line_after(&self, from: usize, text: &str, limit: Duration) -> String {
        let end = Instant::now() + limit;
        let (lock, changed) = &*self.output;
        let mut output = lock.lock();
        loop {
            if let Some(line) = output.lines.iter().skip(from).find(|line| line.contains(text)) {
                return line.clone();
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && output.open > 0,
                "{} did not print {text:?}; it printed:\n{}",
                self.name,
                output.lines.join("\n")
            );
            changed.wait_for(&mut output, left);
        }
    }

    /// Sends it a signal by name, such as `TERM`, `KILL`, `STOP` or `CONT`.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success(), "{} takes no {signal}", self.name);
    }

    /// Makes it stand still, and waits until every thread of it does; `CONT` lets it go on.
    pub fn stand_still(&self) {
        self.signal("STOP");
        super::eventually(&format!("{} stands still", self.name), Duration::from_secs(10), || {
            let threads = std::fs::read_dir(format!("/proc/{}/task", self.id())).ok()?;
            let stopped = threads.flatten().all(|thread| {
                let status = std::fs::read_to_string(thread.path().join("status")).unwrap_or_default();
                status.lines().any(|line| line.starts_with("State:") && line.contains('T'))
            });
            stopped.then_some(())
        });
    }

    /// Waits for its end, and until all it printed has been read.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let name = format!("the end of {}", self.name);
        let status = super::eventually(&name, limit, || self.child.try_wait().unwrap());
        let (output, changed) = &*self.output;
        let (mut output, deadline) = (output.lock(), Instant::now() + LAST_LINES);
        while output.open > 0 && !changed.wait_until(&mut output, deadline).timed_out() {}
        status
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- {} printed:\n{}", self.name, self.lines().join("\n"));
        }
    }
}

fn collect(stream: impl Read + Send + 'static, output: Arc<(Mutex<Output>, Condvar)>) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(count) if count > 0) {
            let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
            output.0.lock().lines.push(text);
            output.1.notify_all();
            line.clear();
        }
        output.0.lock().open -= 1;
        output.1.notify_all();
    });
}
