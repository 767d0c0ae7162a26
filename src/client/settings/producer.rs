//! The settings of a producer. Pure. Kafka: `ProducerConfig`.

use std::sync::Arc;
use std::time::Duration;

use super::{IgnoredSetting, Keys, bad};
use crate::base::time::millis;
use crate::client::cluster::ClusterOptions;
use crate::client::error::ClientError;
use crate::client::producer::interceptor::ProducerInterceptor;
use crate::client::producer::partitioner::{self, DefaultPartitioner, Partitioner};
use crate::config::Properties;
use crate::wire::compression::Compression;

/// How a producer works. Made by [`ProducerSettings::new`] and changed by its methods, or read from properties with
/// Kafka's keys.
///
/// ```
/// # use std::time::Duration;
/// use barnabas::client::settings::ProducerSettings;
/// use barnabas::wire::compression::Compression;
/// let settings = ProducerSettings::new("localhost:9092")
///     .acks_all()
///     .linger(Duration::from_millis(5))
///     .compression(Compression::Zstd);
/// # let _ = settings;
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "ProducerConfig")]
pub struct ProducerSettings {
    /// How it reaches the cluster. Without a `client.id` its name is `producer-NUMBER`.
    pub cluster: ClusterOptions,
    /// How many replicas must have a batch: 0, 1, or -1 for all in sync (`acks`).
    pub acks: i16,
    /// The codec of batches (`compression.type`).
    pub compression: Compression,
    /// The codec's level (`compression.gzip.level`, `compression.lz4.level`, `compression.zstd.level`, KIP-390); None
    /// for its default.
    pub compression_level: Option<i32>,
    /// Bytes after which a batch is full (`batch.size`).
    pub batch_size: usize,
    /// How long a batch waits for more (`linger.ms`).
    pub linger: Duration,
    /// Bytes of records that may wait for their answers (`buffer.memory`).
    pub buffer_memory: usize,
    /// The largest request, and so the largest record, in bytes (`max.request.size`).
    pub max_request_size: usize,
    /// The most a record may take from being handed over to its answer (`delivery.timeout.ms`).
    pub delivery_timeout: Duration,
    /// The most that handing over may wait for metadata or memory, and a call of a transaction for its outcome
    /// (`max.block.ms`).
    pub max_block: Duration,
    /// How often a batch is sent again (`retries`).
    pub retries: u32,
    /// Whether batches have sequence numbers, so that each is written once (`enable.idempotence`); needs
    /// acks=all.
    pub idempotent: bool,
    /// The lasting name of a transactional producer (`transactional.id`).
    pub transactional_id: Option<String>,
    /// How long a transaction may last before the coordinator aborts it (`transaction.timeout.ms`).
    pub transaction_timeout: Duration,
    /// Chooses partitions (`partitioner.class`).
    pub partitioner: Arc<dyn Partitioner>,
    /// See every record, in this order. They are set by code: Java's `interceptor.classes` has no effect.
    pub interceptors: Vec<Arc<dyn ProducerInterceptor>>,
    /// Properties that have no effect.
    pub ignored: Vec<IgnoredSetting>,
}

impl ProducerSettings {
    /// Kafka's defaults for a producer at these bootstrap servers.
    pub fn new(bootstrap: &str) -> Self {
        Self {
            cluster: ClusterOptions::new(bootstrap, ""),
            acks: 1,
            compression: Compression::None,
            compression_level: None,
            batch_size: 16384,
            linger: Duration::ZERO,
            buffer_memory: 33_554_432,
            max_request_size: 1_048_576,
            delivery_timeout: Duration::from_secs(120),
            max_block: Duration::from_secs(60),
            retries: i32::MAX as u32,
            idempotent: false,
            transactional_id: None,
            transaction_timeout: Duration::from_secs(60),
            partitioner: Arc::new(DefaultPartitioner),
            interceptors: Vec::new(),
            ignored: Vec::new(),
        }
    }

    /// Has every replica in sync acknowledge a record.
    pub fn acks_all(mut self) -> Self {
        self.acks = -1;
        self
    }

