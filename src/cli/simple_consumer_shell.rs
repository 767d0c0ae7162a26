//! `kafka.tools.SimpleConsumerShell`: the records of one partition from an offset on (Kafka up to 1.1).

use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use log::LevelFilter;

use super::arguments::{self, EarlyExit, require};
use super::console_consumer::format::{self, FormatError, MessageFormatter, UnknownClass};
use super::java;
use super::{block_on, logging};
use crate::base::{BrokerId, Offset, TopicPartition};
use crate::client::consumer::ConsumerRecordRef;
use crate::client::settings::{ConsumerSettings, OffsetReset};
use crate::client::{ClientError, Consumer, OffsetAndMetadata};

const TARGET: &str = "kafka.tools.SimpleConsumerShell$";
/// The offset that stands for the end of a partition.
const LATEST: Offset = -1;
/// The offset that stands for its start.
const EARLIEST: Offset = -2;

/// The options.
#[derive(Debug, Parser)]
#[doc(alias = "SimpleConsumerShell")]
pub(crate) struct SimpleShellOptions {
    /// The brokers to ask, as host:port[,host:port...]. Required.
    #[arg(long, value_name = "servers")]
    broker_list: Option<String>,
    /// How the client names itself.
    #[arg(long = "clientId", value_name = "name", default_value = "SimpleConsumerShell")]
    client_id: String,
    /// Bytes that a fetch may bring.
    #[arg(long, value_name = "bytes", default_value_t = 1 << 20)]
    fetchsize: i32,
    /// The class that prints records.
    #[arg(long, value_name = "class", default_value = format::DEFAULT)]
    formatter: String,
    /// How many records to print; no end without it.
    #[arg(long, value_name = "count")]
    max_messages: Option<i32>,
    /// How long a fetch waits for records, in milliseconds.
    #[arg(long, value_name = "ms", default_value_t = 1000)]
    max_wait_ms: i32,
    /// End behind the last record.
    #[arg(long)]
    no_wait_at_logend: bool,
    /// Where to begin: an offset, -2 for the start, -1 for the end.
    #[arg(long, value_name = "offset", default_value_t = EARLIEST, allow_hyphen_values = true)]
    offset: Offset,
    /// The partition.
    #[arg(long, value_name = "partition", default_value_t = 0)]
    partition: i32,
    /// Print the offset after each record.
    #[arg(long)]
    print_offsets: bool,
    /// A property of the formatter, as key=value; may be given several times.
    #[arg(long, value_name = "key=value")]
    property: Vec<String>,
    /// The broker to read from, which has to be the leader; -1 for the leader.
    #[arg(long, value_name = "broker", default_value_t = -1, allow_hyphen_values = true)]
    replica: BrokerId,
    /// Go on after a record that cannot be printed.
    #[arg(long)]
    skip_message_on_error: bool,
    /// The topic. Required.
    #[arg(long, value_name = "topic")]
    topic: Option<String>,
}

/// Why the tool ends.
enum ShellEnd {
    /// A sentence; the exit code is 1.
    Refused(String),
    /// The reader of the output is gone; the exit code is 1.
    Unread,
    /// A record cannot be printed, or the partition cannot be read; the text is Java's exception.
    Failed(String),
}

impl From<ClientError> for ShellEnd {
    fn from(error: ClientError) -> Self {
        Self::Failed(java::JavaException(&error).to_string())
    }
}

/// Runs the tool; exit code 1 where it cannot begin.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    log::warn!(
        target: TARGET,
        "WARNING: SimpleConsumerShell is deprecated and will be dropped in a future release following 0.11.0.0."
    );
    let about = "A low-level tool for fetching data directly from a particular replica.";
    if arguments.is_empty() {
        return EarlyExit::Usage(about.to_owned()).print::<SimpleShellOptions>();
    }
    let begun = arguments::parse::<SimpleShellOptions>(about, &arguments).and_then(SimpleShell::new);
    let mut shell = match begun {
        Ok(shell) => shell,
        Err(refusal) => return refusal.print::<SimpleShellOptions>(),
    };
    let end = block_on(async { Ok(shell.read().await) });
    match end.unwrap_or_else(|error| Err(ShellEnd::Refused(error.to_string()))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(ShellEnd::Refused(sentence)) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
        Err(ShellEnd::Unread) => {
            eprintln!("Unable to write to standard out, closing consumer.");
            ExitCode::FAILURE
        }
        Err(ShellEnd::Failed(exception)) => {
            let SimpleShell { id, next, options, .. } = &shell;
            log::error!(
                target: TARGET,
                "Error consuming topic, partition, replica ({}, {}, {}) with offset [{next}]",
                id.topic,
                id.partition,
                options.replica
            );
            eprintln!("{exception}");
            ExitCode::SUCCESS
        }
    }
}

/// A partition that is read.
struct SimpleShell {
    options: SimpleShellOptions,
    id: TopicPartition,
    formatter: Box<dyn MessageFormatter>,
    /// The offset after the last record printed.
    next: Offset,
    count: i32,
}

