//! The options of a ZooKeeper consumer, and which of them go together.
//!
//! Kafka: `ConsoleConsumer.ConsumerConfig` of 1.1.

use clap::Args;

use super::ZookeeperConsumeCommand;
use crate::cli::arguments::{self, EarlyExit};
use crate::cli::console_consumer::options::{ConsoleConsumerOptions, ResetNames};
use crate::client::by_znode::{FilterKind, TopicFilter};
use crate::config::Properties;

/// The options of a ZooKeeper consumer alone.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct ZookeeperOptions {
    /// With --zookeeper: a regular expression of the topics not to read.
    #[arg(long, value_name = "pattern")]
    blacklist: Option<String>,
    /// Refused: there are no metrics to write.
    #[arg(long)]
    csv_reporter_enabled: bool,
    /// With --zookeeper: delete all that ZooKeeper has of the group before it is joined.
    #[arg(long)]
    delete_consumer_offsets: bool,
    /// Where the CSV reporter would write.
    #[arg(long, value_name = "directory")]
    metrics_dir: Option<String>,
    /// Read as a consumer whose group and offsets are in ZooKeeper, as up to Kafka 1.1: the ensemble, as
    /// host:port,host:port,... with an optional /chroot. In place of --bootstrap-server; deprecated.
    #[arg(long, value_name = "urls")]
    zookeeper: Option<String>,
}

fn refused<T>(sentence: &str) -> Result<T, EarlyExit> {
    Err(EarlyExit::Usage(sentence.to_owned()))
}

impl ZookeeperOptions {
    /// Whether a ZooKeeper consumer is to read.
    pub(in crate::cli::console_consumer) fn is_given(&self) -> bool {
        self.zookeeper.is_some()
    }

    /// Refuses the options that no other consumer has, in the words for unknown ones.
    ///
    /// # Errors
    /// The refusal.
    pub(in crate::cli::console_consumer) fn check_absent(&self) -> Result<(), EarlyExit> {
        let given = [
            ("blacklist", self.blacklist.is_some()),
            ("csv-reporter-enabled", self.csv_reporter_enabled),
            ("delete-consumer-offsets", self.delete_consumer_offsets),
            ("metrics-dir", self.metrics_dir.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((name, _)) => refused(&format!("{name} is not a recognized option")),
            None => Ok(()),
        }
    }
}

impl ConsoleConsumerOptions {
    /// Checks which options go together with `--zookeeper`, in the order of 1.1.
    ///
    /// # Errors
    /// The refusal, in the words of 1.1.
    pub(in crate::cli::console_consumer) fn check_by_znode(
        &self,
    ) -> Result<ZookeeperConsumeCommand, EarlyExit> {
        let own = arguments::settings(None, &self.consumer_property)?;
        let file = arguments::settings(self.consumer_config.as_deref(), &[])?;
        let printing = self.printing()?;
        if self.bootstrap_server.is_some() {
            return refused("Option [bootstrap-server] is not valid with [zookeeper].");
        }
        if self.new_consumer {
            return refused("Option [new-consumer] is not valid with [zookeeper].");
        }
        let filter = self.filter()?;
        eprintln!(
            "Using the ConsoleConsumer with old consumer is deprecated and will be removed in a future major release. \
             Consider using the new consumer by passing [bootstrap-server] instead of [zookeeper]."
        );
        if self.partition.is_some() || self.offset.is_some() {
            return refused("Partition-offset based consumption is supported in the new consumer only.");
        }
        if self.by_znode.csv_reporter_enabled {
            let sentence =
                "The CSV reporter is not there: the consumer of this tool has no metrics to write.";
            return Err(EarlyExit::Refused(sentence.to_owned()));
        }
        let mut settings: Properties = file.iter().chain(own.iter()).collect();
        let group = self.group(&file, &own)?;
        let is_own_group = group.is_none();
        let group = group.unwrap_or_else(|| format!("console-consumer-{}", fastrand::u32(0..100_000)));
        settings.set("group.id", group);
        self.set_offset_reset(&mut settings, ResetNames { start: "smallest", end: "largest" })?;
        settings.set("zookeeper.connect", self.by_znode.zookeeper.as_deref().unwrap_or_default());
        if let Some(timeout) = self.timeout() {
            settings.set("consumer.timeout.ms", timeout.as_millis().to_string());
        }
        let delete_offsets = self.by_znode.delete_consumer_offsets;
        Ok(ZookeeperConsumeCommand { filter, settings, is_own_group, delete_offsets, printing })
    }

    fn filter(&self) -> Result<TopicFilter, EarlyExit> {
        let (kind, text) = match (&self.topic, &self.whitelist, &self.by_znode.blacklist) {
            (Some(text), None, None) | (None, Some(text), None) => (FilterKind::Whitelist, text),
            (None, None, Some(text)) => (FilterKind::Blacklist, text),
            _ => return refused("Exactly one of whitelist/blacklist/topic is required."),
        };
        TopicFilter::new(kind, text)
            .map_err(|error| EarlyExit::Thrown("java.lang.RuntimeException", error.to_string()))
    }
}
