//! The logger of the process: accepts every line of the `log` crate and hands it to the appenders of its
//! logger.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use log::{LevelFilter, Log, Metadata, Record};
use parking_lot::RwLock;

use super::Level;
use super::hierarchy::Hierarchy;
use super::log4j::{self, Setup};
use crate::config::Properties;

/// Java's options for logging, as Kafka's scripts take them: `-Dlog4j.configuration=file:PATH`,
/// `-Dkafka.logs.dir=PATH`.
const OPTIONS: &str = "KAFKA_LOG4J_OPTS";
/// The folder of the files, if the options do not name it.
const LOG_DIR: &str = "LOG_DIR";

static SINK: OnceLock<Sink> = OnceLock::new();

/// How a process logs without a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggingDefaults {
    /// `System.out` or `System.err`.
    pub stream: &'static str,
    /// The lowest level that is shown.
    pub level: Level,
}

/// The logger of the process.
pub(super) struct Sink {
    hierarchy: RwLock<Hierarchy>,
    appenders: BTreeMap<String, env_logger::Logger>,
    /// The routes that were looked up so far, by target.
    routes: RwLock<HashMap<String, Arc<OpenRoute>>>,
}

#[derive(Debug)]
struct OpenRoute {
    filter: LevelFilter,
    appenders: Vec<String>,
}

/// Sets up the logging of the process, by the file that `KAFKA_LOG4J_OPTS` names, else by `defaults`. Faults
/// of the file are printed on standard error. A second call changes nothing.
pub fn init(defaults: LoggingDefaults) {
    let options = std::env::var(OPTIONS).unwrap_or_default();
    let setup = match configuration(&options) {
        None => defaults.setup(),
        Some(path) => match Properties::read(&path) {
            Ok(properties) => log4j::read(&properties, |name| variable(&options, name)),
            Err(error) => {
                eprintln!("log4j:ERROR Could not read configuration file {}: {error}", path.display());
                defaults.setup()
            }
        },
    };
    for complaint in &setup.complaints {
        eprintln!("log4j:ERROR {complaint}");
    }
    let sink = SINK.get_or_init(|| Sink::new(setup));
    // If a logger is set already, it is this one or that of a test.
    if log::set_logger(sink).is_ok() {
        sink.apply_highest();
    }
}

/// The logger of the process, once there is one.
pub(super) fn current() -> Option<&'static Sink> {
    SINK.get()
}

/// The logger that a target of the `log` crate stands for: a module path becomes the name of a Java package.
pub(super) fn logger_of(target: &str) -> Cow<'_, str> {
    if target.starts_with("zookeeper_client") {
        return Cow::Borrowed("org.apache.zookeeper.ClientCnxn");
    }
    if target.contains("::") { Cow::Owned(target.replace("::", ".")) } else { Cow::Borrowed(target) }
}

impl LoggingDefaults {
    fn setup(self) -> Setup {
        let Self { stream, level } = self;
        // The ZooKeeper client's own lines are of use to its developers only.
        let settings = [
            ("log4j.rootLogger", format!("{level}, console")),
            ("log4j.appender.console", "org.apache.log4j.ConsoleAppender".to_owned()),
            ("log4j.appender.console.Target", stream.to_owned()),
            ("log4j.logger.org.apache.zookeeper", "ERROR".to_owned()),
        ];
        log4j::read(&settings.into_iter().collect(), |_| None)
    }
}

/// The file that Java's options name.
fn configuration(options: &str) -> Option<PathBuf> {
    let value = java_property(options, "log4j.configuration")?;
    let path = value.strip_prefix("file:").unwrap_or(value);
    Some(Path::new(path.strip_prefix("//").unwrap_or(path)).to_owned())
}

/// The value of the last `-Dname=value`. It may contain blanks, as a path does; it ends before the next
/// option.
fn java_property<'a>(options: &'a str, name: &str) -> Option<&'a str> {
    let set = |option: &'a str| {
        option.trim_start_matches('-').strip_prefix('D')?.strip_prefix(name)?.strip_prefix('=')
    };
    options
        .split_inclusive(" -")
        .filter_map(|option| set(option.trim_end_matches(" -")))
        .last()
        .map(str::trim)
}

/// The value of a variable: one of Java's properties, or the folder of the files.
fn variable(options: &str, name: &str) -> Option<String> {
    let set = java_property(options, name).map(str::to_owned);
    set.or_else(|| {
        let folder = || std::env::var(LOG_DIR).unwrap_or_else(|_| "logs".to_owned());
        (name == "kafka.logs.dir").then(folder)
    })
}

impl Sink {
    fn new(setup: Setup) -> Self {
        let mut appenders = BTreeMap::new();
        for (name, settings) in setup.appenders {
            match settings.open() {
                Ok(appender) => drop(appenders.insert(name, appender)),
                Err(error) => eprintln!("log4j:ERROR The appender {name} is left out: {error}."),
            }
        }
        Self { hierarchy: RwLock::new(setup.hierarchy), appenders, routes: RwLock::default() }
    }

    /// Every logger with its level.
    pub fn levels(&self) -> BTreeMap<String, Level> {
        self.hierarchy.read().levels()
    }

    /// Whether there is a logger of this name.
    pub fn exists(&self, logger: &str) -> bool {
        self.hierarchy.read().contains(logger)
    }

    /// Sets a logger's level, or removes it (None).
    pub fn set_level(&self, logger: &str, level: Option<Level>) {
        {
            let mut hierarchy = self.hierarchy.write();
            hierarchy.set_level(logger, level);
            // Under the lock, so that no old route stays in the cache.
            self.routes.write().clear();
        }
        self.apply_highest();
    }

    fn apply_highest(&self) {
        log::set_max_level(self.hierarchy.read().highest().filter());
    }

    fn route(&self, target: &str) -> Arc<OpenRoute> {
        if let Some(route) = self.routes.read().get(target) {
            return route.clone();
        }
        let hierarchy = self.hierarchy.read();
        let found = hierarchy.route(&logger_of(target));
        let route = Arc::new(OpenRoute { filter: found.level.filter(), appenders: found.appenders });
        self.routes.write().insert(target.to_owned(), route.clone());
        route
    }
}

impl Log for Sink {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.route(metadata.target()).filter
    }

    fn log(&self, record: &Record<'_>) {
        let route = self.route(record.target());
        if record.level() <= route.filter {
            for appender in route.appenders.iter().filter_map(|name| self.appenders.get(name)) {
                appender.log(record);
            }
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn javas_options_name_the_file_and_the_folder() {
        let options =
            "-Xmx1G -Dlog4j.configuration=file:/etc/log4j.properties  -Dkafka.logs.dir=/var/my log ";
        assert_eq!(configuration(options), Some("/etc/log4j.properties".into()));
        assert_eq!(configuration("-Dlog4j.configuration=file:///etc/l"), Some("/etc/l".into()));
        assert_eq!(configuration("-Dlog4j.debug=true"), None);
        assert_eq!(variable(options, "kafka.logs.dir"), Some("/var/my log".to_owned()));
        assert_eq!(variable(options, "other"), None);
    }

    #[test]
    fn a_crates_module_stands_under_a_logger() {
        assert_eq!(logger_of("zookeeper_client::session"), "org.apache.zookeeper.ClientCnxn");
        assert_eq!(logger_of("mio::poll"), "mio.poll");
        assert_eq!(logger_of("kafka.log.Log"), "kafka.log.Log");
    }
}
