//! The options of `kafka-mirror-maker.sh`, and the settings of its clients.

use std::time::Duration;

use clap::Parser;

use crate::cli::arguments::{EarlyExit, require};
use crate::cli::clients::load_properties;
use crate::cli::throwable::JavaThrowable;
use crate::config::Properties;

/// What the producer is set to where its file sets nothing: no record is lost or overtakes another.
const PRODUCER_DEFAULTS: [(&str, &str); 4] = [
    ("delivery.timeout.ms", "2147483647"),
    ("max.block.ms", "9223372036854775807"),
    ("acks", "all"),
    ("max.in.flight.requests.per.connection", "1"),
];

const STRATEGY: &str = "partition.assignment.strategy";

/// The options.
#[derive(Debug, Parser)]
pub(crate) struct MirrorMakerOptions {
    /// End when a record cannot be written; false skips the record.
    #[arg(long = "abort.on.send.failure", value_name = "true|false", default_value = "true")]
    pub abort_on_send_failure: String,
    /// A properties file for the consumers of the source cluster. Required.
    #[arg(long = "consumer.config", value_name = "file")]
    pub consumer_config: Option<String>,
    /// A Java class; Java classes cannot be run here.
    #[arg(long = "consumer.rebalance.listener", value_name = "class")]
    pub consumer_rebalance_listener: Option<String>,
    /// A Java class; Java classes cannot be run here.
    #[arg(long = "message.handler", value_name = "class")]
    pub message_handler: Option<String>,
    /// The argument of that class.
    #[arg(long = "message.handler.args", value_name = "text")]
    pub message_handler_args: Option<String>,
    /// Accepted for old scripts; there is no other consumer.
    #[arg(long = "new.consumer")]
    pub new_consumer: bool,
    /// How many consumers there are.
    #[arg(long = "num.streams", value_name = "count", default_value_t = 1)]
    pub num_streams: i32,
    /// How often the consumers' offsets are committed, in milliseconds.
    #[arg(long = "offset.commit.interval.ms", value_name = "ms", default_value_t = 60_000)]
    pub offset_commit_interval_ms: i32,
    /// A properties file for the producer of the target cluster. Required.
    #[arg(long = "producer.config", value_name = "file")]
    pub producer_config: Option<String>,
    /// The argument of --consumer.rebalance.listener.
    #[arg(long = "rebalance.listener.args", value_name = "text")]
    pub rebalance_listener_args: Option<String>,
    /// A regular expression of the topics to copy; a comma stands for "or". Required.
    #[arg(long, value_name = "pattern")]
    pub whitelist: Option<String>,
}

/// Options that were found to go together.
#[derive(Debug)]
pub(super) struct MirrorCommand {
    /// The settings of each consumer but for its client id.
    pub(super) consumer: Properties,
    pub(super) producer: Properties,
    /// Whether each record is awaited (`producer.type=sync`).
    pub(super) sync: bool,
    /// The pattern of the topics to copy, as it was given.
    pub(super) whitelist: String,
    pub(super) streams: usize,
    pub(super) commit_interval: Duration,
    pub(super) abort_on_send_failure: bool,
}

