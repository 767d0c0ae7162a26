//! `kafka.tools.ImportZkOffsets`: offsets of a file into the znodes of groups (Kafka up to 0.10).

use std::process::ExitCode;

use clap::Parser;
use futures_util::future::join_all;
use log::LevelFilter;

use super::arguments::{self, EarlyExit, require};
use super::throwable::{JavaThrowable, outcome_of};
use super::{logging, zookeeper_session};
use crate::zk::ZkError;

/// The options.
#[derive(Debug, Parser)]
pub(crate) struct ImportOffsetsOptions {
    /// The file to read, as ExportZkOffsets writes it. Required.
    #[arg(long, value_name = "file")]
    input_file: Option<String>,
    /// The ensemble, as host:port,host:port,... with an optional /chroot.
    #[arg(long, value_name = "urls", default_value = "localhost:2181")]
    zkconnect: String,
}

/// Runs the tool; exit code 1 with Java's exception where the file or the ensemble fails. Nothing is written where a
/// line cannot be read.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let about = "Import offsets to zookeeper from files.";
    if arguments.is_empty() {
        return EarlyExit::Usage(about.to_owned()).print::<ImportOffsetsOptions>();
    }
    let parsed = arguments::parse::<ImportOffsetsOptions>(about, &arguments)
        .and_then(|options| require(options.input_file.is_some(), "input-file").map(|()| options));
    let options = match parsed {
        Ok(options) => options,
        Err(refusal) => return refusal.print::<ImportOffsetsOptions>(),
    };
    match outcome_of(import(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(thrown) => thrown.leave_main(),
    }
}

/// An offset of a partition.
#[derive(Debug, PartialEq, Eq)]
struct ImportedOffset<'a> {
    path: &'a str,
    offset: &'a str,
}

async fn import(options: &ImportOffsetsOptions) -> Result<(), JavaThrowable> {
    let path = options.input_file.as_deref().unwrap_or_default();
    let text = std::fs::read_to_string(path).map_err(|error| JavaThrowable::of_file(path, &error))?;
    let offsets = offsets(&text)?;
    let zk = zookeeper_session::connect(&options.zkconnect).await?;
    let writes = offsets.iter().map(|it| zk.set_or_create(it.path, it.offset.as_bytes()));
    let written: Result<Vec<()>, ZkError> = join_all(writes).await.into_iter().collect();
    zk.close().await;
    written?;
    Ok(())
}

/// The offsets of a file, up to its first empty line.
fn offsets(text: &str) -> Result<Vec<ImportedOffset<'_>>, JavaThrowable> {
    let lines = text.lines().take_while(|line| !line.is_empty());
    let read = |line| {
        read_line(line).ok_or_else(|| {
            let text = format!("{line:?} is no line /consumers/GROUP/offsets/TOPIC/PARTITION:OFFSET");
            JavaThrowable::new("java.lang.IllegalArgumentException", text)
        })
    };
    lines.map(read).collect()
}

/// The path and the offset of a line. Only offsets of groups are written.
fn read_line(line: &str) -> Option<ImportedOffset<'_>> {
    let (path, offset) = line.split_once(':')?;
    let names: Vec<_> = path.strip_prefix("/consumers/")?.split('/').collect();
    let [group, "offsets", topic, partition] = names[..] else { return None };
    let is_whole = [group, topic, partition].iter().all(|name| !name.is_empty());
    (is_whole && offset.parse::<i64>().is_ok()).then_some(ImportedOffset { path, offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_offsets_of_groups_are_read() {
        let text = "/consumers/g/offsets/t/0:5\n/consumers/g/offsets/t/1:6\n\nnot read";
        let read: Vec<_> =
            offsets(text).unwrap().iter().map(|it| format!("{} {}", it.path, it.offset)).collect();
        assert_eq!(read, ["/consumers/g/offsets/t/0 5", "/consumers/g/offsets/t/1 6"]);
        let others = ["/controller:1", "/consumers/g/owners/t/0:1", "/consumers/g/offsets/t/0"];
        for bad in others.into_iter().chain(["/consumers//offsets/t/0:1", "/consumers/g/offsets/t/0:x"]) {
            assert!(offsets(bad).is_err(), "{bad}");
        }
    }
}
