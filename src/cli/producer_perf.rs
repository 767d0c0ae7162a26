//! `kafka-producer-perf-test.sh`: sends records as fast as it is allowed to, and shows how fast that was (Kafka's
//! `ProducerPerformance`).

mod options;
mod payloads;
mod stats;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;
use parking_lot::Mutex;

pub(crate) use self::options::ProducerPerfOptions;
use self::payloads::Payloads;
use self::stats::{PerfReport, PerfStats, PerfWindow};
use super::argparse::{ArgumentParser, ParserExit};
use super::deliveries::{DeliveryOutcome, PendingDeliveries};
use super::java::JavaException;
use super::throughput::ThroughputThrottler;
use super::throwable::JavaThrowable;
use super::{block_on_threads, client_metrics, clients, logging};
use crate::base::{Clock, Millis};
use crate::client::error::ClientError;
use crate::client::settings::ProducerSettings;
use crate::client::{Producer, ProducerRecord};
use crate::config::Properties;

/// Runs the tool; exit code 1 where it cannot begin or a transaction fails.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let parser = ArgumentParser::new::<ProducerPerfOptions>("producer-performance");
    let options = match parser.read(&arguments, ProducerPerfOptions::check) {
        Ok(options) => options,
        Err(code) => return code,
    };
    match ProducerPerfTest::prepare(options).map_err(Into::into).and_then(|test| block_on_threads(test.run()))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => JavaThrowable::of_tool(&error).leave_main(),
    }
}

impl ProducerPerfOptions {
    fn check(self) -> Result<Self, ParserExit> {
        if self.producer_props.is_empty() && self.producer_config.is_none() {
            let message = "Either --producer-props or --producer.config must be specified.";
            return Err(ParserExit::Invalid(message.to_owned()));
        }
        Ok(self)
    }

    fn is_transactional(&self) -> bool {
        self.transaction_duration_ms > 0
    }

    /// The producer's settings: the file's, overridden by the pairs.
    fn settings(&self) -> Result<Properties, JavaThrowable> {
        let mut settings = match &self.producer_config {
            Some(file) => clients::load_properties(file)?,
            None => Properties::default(),
        };
        for pair in &self.producer_props {
            // As Java's split: what ends with the sign has no value.
            let pieces: Vec<_> = pair.trim_end_matches('=').split('=').collect();
            let [key, value] = pieces[..] else {
                let message = format!("Invalid property: {pair}");
                return Err(JavaThrowable::new("java.lang.IllegalArgumentException", message));
            };
            settings.set(key, value);
        }
        if self.is_transactional() {
            settings.set("transactional.id", &self.transactional_id);
        }
        Ok(settings)
    }

    /// How many records are sent.
    fn records(&self) -> Result<u64, JavaThrowable> {
        match self.num_records {
            0 => Err(JavaThrowable::new("java.lang.ArithmeticException", "/ by zero")),
            count => u64::try_from(count).map_err(|_| {
                JavaThrowable::new(
                    "java.lang.NegativeArraySizeException",
                    count.saturating_add(1).to_string(),
                )
            }),
        }
    }
}

/// A run that can begin.
struct ProducerPerfTest {
    options: ProducerPerfOptions,
    payloads: Payloads,
    records: u64,
    settings: ProducerSettings,
}

/// What is kept about a record until it is answered.
struct SentRecord {
    number: u64,
    at: Millis,
    bytes: u64,
}

impl ProducerPerfTest {
    fn prepare(options: ProducerPerfOptions) -> Result<Self, JavaThrowable> {
        let payloads = match (&options.payload_file, options.record_size) {
            (Some(file), _) => Payloads::of_file(file, &options.payload_delimiter, options.output)?,
            (None, size) => Payloads::of_size(size.unwrap_or_default())?,
        };
        let settings = clients::producer_settings(&options.settings()?, |_| {})?;
        let records = options.records()?;
        Ok(Self { payloads, settings, records, options })
    }

    async fn run(mut self) -> anyhow::Result<()> {
        // As long as a record may take.
        let limit = self.settings.delivery_timeout + Duration::from_secs(1);
        let producer = Producer::new(self.settings.clone())
            .await
            .map_err(|error| JavaThrowable::of_construction("producer", &error))?;
        if self.options.is_transactional() {
            producer.init_transactions().await?;
        }
        let started = Clock::System.now();
        let windows = Arc::new(Mutex::new(Vec::new()));
        let stats = Arc::new(Mutex::new(PerfStats::new(self.records, started)));
        let output = self.options.output;
        let taken = windows.clone();
        let mut pending = PendingDeliveries::new(reporter(stats.clone(), move |window: PerfWindow| {
            output.note(format_args!("{window}"));
            if output.is_json() {
                taken.lock().push(window);
            }
        }));
        self.send(&producer, &mut pending, started).await?;
        producer.flush().await;
        pending.finish().await;
        let ended = Clock::System.now();
        let report = PerfReport {
            windows: std::mem::take(&mut *windows.lock()),
            total: stats.lock().total(ended),
            metrics: self
                .options
                .print_metrics
                .then(|| client_metrics::of_producer(&producer, ended - started)),
        };
        output.print(&report, |report| {
            println!("{}", report.total);
            report.metrics.iter().for_each(|metrics| client_metrics::print(metrics));
        })?;
        producer.close(limit).await;
        Ok(())
    }

    async fn send(
        &mut self,
        producer: &Producer,
        pending: &mut PendingDeliveries<SentRecord>,
        started: Millis,
    ) -> anyhow::Result<()> {
        let mut throttler = ThroughputThrottler::new(self.options.throughput.into(), started);
        let topic: Arc<str> = self.options.topic.as_str().into();
        let mut transaction = None;
        for number in 0..self.records {
            if self.options.is_transactional() && transaction.is_none() {
                producer.begin_transaction()?;
                transaction = Some(Clock::System.now());
            }
            let payload = self.payloads.next();
            let (at, bytes) = (Clock::System.now(), payload.len() as u64);
            let accepted = producer.send(ProducerRecord::new(topic.clone(), payload)).await;
            match accepted {
                Err(error) if ends_the_producer(&error) => return Err(error.into()),
                accepted => pending.add(SentRecord { number, at, bytes }, accepted),
            }
            if transaction.is_some_and(|begun| self.options.transaction_duration_ms <= at - begun) {
                producer.commit_transaction().await?;
                transaction = None;
            }
            throttler.pause(number, at).wait().await;
        }
        if transaction.is_some() {
            producer.commit_transaction().await?;
        }
        Ok(())
    }
}

/// Counts a record that is answered; `take_window` is given the window that ends with it.
fn reporter(
    stats: Arc<Mutex<PerfStats>>,
    take_window: impl Fn(PerfWindow) + Send + Sync,
) -> impl Fn(SentRecord, DeliveryOutcome) + Send + Sync {
    move |SentRecord { number, at, bytes }, outcome| {
        let now = Clock::System.now();
        let window = stats.lock().record(number, now - at, bytes, now);
        window.into_iter().for_each(&take_window);
        if let Err(error) = outcome {
            eprintln!("{}", JavaException(&error));
        }
    }
}

/// Whether Java's producer throws instead of failing the record: no further record can be sent.
fn ends_the_producer(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::IllegalState(_) | ClientError::TransactionFailed { .. } | ClientError::Closed
    )
}
