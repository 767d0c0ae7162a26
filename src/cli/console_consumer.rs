//! `kafka-console-consumer.sh`: records of a topic on standard output (Kafka's `ConsoleConsumer`).
//!
//! Reads all partitions of its topics, or the partition of `--partition`, without joining a group and without
//! commits.

use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use log::LevelFilter;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use self::format::{Formatter, UnknownClass};
use super::arguments::{self, EarlyExit, require};
use super::java::{self, JavaClient};
use super::{block_on, logging};
use crate::base::TopicPartition;
use crate::client::consumer::{Consumer, StartPosition};
use crate::client::settings::ConsumerSettings;
use crate::client::{ClientError, Cluster};
use crate::config::Properties;

mod format;

/// The options.
#[derive(Debug, Parser)]
struct ConsoleConsumerOptions {
    /// The brokers to read from, as host:port[,host:port...]. Required.
    #[arg(long, value_name = "servers")]
    bootstrap_server: Option<String>,
    /// A consumer setting, as key=value; may be given several times.
    #[arg(long, value_name = "key=value")]
    consumer_property: Vec<String>,
    /// A properties file of consumer settings; --consumer-property goes before it.
    #[arg(long = "consumer.config", value_name = "file")]
    consumer_config: Option<String>,
    /// Accepted for old scripts.
    #[arg(long)]
    enable_systest_events: bool,
    /// The class that prints records: kafka.tools.DefaultMessageFormatter or kafka.tools.NoOpMessageFormatter.
    #[arg(long, value_name = "class", default_value = format::DEFAULT)]
    formatter: String,
    /// Begin with the first record rather than after the last.
    #[arg(long)]
    from_beginning: bool,
    /// The group to join. Not possible yet: leave it out, and all partitions are read.
    #[arg(long, value_name = "group")]
    group: Option<String>,
    /// read_committed leaves out records of transactions that are open or aborted.
    #[arg(long, value_name = "level")]
    isolation_level: Option<String>,
    /// The class that reads keys, for String, Integer, Long or ByteArray.
    #[arg(long, value_name = "class")]
    key_deserializer: Option<String>,
    /// How many records to read; no end without it.
    #[arg(long, value_name = "count", allow_hyphen_values = true)]
    max_messages: Option<i64>,
    /// Where to begin in the partition: earliest, latest or an offset (latest).
    #[arg(long, value_name = "offset", allow_hyphen_values = true)]
    offset: Option<String>,
    /// The partition to read.
    #[arg(long, value_name = "partition")]
    partition: Option<i32>,
    /// How records are printed, as key=value: print.timestamp, print.key, print.offset, print.partition,
    /// print.headers, print.value, key.separator, line.separator, headers.separator, null.literal, key.deserializer,
    /// value.deserializer.
    #[arg(long, value_name = "key=value")]
    property: Vec<String>,
    /// Go on after a record that cannot be printed.
    #[arg(long)]
    skip_message_on_error: bool,
    /// End when no record has come for so long, in milliseconds.
    #[arg(long, value_name = "ms")]
    timeout_ms: Option<u64>,
    /// The topic to read.
    #[arg(long, value_name = "topic")]
    topic: Option<String>,
    /// The class that reads values, for String, Integer, Long or ByteArray.
    #[arg(long, value_name = "class")]
    value_deserializer: Option<String>,
    /// A regular expression of the topics to read.
    #[arg(long, value_name = "pattern")]
    whitelist: Option<String>,
}

/// Which topics are read.
enum TopicSelection {
    Topic(String),
    Pattern(regex::Regex),
}

/// Options that were found to go together.
struct ConsumeCommand {
    wanted: TopicSelection,
    partition: Option<i32>,
    start: StartPosition,
    max_messages: Option<u64>,
    timeout: Option<Duration>,
    settings: Properties,
    formatter: Formatter,
}

/// Why reading ended.
enum ConsumeEnd {
    /// As many records as were asked for have come, or the reader of the output is gone.
    Enough,
    /// No record came within the timeout.
    TimedOut,
    /// By SIGINT or SIGTERM: the exit code.
    Signal(u8),
}

