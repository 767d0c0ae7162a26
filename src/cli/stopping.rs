//! The signals that end a tool which has something to finish.
//!
//! The first SIGINT or SIGTERM asks the tool to finish, the second ends it at once. Java: shutdown hooks.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Whether a tool was asked to finish, and how it then exits; cheap to clone.
#[derive(Clone, Debug)]
pub struct Stopping {
    asked: CancellationToken,
    code: Arc<AtomicU8>,
}

impl Stopping {
    /// Listens from now on; needs a tokio runtime.
    ///
    /// # Errors
    /// Those of registering with the system.
    pub fn listen() -> io::Result<Self> {
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let stopping = Self { asked: CancellationToken::new(), code: Arc::default() };
        let listening = stopping.clone();
        tokio::spawn(async move {
            loop {
                let code = tokio::select! {
                    _ = interrupted.recv() => 130,
                    _ = terminated.recv() => 143,
                };
                if listening.asked.is_cancelled() {
                    std::process::exit(code.into());
                }
                listening.code.store(code, Ordering::SeqCst);
                listening.asked.cancel();
            }
        });
        Ok(stopping)
    }

    /// Waits until the tool is asked to finish.
    pub async fn asked(&self) {
        self.asked.cancelled().await;
    }

    /// Whether the tool was asked to finish.
    pub fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// The exit code of a tool that has finished: that of the signal, or 0 without one.
    pub fn exit_code(&self) -> u8 {
        self.code.load(Ordering::SeqCst)
    }
}
