//! `kafka-verifiable-producer.sh`: sends numbers, and prints what came of each as a line of JSON (Kafka's
//! `VerifiableProducer`).

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::{ArgGroup, Parser};
use log::LevelFilter;
use serde_json::{Value, json};

use super::argparse::{ArgumentParser, ParserExit};
use super::deliveries::{DeliveryOutcome, PendingDeliveries};
use super::java;
use super::stopping::Stopping;
use super::throughput::ThroughputThrottler;
use super::throwable::JavaThrowable;
use super::{block_on_threads, clients, logging};
use crate::base::{Clock, Millis};
use crate::client::settings::ProducerSettings;
use crate::client::{Producer, ProducerRecord};
use crate::config::Properties;

/// Sends increasing numbers to a topic, and prints an event in JSON for each record that is written or has failed.
#[derive(Debug, Parser)]
#[command(group = ArgGroup::new("connection").required(true).args(["bootstrap_server", "broker_list"]))]
pub(super) struct VerifiableProducerOptions {
    /// The topic to send to.
    #[arg(long, value_name = "TOPIC")]
    topic: String,
    /// How many records to send; -1 for as many as come until a signal ends it.
    #[arg(long, value_name = "MAX-MESSAGES", default_value_t = -1)]
    max_messages: i32,
    /// About how many records to send a second; -1 for as many as possible.
    #[arg(long, value_name = "THROUGHPUT", default_value_t = -1)]
    throughput: i32,
    /// How many replicas must have a record: 0, 1, or -1 for all in sync.
    #[arg(long, value_name = "ACKS", default_value_t = -1)]
    acks: i32,
    /// A properties file of producer settings.
    #[arg(long = "producer.config", value_name = "CONFIG_FILE")]
    producer_config: Option<String>,
    /// The time of the first record, in milliseconds since the Unix epoch; -1 for the time of sending.
    #[arg(long, value_name = "CREATETIME", default_value_t = -1)]
    message_create_time: i64,
    /// A number that each value has before it, with a dot between.
    #[arg(long, value_name = "VALUE-PREFIX")]
    value_prefix: Option<i32>,
    /// Give the records keys from 0 to below this number, again and again.
    #[arg(long, value_name = "REPEATING-KEYS")]
    repeating_keys: Option<i32>,
    /// The brokers to begin with, as host:port[,host:port...]. Required.
    #[arg(long, value_name = "HOST1:PORT1[,HOST2:PORT2[...]]")]
    bootstrap_server: Option<String>,
    /// The old name of --bootstrap-server.
    #[arg(long, value_name = "HOST1:PORT1[,HOST2:PORT2[...]]")]
    broker_list: Option<String>,
}

/// Runs the tool; exit code 130 or 143 where a signal ended it.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let parser = ArgumentParser::new::<VerifiableProducerOptions>("verifiable-producer");
    let read = parser.read(&arguments, |options: VerifiableProducerOptions| {
        let settings = options.settings()?;
        Ok((options, settings))
    });
    let (options, settings) = match read {
        Ok(read) => read,
        Err(code) => return code,
    };
    let settings = match clients::producer_settings(&settings, |_| {}) {
        Ok(settings) => settings,
        Err(exception) => return exception.leave_main(),
    };
    match block_on_threads(execute(&options, settings)) {
        Ok(code) => code.into(),
        Err(error) => JavaThrowable::of_tool(&error).leave_main(),
    }
}

impl VerifiableProducerOptions {
    fn settings(&self) -> Result<Properties, ParserExit> {
        if ![0, 1, -1].contains(&self.acks) {
            return Err(ParserExit::of_choice("--acks", &self.acks.to_string(), "0,1,-1"));
        }
        let servers = self.bootstrap_server.as_ref().or(self.broker_list.as_ref());
        let mut settings = Properties::default();
        settings.set("bootstrap.servers", servers.map(String::as_str).unwrap_or_default());
        settings.set("acks", self.acks.to_string());
        // A record that is sent again could be written twice.
        settings.set("retries", "0");
        if let Some(file) = &self.producer_config {
            let read = Properties::read(file).map_err(|_| ParserExit::Invalid(file.clone()))?;
            read.iter().for_each(|(key, value)| settings.set(key, value));
        }
        Ok(settings)
    }
}

/// What is kept about a record until it is answered.
struct SentPair {
    key: Option<String>,
    value: String,
}

