//! Records as they are printed where no formatter is named (`kafka.tools.DefaultMessageFormatter`).

use std::io::Write;

use super::deserializer::{RecordDeserializer, RecordPart};
use super::{FormatError, MessageFormatter, UnknownClass};
use crate::client::consumer::ConsumerRecordRef;
use crate::config::Properties;
use crate::wire::batch::TimestampType;

/// What is printed of each record, and what between the parts.
#[derive(Debug)]
pub(super) struct DefaultMessageFormatter {
    timestamp: bool,
    partition: bool,
    offset: bool,
    headers: bool,
    key: bool,
    value: bool,
    key_separator: Vec<u8>,
    line_separator: Vec<u8>,
    headers_separator: Vec<u8>,
    null: Vec<u8>,
    key_deserializer: RecordDeserializer,
    value_deserializer: RecordDeserializer,
    headers_deserializer: RecordDeserializer,
}

impl DefaultMessageFormatter {
    /// The formatter with these properties.
    ///
    /// # Errors
    /// There is no deserializer of a class.
    pub(super) fn new(properties: &Properties) -> Result<Self, UnknownClass> {
        let is = |key, default| {
            properties.get(key).map_or(default, |value| value.trim().eq_ignore_ascii_case("true"))
        };
        let text = |key, default: &str| properties.get(key).unwrap_or(default).as_bytes().to_vec();
        let deserializer = |part| RecordDeserializer::of(part, properties);
        Ok(Self {
            timestamp: is("print.timestamp", false),
            partition: is("print.partition", false),
            offset: is("print.offset", false),
            headers: is("print.headers", false),
            key: is("print.key", false),
            value: is("print.value", true),
            key_separator: text("key.separator", "\t"),
            line_separator: text("line.separator", "\n"),
            headers_separator: text("headers.separator", ","),
            null: text("null.literal", "null"),
            key_deserializer: deserializer(RecordPart::Key)?,
            value_deserializer: deserializer(RecordPart::Value)?,
            headers_deserializer: deserializer(RecordPart::Headers)?,
        })
    }

    /// Prints bytes as their deserializer reads them. The literal for null is read by it, too, as in Kafka.
    fn print(
        &self,
        bytes: Option<&[u8]>,
        deserializer: &RecordDeserializer,
        out: &mut dyn Write,
    ) -> Result<(), FormatError> {
        Ok(out.write_all(&deserializer.text(bytes.unwrap_or(&self.null))?)?)
    }

    fn print_headers(&self, record: &ConsumerRecordRef<'_>, out: &mut dyn Write) -> Result<(), FormatError> {
        if record.headers.is_empty() {
            out.write_all(b"NO_HEADERS")?;
        }
        for (at, (name, value)) in record.headers.iter().enumerate() {
            if at > 0 {
                out.write_all(&self.headers_separator)?;
            }
            write!(out, "{name}:")?;
            self.print(value, &self.headers_deserializer, out)?;
        }
        Ok(())
    }
}

/// A record's timestamp with its type; None where its format has none.
pub(super) fn timestamp(record: &ConsumerRecordRef<'_>) -> Option<String> {
    let has_time = record.timestamp_type != TimestampType::None;
    has_time.then(|| format!("{}:{}", record.timestamp_type.name(), record.timestamp))
}

impl MessageFormatter for DefaultMessageFormatter {
    fn write(&self, record: &ConsumerRecordRef<'_>, out: &mut dyn Write) -> Result<(), FormatError> {
        let parts = [self.timestamp, self.partition, self.offset, self.headers, self.key, self.value];
        // Behind each part stands a separator, behind the last one the line's end.
        let end = |part: usize, out: &mut dyn Write| {
            let is_last = !parts[part + 1..].contains(&true);
            out.write_all(if is_last { &self.line_separator } else { &self.key_separator })
        };
        if self.timestamp {
            out.write_all(timestamp(record).as_deref().unwrap_or("NO_TIMESTAMP").as_bytes())?;
            end(0, out)?;
        }
        if self.partition {
            write!(out, "Partition:{}", record.partition.partition)?;
            end(1, out)?;
        }
        if self.offset {
            write!(out, "Offset:{}", record.offset)?;
            end(2, out)?;
        }
        if self.headers {
            self.print_headers(record, out)?;
            end(3, out)?;
        }
        if self.key {
            self.print(record.key, &self.key_deserializer, out)?;
            end(4, out)?;
        }
        if self.value {
            self.print(record.value, &self.value_deserializer, out)?;
            end(5, out)?;
        }
        Ok(())
    }
}
