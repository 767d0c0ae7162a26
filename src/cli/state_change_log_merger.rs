//! `kafka.tools.StateChangeLogMerger`: the state change logs of several brokers as one, in the order of their times
//! (Kafka's `StateChangeLogMerger`).

mod entries;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;
use regex::Regex;

use super::arguments::{self, EarlyExit};
use super::throwable::JavaThrowable;
use entries::{LineFilter, LogTime};

/// The options.
#[derive(Debug, Parser)]
pub(crate) struct LogMergerOptions {
    /// The latest time of a line, as 2020-01-31 23:59:59,999.
    #[arg(long, value_name = "time", default_value = "9999-12-31 23:59:59,999")]
    end_time: String,
    /// The log files, with commas between them.
    #[arg(long, value_name = "files")]
    logs: Option<String>,
    /// A directory and a regular expression of the names of log files in it: /tmp/state-change.log*
    #[arg(long, value_name = "path")]
    logs_regex: Option<String>,
    /// The partitions of --topic, with commas between them; all where it is left out.
    #[arg(long, value_name = "ids")]
    partitions: Option<String>,
    /// The earliest time of a line.
    #[arg(long, value_name = "time", default_value = "0000-00-00 00:00:00,000")]
    start_time: String,
    /// The topic; all where it is left out.
    #[arg(long, value_name = "topic")]
    topic: Option<String>,
}

/// Runs the tool; exit code 1 where an option or a file cannot be used.
pub fn run(arguments: Vec<String>) -> ExitCode {
    let about = "A tool for merging the log files from several brokers to reconnstruct a unified history of what happened.";
    if arguments.is_empty() {
        return EarlyExit::Usage(about.to_owned()).print::<LogMergerOptions>();
    }
    let checked = arguments::parse::<LogMergerOptions>(about, &arguments).and_then(LogMergerOptions::check);
    let options = match checked {
        Ok(options) => options,
        Err(refusal) => return refusal.print::<LogMergerOptions>(),
    };
    match options.merge() {
        Ok(()) => ExitCode::SUCCESS,
        Err(MergeFailure::Sentence(sentence)) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
        Err(MergeFailure::Thrown(thrown)) => thrown.leave_main(),
    }
}

/// Why logs cannot be merged.
#[derive(Debug)]
enum MergeFailure {
    Sentence(String),
    Thrown(JavaThrowable),
}

impl From<JavaThrowable> for MergeFailure {
    fn from(thrown: JavaThrowable) -> Self {
        Self::Thrown(thrown)
    }
}

impl LogMergerOptions {
    fn check(self) -> Result<Self, EarlyExit> {
        if self.logs.is_some() == self.logs_regex.is_some() {
            let sentence =
                "Provide arguments to exactly one of the two options \"[logs]\" or \"[logs-regex]\"";
            return Err(EarlyExit::Usage(sentence.to_owned()));
        }
        if self.partitions.is_some() && self.topic.is_none() {
            let sentence =
                "The option \"[topic]\" needs to be provided an argument when specifying partition ids";
            return Err(EarlyExit::Usage(sentence.to_owned()));
        }
        Ok(self)
    }

    fn merge(&self) -> Result<(), MergeFailure> {
        let files = self.files()?;
        let filter = LineFilter {
            topic: self.topic.clone(),
            partitions: self.partitions()?,
            start: time(&self.start_time)?,
            end: time(&self.end_time)?,
        };
        let logs = files.into_iter().map(MergedLog::open).collect::<Result<Vec<_>, _>>()?;
        merge(logs, &filter, &mut BufWriter::new(std::io::stdout()))?;
        Ok(())
    }

    fn files(&self) -> Result<Vec<String>, MergeFailure> {
        if let Some(list) = &self.logs {
            return Ok(list.trim_end_matches(',').split(',').map(str::to_owned).collect());
        }
        let path = self.logs_regex.as_deref().unwrap_or_default();
        let (directory, pattern) = path.rsplit_once('/').unwrap_or((".", path));
        let pattern = Regex::new(pattern)
            .map_err(|_| MergeFailure::Sentence(format!("{pattern} is an invalid regex.")))?;
        let shown = if directory.is_empty() { "/" } else { directory };
        let entries = fs::read_dir(shown)
            .map_err(|error| MergeFailure::Sentence(format!("{shown} cannot be listed: {error}")))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut files: Vec<_> =
            names.filter(|name| pattern.is_match(name)).map(|name| format!("{directory}/{name}")).collect();
        files.sort();
        Ok(files)
    }

