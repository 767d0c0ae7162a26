//! The options of `kafka-console-producer.sh`, and the settings that they make.
//!
//! Pure but for the file of `--producer.config`. Kafka: `ConsoleProducer.ProducerConfig`, `producerProps`.

use clap::Parser;

use super::line_reader::LineReader;
use super::old_options::OldProducerOptions;
use crate::cli::arguments::{self, EarlyExit, require};
use crate::config::Properties;

/// The reader of lines, the only one.
const LINE_READER: &str = "kafka.tools.ConsoleProducer$LineMessageReader";

/// The options.
#[derive(Debug, Parser)]
pub(crate) struct ConsoleProducerOptions {
    /// Accepted for old scripts; --max-partition-memory-bytes bounds batches.
    #[arg(long, value_name = "size")]
    batch_size: Option<i32>,
    /// The brokers to send to, as host:port[,host:port...]. Required, unless --broker-list or --zookeeper is given.
    #[arg(long, value_name = "servers")]
    bootstrap_server: Option<String>,
    /// The old name of --bootstrap-server.
    #[arg(long, value_name = "servers")]
    broker_list: Option<String>,
    /// Compress batches: none, gzip, snappy, lz4 or zstd; gzip where no codec is named.
    #[arg(long, value_name = "codec", num_args = 0..=1, default_missing_value = "gzip")]
    compression_codec: Option<String>,
    /// Accepted for old scripts; only kafka.tools.ConsoleProducer$LineMessageReader can be read by.
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
    /// After which time metadata is asked for anew, in milliseconds (300000).
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
    #[command(flatten)]
    old: OldProducerOptions,
    /// How long a request may take, in milliseconds (1500).
    #[arg(long, value_name = "ms")]
    request_timeout_ms: Option<i32>,
    /// How long to wait before a batch is sent again, in milliseconds (100).
    #[arg(long, value_name = "ms")]
    retry_backoff_ms: Option<i32>,
    /// The size of a socket's buffer for what is sent; the system's where it is not given.
    #[arg(long, value_name = "bytes")]
    socket_buffer_size: Option<i32>,
    /// Wait for the answer to each line before the next is read; the first line that cannot be sent is the last.
    #[arg(long)]
    sync: bool,
    /// How long a batch waits for more lines, in milliseconds (1000).
    #[arg(long, value_name = "ms")]
    timeout: Option<i32>,
    /// The topic to send to. Required.
    #[arg(long, value_name = "topic")]
    topic: Option<String>,
}

/// Options that were found to go together.
pub(super) struct ProduceCommand {
    /// The topic to send to.
    pub topic: String,
    /// Whether each line waits for its answer.
    pub sync: bool,
    /// How many lines may wait for their answers.
    pub queue_size: usize,
    /// The producer's settings.
    pub settings: Properties,
    /// Makes records of lines.
    pub lines: LineReader,
}

/// What a producer is to find its cluster by.
enum ProducerCluster<'a> {
    /// These brokers.
    Servers(&'a str),
    /// An ensemble, as up to Kafka 0.7.
    ZooKeeper(&'a str),
}

impl ConsoleProducerOptions {
    /// Checks which options go together, in Kafka's order.
    ///
    /// # Errors
    /// The refusal, in Kafka's words.
    pub(super) fn check(&self) -> Result<ProduceCommand, EarlyExit> {
        let cluster = self.cluster()?;
        require(self.topic.is_some(), "topic")?;
        if let ProducerCluster::Servers(servers) = cluster {
            arguments::check_servers(servers)?;
        }
        let topic = self.topic.clone().unwrap_or_default();
        let lines = LineReader::new(&topic, &arguments::pairs(&self.property), self.old.encoders()?);
        if let Some(class) = self.line_reader.as_deref().filter(|class| *class != LINE_READER) {
            return Err(EarlyExit::Thrown("java.lang.ClassNotFoundException", class.to_owned()));
        }
        let settings = self.settings(&cluster)?;
        let queue_size = self.old.queue_size()?;
        Ok(ProduceCommand { topic, sync: self.sync, queue_size, settings, lines })
    }

    fn cluster(&self) -> Result<ProducerCluster<'_>, EarlyExit> {
        let servers = self.bootstrap_server.as_deref().or(self.broker_list.as_deref());
        match (servers, self.old.zookeeper()) {
            (Some(servers), None) => Ok(ProducerCluster::Servers(servers)),
            (None, Some(connect)) => Ok(ProducerCluster::ZooKeeper(connect)),
            (Some(_), Some(_)) => {
                let name = if self.bootstrap_server.is_some() { "bootstrap-server" } else { "broker-list" };
                Err(EarlyExit::Usage(format!("Option [{name}] is not valid with [zookeeper].")))
            }
            (None, None) => Err(EarlyExit::Usage("Missing required option(s) [bootstrap-server]".to_owned())),
        }
    }

    /// The producer's settings: an option where it was typed, else the property, else the tool's own default.
    fn settings(&self, cluster: &ProducerCluster<'_>) -> Result<Properties, EarlyExit> {
        let mut settings = arguments::settings(self.producer_config.as_deref(), &self.producer_property)?;
        let text = |value: Option<i64>| value.map(|number| number.to_string());
        let merged = [
            ("acks", self.request_required_acks.clone(), "1"),
            ("batch.size", text(self.max_partition_memory_bytes), "16384"),
            ("buffer.memory", text(self.max_memory_bytes), "33554432"),
            ("compression.type", self.compression_codec.clone().or(self.old.compression()), "none"),
            ("linger.ms", text(self.timeout.map(Into::into)), "1000"),
            ("max.block.ms", text(self.max_block_ms.or(self.old.max_block_ms())), "60000"),
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
        for (key, typed) in [
            ("metadata.max.age.ms", text(self.metadata_expiry_ms)),
            ("send.buffer.bytes", text(self.socket_buffer_size.map(Into::into))),
        ] {
            if let Some(typed) = typed {
                settings.set(key, typed);
            }
        }
        match cluster {
            ProducerCluster::Servers(servers) => settings.set("bootstrap.servers", *servers),
            ProducerCluster::ZooKeeper(connect) => settings.set("zookeeper.connect", *connect),
        }
        Ok(settings)
    }
}
