//! Loggers by name. Pure. A logger without a level has that of its nearest ancestor that has one; the dots of
//! a name separate the generations. A line goes to the appenders of its logger and of all ancestors, up to
//! one that is not additive.
//!
//! log4j: `Hierarchy`, `Category`.

use std::collections::BTreeMap;

use super::{Level, ROOT};

/// A logger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Logger {
    /// Its own level, where it has one.
    pub level: Option<Level>,
    /// The names of its own appenders.
    pub appenders: Vec<String>,
    /// Whether its lines also go to the appenders above it.
    pub additive: bool,
}

impl Default for Logger {
    fn default() -> Self {
        Self { level: None, appenders: Vec::new(), additive: true }
    }
}

/// Every logger of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hierarchy {
    root_level: Level,
    root_appenders: Vec<String>,
    loggers: BTreeMap<String, Logger>,
}

/// What is done with the lines of a logger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The level in force.
    pub level: Level,
    /// The appenders that its lines go to, in order.
    pub appenders: Vec<String>,
}

impl Hierarchy {
    /// The root alone.
    pub fn new(root_level: Level, root_appenders: Vec<String>) -> Self {
        Self { root_level, root_appenders, loggers: BTreeMap::new() }
    }

    /// The logger of this name, which is created if it does not exist; not the root.
    pub fn logger(&mut self, name: &str) -> &mut Logger {
        self.loggers.entry(name.to_owned()).or_default()
    }

    /// Whether there is a logger of this name.
    pub fn contains(&self, name: &str) -> bool {
        name == ROOT || self.loggers.contains_key(name)
    }

    /// Sets a logger's level, or removes it (None); the root always keeps one. Returns whether there is such
    /// a logger.
    pub fn set_level(&mut self, name: &str, level: Option<Level>) -> bool {
        match (self.loggers.get_mut(name), level) {
            (Some(logger), level) => logger.level = level,
            (None, Some(level)) if name == ROOT => self.root_level = level,
            (None, _) => return false,
        }
        true
    }

    /// Every logger with its own level, or that of the root.
    pub fn levels(&self) -> BTreeMap<String, Level> {
        let own = self.loggers.iter();
        let mut levels: BTreeMap<_, _> =
            own.map(|(name, logger)| (name.clone(), logger.level.unwrap_or(self.root_level))).collect();
        levels.insert(ROOT.to_owned(), self.root_level);
        levels
    }

    /// The highest level of any logger.
    pub fn highest(&self) -> Level {
        self.loggers.values().filter_map(|logger| logger.level).fold(self.root_level, Level::max)
    }

    /// What is done with the lines of the logger of this name, whether it exists or not.
    pub fn route(&self, name: &str) -> Route {
        let mut level = None;
        let mut appenders = Vec::new();
        let mut rest = Some(name);
        while let Some(name) = rest {
            if let Some(logger) = self.loggers.get(name) {
                level = level.or(logger.level);
                appenders.extend(logger.appenders.iter().cloned());
                if !logger.additive {
                    let above = || self.route(parent(name).unwrap_or_default()).level;
                    return Route { level: level.unwrap_or_else(above), appenders };
                }
            }
            rest = parent(name);
        }
        appenders.extend(self.root_appenders.iter().cloned());
        Route { level: level.unwrap_or(self.root_level), appenders }
    }
}

/// The name of the parent; None where that is the root.
fn parent(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(parent, _)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_in_kafka() -> Hierarchy {
        let mut loggers = Hierarchy::new(Level::Info, vec!["stdout".to_owned(), "file".to_owned()]);
        loggers.logger("kafka").level = Some(Level::Warn);
        *loggers.logger("kafka.controller") =
            Logger { level: Some(Level::Trace), appenders: vec!["controller".to_owned()], additive: false };
        loggers.logger("kafka.controller.KafkaController");
        loggers.logger("kafka.log.Log");
        loggers
    }

    #[test]
    fn a_line_goes_to_the_appenders_of_its_logger_and_its_ancestors() {
        let loggers = as_in_kafka();
        let route = |name| loggers.route(name);
        let both = vec!["stdout".to_owned(), "file".to_owned()];
        assert_eq!(route("kafka.log.Log"), Route { level: Level::Warn, appenders: both.clone() });
        assert_eq!(route("org.apache.kafka"), Route { level: Level::Info, appenders: both.clone() });
        assert_eq!(route("kafkas"), Route { level: Level::Info, appenders: both });
        let controller = Route { level: Level::Trace, appenders: vec!["controller".to_owned()] };
        assert_eq!(route("kafka.controller.KafkaController"), controller);
    }

    #[test]
    fn a_logger_that_is_not_additive_still_has_the_level_from_above() {
        let mut loggers = as_in_kafka();
        assert!(loggers.set_level("kafka.controller", None));
        assert_eq!(loggers.route("kafka.controller.KafkaController").level, Level::Warn);
        assert_eq!(loggers.levels()["kafka.controller"], Level::Info, "Kafka shows the root's level then");
    }

    #[test]
    fn only_loggers_that_are_there_take_a_level() {
        let mut loggers = as_in_kafka();
        assert!(!loggers.set_level("kafka.server", Some(Level::Debug)));
        assert!(!loggers.set_level(ROOT, None), "the root always has a level");
        assert!(loggers.set_level(ROOT, Some(Level::Error)));
        assert_eq!((loggers.route("other").level, loggers.highest()), (Level::Error, Level::Trace));
    }
}
