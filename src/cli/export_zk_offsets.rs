//! `kafka.tools.ExportZkOffsets`: the offsets of groups of ZooKeeper consumers into a file (Kafka up to 0.10).

use std::process::ExitCode;

use clap::Parser;
use log::LevelFilter;

use super::arguments::{self, EarlyExit, require};
use super::throwable::{JavaThrowable, outcome_of};
use super::{logging, zookeeper_session};
use crate::admin::consumer_groups;
use crate::zk::ZooKeeper;

/// The options.
#[derive(Debug, Parser)]
pub(crate) struct ExportOffsetsOptions {
    /// A group; may be given several times. All groups where it is left out.
    #[arg(long, value_name = "group")]
    group: Vec<String>,
    /// The file to write, a line PATH:OFFSET for each partition. Required.
    #[arg(long, value_name = "file")]
    output_file: Option<String>,
    /// The ensemble, as host:port,host:port,... with an optional /chroot.
    #[arg(long, value_name = "urls", default_value = "localhost:2181")]
    zkconnect: String,
}

/// Runs the tool; exit code 1 with Java's exception where the file or the ensemble fails.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let about = "Export consumer offsets to an output file.";
    if arguments.is_empty() {
        return EarlyExit::Usage(about.to_owned()).print::<ExportOffsetsOptions>();
    }
    let parsed = arguments::parse::<ExportOffsetsOptions>(about, &arguments)
        .and_then(|options| require(options.output_file.is_some(), "output-file").map(|()| options));
    let options = match parsed {
        Ok(options) => options,
        Err(refusal) => return refusal.print::<ExportOffsetsOptions>(),
    };
    match outcome_of(export(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(thrown) => thrown.leave_main(),
    }
}

async fn export(options: &ExportOffsetsOptions) -> Result<(), JavaThrowable> {
    let zk = zookeeper_session::connect(&options.zkconnect).await?;
    let lines = lines(&zk, &options.group).await;
    zk.close().await;
    let path = options.output_file.as_deref().unwrap_or_default();
    std::fs::write(path, lines?).map_err(|error| JavaThrowable::of_file(path, &error))
}

/// A line for each offset of these groups, of all groups where none are given.
async fn lines(zk: &ZooKeeper, groups: &[String]) -> Result<Vec<u8>, JavaThrowable> {
    let groups = match groups {
        [] => consumer_groups::list(zk).await?.unwrap_or_default(),
        groups => groups.to_vec(),
    };
    let mut lines = Vec::new();
    for group in groups {
        for topic in consumer_groups::topics_with_offsets(zk, &group).await? {
            let parent = format!("{}/{group}/offsets/{topic}", consumer_groups::PARENT);
            let mut partitions = zk.children(&parent).await?.unwrap_or_default();
            partitions.sort_by_key(|name| (name.parse::<i32>().ok(), name.clone()));
            let paths: Vec<_> = partitions.iter().map(|partition| format!("{parent}/{partition}")).collect();
            for (path, read) in paths.iter().zip(zk.get_many(&paths).await?) {
                // A partition whose offset was deleted meanwhile has none.
                let Some((offset, _)) = read else { continue };
                lines.extend_from_slice(path.as_bytes());
                lines.push(b':');
                lines.extend_from_slice(&offset);
                lines.push(b'\n');
            }
        }
    }
    Ok(lines)
}
