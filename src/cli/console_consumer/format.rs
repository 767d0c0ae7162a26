//! How a record is printed: the formatters that `--formatter` names by their Java classes.
//!
//! Kafka: `MessageFormatter` and the classes that implement it.

use std::io::{self, Write};

use crate::client::consumer::ConsumerRecordRef;
use crate::config::Properties;

mod default;
mod deserializer;
mod internal_topics;

/// The formatter where none is named.
pub(in crate::cli) const DEFAULT: &str = "kafka.tools.DefaultMessageFormatter";

/// Prints records.
pub(in crate::cli) trait MessageFormatter {
    /// Prints a record, or nothing where the formatter leaves the record out.
    fn write(&self, record: &ConsumerRecordRef<'_>, out: &mut dyn Write) -> Result<(), FormatError>;
}

/// Why a record was not printed.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum FormatError {
    /// The output cannot be written to.
    #[error("{0}")]
    Output(#[from] io::Error),
    /// The record is none that the formatter can print.
    #[error("{message}")]
    Record {
        /// The class of Java's exception.
        class: &'static str,
        /// Its message.
        message: String,
    },
}

impl FormatError {
    fn kafka(message: impl Into<String>) -> Self {
        Self::Record { class: "org.apache.kafka.common.KafkaException", message: message.into() }
    }
}

/// There is no formatter or deserializer of this class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct UnknownClass(pub(in crate::cli) String);

/// The formatter of a class with these properties. Formatters of Kafka's own topics are found by the names that they
/// had before 1.0, too.
///
/// # Errors
/// There is no such class, or no such class of a deserializer.
pub(in crate::cli) fn formatter(
    class: &str,
    properties: &Properties,
) -> Result<Box<dyn MessageFormatter>, UnknownClass> {
    Ok(match class {
        DEFAULT => Box::new(default::DefaultMessageFormatter::new(properties)?),
        "kafka.tools.LoggingMessageFormatter" => {
            Box::new(LoggingMessageFormatter(default::DefaultMessageFormatter::new(properties)?))
        }
        "kafka.tools.NoOpMessageFormatter" => Box::new(NoOpMessageFormatter),
        "kafka.tools.ChecksumMessageFormatter" => {
            let topic = properties.get("topic").map(|topic| format!("{topic}:"));
            Box::new(ChecksumMessageFormatter { topic: topic.unwrap_or_default() })
        }
        "kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter"
        | "kafka.coordinator.GroupMetadataManager$OffsetsMessageFormatter"
        | "kafka.server.OffsetManager$OffsetsMessageFormatter" => {
            Box::new(internal_topics::OffsetsMessageFormatter)
        }
        "kafka.coordinator.group.GroupMetadataManager$GroupMetadataMessageFormatter"
        | "kafka.coordinator.GroupMetadataManager$GroupMetadataMessageFormatter" => {
            Box::new(internal_topics::GroupMetadataMessageFormatter)
        }
        "kafka.coordinator.transaction.TransactionLog$TransactionLogMessageFormatter" => {
            Box::new(internal_topics::TransactionLogMessageFormatter)
        }
        other => return Err(UnknownClass(other.to_owned())),
    })
}

/// Prints a record as the default formatter does, and logs it, too.
struct LoggingMessageFormatter(default::DefaultMessageFormatter);

impl MessageFormatter for LoggingMessageFormatter {
    fn write(&self, record: &ConsumerRecordRef<'_>, out: &mut dyn Write) -> Result<(), FormatError> {
        self.0.write(record, out)?;
        let text = |bytes: Option<&[u8]>| {
            bytes.map_or("null".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
        };
        let time = default::timestamp(record).map(|time| time + ", ").unwrap_or_default();
        log::info!(
            target: "kafka.tools.LoggingMessageFormatter",
            "{time}key:{}, value:{}",
            text(record.key),
            text(record.value)
        );
        Ok(())
    }
}

/// Prints nothing.
struct NoOpMessageFormatter;

impl MessageFormatter for NoOpMessageFormatter {
    fn write(&self, _: &ConsumerRecordRef<'_>, _: &mut dyn Write) -> Result<(), FormatError> {
        Ok(())
    }
}

/// Prints the checksum of a record, which the consumer of 2.7 does not know any more: it prints 0.
struct ChecksumMessageFormatter {
    /// The property `topic` and a colon, or nothing.
    topic: String,
}

impl MessageFormatter for ChecksumMessageFormatter {
    fn write(&self, _: &ConsumerRecordRef<'_>, out: &mut dyn Write) -> Result<(), FormatError> {
        Ok(writeln!(out, "{}checksum:0", self.topic)?)
    }
}

#[cfg(test)]
mod tests;
