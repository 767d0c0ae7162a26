//! How a record is printed (Kafka's `DefaultMessageFormatter`).

use std::io::{self, Write};

use crate::client::consumer::Consumed;
use crate::config::Properties;

/// The formatter where none is named.
pub(super) const DEFAULT: &str = "kafka.tools.DefaultMessageFormatter";

/// What is printed of each record, and what between the parts.
#[derive(Debug)]
pub(super) struct Formatter {
    nothing: bool,
    timestamp: bool,
    key: bool,
    offset: bool,
    partition: bool,
    headers: bool,
    value: bool,
    key_separator: Vec<u8>,
    line_separator: Vec<u8>,
    headers_separator: Vec<u8>,
    null: Vec<u8>,
    key_type: Deserializer,
    value_type: Deserializer,
}

/// There is no formatter or deserializer of this class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnknownClass(pub(super) String);

/// How bytes are shown.
#[derive(Clone, Copy, Debug)]
enum Deserializer {
    /// As they are.
    Text,
    /// As a big-endian number of 4 or 8 bytes.
    Number(usize),
}

impl Deserializer {
    fn of(class: Option<&str>) -> Result<Self, UnknownClass> {
        match class.map(|it| it.trim_start_matches("org.apache.kafka.common.serialization.")) {
            None | Some("StringDeserializer" | "ByteArrayDeserializer" | "BytesDeserializer") => {
                Ok(Self::Text)
            }
            Some("IntegerDeserializer") => Ok(Self::Number(4)),
            Some("LongDeserializer") => Ok(Self::Number(8)),
            Some(_) => Err(UnknownClass(class.unwrap_or_default().to_owned())),
        }
    }

    fn show(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Text => Ok(bytes.to_vec()),
            Self::Number(width) if bytes.len() == width => {
                // Sign-extended from its first byte.
                let first = if bytes[0] < 0x80 { 0 } else { -1i64 };
                let number = bytes.iter().fold(first, |sum, byte| sum << 8 | i64::from(*byte));
                Ok(number.to_string().into_bytes())
            }
            Self::Number(width) => {
                Err(io::Error::other(format!("Size of data received by deserializer is not {width}")))
            }
        }
    }
}

impl Formatter {
    /// The formatter of a class with these properties; the name of a class that is not known otherwise.
    pub(super) fn new(class: &str, properties: &Properties) -> Result<Self, UnknownClass> {
        let nothing = match class {
            DEFAULT => false,
            "kafka.tools.NoOpMessageFormatter" => true,
            other => return Err(UnknownClass(other.to_owned())),
        };
        let is = |key, default| {
            properties.get(key).map_or(default, |value| value.trim().eq_ignore_ascii_case("true"))
        };
        let text = |key, default: &str| properties.get(key).unwrap_or(default).as_bytes().to_vec();
        Ok(Self {
            nothing,
            timestamp: is("print.timestamp", false),
            key: is("print.key", false),
            offset: is("print.offset", false),
            partition: is("print.partition", false),
            headers: is("print.headers", false),
            value: is("print.value", true),
            key_separator: text("key.separator", "\t"),
            line_separator: text("line.separator", "\n"),
            headers_separator: text("headers.separator", ","),
            null: text("null.literal", "null"),
            key_type: Deserializer::of(properties.get("key.deserializer"))?,
            value_type: Deserializer::of(properties.get("value.deserializer"))?,
        })
    }

    /// Prints a record, its parts in Kafka's order.
    pub(super) fn print(&self, out: &mut impl Write, consumed: &Consumed) -> io::Result<()> {
        if self.nothing {
            return Ok(());
        }
        let record = &consumed.record;
        let mut parts: Vec<Vec<u8>> = Vec::new();
        if self.timestamp {
            let kind = if consumed.append_time { "LogAppendTime" } else { "CreateTime" };
            let known = format!("{kind}:{}", record.timestamp);
            parts.push(if record.timestamp < 0 { b"NO_TIMESTAMP".to_vec() } else { known.into_bytes() });
        }
        if self.partition {
            parts.push(format!("Partition:{}", consumed.partition.partition).into_bytes());
        }
        if self.offset {
            parts.push(format!("Offset:{}", record.offset).into_bytes());
        }
        if self.headers {
            parts.push(self.headers_of(consumed));
        }
        if self.key {
            parts.push(self.bytes(record.key.as_deref(), self.key_type)?);
        }
        if self.value {
            parts.push(self.bytes(record.value.as_deref(), self.value_type)?);
        }
        out.write_all(&parts.join(&self.key_separator[..]))?;
        out.write_all(&self.line_separator)
    }

    fn bytes(&self, bytes: Option<&[u8]>, shown: Deserializer) -> io::Result<Vec<u8>> {
        bytes.map_or_else(|| Ok(self.null.clone()), |bytes| shown.show(bytes))
    }

    fn headers_of(&self, consumed: &Consumed) -> Vec<u8> {
        if consumed.record.headers.is_empty() {
            return b"NO_HEADERS".to_vec();
        }
        let each =
            consumed.record.headers.iter().map(|(name, value)| {
                [name.as_bytes(), b":", value.as_deref().unwrap_or(&self.null)].concat()
            });
        each.collect::<Vec<_>>().join(&self.headers_separator[..])
    }
}

#[cfg(test)]
mod tests;
