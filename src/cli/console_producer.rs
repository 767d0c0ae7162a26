//! `kafka-console-producer.sh`: lines of standard input become records (Kafka's `ConsoleProducer`).

use std::io::Write;
use std::process::ExitCode;

use bytes::Bytes;
use clap::Parser;
use log::LevelFilter;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::signal::unix::{SignalKind, signal};

use super::arguments::{self, EarlyExit, require};
use super::java::{self, JavaClient};
use super::{block_on, logging};
use crate::base::Clock;
use crate::client::Producer;
use crate::client::error::ClientError;
use crate::client::producer::{Delivery, ProducerRecord};
use crate::client::settings::ProducerSettings;
use crate::config::Properties;

/// The options.
#[derive(Debug, Parser)]
struct ConsoleProducerOptions {
    /// Accepted for old scripts; --max-partition-memory-bytes bounds batches.
    #[arg(long, value_name = "size")]
    batch_size: Option<i32>,
    /// The brokers to send to, as host:port[,host:port...]. Required, unless --broker-list is given.
    #[arg(long, value_name = "servers")]
    bootstrap_server: Option<String>,
    /// The old name of --bootstrap-server.
    #[arg(long, value_name = "servers")]
    broker_list: Option<String>,
    /// Compress batches: none, gzip, snappy, lz4 or zstd; gzip where no codec is named.
    #[arg(long, value_name = "codec", num_args = 0..=1, default_missing_value = "gzip")]
    compression_codec: Option<String>,
    /// Accepted for old scripts; only lines can be read.
    #[arg(long, value_name = "class")]
    line_reader: Option<String>,
    /// How long sending may wait for metadata or memory, in milliseconds (60000).
    #[arg(long, value_name = "ms")]
    max_block_ms: Option<i64>,
    /// Bytes of records that may wait to be sent (33554432).
    #[arg(long, value_name = "bytes")]
    max_memory_bytes: Option<i64>,
    /// Bytes after which the batch of a partition is full (16384).
    #[arg(long, value_name = "bytes")]
    max_partition_memory_bytes: Option<i64>,
    /// How often a batch is sent again (3).
    #[arg(long, value_name = "times")]
    message_send_max_retries: Option<i32>,
    /// Accepted for old scripts; metadata is asked for when it is needed.
    #[arg(long, value_name = "ms")]
    metadata_expiry_ms: Option<i64>,
    /// A producer setting, as key=value; may be given several times.
    #[arg(long, value_name = "key=value")]
    producer_property: Vec<String>,
    /// A properties file of producer settings; --producer-property goes before it.
    #[arg(long = "producer.config", value_name = "file")]
    producer_config: Option<String>,
    /// How lines are read, as key=value: parse.key (false), key.separator (tab), ignore.error (false).
    #[arg(long, value_name = "key=value")]
    property: Vec<String>,
    /// How many replicas must have a batch: 0, 1 or all (1).
    #[arg(long, value_name = "acks", allow_hyphen_values = true)]
    request_required_acks: Option<String>,
    /// How long a request may take, in milliseconds (1500).
    #[arg(long, value_name = "ms")]
    request_timeout_ms: Option<i32>,
    /// How long to wait before a batch is sent again, in milliseconds (100).
    #[arg(long, value_name = "ms")]
    retry_backoff_ms: Option<i32>,
    /// Accepted for old scripts.
    #[arg(long, value_name = "bytes")]
    socket_buffer_size: Option<i32>,
    /// Wait for the answer to each line before the next is read.
    #[arg(long)]
    sync: bool,
    /// How long a batch waits for more lines, in milliseconds (1000).
    #[arg(long, value_name = "ms")]
    timeout: Option<i32>,
    /// The topic to send to. Required.
    #[arg(long, value_name = "topic")]
    topic: Option<String>,
}

