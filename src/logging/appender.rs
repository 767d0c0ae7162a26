//! Where log lines go: a stream or a file. Each appender is an `env_logger` of its own with the layout of
//! log4j's pattern.
//!
//! log4j: `ConsoleAppender`, `FileAppender` and its kin.

use std::io;
use std::path::PathBuf;

use super::Level;
use super::layout::Layout;
use super::rolling::{Rolling, RollingFile};
use super::sink::logger_of;

/// An appender's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AppenderSettings {
    /// Where its lines go.
    pub destination: Destination,
    /// The lowest level that it accepts.
    pub threshold: Level,
    /// Its layout.
    pub layout: Layout,
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The end of a file.
    File(PathBuf, Rolling),
}

impl AppenderSettings {
    /// The appender, its file opened.
    ///
    /// # Errors
    /// Those of opening its file.
    pub fn open(self) -> io::Result<env_logger::Logger> {
        let mut builder = env_logger::Builder::new();
        builder.filter_level(self.threshold.filter()).target(match self.destination {
            Destination::Stdout => env_logger::Target::Stdout,
            Destination::Stderr => env_logger::Target::Stderr,
            Destination::File(path, rolling) => {
                env_logger::Target::Pipe(Box::new(RollingFile::open(&path, rolling)?))
            }
        });
        let layout = self.layout;
        builder.format(move |out, record| layout.write(out, &logger_of(record.target()), record));
        Ok(builder.build())
    }
}
