//! log4j's levels. Nothing here logs at FATAL, so FATAL shows as little as OFF.
//!
//! Pure.

use std::fmt;

use log::LevelFilter;

/// How much a logger lets through, from nothing to everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    Off,
    /// Errors after which the process ends.
    Fatal,
    /// Errors.
    Error,
    /// Warnings and errors.
    Warn,
    /// Also what happens.
    Info,
    /// Also details.
    Debug,
    /// All lines.
    Trace,
    /// All lines.
    All,
}

impl Level {
    /// Every level, from nothing to everything.
    pub const EVERY: [Self; 8] =
        [Self::Off, Self::Fatal, Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace, Self::All];

    /// Its name, in capitals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Fatal => "FATAL",
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
            Self::All => "ALL",
        }
    }

    /// The level of this name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|level| level.name().eq_ignore_ascii_case(name))
    }

    /// The filter of the `log` crate that lets the same through.
    pub fn filter(self) -> LevelFilter {
        match self {
            Self::Off | Self::Fatal => LevelFilter::Off,
            Self::Error => LevelFilter::Error,
            Self::Warn => LevelFilter::Warn,
            Self::Info => LevelFilter::Info,
            Self::Debug => LevelFilter::Debug,
            Self::Trace | Self::All => LevelFilter::Trace,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
