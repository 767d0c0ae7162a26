//! `kafka-console-consumer.sh`: records of topics on standard output (Kafka's `ConsoleConsumer`).
//!
//! Reads as a member of the group of `--group`, and commits what it has printed. Without a group it reads all
//! partitions of its topics, or that of `--partition`, and commits nothing. With `--zookeeper` it is a consumer whose
//! group lives in znodes, as up to Kafka 1.1.

mod by_broker;
mod by_znode;
pub(super) mod format;
mod interruption;
mod options;
mod printer;

use std::process::ExitCode;

use log::LevelFilter;

use self::by_znode::ZookeeperConsumeCommand;
pub(crate) use self::options::ConsoleConsumerOptions;
use self::options::ConsumeCommand;
use self::printer::RecordPrinter;
use super::arguments::{self, EarlyExit};
use super::java::{self, JavaClient};
use super::{block_on, logging};
use crate::client::ClientError;
use crate::client::settings::ConsumerSettings;

/// Why reading ended.
#[derive(Debug)]
enum ConsumeEnd {
    /// As many records as were asked for have come.
    Enough,
    /// The reader of the output is gone.
    Unread,
    /// No record came within the timeout.
    TimedOut,
    /// A record cannot be printed; the text is Java's exception.
    Unprintable(String),
    /// Reading failed; the text is Java's exception.
    Failed(String),
    /// The consumer cannot be made; the text is Java's exception.
    NotBegun(String),
    /// By SIGINT or SIGTERM: the exit code.
    Signal(u8),
}

impl From<ClientError> for ConsumeEnd {
    fn from(error: ClientError) -> Self {
        Self::Failed(java::JavaException(&error).to_string())
    }
}

/// Runs the tool; exit code 1 where it cannot begin or a record cannot be printed, 130 and 143 where a signal ended it,
/// else 0.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let options = match parse(&arguments) {
        Ok(options) => options,
        Err(refusal) => return refusal.print::<ConsoleConsumerOptions>(),
    };
    let consumed = if options.by_znode.is_given() {
        options.check_by_znode().map(ZookeeperConsumeCommand::run)
    } else {
        options.check().map(consume)
    };
    let code = match consumed {
        Ok(code) => code,
        Err(refusal) => return refusal.print::<ConsoleConsumerOptions>(),
    };
    if options.enable_systest_events {
        println!("shutdown_complete");
    }
    code
}

/// Reads the options. This tool prints its usage where they cannot be read, other tools throw.
fn parse(arguments: &[String]) -> Result<ConsoleConsumerOptions, EarlyExit> {
    let about = "This tool helps to read data from Kafka topics and outputs it to standard output.";
    if arguments.is_empty() {
        return Err(EarlyExit::Usage(about.to_owned()));
    }
    arguments::parse(about, arguments).map_err(|refusal| match refusal {
        EarlyExit::Thrown(_, message) => EarlyExit::Usage(message),
        other => other,
    })
}

/// Reads through brokers.
fn consume(command: ConsumeCommand) -> ExitCode {
    let mut printer = RecordPrinter::new(command.printing);
    let end = match ConsumerSettings::read(&command.settings) {
        Ok(mut settings) => {
            JavaClient::Consumer.log_ignored(&settings.ignored);
            settings.cluster.events = JavaClient::Consumer.log_events(&settings.cluster.client_id);
            let reading = by_broker::consume(settings, &command.topics, command.timeout, &mut printer);
            block_on(async { Ok(reading.await) })
                .unwrap_or_else(|error| ConsumeEnd::NotBegun(error.to_string()))
        }
        Err(error) => ConsumeEnd::NotBegun(java::JavaException(&error).to_string()),
    };
    report(&end, &printer)
}

/// Prints how many records have come and what else the end asks for; the exit code.
fn report(end: &ConsumeEnd, printer: &RecordPrinter) -> ExitCode {
    let target = "kafka.tools.ConsoleConsumer$";
    let failed = |exception: &str| {
        log::error!(target: target, "Error processing message, terminating consumer process: ");
        eprintln!("{exception}");
    };
    match end {
        ConsumeEnd::TimedOut => failed("org.apache.kafka.common.errors.TimeoutException"),
        ConsumeEnd::Failed(exception) => failed(exception),
        ConsumeEnd::Unread => eprintln!("Unable to write to standard out, closing consumer."),
        _ => {}
    }
    if !matches!(end, ConsumeEnd::NotBegun(_)) {
        eprintln!("Processed a total of {} messages", printer.count());
    }
    match end {
        ConsumeEnd::Unprintable(exception) | ConsumeEnd::NotBegun(exception) => {
            log::error!(target: target, "Unknown error when running consumer: ");
            eprintln!("{exception}");
            ExitCode::FAILURE
        }
        ConsumeEnd::Signal(code) => (*code).into(),
        // Kafka's tool ends with 0 after an error while it reads, too.
        _ => ExitCode::SUCCESS,
    }
}
