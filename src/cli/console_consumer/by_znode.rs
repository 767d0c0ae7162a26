//! Records read as a ZooKeeper consumer: `--zookeeper`, as up to Kafka 1.1.
//!
//! Kafka: `ConsoleConsumer` and `OldConsumer` of 1.1.

mod options;

use std::process::ExitCode;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::timeout;

pub(crate) use self::options::ZookeeperOptions;
use super::interruption::Interruption;
use super::options::PrintOptions;
use super::printer::RecordPrinter;
use super::{ConsumeEnd, report};
use crate::admin::consumer_groups;
use crate::cli::throwable::JavaThrowable;
use crate::cli::{block_on, zookeeper_session};
use crate::client::ClientError;
use crate::client::by_znode::{TopicCount, TopicFilter, ZookeeperConsumer, ZookeeperConsumerSettings};
use crate::client::consumer::ConsumerRecord;
use crate::client::settings::OffsetReset;
use crate::config::Properties;
use crate::zk::znode::broker;
use crate::zk::{ZkError, ZooKeeper};

/// How long a consumer may take to commit and to end its session.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// Options that were found to go together.
pub(super) struct ZookeeperConsumeCommand {
    /// The topics.
    filter: TopicFilter,
    settings: Properties,
    /// Whether the group is the tool's own, and is deleted at the end.
    is_own_group: bool,
    /// Whether the group is deleted at the start.
    delete_offsets: bool,
    printing: PrintOptions,
}

/// Why the consumer did not begin.
enum NotBegun {
    /// A sentence; the exit code is 1.
    Refused(String),
    Thrown(JavaThrowable),
}

impl<T: Into<JavaThrowable>> From<T> for NotBegun {
    fn from(thrown: T) -> Self {
        Self::Thrown(thrown.into())
    }
}

impl ZookeeperConsumeCommand {
    /// Reads until the end.
    pub(super) fn run(self) -> ExitCode {
        let mut printer = RecordPrinter::new(self.printing);
        let settings = match ZookeeperConsumerSettings::read(&self.settings) {
            Ok(settings) => settings,
            Err(error) => {
                return report(&ConsumeEnd::NotBegun(JavaThrowable::from(error).to_string()), &printer);
            }
        };
        for key in &settings.unknown {
            log::warn!(target: "kafka.utils.VerifiableProperties", "Property {key} is not valid");
        }
        let reading = ZookeeperReading {
            group: format!("{}/{}", consumer_groups::PARENT, settings.group_id),
            settings,
            filter: self.filter,
            is_own_group: self.is_own_group,
            delete_offsets: self.delete_offsets,
        };
        let end = match block_on(async { Ok(reading.run(&mut printer).await) }) {
            Ok(Ok(end)) => end,
            Ok(Err(NotBegun::Refused(sentence))) => {
                eprintln!("{sentence}");
                return ExitCode::FAILURE;
            }
            Ok(Err(NotBegun::Thrown(thrown))) => ConsumeEnd::NotBegun(thrown.to_string()),
            Err(error) => ConsumeEnd::NotBegun(error.to_string()),
        };
        report(&end, &printer)
    }
}

/// A consumer that is about to begin.
struct ZookeeperReading {
    settings: ZookeeperConsumerSettings,
    /// The group's znode.
    group: String,
    filter: TopicFilter,
    is_own_group: bool,
    delete_offsets: bool,
}

impl ZookeeperReading {
    /// Reads until the end, and prints every record.
    async fn run(self, printer: &mut RecordPrinter) -> Result<ConsumeEnd, NotBegun> {
        let listening = Interruption::listen();
        let mut interruption =
            listening.map_err(|error| JavaThrowable::new("java.io.IOException", error.to_string()))?;
        let mut consumer = tokio::select! {
            consumer = self.begin() => consumer?,
            code = interruption.next() => return Ok(ConsumeEnd::Signal(code)),
        };
        let end = tokio::select! {
            end = read(&mut consumer, self.settings.timeout, printer) => end.err().unwrap_or(ConsumeEnd::Enough),
            code = interruption.next() => ConsumeEnd::Signal(code),
        };
        let end = printer.flush().err().unwrap_or(end);
        let closing = async {
            // Offsets that cannot be committed are read again.
            let _ = consumer.close(CLOSE_LIMIT).await;
            if self.is_own_group {
                self.delete_group().await;
            }
        };
        // A second signal ends a consumer that cannot be closed.
        tokio::select! {
            () = closing => {}
            _ = interruption.next() => {}
        }
        Ok(end)
    }

    async fn connect(&self) -> Result<ZooKeeper, JavaThrowable> {
        let ensemble = &self.settings.zookeeper;
        zookeeper_session::connect_within(&ensemble.connect, ensemble.connection_timeout).await
    }

    /// Joins the group.
    async fn begin(&self) -> Result<ZookeeperConsumer, NotBegun> {
        let zk = self.connect().await?;
        let prepared = self.prepare(&zk).await;
        zk.close().await;
        prepared?;
        let subscription = TopicCount::by_filter(self.filter.clone());
        Ok(ZookeeperConsumer::new(self.settings.clone(), subscription).await?)
    }

    /// Looks for brokers and for offsets of the group that are in the way; deletes the group if that is asked for.
    async fn prepare(&self, zk: &ZooKeeper) -> Result<(), NotBegun> {
        if zk.exists(broker::PARENT).await?.is_none() {
            return Err(NotBegun::Refused("No brokers found in ZK.".to_owned()));
        }
        if self.delete_offsets {
            return Ok(zk.delete_recursive(&self.group).await?);
        }
        let from_start = self.settings.offset_reset == OffsetReset::Earliest;
        if from_start && zk.exists(&format!("{}/offsets", self.group)).await?.is_some() {
            return Err(NotBegun::Refused(format!(
                "Found previous offset information for this group {}. Please use --delete-consumer-offsets to delete \
                 previous offsets metadata",
                self.settings.group_id
            )));
        }
        Ok(())
    }

    /// Deletes a group that no consumer will join again.
    async fn delete_group(&self) {
        if let Ok(zk) = self.connect().await {
            // What is left of the group does no harm.
            let _: Result<(), ZkError> = zk.delete_recursive(&self.group).await;
            zk.close().await;
        }
    }
}

/// Prints records until enough have come.
///
/// # Errors
/// What else ends it.
async fn read(
    consumer: &mut ZookeeperConsumer,
    limit: Option<Duration>,
    printer: &mut RecordPrinter,
) -> Result<(), ConsumeEnd> {
    while !printer.is_done() {
        // Records that are there already are printed without a flush between them.
        let record = match consumer.next_record().now_or_never() {
            Some(record) => record,
            None => {
                printer.flush()?;
                next_record(consumer, limit).await?
            }
        };
        printer.print(&record?.borrowed())?;
    }
    Ok(())
}

/// Waits for a record, as long as the time-out allows.
async fn next_record(
    consumer: &mut ZookeeperConsumer,
    limit: Option<Duration>,
) -> Result<Result<ConsumerRecord, ClientError>, ConsumeEnd> {
    match limit {
        None => Ok(consumer.next_record().await),
        Some(limit) => {
            let late = |_| ConsumeEnd::Failed("kafka.consumer.ConsumerTimeoutException".to_owned());
            timeout(limit, consumer.next_record()).await.map_err(late)
        }
    }
}
