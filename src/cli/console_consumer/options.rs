//! The options of `kafka-console-consumer.sh`, and which of them go together.
//!
//! Pure but for the file of `--consumer.config`. Kafka: `ConsoleConsumer.ConsumerConfig`.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Parser;

use super::by_znode::ZookeeperOptions;
use super::format::{self, MessageFormatter, UnknownClass};
use crate::base::Offset;
use crate::cli::arguments::{self, EarlyExit, require};
use crate::config::Properties;

/// The options.
#[derive(Debug, Parser)]
pub(crate) struct ConsoleConsumerOptions {
    #[command(flatten)]
    pub by_znode: ZookeeperOptions,
    /// The brokers to read from, as host:port[,host:port...]. Required.
    #[arg(long, value_name = "servers")]
    pub bootstrap_server: Option<String>,
    /// A consumer setting, as key=value; may be given several times.
    #[arg(long, value_name = "key=value")]
    pub consumer_property: Vec<String>,
    /// A properties file of consumer settings; --consumer-property goes before it.
    #[arg(long = "consumer.config", value_name = "file")]
    pub consumer_config: Option<String>,
    /// Print shutdown_complete at the end, for system tests.
    #[arg(long)]
    pub enable_systest_events: bool,
    /// The class that prints records: kafka.tools.DefaultMessageFormatter, LoggingMessageFormatter,
    /// NoOpMessageFormatter or ChecksumMessageFormatter. For __consumer_offsets:
    /// 'kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter' or '...$GroupMetadataMessageFormatter'.
    /// For __transaction_state: 'kafka.coordinator.transaction.TransactionLog$TransactionLogMessageFormatter'.
    #[arg(long, value_name = "class", default_value = format::DEFAULT)]
    pub formatter: String,
    /// Begin with the first record rather than after the last, where no offset is committed.
    #[arg(long)]
    pub from_beginning: bool,
    /// The group to join. Without it all partitions are read, and nothing is committed.
    #[arg(long, value_name = "group")]
    pub group: Option<String>,
    /// read_committed leaves out records of transactions that are open or aborted (read_uncommitted).
    #[arg(long, value_name = "level")]
    pub isolation_level: Option<String>,
    /// The class that reads keys, of org.apache.kafka.common.serialization: StringDeserializer, LongDeserializer, ...
    #[arg(long, value_name = "class")]
    pub key_deserializer: Option<String>,
    /// How many records to read; no end without it.
    #[arg(long, value_name = "count", allow_hyphen_values = true)]
    pub max_messages: Option<i32>,
    /// Accepted as the handbooks of 0.9 to 1.1 write it: with --bootstrap-server this is the only consumer.
    #[arg(long)]
    pub new_consumer: bool,
    /// Where to begin in the partition: earliest, latest or an offset (latest).
    #[arg(long, value_name = "offset", allow_hyphen_values = true)]
    pub offset: Option<String>,
    /// The partition to read, without a group; from its end, unless --offset is given.
    #[arg(long, value_name = "partition")]
    pub partition: Option<i32>,
    /// How records are printed, as key=value: print.timestamp, print.key, print.offset, print.partition,
    /// print.headers, print.value, key.separator, line.separator, headers.separator, null.literal, key.deserializer,
    /// value.deserializer, headers.deserializer. What begins with the name of a deserializer and a dot goes to it:
    /// key.deserializer.deserializer.encoding=UTF-16.
    #[arg(long, value_name = "key=value")]
    pub property: Vec<String>,
    /// Go on after a record that cannot be printed.
    #[arg(long)]
    pub skip_message_on_error: bool,
    /// End when no record has come for so long, in milliseconds.
    #[arg(long, value_name = "ms", allow_hyphen_values = true)]
    pub timeout_ms: Option<i32>,
    /// The topic to read.
    #[arg(long, value_name = "topic")]
    pub topic: Option<String>,
    /// The class that reads values, as --key-deserializer.
    #[arg(long, value_name = "class")]
    pub value_deserializer: Option<String>,
    /// A regular expression of the topics to read.
    #[arg(long, value_name = "pattern")]
    pub whitelist: Option<String>,
}