/// Runs the tool; exit code 1 where it cannot begin, 130 and 143 where a signal ended it, else 0.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let about = "This tool helps to read data from Kafka topics and outputs it to standard output.";
    // This tool prints its usage below a file that it cannot read; other tools throw.
    let parsed =
        arguments::parse::<ConsoleConsumerOptions>(about, &arguments).map_err(|refusal| match refusal {
            EarlyExit::Thrown(_, message) | EarlyExit::Argument { message, .. } => EarlyExit::Usage(message),
            other => other,
        });
    let command = match parsed.and_then(ConsumeCommand::check) {
        Ok(command) => command,
        Err(refusal) => return refusal.print::<ConsoleConsumerOptions>(),
    };
    let settings = match ConsumerSettings::read(&command.settings) {
        Ok(mut settings) => {
            JavaClient::Consumer.log_ignored(&settings.ignored);
            settings.cluster.events = JavaClient::Consumer.log_events(&settings.cluster.client_id);
            settings
        }
        Err(error) => {
            return arguments::thrown("org.apache.kafka.common.config.ConfigException", error);
        }
    };
    let mut read = 0;
    let end = block_on(async { command.consume(settings, &mut read).await });
    let code = match end {
        Ok(ConsumeEnd::Enough) => ExitCode::SUCCESS,
        Ok(ConsumeEnd::Signal(code)) => code.into(),
        Ok(ConsumeEnd::TimedOut) => failed("org.apache.kafka.common.errors.TimeoutException"),
        Err(error) => match error.downcast_ref::<ClientError>() {
            Some(error) => failed(&java::JavaException(error).to_string()),
            None => failed(&error.to_string()),
        },
    };
    eprintln!("Processed a total of {read} messages");
    code
}

/// Prints an error that ends the consumer while it reads; the exit code is 0 all the same, as in Kafka.
fn failed(error: &str) -> ExitCode {
    log::error!(target: "kafka.tools.ConsoleConsumer$", "Error processing message, terminating consumer process: ");
    eprintln!("{error}");
    ExitCode::SUCCESS
}

fn refused(sentence: &str) -> EarlyExit {
    EarlyExit::Usage(sentence.to_owned())
}

impl ConsumeCommand {
    fn check(options: ConsoleConsumerOptions) -> Result<Self, EarlyExit> {
        require(options.bootstrap_server.is_some(), "bootstrap-server")?;
        let wanted = match (&options.topic, &options.whitelist) {
            (Some(topic), None) => TopicSelection::Topic(topic.clone()),
            (None, Some(pattern)) => TopicSelection::Pattern(
                regex::Regex::new(&format!("^(?:{pattern})$"))
                    .map_err(|_| refused(&format!("{pattern} is an invalid regex.")))?,
            ),
            _ => return Err(refused("Exactly one of whitelist/topic is required.")),
        };
        if options.partition.is_some() && options.topic.is_none() {
            return Err(refused("The topic is required when partition is specified."));
        }
        if options.offset.is_some() && options.partition.is_none() {
            return Err(refused("The partition is required when offset is specified."));
        }
        if options.from_beginning && options.offset.is_some() {
            return Err(refused("Options from-beginning and offset cannot be specified together."));
        }
        if options.group.is_some() {
            return Err(refused("Groups cannot be joined yet: without --group all partitions are read."));
        }
        Ok(Self {
            wanted,
            partition: options.partition,
            start: options.start()?,
            max_messages: options.max_messages.and_then(|count| u64::try_from(count).ok()),
            timeout: options.timeout_ms.map(Duration::from_millis),
            formatter: options.formatter()?,
            settings: options.settings()?,
        })
    }

