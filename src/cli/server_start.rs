//! `kafka-server-start.sh`: runs a broker until it is told to stop (Kafka's `kafka.Kafka`).

use std::process::ExitCode;

use log::LevelFilter;
use tokio::signal::unix::{SignalKind, signal};

use super::logging;
use crate::base::DescriptorBudget;
use crate::broker::{Broker, StartError};
use crate::config::{BrokerConfig, Properties};
use crate::log::disk;

/// What Java's exit code is after SIGTERM, which scripts look for.
const TERMINATED: u8 = 143;
/// Likewise after SIGINT.
const INTERRUPTED: u8 = 130;

/// Runs the broker; exit code 1 where it does not start, 143 after SIGTERM.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stdout, LevelFilter::Info);
    let properties = match read(&arguments) {
        Ok(properties) => properties,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    raise_file_limit();
    let runtimes = (runtime("data", data_threads(&properties)), runtime("control", 1));
    let (Ok(data), Ok(control)) = runtimes else {
        eprintln!("The runtime's threads cannot be started");
        return ExitCode::FAILURE;
    };
    let code = data.block_on(serve(properties, control.handle().clone()));
    control.shutdown_background();
    data.shutdown_background();
    code
}

/// Takes all the file descriptors that the process may have, and logs how many those are.
fn raise_file_limit() {
    const TARGET: &str = "kafka.server.KafkaServer";
    match DescriptorBudget::raise() {
        Ok((budget, before)) => {
            let (limit, connections, files) = (budget.limit(), budget.connections(), budget.files());
            log::info!(target: TARGET, "Open file limit is {limit} (soft limit at start {before}): at most {connections} for connections and {files} for log files");
        }
        Err(error) => log::warn!(target: TARGET, "The open file limit cannot be raised: {error}"),
    }
}

/// How many threads serve requests: what is wrong with the properties is found when the broker starts.
fn data_threads(properties: &Properties) -> usize {
    let directories = BrokerConfig::read(properties).map_or(1, |read| read.config.log_directories().len());
    disk::threads(std::thread::available_parallelism().map_or(2, usize::from), directories)
}

fn runtime(name: &str, threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build()
}

/// The properties of the file, with what `--override` says over them.
fn read(arguments: &[String]) -> Result<Properties, String> {
    let usage = "USAGE: java [options] KafkaServer server.properties [--override property=value]*";
    let (file, rest) = match arguments {
        [] => return Err(usage.to_owned()),
        [first, ..] if first == "--help" => return Err(usage.to_owned()),
        [first, ..] if first == "--version" => {
            println!("{}", super::arguments::VERSION);
            std::process::exit(0);
        }
        [file, rest @ ..] => (file, rest),
    };
    let mut properties = Properties::read(file).map_err(|error| format!("{file}: {error}"))?;
    let mut rest = rest.iter();
    while let Some(argument) = rest.next() {
        let pair = match argument.split_once('=') {
            Some(("--override", pair)) => Some(pair.to_owned()),
            _ if argument == "--override" => rest.next().cloned(),
            _ => return Err(format!("Found non argument parameters: {argument}\n{usage}")),
        };
        match pair.as_deref().and_then(|pair| pair.split_once('=')) {
            Some((key, value)) => properties.set(key.trim(), value.trim()),
            None => return Err(format!("--override takes property=value\n{usage}")),
        }
    }
    Ok(properties)
}

async fn serve(properties: Properties, control: tokio::runtime::Handle) -> ExitCode {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        eprintln!("Signals cannot be listened for");
        return ExitCode::FAILURE;
    };
    let broker = tokio::select! {
        started = Broker::start(properties, control) => match started {
            Ok(broker) => broker,
            Err(error) => return refuse(&error),
        },
        // Before it has started there is nothing to be handed over.
        _ = terminate.recv() => return ExitCode::FAILURE,
        _ = interrupt.recv() => return ExitCode::from(INTERRUPTED),
    };
    let failed = broker.failed();
    let code = tokio::select! {
        _ = terminate.recv() => TERMINATED,
        _ = interrupt.recv() => INTERRUPTED,
        () = failed.cancelled() => 1,
    };
    broker.stop().await;
    ExitCode::from(code)
}

fn refuse(error: &StartError) -> ExitCode {
    let class = match error {
        StartError::Config(error) => error.class(),
        StartError::ZooKeeper(crate::zk::ZkError::ConnectTimeout) => {
            "kafka.zookeeper.ZooKeeperClientTimeoutException"
        }
        StartError::ZooKeeper(_) => "org.apache.zookeeper.KeeperException",
        StartError::Metadata(_) => "kafka.common.InconsistentBrokerMetadataException",
        StartError::Logs(_) | StartError::Bind(_) => "org.apache.kafka.common.KafkaException",
        StartError::Metrics { .. } => "java.net.BindException",
        StartError::Other(_) => "java.lang.IllegalArgumentException",
    };
    match error {
        StartError::Config(_) => {
            log::error!(target: "kafka.Kafka$", "Exiting Kafka due to fatal exception\n{class}: {error}\n")
        }
        _ => {
            log::error!(target: "kafka.server.KafkaServer", "Fatal error during KafkaServer startup. Prepare to shutdown\n{class}: {error}\n");
            log::error!(target: "kafka.server.KafkaServerStartable", "Exiting Kafka.");
        }
    }
    ExitCode::FAILURE
}
