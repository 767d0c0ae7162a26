//! The signals of a running broker, as a JVM that runs Kafka handles them.
//!
//! SIGTERM, SIGINT and SIGHUP stop the broker in order, unless the process was started with the signal
//! ignored, as by `nohup` or in the background of a script. SIGQUIT asks for the broker's state. Kafka:
//! `LoggingSignalHandler`.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalRequest {
    /// To stop, for the signal of this name; the exit code is then this one.
    Stop(&'static str, u8),
    /// To print what the broker is doing.
    Report,
}

/// The signals that are listened for.
#[derive(Debug)]
pub struct Signals {
    terminate: Option<Signal>,
    interrupt: Option<Signal>,
    hang_up: Option<Signal>,
    quit: Signal,
}

impl Signals {
    /// Listens from now on, except for signals that the process was started to ignore.
    ///
    /// # Errors
    /// Those of registering with the system.
    pub fn listen() -> io::Result<Self> {
        let ignored = Ignored::read();
        let unless_ignored = |kind: SignalKind| {
            let listened = !ignored.contains(kind.as_raw_value());
            listened.then(|| signal(kind)).transpose()
        };
        Ok(Self {
            terminate: unless_ignored(SignalKind::terminate())?,
            interrupt: unless_ignored(SignalKind::interrupt())?,
            hang_up: unless_ignored(SignalKind::hangup())?,
            // A JVM always handles SIGQUIT.
            quit: signal(SignalKind::quit())?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> SignalRequest {
        tokio::select! {
            () = received(&mut self.terminate) => SignalRequest::Stop("SIGTERM", 143),
            () = received(&mut self.interrupt) => SignalRequest::Stop("SIGINT", 130),
            () = received(&mut self.hang_up) => SignalRequest::Stop("SIGHUP", 129),
            _ = self.quit.recv() => SignalRequest::Report,
        }
    }
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// The signals that this process was started to ignore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ignored(u64);

impl Ignored {
    /// As `/proc` shows them; none if it does not.
    fn read() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self::parse(&status)
    }

    fn parse(status: &str) -> Self {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        Self(mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0))
    }

    fn contains(self, signal: i32) -> bool {
        u32::try_from(signal - 1).is_ok_and(|bit| self.0.checked_shr(bit).unwrap_or(0) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ignored_signals_are_the_bits_of_a_mask() {
        let ignored =
            Ignored::parse("Name:\tbarnabas\nSigIgn:\t0000000000001003\nSigCgt:\t0000000000004000\n");
        assert_eq!(
            [1, 2, 3, 13, 15].map(|signal| ignored.contains(signal)),
            [true, true, false, true, false]
        );
        assert_eq!(Ignored::parse("Name:\tbarnabas\n"), Ignored(0));
    }
}
