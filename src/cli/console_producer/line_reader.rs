//! Lines of standard input as records.
//!
//! Kafka: `ConsoleProducer.LineMessageReader`.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::AsyncBufReadExt;

use super::old_options::{LineEncoder, LineEncoders};
use crate::cli::throwable::JavaThrowable;
use crate::client::ProducerRecord;
use crate::config::Properties;

/// Makes records of lines (Kafka's `LineMessageReader`).
pub(super) struct LineReader {
    topic: Arc<str>,
    parse_key: bool,
    separator: Vec<u8>,
    ignore_error: bool,
    encoders: LineEncoders,
    number: u64,
}

impl LineReader {
    /// The reader with these properties.
    pub(super) fn new(topic: &str, properties: &Properties, encoders: LineEncoders) -> Self {
        let is_true =
            |key| properties.get(key).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        Self {
            topic: topic.into(),
            parse_key: is_true("parse.key"),
            separator: properties.get("key.separator").unwrap_or("\t").as_bytes().to_vec(),
            ignore_error: is_true("ignore.error"),
            encoders,
            number: 0,
        }
    }

    /// The next line's record; None at the end of the input.
    ///
    /// # Errors
    /// The input cannot be read, or a line has no key.
    pub(super) async fn next(
        &mut self,
        input: &mut (impl AsyncBufReadExt + Unpin),
    ) -> Result<Option<ProducerRecord>, JavaThrowable> {
        // A line is sent whether or not the prompt can be printed.
        let _ = std::io::stdout().write_all(b">").and_then(|()| std::io::stdout().flush());
        let mut line = Vec::new();
        let read = input.read_until(b'\n', &mut line).await;
        if read.map_err(|error| JavaThrowable::new("java.io.IOException", error.to_string()))? == 0 {
            return Ok(None);
        }
        for end in [b'\n', b'\r'] {
            line.pop_if(|last| *last == end);
        }
        self.number += 1;
        self.record(&line).map(Some)
    }

    fn record(&self, line: &[u8]) -> Result<ProducerRecord, JavaThrowable> {
        let plain = ProducerRecord {
            value: encode(line, self.encoders.value),
            ..ProducerRecord::tombstone(self.topic.clone())
        };
        if !self.parse_key {
            return Ok(plain);
        }
        let width = self.separator.len();
        // An empty separator stands at the begin of every line.
        let at = if width == 0 { Some(0) } else { line.windows(width).position(|it| it == self.separator) };
        match at {
            Some(at) => Ok(ProducerRecord {
                key: encode(&line[..at], self.encoders.key),
                value: encode(&line[at + width..], self.encoders.value),
                ..plain
            }),
            None if self.ignore_error => Ok(plain),
            None => {
                let line = String::from_utf8_lossy(line);
                let message = format!("No key found on line {}: {line}", self.number);
                Err(JavaThrowable::new("org.apache.kafka.common.KafkaException", message))
            }
        }
    }
}

fn encode(bytes: &[u8], encoder: LineEncoder) -> Option<Bytes> {
    match encoder {
        LineEncoder::Bytes => Some(Bytes::copy_from_slice(bytes)),
        LineEncoder::Null => None,
    }
}

#[cfg(test)]
mod tests;
