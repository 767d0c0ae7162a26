//! The options that the console producer had before Kafka 2.0, and what they mean for today's producer.
//!
//! Pure. Kafka: `ConsoleProducer` of 0.7 to 1.1. Options that 2.7.2 still has are not among them.

use clap::Args;

use crate::cli::arguments::EarlyExit;

/// How many lines may wait where `--queue-size` is not given.
const UNBOUNDED: usize = usize::MAX;

/// The options of old.
#[derive(Debug, Default, Args)]
#[group(skip)]
pub(super) struct OldProducerOptions {
    /// Compress batches with gzip, as in Kafka 0.8.0 and 0.8.1; --compression-codec goes before it.
    #[arg(long)]
    compress: bool,
    /// The class that encodes keys, as up to Kafka 1.1: kafka.serializer.DefaultEncoder or StringEncoder, which send
    /// the bytes as they were read, or NullEncoder, which sends none.
    #[arg(long, value_name = "class")]
    key_serializer: Option<String>,
    /// How long sending may wait for metadata, in milliseconds, as in Kafka 0.8.2; --max-block-ms goes before it.
    #[arg(long, value_name = "ms")]
    metadata_fetch_timeout_ms: Option<i64>,
    /// Accepted as the handbooks of 0.8.2 write it: there is only one producer.
    #[arg(long)]
    new_producer: bool,
    /// Accepted as the handbooks of 0.9 to 1.1 write it: there is only one producer.
    #[arg(long)]
    old_producer: bool,
    /// How long sending may wait for memory, in milliseconds, as up to Kafka 1.1; without an end where it is negative.
    /// --max-block-ms goes before it, and takes its place where it is 0, as that would leave no time for metadata.
    #[arg(long, value_name = "ms", allow_hyphen_values = true)]
    queue_enqueuetimeout_ms: Option<i64>,
    /// How many lines may wait for their answers, as up to Kafka 1.1; the next one is read once there are fewer.
    #[arg(long, value_name = "size", allow_hyphen_values = true)]
    queue_size: Option<i64>,
    /// The class that encodes values, as --key-serializer.
    #[arg(long, value_name = "class")]
    value_serializer: Option<String>,
    /// Find the brokers through ZooKeeper, as up to Kafka 0.7: the ensemble, as host:port,host:port,... with an
    /// optional /chroot. In place of --bootstrap-server.
    #[arg(long, value_name = "urls")]
    zookeeper: Option<String>,
}

/// What an encoder makes of a key or a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LineEncoder {
    /// The bytes as they were read.
    #[default]
    Bytes,
    /// Nothing.
    Null,
}

/// The encoders of a record's parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LineEncoders {
    pub key: LineEncoder,
    pub value: LineEncoder,
}

impl LineEncoder {
    /// The encoder of a class, or of the serializer that took its place.
    ///
    /// # Errors
    /// There is none of that class.
    fn of(class: Option<&str>) -> Result<Self, EarlyExit> {
        match class {
            None
            | Some(
                "kafka.serializer.DefaultEncoder"
                | "kafka.serializer.StringEncoder"
                | "org.apache.kafka.common.serialization.ByteArraySerializer"
                | "org.apache.kafka.common.serialization.StringSerializer",
            ) => Ok(Self::Bytes),
            Some("kafka.serializer.NullEncoder") => Ok(Self::Null),
            Some(class) => Err(EarlyExit::Thrown("java.lang.ClassNotFoundException", class.to_owned())),
        }
    }
}

impl OldProducerOptions {
    /// The ensemble that leads to the brokers.
    pub(super) fn zookeeper(&self) -> Option<&str> {
        self.zookeeper.as_deref()
    }

    /// The codec of `--compress`.
    pub(super) fn compression(&self) -> Option<String> {
        self.compress.then(|| "gzip".to_owned())
    }

    /// What these options make of `max.block.ms`.
    pub(super) fn max_block_ms(&self) -> Option<i64> {
        match self.queue_enqueuetimeout_ms {
            None | Some(0) => self.metadata_fetch_timeout_ms,
            Some(millis) if millis < 0 => Some(i64::MAX),
            millis => millis,
        }
    }

    /// How many lines may wait.
    ///
    /// # Errors
    /// Fewer than one; the words of 0.8's producer.
    pub(super) fn queue_size(&self) -> Result<usize, EarlyExit> {
        match self.queue_size {
            None => Ok(UNBOUNDED),
            Some(size) if size < 1 => Err(EarlyExit::Refused(format!(
                "Option [queue-size] is at least 1, not {size}: with no place in the queue nothing can be sent."
            ))),
            Some(size) => Ok(usize::try_from(size).unwrap_or(UNBOUNDED)),
        }
    }

    /// The encoders of keys and values.
    ///
    /// # Errors
    /// There is none of a class.
    pub(super) fn encoders(&self) -> Result<LineEncoders, EarlyExit> {
        Ok(LineEncoders {
            key: LineEncoder::of(self.key_serializer.as_deref())?,
            value: LineEncoder::of(self.value_serializer.as_deref())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_a_place_in_the_queue_is_waiting_for_memory() {
        let block = |queue_enqueuetimeout_ms, metadata_fetch_timeout_ms| {
            let options = OldProducerOptions {
                queue_enqueuetimeout_ms,
                metadata_fetch_timeout_ms,
                ..OldProducerOptions::default()
            };
            options.max_block_ms()
        };
        assert_eq!(block(None, None), None);
        assert_eq!(block(Some(-1), Some(5)), Some(i64::MAX));
        assert_eq!(block(Some(7), Some(5)), Some(7));
        assert_eq!(block(Some(0), Some(5)), Some(5));
    }
}
