//! Logging as a file in log4j 1.2's syntax sets it: loggers with levels and additivity, appenders with layouts.
//!
//! Pure. What is not known is reported and left out, as in log4j; it never keeps a broker from starting.
//! log4j: `PropertyConfigurator`.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::appender::{AppenderSettings, Destination};
use super::date_pattern::to_strftime;
use super::hierarchy::Hierarchy;
use super::layout::{Layout, UnknownPattern};
use super::rolling::Rolling;
use super::{LOGGERS, Level};
use crate::config::Properties;

/// Why an appender is left out.
#[derive(Debug, thiserror::Error)]
enum AppenderError {
    #[error("it is not defined")]
    Undefined,
    #[error("it names no File")]
    NoFile,
    #[error("the letter {0} in its DatePattern is not known")]
    UnknownDateLetter(char),
    #[error("its MaxFileSize {0} is no size")]
    NoSize(String),
    #[error("its MaxBackupIndex {0} is no number")]
    NoNumber(String),
    #[error("there is no class {0} here")]
    UnknownClass(String),
    #[error("its ConversionPattern is not known at {0}")]
    UnknownPattern(#[from] UnknownPattern),
    #[error("its Threshold {0} does not exist")]
    UnknownThreshold(String),
}

/// The content of a file.
#[derive(Debug)]
pub(super) struct Setup {
    /// The loggers: those of the file, and every one that a broker has.
    pub hierarchy: Hierarchy,
    /// The appenders that loggers name.
    pub appenders: BTreeMap<String, AppenderSettings>,
    /// What is wrong in the file.
    pub complaints: Vec<String>,
}

/// Reads a file's properties; `variable` gives the value of `${name}`.
pub(super) fn read(properties: &Properties, variable: impl Fn(&str) -> Option<String>) -> Setup {
    let mut complaints = Vec::new();
    let properties: Properties =
        properties.iter().map(|(key, value)| (key, substituted(value, properties, &variable))).collect();
    let root = properties.get("log4j.rootLogger").or(properties.get("log4j.rootCategory")).unwrap_or("DEBUG");
    let (level, root_appenders) = level_and_appenders(root, "root", &mut complaints);
    let mut hierarchy = Hierarchy::new(level.unwrap_or(Level::Debug), root_appenders.clone());
    for name in LOGGERS {
        hierarchy.logger(name);
    }

    let mut used = root_appenders;
    for (key, value) in properties.iter() {
        if let Some(name) = key.strip_prefix("log4j.logger.").or(key.strip_prefix("log4j.category.")) {
            let (level, appenders) = level_and_appenders(value, name, &mut complaints);
            used.extend(appenders.iter().cloned());
            let logger = hierarchy.logger(name);
            (logger.level, logger.appenders) = (level, appenders);
        } else if let Some(name) = key.strip_prefix("log4j.additivity.") {
            hierarchy.logger(name).additive = !value.trim().eq_ignore_ascii_case("false");
        }
    }
    used.sort();
    used.dedup();
    let mut appenders = BTreeMap::new();
    for name in used {
        match appender(&properties, &name) {
            Ok(settings) => drop(appenders.insert(name, settings)),
            Err(reason) => complaints.push(format!("The appender {name} is left out: {reason}.")),
        }
    }
    Setup { hierarchy, appenders, complaints }
}

/// `INFO, stdout, file`: a level, which may be left out, and the names of appenders.
fn level_and_appenders(
    value: &str,
    logger: &str,
    complaints: &mut Vec<String>,
) -> (Option<Level>, Vec<String>) {
    let mut words = value.split(',').map(str::trim);
    let word = words.next().unwrap_or_default();
    let level = Level::parse(word);
    if level.is_none() && !["", "INHERITED", "NULL"].contains(&word.to_ascii_uppercase().as_str()) {
        complaints.push(format!("The level {word} of the logger {logger} does not exist."));
    }
    (level, words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
}

fn appender(properties: &Properties, name: &str) -> Result<AppenderSettings, AppenderError> {
    let own = format!("log4j.appender.{name}");
    let class = properties.get(&own).ok_or(AppenderError::Undefined)?.trim();
    let option = |option: &str| {
        let wanted = format!("{own}.{option}");
        properties.iter().find(|(key, _)| key.eq_ignore_ascii_case(&wanted)).map(|(_, value)| value.trim())
    };
    let path = || option("File").map(PathBuf::from).ok_or(AppenderError::NoFile);
    let destination = match class.strip_prefix("org.apache.log4j.").unwrap_or(class) {
        "ConsoleAppender" if option("Target") == Some("System.err") => Destination::Stderr,
        "ConsoleAppender" => Destination::Stdout,
        "FileAppender" => Destination::File(path()?, Rolling::Never),
        "DailyRollingFileAppender" => {
            let pattern = option("DatePattern").unwrap_or("'.'yyyy-MM-dd");
            let pattern = to_strftime(pattern).map_err(AppenderError::UnknownDateLetter)?;
            Destination::File(path()?, Rolling::ByDate(pattern))
        }
        "RollingFileAppender" => {
            let most = option("MaxFileSize").unwrap_or("10MB");
            let most = bytes(most).ok_or_else(|| AppenderError::NoSize(most.to_owned()))?;
            let kept = option("MaxBackupIndex").unwrap_or("1");
            let kept = kept.parse().map_err(|_| AppenderError::NoNumber(kept.to_owned()))?;
            Destination::File(path()?, Rolling::BySize { most, kept })
        }
        _ => return Err(AppenderError::UnknownClass(class.to_owned())),
    };
    let layout = match option("layout.ConversionPattern") {
        Some(pattern) => Layout::parse(pattern)?,
        None => Layout::of_kafka(),
    };
    let threshold = match option("Threshold") {
        Some(level) => {
            Level::parse(level).ok_or_else(|| AppenderError::UnknownThreshold(level.to_owned()))?
        }
        None => Level::All,
    };
    Ok(AppenderSettings { destination, threshold, layout })
}

/// `10MB` in bytes.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_uppercase();
    let units = [("KB", 10), ("MB", 20), ("GB", 30), ("", 0)];
    let (number, shift) = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A value with its variables replaced: by `variable`, else by the file's own keys, else by nothing.
fn substituted(value: &str, file: &Properties, variable: &impl Fn(&str) -> Option<String>) -> String {
    let (mut out, mut rest) = (String::new(), value);
    while let Some((before, behind)) = rest.split_once("${") {
        out.push_str(before);
        let Some((name, behind)) = behind.split_once('}') else {
            out.push_str("${");
            rest = behind;
            continue;
        };
        out.push_str(&variable(name).or_else(|| file.get(name).map(str::to_owned)).unwrap_or_default());
        rest = behind;
    }
    out + rest
}
