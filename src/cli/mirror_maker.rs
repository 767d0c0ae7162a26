//! `kafka-mirror-maker.sh`: copies the records of topics from one cluster to another (Kafka's `MirrorMaker`).
//!
//! - *Parts:* a stream for each consumer ([`stream`]), and one producer for all of them ([`target`]).
//! - *Never:* commits an offset before the records below it are written, or after a record has failed.

mod options;
mod stream;
mod target;
mod uncommitted;

use std::process::ExitCode;
use std::sync::Arc;

use log::LevelFilter;
use tokio::task::JoinSet;

pub(crate) use self::options::MirrorMakerOptions;
use self::options::{MirrorCommand, MirrorRefusal};
use self::stream::MirrorStream;
use self::target::MirrorTarget;
use super::arguments::{self, EarlyExit};
use super::stopping::Stopping;
use super::throwable::JavaThrowable;
use super::{block_on_threads, logging};

/// The logger of Kafka's class.
const LOGGER: &str = "kafka.tools.MirrorMaker$";

/// The exit code where a stream has ended by itself.
const ABNORMAL: u8 = 255;

/// Runs the tool; exit code 1 where it cannot begin, 255 where it fails, 130 and 143 where a signal ended it.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let about = "This tool helps to continuously copy data between two Kafka clusters.";
    if arguments.is_empty() {
        return EarlyExit::Usage(about.to_owned()).print::<MirrorMakerOptions>();
    }
    let parsed = arguments::parse::<MirrorMakerOptions>(about, &arguments);
    let command = match parsed.map_err(MirrorRefusal::Usage).and_then(MirrorMakerOptions::check) {
        Ok(command) => command,
        Err(MirrorRefusal::Usage(thrown @ (EarlyExit::Thrown(..) | EarlyExit::Argument { .. }))) => {
            return not_started(&JavaThrowable::of_early_exit(thrown).into());
        }
        Err(MirrorRefusal::Usage(exit)) => return exit.print::<MirrorMakerOptions>(),
        Err(MirrorRefusal::Logged(message)) => {
            log::error!(target: LOGGER, "{message}");
            return ExitCode::FAILURE;
        }
        Err(MirrorRefusal::Exception(exception)) => return not_started(&exception.into()),
    };
    match block_on_threads(execute(&command)) {
        Ok(code) => code.into(),
        Err(error) => not_started(&error),
    }
}

/// Logs why the tool cannot begin.
fn not_started(error: &anyhow::Error) -> ExitCode {
    log::error!(target: LOGGER, "Exception when starting mirror maker.");
    eprintln!("{}", JavaThrowable::of_tool(error));
    ExitCode::FAILURE
}

async fn execute(command: &MirrorCommand) -> anyhow::Result<u8> {
    let stopping = Stopping::listen()?;
    let target = Arc::new(MirrorTarget::start(command).await?);
    let mut streams = Vec::with_capacity(command.streams);
    for number in 0..command.streams {
        streams.push(MirrorStream::start(number, command, &target).await?);
    }
    let (asked, ending) = (stopping.clone(), target.ending());
    tokio::spawn(async move {
        asked.asked().await;
        ending.cancel();
    });
    let mut running: JoinSet<_> = streams.into_iter().map(MirrorStream::run).collect();
    while running.join_next().await.is_some() {}
    let code = if stopping.is_asked() { stopping.exit_code() } else { ABNORMAL };
    if let Some(target) = Arc::into_inner(target) {
        target.close().await;
    }
    Ok(code)
}