/// Runs the tool; exit code 1 where it cannot begin or a line cannot be read, 130 and 143 where a signal ended it.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let about = "This tool helps to read data from standard input and publish it to Kafka.";
    let command =
        match arguments::parse::<ConsoleProducerOptions>(about, &arguments).and_then(ProduceCommand::check) {
            Ok(command) => command,
            Err(refusal) => return refusal.print::<ConsoleProducerOptions>(),
        };
    match block_on(command.execute()) {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Options that were found to go together.
struct ProduceCommand {
    topic: String,
    sync: bool,
    settings: Properties,
    lines: LineReader,
}

impl ProduceCommand {
    fn check(options: ConsoleProducerOptions) -> Result<Self, EarlyExit> {
        require(options.topic.is_some(), "topic")?;
        let bootstrap = options.bootstrap_server.clone().or_else(|| options.broker_list.clone());
        let Some(bootstrap) = bootstrap else {
            return Err(EarlyExit::Usage("Missing required argument \"[bootstrap-server]\"".to_owned()));
        };
        let lines = LineReader::new(&arguments::pairs(&options.property)?);
        let settings = options.settings(&bootstrap)?;
        Ok(Self { topic: options.topic.unwrap_or_default(), sync: options.sync, settings, lines })
    }

    /// The exit code: 0 at the end of the input, 130 or 143 after a signal; what was read before is sent first.
    async fn execute(self) -> anyhow::Result<u8> {
        let mut settings = ProducerSettings::read(&self.settings).map_err(|error| match error {
            ClientError::UnknownCompression(_) => anyhow::anyhow!(
                "org.apache.kafka.common.KafkaException: Failed to construct kafka producer\nCaused by: {}",
                java::JavaException(&error)
            ),
            other => anyhow::anyhow!("{}", java::JavaException(&other)),
        })?;
        JavaClient::Producer.log_ignored(&settings.ignored);
        settings.cluster.events = JavaClient::Producer.log_events(&settings.cluster.client_id);
        let producer = Producer::new(settings).await?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let outcome = tokio::select! {
            outcome = self.send_lines(&producer) => outcome.map(|()| 0),
            _ = interrupted.recv() => Ok(130),
            _ = terminated.recv() => Ok(143),
        };
        producer.close().await;
        outcome
    }

    async fn send_lines(mut self, producer: &Producer) -> anyhow::Result<()> {
        let mut input = BufReader::new(tokio::io::stdin());
        let mut reports = tokio::task::JoinSet::new();
        while let Some(record) = self.lines.next(&mut input).await? {
            let about = Report::of(&self.topic, &record);
            match producer.send(&self.topic, None, &record).await {
                Err(error) => about.failed(&java::JavaException(&error).to_string()),
                Ok(delivery) if self.sync => about.wait(delivery).await,
                Ok(delivery) => {
                    reports.spawn(about.wait(delivery));
                }
            }
            while reports.try_join_next().is_some() {}
        }
        producer.flush().await;
        reports.join_all().await;
        Ok(())
    }
}

impl ConsoleProducerOptions {
    /// The producer's settings: an option where it was typed, else the property, else the tool's own default.
    fn settings(&self, bootstrap: &str) -> Result<Properties, EarlyExit> {
        let mut settings = arguments::settings(self.producer_config.as_deref(), &self.producer_property)?;
        let text = |value: Option<i64>| value.map(|number| number.to_string());
        let merged = [
            ("acks", self.request_required_acks.clone(), "1"),
            ("batch.size", text(self.max_partition_memory_bytes), "16384"),
            ("buffer.memory", text(self.max_memory_bytes), "33554432"),
            ("compression.type", self.compression_codec.clone(), "none"),
            ("linger.ms", text(self.timeout.map(Into::into)), "1000"),
            ("max.block.ms", text(self.max_block_ms), "60000"),
            ("request.timeout.ms", text(self.request_timeout_ms.map(Into::into)), "1500"),
            ("retries", text(self.message_send_max_retries.map(Into::into)), "3"),
            ("retry.backoff.ms", text(self.retry_backoff_ms.map(Into::into)), "100"),
            ("client.id", None, "console-producer"),
        ];
        for (key, typed, default) in merged {
            if typed.is_some() || settings.get(key).is_none() {
                settings.set(key, typed.unwrap_or_else(|| default.to_owned()));
            }
        }
        settings.set("bootstrap.servers", bootstrap);
        Ok(settings)
    }
}

/// Makes records of lines (Kafka's `LineMessageReader`).
struct LineReader {
    parse_key: bool,
    separator: Vec<u8>,
    ignore_error: bool,
    number: u64,
}

impl LineReader {
    fn new(properties: &Properties) -> Self {
        let is_true =
            |key| properties.get(key).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        Self {
            parse_key: is_true("parse.key"),
            separator: properties.get("key.separator").unwrap_or("\t").as_bytes().to_vec(),
            ignore_error: is_true("ignore.error"),
            number: 0,
        }
    }

    /// The next line's record; None at the end of the input.
    async fn next(
        &mut self,
        input: &mut (impl AsyncBufReadExt + Unpin),
    ) -> anyhow::Result<Option<ProducerRecord>> {
        // A line is sent whether or not the prompt can be printed.
        let _ = std::io::stdout().write_all(b">").and_then(|()| std::io::stdout().flush());
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        for end in [b'\n', b'\r'] {
            line.pop_if(|last| *last == end);
        }
        self.number += 1;
        self.record(&line).map(Some)
    }

    fn record(&self, line: &[u8]) -> anyhow::Result<ProducerRecord> {
        let value = |bytes: &[u8]| Some(Bytes::copy_from_slice(bytes));
        let plain = ProducerRecord {
            value: value(line),
            timestamp: Clock::System.now(),
            ..ProducerRecord::default()
        };
        if !self.parse_key {
            return Ok(plain);
        }
        let width = self.separator.len().max(1);
        match line.windows(width).position(|it| it == self.separator) {
            Some(at) => {
                Ok(ProducerRecord { key: value(&line[..at]), value: value(&line[at + width..]), ..plain })
            }
            None if self.ignore_error => Ok(plain),
            None => anyhow::bail!(
                "org.apache.kafka.common.KafkaException: No key found on line {}: {}",
                self.number,
                String::from_utf8_lossy(line)
            ),
        }
    }
}

/// Logs a record that could not be sent (Kafka's `ErrorLoggingCallback`).
struct Report {
    sentence: String,
}

impl Report {
    fn of(topic: &str, record: &ProducerRecord) -> Self {
        let size = |bytes: &Option<Bytes>| {
            bytes.as_ref().map_or("null".to_owned(), |it| format!("{} bytes", it.len()))
        };
        let (key, value) = (size(&record.key), size(&record.value));
        Self {
            sentence: format!(
                "Error when sending message to topic {topic} with key: {key}, value: {value} with error:"
            ),
        }
    }

    fn failed(&self, error: &str) {
        let target = "org.apache.kafka.clients.producer.internals.ErrorLoggingCallback";
        log::error!(target: target, "{}", self.sentence);
        eprintln!("{error}");
    }

    async fn wait(self, delivery: Delivery) {
        if let Ok(Err(error)) = delivery.await {
            self.failed(&java::JavaException(&error).to_string());
        }
    }
}

#[cfg(test)]
mod tests;