    fn partitions(&self) -> Result<Vec<i32>, MergeFailure> {
        let list = self.partitions.as_deref().unwrap_or_default().trim_end_matches(',');
        let parts = list.split(',').filter(|_| self.partitions.is_some());
        let number = |text: &str| {
            text.parse::<i32>().map_err(|_| {
                let message = format!("For input string: \"{text}\"");
                JavaThrowable::new("java.lang.NumberFormatException", message)
            })
        };
        let partitions = parts.map(number).collect::<Result<Vec<_>, _>>()?;
        let mut seen = BTreeSet::new();
        let twice: BTreeSet<_> = partitions.iter().filter(|id| !seen.insert(**id)).collect();
        if twice.is_empty() {
            return Ok(partitions);
        }
        let list = twice.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        Err(MergeFailure::Sentence(format!("The list of partitions contains repeated entries: {list}")))
    }
}

/// A time of an option; quotes in it are dropped.
fn time(text: &str) -> Result<LogTime, JavaThrowable> {
    let bare = text.replace('"', " ");
    LogTime::parse(bare.trim()).ok_or_else(|| {
        let message = format!("Unparseable date: \"{}\"", bare.trim());
        JavaThrowable::new("java.text.ParseException", message)
    })
}

/// A log that is merged, and its next line.
struct MergedLog {
    path: String,
    reader: BufReader<File>,
}

impl MergedLog {
    fn open(path: String) -> Result<Self, JavaThrowable> {
        match File::open(&path) {
            Ok(file) => Ok(Self { path, reader: BufReader::new(file) }),
            Err(error) => Err(JavaThrowable::of_file(&path, &error)),
        }
    }

    /// The next line that is wanted, and its time; None at the end.
    fn next(&mut self, filter: &LineFilter) -> Result<Option<(LogTime, String)>, JavaThrowable> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = self.reader.read_until(b'\n', &mut bytes).map_err(|error| {
                JavaThrowable::new("java.io.IOException", format!("{}: {error}", self.path))
            })?;
            if read == 0 {
                return Ok(None);
            }
            let line = String::from_utf8_lossy(&bytes);
            let line = line.trim_end_matches(['\n', '\r']);
            if let Some(time) = filter.time_of(line) {
                return Ok(Some((time, line.to_owned())));
            }
        }
    }
}

/// Writes the lines that are wanted: of the next lines of all logs the earliest first, of those of one time that of the
/// log that was named first.
fn merge(mut logs: Vec<MergedLog>, filter: &LineFilter, out: &mut impl Write) -> Result<(), JavaThrowable> {
    let mut next = logs.iter_mut().map(|log| log.next(filter)).collect::<Result<Vec<_>, _>>()?;
    loop {
        let times = next.iter().enumerate().filter_map(|(at, line)| Some((line.as_ref()?.0, at)));
        let Some((_, at)) = times.min() else { break };
        let following = logs[at].next(filter)?;
        let Some((_, line)) = std::mem::replace(&mut next[at], following) else { break };
        // Without a reader of its output the tool has nothing more to do.
        if writeln!(out, "{line}").is_err() {
            return Ok(());
        }
    }
    let _ = out.flush();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> LogMergerOptions {
        let arguments: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        arguments::parse::<LogMergerOptions>("", &arguments).unwrap()
    }

    #[test]
    fn logs_are_merged_by_time() {
        let directory = tempfile::tempdir().unwrap();
        let line = |second: u32, text: &str| format!("[2020-01-01 00:00:{second:02},000] {text} [t,0]");
        let write = |name: &str, lines: &[String]| {
            fs::write(directory.path().join(name), lines.join("\n")).unwrap();
        };
        write("log.1", &[line(1, "a"), "not a line of interest".to_owned(), line(4, "b"), line(5, "c")]);
        write("log.2", &[line(1, "d"), line(3, "e")]);
        write("other", &[line(2, "f")]);
        let path = directory.path().join("log").display().to_string();
        let options = options(&format!("--logs-regex {path}\\.[0-9]"));
        let logs = options.files().unwrap().into_iter().map(|path| MergedLog::open(path).unwrap()).collect();
        let filter = LineFilter {
            topic: None,
            partitions: vec![],
            start: time("2020-01-01 00:00:01,000").unwrap(),
            end: time("\"2020-01-01 00:00:04,000\"").unwrap(),
        };
        let mut out = Vec::new();
        merge(logs, &filter, &mut out).unwrap();
        let expected = [line(1, "a"), line(1, "d"), line(3, "e"), line(4, "b")];
        assert_eq!(String::from_utf8(out).unwrap(), expected.join("\n") + "\n");
    }

    #[test]
    fn partitions_stand_once_and_are_numbers() {
        let refusal =
            |list: &str| match options(&format!("--logs l --topic t --partitions {list}")).partitions() {
                Err(MergeFailure::Sentence(sentence)) => sentence,
                Err(MergeFailure::Thrown(thrown)) => thrown.head(),
                Ok(partitions) => format!("{partitions:?}"),
            };
        assert_eq!(refusal("0,2"), "[0, 2]");
        assert_eq!(refusal("0,2,0"), "The list of partitions contains repeated entries: 0");
        assert_eq!(refusal("x"), "java.lang.NumberFormatException: For input string: \"x\"");
        assert_eq!(options("--logs l").partitions().unwrap(), Vec::<i32>::new());
    }
}