/// Where to begin in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartPosition {
    /// At its first record.
    Earliest,
    /// After its last record.
    Latest,
    /// At this offset.
    At(Offset),
}

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ConsumedTopics {
    /// A partition of a topic.
    Partition {
        /// The topic.
        topic: String,
        /// The partition's number.
        partition: i32,
        /// Where to begin.
        start: StartPosition,
    },
    /// A topic.
    Topic(String),
    /// The topics whose whole name matches a regular expression.
    Pattern(String),
}

/// Options that were found to go together.
pub(super) struct ConsumeCommand {
    /// What is read.
    pub topics: ConsumedTopics,
    /// How long to wait for a record; None for as long as it takes.
    pub timeout: Option<Duration>,
    /// The consumer's settings.
    pub settings: Properties,
    /// How records are printed.
    pub printing: PrintOptions,
}

/// How records are printed.
pub(super) struct PrintOptions {
    /// Prints a record.
    pub formatter: Box<dyn MessageFormatter>,
    /// How many records are printed; None for all.
    pub most: Option<u64>,
    /// Whether a record that cannot be printed is skipped.
    pub skip_errors: bool,
}

fn refused<T>(sentence: &str) -> Result<T, EarlyExit> {
    Err(EarlyExit::Usage(sentence.to_owned()))
}

impl ConsoleConsumerOptions {
    /// Checks which options go together, in Kafka's order.
    ///
    /// # Errors
    /// The refusal, in Kafka's words.
    pub(super) fn check(&self) -> Result<ConsumeCommand, EarlyExit> {
        self.by_znode.check_absent()?;
        let own = arguments::settings(None, &self.consumer_property)?;
        let settings = arguments::settings(self.consumer_config.as_deref(), &[])?;
        let printing = self.printing()?;
        let topics = self.topics()?;
        require(self.bootstrap_server.is_some(), "bootstrap-server")?;
        if self.new_consumer {
            // The lines of Kafka 1.1, whose first sentence has no blank after it.
            eprintln!(
                "The --new-consumer option is deprecated and will be removed in a future major release.The new consumer \
                 is used by default if the --bootstrap-server option is provided."
            );
        }
        let settings = self.settings(&settings, &own)?;
        let has_group = settings.get("group.id").is_some();
        if has_group && matches!(topics, ConsumedTopics::Partition { .. }) {
            return refused("Options group and partition cannot be specified together.");
        }
        Ok(ConsumeCommand { topics, timeout: self.timeout(), settings, printing })
    }

    /// A time-out that is negative is none.
    pub(super) fn timeout(&self) -> Option<Duration> {
        let millis = u64::try_from(self.timeout_ms?).ok()?;
        Some(Duration::from_millis(millis))
    }

    /// How records are printed. A number of records of -1 is none; none is read where it is less.
    ///
    /// # Errors
    /// There is no formatter or deserializer of a class.
    pub(super) fn printing(&self) -> Result<PrintOptions, EarlyExit> {
        let mut properties = arguments::pairs(&self.property);
        for (key, class) in
            [("key.deserializer", &self.key_deserializer), ("value.deserializer", &self.value_deserializer)]
        {
            if let Some(class) = class.as_deref().filter(|class| !class.is_empty()) {
                properties.set(key, class);
            }
        }
        let unknown = |UnknownClass(class)| EarlyExit::Thrown("java.lang.ClassNotFoundException", class);
        let most = self.max_messages.filter(|count| *count != -1);
        Ok(PrintOptions {
            formatter: format::formatter(&self.formatter, &properties).map_err(unknown)?,
            most: most.map(|count| u64::try_from(count).unwrap_or(0)),
            skip_errors: self.skip_message_on_error,
        })
    }