/// Why the tool does not begin.
#[derive(Debug)]
pub(super) enum MirrorRefusal {
    /// The usage belongs to it.
    Usage(EarlyExit),
    /// Kafka logs it and prints no usage.
    Logged(&'static str),
    /// Kafka logs that an exception came.
    Exception(JavaThrowable),
}

impl MirrorMakerOptions {
    /// What the options ask for.
    ///
    /// # Errors
    /// The first of Kafka's checks that fails.
    pub(super) fn check(self) -> Result<MirrorCommand, MirrorRefusal> {
        let (exception, illegal) = (MirrorRefusal::Exception, "java.lang.IllegalArgumentException");
        require(self.consumer_config.is_some(), "consumer.config").map_err(MirrorRefusal::Usage)?;
        require(self.producer_config.is_some(), "producer.config").map_err(MirrorRefusal::Usage)?;
        let consumer = load_properties(self.consumer_config.as_deref().unwrap_or_default());
        let consumer = consumer_settings(consumer.map_err(exception)?);
        let Some(whitelist) = self.whitelist else {
            return Err(MirrorRefusal::Logged("whitelist must be specified"));
        };
        if consumer.get(STRATEGY).is_none() {
            warn_of_strategy();
        }
        let abort_on_send_failure = match self.abort_on_send_failure.to_lowercase().as_str() {
            "true" => true,
            "false" => false,
            other => {
                let message = format!("For input string: \"{other}\"");
                return Err(exception(JavaThrowable::new(illegal, message)));
            }
        };
        let producer = load_properties(self.producer_config.as_deref().unwrap_or_default());
        let (producer, sync) = producer_settings(producer.map_err(exception)?);
        let classes = [
            ("consumer.rebalance.listener", &self.consumer_rebalance_listener),
            ("message.handler", &self.message_handler),
        ];
        for (option, class) in classes {
            if let Some(class) = class {
                let message = format!("{class} (Java classes cannot be run here: leave --{option} out)");
                return Err(exception(JavaThrowable::new("java.lang.ClassNotFoundException", message)));
            }
        }
        let streams = usize::try_from(self.num_streams).unwrap_or(0);
        if streams == 0 {
            let message = format!("num.streams must be at least 1, and is {}", self.num_streams);
            return Err(exception(JavaThrowable::new(illegal, message)));
        }
        Ok(MirrorCommand {
            consumer,
            producer,
            sync,
            whitelist,
            streams,
            commit_interval: Duration::from_millis(
                u64::try_from(self.offset_commit_interval_ms).unwrap_or(0),
            ),
            abort_on_send_failure,
        })
    }
}

impl MirrorCommand {
    /// The settings of the consumer of this number.
    pub(super) fn consumer_settings(&self, stream: usize) -> Properties {
        let group = self.consumer.get("group.id").unwrap_or("null");
        let mut settings = self.consumer.clone();
        settings.set("client.id", format!("{group}-{stream}"));
        settings
    }
}

/// What Kafka prints where the consumers' file does not set how partitions are assigned.
fn warn_of_strategy() {
    eprintln!(
        "WARNING: The default partition assignment strategy of the mirror maker will change from 'range' to 'roundrobin' \
         in an upcoming release (so that better load balancing can be achieved). If you prefer to make this switch in \
         advance of that release add the following to the corresponding config: \
         'partition.assignment.strategy=org.apache.kafka.clients.consumer.RoundRobinAssignor'"
    );
}

/// The consumers' settings: they do not commit by themselves, unless their file wants it.
fn consumer_settings(mut settings: Properties) -> Properties {
    if settings.get("enable.auto.commit").is_none() {
        settings.set("enable.auto.commit", "false");
    }
    settings
}

/// The producer's settings, and whether each record is awaited.
fn producer_settings(mut settings: Properties) -> (Properties, bool) {
    let sync = settings.get("producer.type") == Some("sync");
    settings.remove("producer.type");
    for (key, value) in PRODUCER_DEFAULTS {
        if settings.get(key).is_none() {
            settings.set(key, value);
        }
    }
    (settings, sync)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_record_is_lost_where_the_files_set_nothing() {
        let (settings, sync) =
            producer_settings([("acks", "1"), ("producer.type", "sync")].into_iter().collect());
        assert!(sync);
        assert_eq!(settings.get("producer.type"), None);
        assert_eq!(settings.get("acks"), Some("1"), "the file wants it");
        assert_eq!(settings.get("max.in.flight.requests.per.connection"), Some("1"));
        assert_eq!(settings.get("delivery.timeout.ms"), Some("2147483647"));
        assert_eq!(consumer_settings(Properties::default()).get("enable.auto.commit"), Some("false"));
    }
}
