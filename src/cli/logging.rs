//! How a tool or a broker logs: by the file that `KAFKA_LOG4J_OPTS` names, else to one stream.

use log::LevelFilter;

use crate::logging::{self, Level, LoggingDefaults};

/// Where log lines go without a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// As a broker logs.
    Stdout,
    /// As a tool logs, beside its output.
    Stderr,
}

/// Sets up the logging of the process. Without a file, lines of at least `level` go to `stream`, laid out as
/// `[time] LEVEL message (logger)`. A second call changes nothing.
pub fn init(stream: Stream, level: LevelFilter) {
    let stream = match stream {
        Stream::Stdout => "System.out",
        Stream::Stderr => "System.err",
    };
    let level = Level::parse(level.as_str()).unwrap_or(Level::Info);
    logging::init(LoggingDefaults { stream, level });
}
