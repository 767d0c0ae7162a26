//! `kafka-server-start.sh`: runs a broker until a signal stops it (Kafka's `kafka.Kafka`).

use std::io::Write;
use std::pin::pin;
use std::process::ExitCode;

use log::LevelFilter;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::logging;
use super::signals::{SignalRequest, Signals};
use crate::base::DescriptorBudget;
use crate::broker::{BrokerServer, StartError, threads};
use crate::config::{BrokerConfig, Properties, unbuilt};
use crate::log::disk;

/// Runs the broker; exit code 1 if it does not start or cannot go on, else Java's exit code for the signal
/// that ended it.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stdout, LevelFilter::Info);
    let properties = match read(&arguments) {
        Ok(properties) => properties,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = unbuilt::check_java_options(&std::env::var("KAFKA_OPTS").unwrap_or_default()) {
        return refuse(&StartError::Config(error));
    }
    let runtimes = (runtime("data", data_threads(&properties)), runtime("control", 1));
    let (Ok(data), Ok(control)) = runtimes else {
        eprintln!("The runtime's threads cannot be started");
        return ExitCode::FAILURE;
    };
    let signals = data.block_on(async { Signals::listen() });
    let Ok(signals) = signals else {
        eprintln!("Signals cannot be listened for");
        return ExitCode::FAILURE;
    };
    let version = super::arguments::VERSION;
    log::info!(target: "org.apache.kafka.common.utils.AppInfoParser", "Kafka version: {version}");
    raise_file_limit();
    refuse_huge_pages();
    let code = data.block_on(serve(properties, control.handle().clone(), signals));
    control.shutdown_background();
    data.shutdown_background();
    code
}

/// Raises the limit of file descriptors as far as the process may, and logs it.
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

/// Has the system provide memory in small pages. Buffers of requests come and go. In huge pages, which the
/// allocator asks for, each buffer costs two mebibytes of zeros, and freed memory stays resident.
fn refuse_huge_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        log::debug!(target: "kafka.server.KafkaServer", "Transparent huge pages cannot be disabled: {error}");
    }
}

/// How many threads serve requests. Faults of the properties are reported later, when the broker starts.
fn data_threads(properties: &Properties) -> usize {
    let directories = BrokerConfig::read(properties).map_or(1, |read| read.config.log_directories().len());
    disk::threads(std::thread::available_parallelism().map_or(2, usize::from), directories)
}

fn runtime(name: &str, threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build()
}

const USAGE: &str = "USAGE: java [options] KafkaServer server.properties [--override property=value]*";

/// Why the arguments do not give properties. Kafka's texts.
#[derive(Debug, thiserror::Error)]
enum ArgumentError {
    #[error("{USAGE}")]
    Usage,
    #[error("{file}: {error}")]
    File { file: String, error: std::io::Error },
    #[error("Found non argument parameters: {0}\n{USAGE}")]
    NoOption(String),
    #[error("--override takes property=value\n{USAGE}")]
    NoPair,
}

/// The properties of the file, overridden by those of `--override`.
fn read(arguments: &[String]) -> Result<Properties, ArgumentError> {
    let (file, rest) = match arguments {
        [] => return Err(ArgumentError::Usage),
        [first, ..] if first == "--help" => return Err(ArgumentError::Usage),
        [first, ..] if first == "--version" => {
            println!("{}", super::arguments::VERSION);
            std::process::exit(0);
        }
        [file, rest @ ..] => (file, rest),
    };
    let mut properties =
        Properties::read(file).map_err(|error| ArgumentError::File { file: file.clone(), error })?;
    let mut rest = rest.iter();
    while let Some(argument) = rest.next() {
        let pair = match argument.split_once('=') {
            Some(("--override", pair)) => Some(pair.to_owned()),
            _ if argument == "--override" => rest.next().cloned(),
            _ => return Err(ArgumentError::NoOption(argument.clone())),
        };
        match pair.as_deref().and_then(|pair| pair.split_once('=')) {
            Some((key, value)) => properties.set(key.trim(), value.trim()),
            None => return Err(ArgumentError::NoPair),
        }
    }
    Ok(properties)
}

async fn serve(properties: Properties, control: Handle, mut signals: Signals) -> ExitCode {
    let interrupted = CancellationToken::new();
    let mut ended_by = None;
    let started = {
        let mut starting = pin!(BrokerServer::start(properties, control.clone(), interrupted.clone()));
        loop {
            tokio::select! {
                started = &mut starting => break started,
                request = signals.next() => match request {
                    SignalRequest::Report => print(&format!("The broker is starting.\n{}", threads())),
                    // A second signal ends the process at once.
                    SignalRequest::Stop(name, code) if interrupted.is_cancelled() => return terminated(name, code),
                    SignalRequest::Stop(name, code) => {
                        ended_by = Some(terminated(name, code));
                        interrupted.cancel();
                    }
                },
            }
        }
    };
    let broker = match (started, ended_by) {
        (Ok(broker), _) => broker,
        (Err(_), Some(code)) => return code,
        (Err(error), None) => return refuse(&error),
    };
    let failed = broker.failed();
    let code = loop {
        if let Some(code) = ended_by {
            break code;
        }
        tokio::select! {
            () = failed.cancelled() => break ExitCode::FAILURE,
            request = signals.next() => match request {
                SignalRequest::Report => print(&broker.report(&control)),
                SignalRequest::Stop(name, code) => break terminated(name, code),
            },
        }
    };
    let mut stopping = pin!(broker.stop());
    loop {
        tokio::select! {
            () = &mut stopping => return code,
            // The broker is stopping already, but its state can still be asked for.
            request = signals.next() => if request == SignalRequest::Report {
                print(&format!("The broker is stopping.\n{}", threads()));
            },
        }
    }
}

/// Prints the broker's state for SIGQUIT, where a JVM prints its threads.
fn print(report: &str) {
    let mut out = std::io::stdout().lock();
    let now = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S");
    // A broker does not end because the reader of its output is gone.
    let _ = write!(out, "{now}\n{report}").and_then(|()| out.flush());
}

/// Logs the signal that ends the process; returns its exit code.
fn terminated(signal: &str, code: u8) -> ExitCode {
    const TARGET: &str = "org.apache.kafka.common.utils.LoggingSignalHandler";
    log::info!(target: TARGET, "Terminating process due to signal {signal}");
    ExitCode::from(code)
}

fn refuse(error: &StartError) -> ExitCode {
    let class = match error {
        StartError::Config(error) => error.class(),
        StartError::ZooKeeper(crate::zk::ZkError::ConnectTimeout) => {
            "kafka.zookeeper.ZooKeeperClientTimeoutException"
        }
        StartError::ZooKeeper(crate::zk::ZkError::NodeExists) => {
            "org.apache.zookeeper.KeeperException$NodeExistsException"
        }
        StartError::ZooKeeper(crate::zk::ZkError::ConnectString(error)) => {
            super::java::connect_string_exception(error)
        }
        StartError::ZooKeeper(_) => "org.apache.zookeeper.KeeperException",
        StartError::Metadata(_) => "kafka.common.InconsistentBrokerMetadataException",
        StartError::LogManager(_) | StartError::Bind(_) => "org.apache.kafka.common.KafkaException",
        StartError::Host(_) => "java.net.UnknownHostException",
        StartError::Metrics { .. } => "java.net.BindException",
        StartError::Acls(_) | StartError::Interrupted | StartError::Other(_) => {
            "java.lang.IllegalArgumentException"
        }
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