    /// Reads until the end, and counts in `read` the records that were printed.
    async fn consume(self, settings: ConsumerSettings, read: &mut u64) -> anyhow::Result<ConsumeEnd> {
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            end = self.read_on(settings, read) => end,
            _ = interrupted.recv() => Ok(ConsumeEnd::Signal(130)),
            _ = terminated.recv() => Ok(ConsumeEnd::Signal(143)),
        }
    }

    async fn read_on(self, settings: ConsumerSettings, read: &mut u64) -> anyhow::Result<ConsumeEnd> {
        let mut consumer = Consumer::new(settings).await?;
        let first = async {
            let partitions = self.partitions(consumer.cluster()).await?;
            consumer.assign(&partitions, self.start).await
        };
        match within(self.timeout, first).await {
            Some(begun) => begun?,
            None => return Ok(ConsumeEnd::TimedOut),
        }
        let mut out = BufWriter::new(std::io::stdout());
        while self.max_messages.is_none_or(|most| *read < most) {
            // Records that are there already are printed without a flush between them.
            let next = match consumer.next(Duration::ZERO).await? {
                None => {
                    if out.flush().is_err() {
                        return Ok(unread());
                    }
                    consumer.next(self.timeout.unwrap_or(Duration::from_secs(3600))).await?
                }
                next => next,
            };
            let Some(record) = next else {
                if self.timeout.is_some() {
                    return Ok(ConsumeEnd::TimedOut);
                }
                continue;
            };
            *read += 1;
            if self.formatter.print(&mut out, &record).is_err() {
                return Ok(unread());
            }
        }
        if out.flush().is_err() { Ok(unread()) } else { Ok(ConsumeEnd::Enough) }
    }

    /// The partitions to read; waits while the topic is being created.
    async fn partitions(&self, cluster: &Cluster) -> Result<Vec<TopicPartition>, ClientError> {
        loop {
            let (asked, may_create) = match &self.wanted {
                TopicSelection::Topic(topic) => (Some(vec![topic.clone()]), true),
                TopicSelection::Pattern(_) => (None, false),
            };
            let answer = cluster.metadata(asked.as_deref(), may_create).await?;
            let mut found = Vec::new();
            for topic in &answer.topics {
                match (&self.wanted, ClientError::check_topic(topic.error_code, &topic.name)) {
                    (TopicSelection::Topic(_), Err(error)) if !error.is_retriable() => return Err(error),
                    (TopicSelection::Pattern(pattern), _)
                        if topic.is_internal || !pattern.is_match(&topic.name) => {}
                    _ => {
                        let numbers = topic.partitions.iter().map(|it| it.partition_index);
                        let wanted = numbers.filter(|it| self.partition.is_none_or(|only| only == *it));
                        found.extend(wanted.map(|it| TopicPartition::new(topic.name.as_str(), it)));
                    }
                }
            }
            if !found.is_empty() {
                return Ok(found);
            }
            tokio::time::sleep(cluster.options().retry_backoff).await;
        }
    }
}

/// The end of a consumer when the reader of its output is gone.
fn unread() -> ConsumeEnd {
    eprintln!("Unable to write to standard out, closing consumer.");
    ConsumeEnd::Enough
}

/// None when the limit is reached first.
async fn within<T>(limit: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match limit {
        Some(limit) => tokio::time::timeout_at(Instant::now() + limit, work).await.ok(),
        None => Some(work.await),
    }
}

impl ConsoleConsumerOptions {
    fn start(&self) -> Result<StartPosition, EarlyExit> {
        match self.offset.as_deref().map(str::to_lowercase).as_deref() {
            None if self.from_beginning => Ok(StartPosition::Earliest),
            None | Some("latest") => Ok(StartPosition::Latest),
            Some("earliest") => Ok(StartPosition::Earliest),
            Some(text) => match text.parse() {
                Ok(offset) if offset >= 0 => Ok(StartPosition::At(offset)),
                _ => Err(refused(&format!(
                    "The provided offset value '{}' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.",
                    self.offset.as_deref().unwrap_or_default()
                ))),
            },
        }
    }

    fn formatter(&self) -> Result<Formatter, EarlyExit> {
        let mut properties = arguments::pairs(&self.property)?;
        for (key, class) in [("key", &self.key_deserializer), ("value", &self.value_deserializer)] {
            if let Some(class) = class {
                properties.set(format!("{key}.deserializer"), class);
            }
        }
        Formatter::new(&self.formatter, &properties)
            .map_err(|UnknownClass(class)| EarlyExit::Thrown("java.lang.ClassNotFoundException", class))
    }

    fn settings(&self) -> Result<Properties, EarlyExit> {
        let mut settings = arguments::settings(self.consumer_config.as_deref(), &self.consumer_property)?;
        let own = [
            ("bootstrap.servers", self.bootstrap_server.as_deref()),
            ("isolation.level", self.isolation_level.as_deref()),
            ("auto.offset.reset", self.from_beginning.then_some("earliest")),
        ];
        for (key, value) in own {
            if let Some(value) = value {
                settings.set(key, value);
            }
        }
        if settings.get("client.id").is_none() {
            // The client id that Kafka gives, from the name of a group of the consumer's own.
            settings.set("client.id", format!("consumer-console-consumer-{}-1", fastrand::u32(0..100_000)));
        }
        Ok(settings)
    }
}