    /// Has each record written once, and in order (`enable.idempotence`).
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self.acks_all()
    }

    /// Makes it a transactional producer with this lasting name.
    pub fn transactional(mut self, transactional_id: &str) -> Self {
        self.transactional_id = Some(transactional_id.to_owned());
        self.idempotent()
    }

    /// Sets how long a batch waits for more.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Sets the codec of batches.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Sets what chooses partitions.
    pub fn partitioner(mut self, partitioner: impl Partitioner + 'static) -> Self {
        self.partitioner = Arc::new(partitioner);
        self
    }

    /// Adds an interceptor behind those that there are.
    pub fn interceptor(mut self, interceptor: impl ProducerInterceptor + 'static) -> Self {
        self.interceptors.push(Arc::new(interceptor));
        self
    }

    /// The settings of these properties, Kafka's defaults for the rest.
    ///
    /// # Errors
    /// [`ClientError::BadSetting`], [`ClientError::UnknownCompression`], [`ClientError::Unsafe`].
    pub fn read(properties: &Properties) -> Result<Self, ClientError> {
        let mut keys = Keys { properties, used: Vec::new() };
        let transactional_id = transactional_id(&mut keys)?;
        let idempotent = idempotence(&mut keys, transactional_id.is_some())?;
        let client_id = transactional_id.as_deref().map_or(String::new(), |id| format!("producer-{id}"));
        let cluster = keys.cluster(&client_id)?;
        let compression = keys.compression()?;
        let mut settings = Self {
            acks: acks(&mut keys, idempotent)?,
            compression_level: level(&mut keys, compression)?,
            compression,
            batch_size: size(number(&mut keys, NumberType::Int, "batch.size", 16384)?),
            linger: millis(number(&mut keys, NumberType::Long, "linger.ms", 0)?),
            buffer_memory: size(number(&mut keys, NumberType::Long, "buffer.memory", 33_554_432)?),
            max_request_size: size(number(&mut keys, NumberType::Int, "max.request.size", 1_048_576)?),
            delivery_timeout: millis(number(&mut keys, NumberType::Int, "delivery.timeout.ms", 120_000)?),
            max_block: millis(number(&mut keys, NumberType::Long, "max.block.ms", 60_000)?),
            retries: number(&mut keys, NumberType::Int, "retries", i32::MAX.into())? as u32,
            transaction_timeout: millis(number(
                &mut keys,
                NumberType::Int,
                "transaction.timeout.ms",
                60_000,
            )?),
            partitioner: partitioner(&mut keys)?,
            interceptors: Vec::new(),
            ignored: Vec::new(),
            cluster,
            idempotent,
            transactional_id,
        };
        settings.check(&mut keys)?;
        settings.ignored = keys.ignored();
        Ok(settings)
    }

    /// What must hold between settings; the time-out of deliveries is raised where it was not set.
    fn check(&mut self, keys: &mut Keys<'_>) -> Result<(), ClientError> {
        if self.idempotent && self.retries == 0 {
            return Err(ClientError::Unsafe(
                "Must set retries to non-zero when using the idempotent producer.",
            ));
        }
        if self.idempotent && self.cluster.max_in_flight > 5 {
            return Err(ClientError::Unsafe(
                "Must set max.in.flight.requests.per.connection to at most 5 to use the idempotent producer.",
            ));
        }
        let least = self.linger + self.cluster.request_timeout;
        if self.delivery_timeout < least {
            if keys.text("delivery.timeout.ms").is_some() {
                return Err(ClientError::Unsafe(
                    "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms",
                ));
            }
            self.delivery_timeout = least;
        }
        Ok(())
    }
}

/// The types of numbers in Kafka's configs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NumberType {
    Int,
    Long,
}

/// A number that is not negative.
fn number(keys: &mut Keys<'_>, of: NumberType, key: &'static str, default: i64) -> Result<i64, ClientError> {
    let Some(text) = keys.text(key) else { return Ok(default) };
    let parsed = match of {
        NumberType::Int => text.parse::<i32>().map(i64::from),
        NumberType::Long => text.parse::<i64>(),
    };
    match (parsed, of) {
        (Ok(number), _) if number < 0 => Err(bad(key, text, "Value must be at least 0")),
        (Ok(number), _) => Ok(number),
        (Err(_), NumberType::Int) => Err(bad(key, text, "Not a number of type INT")),
        (Err(_), NumberType::Long) => Err(bad(key, text, "Not a number of type LONG")),
    }
}

fn size(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn transactional_id(keys: &mut Keys<'_>) -> Result<Option<String>, ClientError> {
    match keys.text("transactional.id") {
        Some("") => Err(bad("transactional.id", "", "String must be non-empty")),
        id => Ok(id.map(str::to_owned)),
    }
}

fn idempotence(keys: &mut Keys<'_>, has_transactions: bool) -> Result<bool, ClientError> {
    match keys.text("enable.idempotence") {
        None => Ok(has_transactions),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") && has_transactions => {
            Err(ClientError::Unsafe("Cannot set a transactional.id without also enabling idempotence."))
        }
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(text) => Err(bad("enable.idempotence", text, "Expected value to be either true or false")),
    }
}

fn acks(keys: &mut Keys<'_>, idempotent: bool) -> Result<i16, ClientError> {
    match keys.text("acks").unwrap_or(if idempotent { "all" } else { "1" }) {
        "0" | "1" if idempotent => Err(ClientError::Unsafe(
            "Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.",
        )),
        "all" | "-1" => Ok(-1),
        "0" => Ok(0),
        "1" => Ok(1),
        other => Err(bad("acks", other, "String must be one of: all, -1, 0, 1")),
    }
}

/// The level of the codec; those of other codecs are checked, and have no effect.
fn level(keys: &mut Keys<'_>, codec: Compression) -> Result<Option<i32>, ClientError> {
    let levels = [
        (Compression::Gzip, "compression.gzip.level"),
        (Compression::Lz4, "compression.lz4.level"),
        (Compression::Zstd, "compression.zstd.level"),
    ];
    let mut chosen = None;
    for (of, key) in levels {
        let Some(text) = keys.text(key) else { continue };
        let level = text.parse().ok();
        // gzip's -1 is its default.
        let is_default = of == Compression::Gzip && level == Some(-1);
        let known = |level: &i32| of.levels().is_some_and(|levels| levels.contains(level));
        if !is_default && !level.as_ref().is_some_and(known) {
            return Err(bad(key, text, "Not a level of the codec"));
        }
        if of == codec && !is_default {
            chosen = level;
        }
    }
    Ok(chosen)
}

fn partitioner(keys: &mut Keys<'_>) -> Result<Arc<dyn Partitioner>, ClientError> {
    match keys.text("partitioner.class") {
        None => Ok(Arc::new(DefaultPartitioner)),
        Some(name) => partitioner::of_class(name)
            .ok_or_else(|| bad("partitioner.class", name, &format!("Class {name} could not be found."))),
    }
}

#[cfg(test)]
mod tests;