    fn topics(&self) -> Result<ConsumedTopics, EarlyExit> {
        let whole = match (&self.topic, &self.whitelist) {
            (Some(topic), None) => ConsumedTopics::Topic(topic.clone()),
            (None, Some(pattern)) => ConsumedTopics::Pattern(pattern.clone()),
            _ => return refused("Exactly one of whitelist/topic is required."),
        };
        match (self.partition, whole) {
            (Some(_), ConsumedTopics::Pattern(_)) => {
                refused("The topic is required when partition is specified.")
            }
            (Some(_), _) if self.from_beginning && self.offset.is_some() => {
                refused("Options from-beginning and offset cannot be specified together.")
            }
            (Some(partition), ConsumedTopics::Topic(topic)) => {
                Ok(ConsumedTopics::Partition { topic, partition, start: self.start()? })
            }
            (None, _) if self.offset.is_some() => {
                refused("The partition is required when offset is specified.")
            }
            (_, whole) => Ok(whole),
        }
    }

    fn start(&self) -> Result<StartPosition, EarlyExit> {
        let Some(offset) = self.offset.as_deref().map(str::to_lowercase) else {
            return Ok(if self.from_beginning { StartPosition::Earliest } else { StartPosition::Latest });
        };
        match offset.as_str() {
            "earliest" => Ok(StartPosition::Earliest),
            "latest" => Ok(StartPosition::Latest),
            text => match text.parse() {
                Ok(offset) if offset >= 0 => Ok(StartPosition::At(offset)),
                _ => refused(&format!(
                    "The provided offset value '{text}' is incorrect. Valid values are 'earliest', 'latest', or a \
                     non-negative long."
                )),
            },
        }
    }

    /// The consumer's settings: those of the file, those of `--consumer-property`, and those of the options.
    fn settings(&self, file: &Properties, own: &Properties) -> Result<Properties, EarlyExit> {
        let mut settings: Properties = file.iter().chain(own.iter()).collect();
        if let Some(group) = self.group(file, own)? {
            settings.set("group.id", group);
        } else if settings.get("client.id").is_none() {
            // The client id that Kafka gives, from the name of a group of the consumer's own.
            settings.set("client.id", format!("consumer-console-consumer-{}-1", fastrand::u32(0..100_000)));
        }
        self.set_offset_reset(&mut settings, ResetNames { start: "earliest", end: "latest" })?;
        settings.set("bootstrap.servers", self.bootstrap_server.as_deref().unwrap_or_default());
        if let Some(level) = &self.isolation_level {
            settings.set("isolation.level", level);
        }
        Ok(settings)
    }

    /// The group, which may be given in three places.
    ///
    /// # Errors
    /// The places name different ones.
    pub(super) fn group(&self, file: &Properties, own: &Properties) -> Result<Option<String>, EarlyExit> {
        let groups = [self.group.as_deref(), file.get("group.id"), own.get("group.id")];
        let groups: BTreeSet<_> = groups.into_iter().flatten().collect();
        if groups.len() > 1 {
            let groups: Vec<_> = groups.iter().map(|group| format!("'{group}'")).collect();
            return refused(&format!(
                "The group ids provided in different places (directly using '--group', via '--consumer-property', or \
                 via '--consumer.config') do not match. Detected group ids: {}",
                groups.join(", ")
            ));
        }
        Ok(groups.first().map(|group| (*group).to_owned()))
    }

    /// Sets where a group without offsets begins, unless that is set.
    ///
    /// # Errors
    /// It is set to another place than `--from-beginning`.
    pub(super) fn set_offset_reset(
        &self,
        settings: &mut Properties,
        names: ResetNames,
    ) -> Result<(), EarlyExit> {
        const RESET: &str = "auto.offset.reset";
        match settings.get(RESET) {
            Some(reset) if self.from_beginning && reset != names.start => {
                return Err(EarlyExit::Refused(format!(
                    "Can't simultaneously specify --from-beginning and 'auto.offset.reset={reset}', please remove one \
                     option"
                )));
            }
            Some(_) => {}
            None => settings.set(RESET, if self.from_beginning { names.start } else { names.end }),
        }
        Ok(())
    }
}

/// The values of `auto.offset.reset` of a kind of consumer.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResetNames {
    /// Before the first record.
    pub start: &'static str,
    /// After the last one.
    pub end: &'static str,
}
