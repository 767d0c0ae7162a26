//! What a process logs: loggers by name, their levels, and the files and streams their lines go to, as log4j has them.
//!
//! Set up once from a file in log4j 1.2's own syntax ([`log4j`]); levels change while the process runs (KIP-412).
//! Every line comes through the `log` crate, and every appender is an `env_logger` of its own. Never decides what is
//! logged. Kafka: log4j's `Hierarchy` and appenders, `kafka.utils.Log4jController`.

mod appender;
pub mod date_pattern;
mod hierarchy;
mod layout;
mod level;
pub mod log4j;
mod loggers;
mod rolling;
mod sink;

use std::collections::BTreeMap;

pub use level::Level;
pub use loggers::LOGGERS;
pub use sink::{LoggingDefaults, init};

/// The name of the logger above all others.
pub const ROOT: &str = "root";

/// Every logger with its level; that of the root where a logger has none of its own
/// (`Log4jController.loggers`). Empty if logging was not set up.
pub fn levels() -> BTreeMap<String, Level> {
    sink::current().map(|sink| sink.levels()).unwrap_or_default()
}

/// Whether there is a logger of this name.
pub fn exists(logger: &str) -> bool {
    sink::current().is_some_and(|sink| sink.exists(logger))
}

/// Sets a logger's level, or removes it (None). Changes nothing where there is no such logger.
pub fn set_level(logger: &str, level: Option<Level>) {
    if let Some(sink) = sink::current() {
        sink.set_level(logger, level);
    }
}