impl SimpleShell {
    fn new(options: SimpleShellOptions) -> Result<Self, EarlyExit> {
        require(options.broker_list.is_some(), "broker-list")?;
        require(options.topic.is_some(), "topic")?;
        let unknown = |UnknownClass(class)| EarlyExit::Thrown("java.lang.ClassNotFoundException", class);
        let formatter =
            format::formatter(&options.formatter, &arguments::pairs(&options.property)).map_err(unknown)?;
        let id = TopicPartition::new(options.topic.as_deref().unwrap_or_default(), options.partition);
        Ok(Self { next: options.offset, options, id, formatter, count: 0 })
    }

    fn settings(&self) -> ConsumerSettings {
        let servers = self.options.broker_list.as_deref().unwrap_or_default();
        let mut settings = ConsumerSettings::new(servers);
        settings.cluster.client_id.clone_from(&self.options.client_id);
        settings.cluster.allow_auto_create_topics = false;
        settings.max_partition_fetch_bytes = self.options.fetchsize;
        settings.fetch_max_wait = self.max_wait();
        settings.offset_reset = OffsetReset::None;
        settings
    }

    fn max_wait(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.options.max_wait_ms).unwrap_or(0))
    }

    async fn read(&mut self) -> Result<(), ShellEnd> {
        let mut consumer = Consumer::new(self.settings()).await?;
        self.check_partition(&consumer).await?;
        let id = [self.id.clone()];
        consumer.assign(id.clone())?;
        match self.options.offset {
            EARLIEST => consumer.seek_to_beginning(&id)?,
            LATEST => consumer.seek_to_end(&id)?,
            offset if offset >= 0 => consumer.seek(&self.id, &OffsetAndMetadata::new(offset))?,
            offset => return Err(ShellEnd::Refused(format!("Invalid starting offset: {offset}"))),
        }
        self.next = consumer.position(&self.id).await?;
        let mut out = BufWriter::new(std::io::stdout());
        let most = self.options.max_messages.unwrap_or(i32::MAX);
        while self.count < most {
            let records = consumer.poll(self.max_wait()).await?;
            for record in &records {
                if self.count < most {
                    self.print(&record, &mut out)?;
                }
            }
            out.flush().map_err(|_| ShellEnd::Unread)?;
            if records.is_empty() && self.options.no_wait_at_logend && self.is_at_end(&mut consumer).await? {
                println!(
                    "Terminating. Reached the end of partition ({}, {}) at offset {}",
                    self.id.topic, self.id.partition, self.next
                );
                break;
            }
        }
        Ok(())
    }

    /// Whether the partition exists, and is led by the replica that was asked for.
    async fn check_partition(&self, consumer: &Consumer) -> Result<(), ShellEnd> {
        let TopicPartition { topic, partition } = &self.id;
        let refused = |sentence: String| Err(ShellEnd::Refused(sentence));
        let partitions = match consumer.partitions_for(topic).await {
            Ok(partitions) => partitions,
            // Of a topic that a broker refuses there are none.
            Err(error) if error.code().is_some() => Vec::new(),
            Err(_) => {
                let servers = self.options.broker_list.as_deref().unwrap_or_default();
                return refused(format!(
                    "Exception in thread \"main\" kafka.common.KafkaException: fetching topic metadata for topics \
                     [Set({topic})] from broker [{servers}] failed"
                ));
            }
        };
        let Some(found) = partitions.iter().find(|it| it.partition == *partition) else {
            return refused(format!("Error: partition {partition} does not exist for topic {topic}"));
        };
        match self.options.replica {
            -1 if found.leader.is_none() => refused(format!(
                "Error: user specifies to fetch from leader for partition ({topic}, {partition}) which has not been \
                 elected yet"
            )),
            -1 => Ok(()),
            replica if !found.replicas.contains(&replica) => refused(format!(
                "Error: replica {replica} does not exist for partition ({topic}, {partition})"
            )),
            replica if found.leader != Some(replica) => refused(format!(
                "Error: replica {replica} does not lead partition ({topic}, {partition}), and only leaders are read"
            )),
            _ => Ok(()),
        }
    }

    async fn is_at_end(&self, consumer: &mut Consumer) -> Result<bool, ShellEnd> {
        let ends = consumer.end_offsets(std::slice::from_ref(&self.id)).await?;
        let position = consumer.position(&self.id).await?;
        Ok(ends.get(&self.id).is_none_or(|end| *end <= position))
    }

    fn print(&mut self, record: &ConsumerRecordRef<'_>, out: &mut impl Write) -> Result<(), ShellEnd> {
        self.next = record.offset + 1;
        if self.options.print_offsets {
            writeln!(out, "next offset = {}", self.next).map_err(|_| ShellEnd::Unread)?;
        }
        match self.formatter.write(record, out) {
            Ok(()) => self.count += 1,
            Err(FormatError::Output(_)) => return Err(ShellEnd::Unread),
            Err(FormatError::Record { class, message }) if self.options.skip_message_on_error => {
                log::error!(target: TARGET, "Error processing message, skipping this message: ");
                eprintln!("{class}: {message}");
            }
            Err(FormatError::Record { class, message }) => {
                return Err(ShellEnd::Failed(format!("{class}: {message}")));
            }
        }
        Ok(())
    }
}