/// Makes the records one after the other.
#[derive(Debug)]
struct NumberedRecords {
    topic: Arc<str>,
    prefix: Option<i32>,
    /// How many keys there are; none where it is None.
    keys: Option<i32>,
    next_key: i32,
    /// The time of the next record, where it is not the time of sending.
    create_time: Option<Millis>,
    started: Millis,
}

impl NumberedRecords {
    fn new(options: &VerifiableProducerOptions, started: Millis) -> Self {
        Self {
            topic: options.topic.as_str().into(),
            prefix: options.value_prefix,
            keys: options.repeating_keys,
            next_key: 0,
            create_time: Some(options.message_create_time).filter(|time| *time != -1),
            started,
        }
    }

    /// The record of this number, sent at `now`.
    fn next(&mut self, number: u64, now: Millis) -> (SentPair, ProducerRecord) {
        let value = match self.prefix {
            Some(prefix) => format!("{prefix}.{number}"),
            None => number.to_string(),
        };
        let key = self.keys.map(|keys| {
            let key = self.next_key;
            self.next_key = if key.wrapping_add(1) == keys { 0 } else { key.wrapping_add(1) };
            key.to_string()
        });
        let record = ProducerRecord {
            key: key.clone().map(Into::into),
            timestamp: self.create_time,
            ..ProducerRecord::new(self.topic.clone(), value.clone())
        };
        if let Some(time) = &mut self.create_time {
            *time += now - self.started;
        }
        (SentPair { key, value }, record)
    }
}

async fn execute(options: &VerifiableProducerOptions, settings: ProducerSettings) -> anyhow::Result<u8> {
    let stopping = Stopping::listen()?;
    // As long as a record may take.
    let limit = settings.delivery_timeout + Duration::from_secs(1);
    let producer =
        Producer::new(settings).await.map_err(|error| JavaThrowable::of_construction("producer", &error))?;
    let started = Clock::System.now();
    print_event("startup_complete", json!({}));
    let acked = Arc::new(AtomicU64::new(0));
    let mut pending = PendingDeliveries::new(reporter(options.topic.clone(), acked.clone()));
    let mut sent = 0;
    tokio::select! {
        () = send(options, &producer, &mut pending, &mut sent) => {}
        () = stopping.asked() => {}
    }
    producer.close(limit).await;
    pending.finish().await;
    print_event("shutdown_complete", json!({}));
    let acked = acked.load(Ordering::SeqCst);
    let average = 1000.0 * (acked as f64 / (Clock::System.now() - started).max(1) as f64);
    print_event(
        "tool_data",
        json!({
            "sent": sent, "acked": acked, "target_throughput": options.throughput, "avg_throughput": average
        }),
    );
    Ok(stopping.exit_code())
}

async fn send(
    options: &VerifiableProducerOptions,
    producer: &Producer,
    pending: &mut PendingDeliveries<SentPair>,
    sent: &mut u64,
) {
    let started = Clock::System.now();
    let mut records = NumberedRecords::new(options, started);
    let mut throttler = ThroughputThrottler::new(options.throughput.into(), started);
    let most = u64::try_from(options.max_messages).unwrap_or(u64::MAX);
    for number in 0..most {
        let now = Clock::System.now();
        let (pair, record) = records.next(number, now);
        *sent += 1;
        pending.add(pair, producer.send(record).await);
        throttler.pause(number, now).wait().await;
    }
}

/// Prints what came of a record, and counts those that were written.
fn reporter(topic: String, acked: Arc<AtomicU64>) -> impl Fn(SentPair, DeliveryOutcome) + Send + Sync {
    move |SentPair { key, value }, outcome| match outcome {
        Ok(written) => {
            acked.fetch_add(1, Ordering::SeqCst);
            let event = json!({
                "key": key, "value": value, "offset": written.offset.unwrap_or(-1), "topic": topic,
                "partition": written.partition.partition
            });
            print_event("producer_send_success", event);
        }
        Err(error) => {
            let error = error.of_java_delivery();
            let event = json!({
                "topic": topic, "key": key, "value": value, "exception": format!("class {}", java::class(&error)),
                "message": error.to_string()
            });
            print_event("producer_send_error", event);
        }
    }
}

/// Prints an event: its time, its name, and what else it has.
fn print_event(name: &str, more: Value) {
    println!("{}", super::events::line(name, more, Clock::System.now()));
}

#[cfg(test)]
mod tests;
