//! `kafka.tools.EndToEndLatency`: how long a record takes from its producer to its consumer, one at a time.
//!
//! Its arguments have places in place of names; `--output json` may stand among them.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use bytes::Bytes;
use log::LevelFilter;
use serde::Serialize;

use super::java_random::JavaRandom;
use super::numbers::decimal;
use super::output_format::OutputOption;
use super::throwable::JavaThrowable;
use super::{block_on, clients, logging};
use crate::base::{Clock, TopicPartition};
use crate::client::admin::{Admin, CreateTopicsOptions, NewTopic};
use crate::client::settings::read_admin;
use crate::client::{Consumer, Producer, ProducerRecord};
use crate::config::Properties;

/// How long is waited for a record, in milliseconds.
const TIMEOUT_MS: u64 = 60_000;
/// How long closing may take.
const CLOSE: Duration = Duration::from_secs(30);

/// What is measured.
#[derive(Debug)]
struct LatencyTest {
    servers: String,
    topic: String,
    messages: usize,
    acks: String,
    size: usize,
    properties: Properties,
    output: OutputOption,
}

/// Runs the tool; exit code 1 where a record does not come back.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let (output, arguments) = OutputOption::take(arguments);
    if !matches!(arguments.len(), 5 | 6) {
        eprintln!(
            "USAGE: java kafka.tools.EndToEndLatency$ broker_list topic num_messages producer_acks message_size_bytes \
             [optional] properties_file"
        );
        return ExitCode::FAILURE;
    }
    match LatencyTest::read(&arguments, output).map_err(Into::into).and_then(|test| block_on(test.run())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => JavaThrowable::of_tool(&error).leave_main(),
    }
}

impl LatencyTest {
    fn read(arguments: &[String], output: OutputOption) -> Result<Self, JavaThrowable> {
        let number = |text: &String| {
            text.parse::<i32>().map_err(|_| {
                let message = format!("For input string: \"{text}\"");
                JavaThrowable::new("java.lang.NumberFormatException", message)
            })
        };
        let size = |number: i32| {
            usize::try_from(number)
                .map_err(|_| JavaThrowable::new("java.lang.NegativeArraySizeException", number.to_string()))
        };
        let messages = size(number(&arguments[2])?)?;
        let message_size = size(number(&arguments[4])?)?;
        let properties = match arguments.get(5).filter(|file| !file.is_empty()) {
            Some(file) => clients::load_properties(file)?,
            None => Properties::default(),
        };
        if !["1", "all"].contains(&arguments[3].as_str()) {
            let message = "Latency testing requires synchronous acknowledgement. Please use 1 or all";
            return Err(JavaThrowable::new("java.lang.IllegalArgumentException", message));
        }
        Ok(Self {
            servers: arguments[0].clone(),
            topic: arguments[1].clone(),
            messages,
            acks: arguments[3].clone(),
            size: message_size,
            properties,
            output,
        })
    }

    fn settings(&self, own: &[(&str, &str)]) -> Properties {
        let mut settings = self.properties.clone();
        settings.set("bootstrap.servers", &self.servers);
        own.iter().for_each(|(key, value)| settings.set(*key, *value));
        settings
    }

    async fn run(&self) -> anyhow::Result<()> {
        let group = format!("test-group-{}", Clock::System.now());
        let mut consumer = clients::start_consumer(&self.settings(&[
            ("group.id", &group),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "latest"),
            ("fetch.max.wait.ms", "0"),
        ]))
        .await?;
        let producer = clients::start_producer(&self.settings(&[
            ("linger.ms", "0"),
            ("max.block.ms", &i64::MAX.to_string()),
            ("acks", &self.acks),
        ]))
        .await?;
        let measured = self.measure(&mut consumer, &producer).await;
        if measured.is_ok() {
            consumer.commit_sync().await?;
        }
        producer.close(CLOSE).await;
        consumer.close(CLOSE).await?;
        measured
    }

    async fn measure(&self, consumer: &mut Consumer, producer: &Producer) -> anyhow::Result<()> {
        if !consumer.list_topics().await?.iter().any(|topic| *topic.name == *self.topic) {
            self.create_topic().await?;
        }
        let partitions = consumer.partitions_for(&self.topic).await?;
        let partitions: Vec<_> =
            partitions.iter().map(|it| TopicPartition::new(self.topic.as_str(), it.partition)).collect();
        consumer.assign(partitions.iter().cloned())?;
        consumer.seek_to_end(&partitions)?;
        for partition in &partitions {
            consumer.position(partition).await?;
        }
        let mut latencies = Vec::with_capacity(self.messages.min(1 << 20));
        let mut samples = Vec::new();
        let mut random = JavaRandom::new(0);
        for number in 0..self.messages {
            let message = Bytes::from(random.letters(self.size));
            let begun = Instant::now();
            let record = ProducerRecord::new(self.topic.as_str(), message.clone());
            producer.send(record).await?.await?;
            self.receive(consumer, &message).await?;
            let elapsed = begun.elapsed();
            if number % 1000 == 0 {
                let sample = LatencySample { record: number, latency: elapsed.as_nanos() as f64 / 1e6 };
                if !self.output.is_json() {
                    println!("{number}\t{}", sample.latency);
                }
                samples.push(sample);
            }
            latencies.push(elapsed);
        }
        let report = LatencyReport { samples, total: LatencyTotal::of(latencies) };
        Ok(self.output.print(&report, |report| print!("{}", report.total.text()))?)
    }

    /// Polls for the record that was sent: this one and no other is to come.
    async fn receive(&self, consumer: &mut Consumer, sent: &Bytes) -> anyhow::Result<()> {
        let failed = |message: String| JavaThrowable::new("java.lang.RuntimeException", message);
        let records = consumer.poll(Duration::from_millis(TIMEOUT_MS)).await?;
        let Some(record) = records.iter().next() else {
            let message = format!("poll() timed out before finding a result (timeout:[{TIMEOUT_MS}])");
            return Err(failed(message).into());
        };
        let read = record.value.unwrap_or_default();
        if read != *sent {
            let (read, sent) = (String::from_utf8_lossy(read), String::from_utf8_lossy(sent));
            let message = format!("The message read [{read}] did not match the message sent [{sent}]");
            return Err(failed(message).into());
        }
        if records.len() > 1 {
            let message =
                format!("Only one result was expected during this test. We found [{}]", records.len());
            return Err(failed(message).into());
        }
        Ok(())
    }

    async fn create_topic(&self) -> anyhow::Result<()> {
        self.output.note(format_args!(
            "Topic \"{}\" does not exist. Will create topic with 1 partition(s) and replication factor = 1",
            self.topic
        ));
        let admin = Admin::new(read_admin(&self.properties, &self.servers, "admin-1")?).await?;
        let topic = NewTopic::new(self.topic.as_str(), 1, 1);
        admin.create_topics([topic], CreateTopicsOptions::default()).await.all()?;
        Ok(())
    }
}

/// What a test has shown, in milliseconds.
#[derive(Debug, Serialize)]
struct LatencyReport {
    samples: Vec<LatencySample>,
    total: LatencyTotal,
}

/// Every thousandth record.
#[derive(Debug, Serialize)]
struct LatencySample {
    /// Its number, from 0.
    record: usize,
    latency: f64,
}

/// The result of a test, in milliseconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LatencyTotal {
    /// Not a number where there were no records.
    average_latency: f64,
    percentiles: EndToEndPercentiles,
}

/// Below them lie 50, 99 and 99.9 of 100 latencies.
#[derive(Debug, Serialize)]
struct EndToEndPercentiles {
    p50: u64,
    p99: u64,
    p999: u64,
}

impl LatencyTotal {
    fn of(mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        let total: Duration = latencies.iter().sum();
        let percentile = |part: f64| {
            let at = (latencies.len() as f64 * part) as usize;
            latencies.get(at).map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX))
        };
        Self {
            average_latency: total.as_nanos() as f64 / latencies.len() as f64 / 1e6,
            percentiles: EndToEndPercentiles {
                p50: percentile(0.5),
                p99: percentile(0.99),
                p999: percentile(0.999),
            },
        }
    }

    fn text(&self) -> String {
        let EndToEndPercentiles { p50, p99, p999 } = &self.percentiles;
        format!(
            "Avg latency: {} ms\n\nPercentiles: 50th = {p50}, 99th = {p99}, 99.9th = {p999}\n",
            decimal(self.average_latency, 4)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_the_average_and_three_percentiles() {
        let latencies = (1..=1000).map(Duration::from_millis).collect();
        let total = LatencyTotal::of(latencies);
        assert_eq!(
            total.text(),
            "Avg latency: 500.5000 ms\n\nPercentiles: 50th = 501, 99th = 991, 99.9th = 1000\n"
        );
    }

    #[test]
    fn what_cannot_be_measured_is_refused_in_javas_words() {
        let refusal = |line: &str| {
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            LatencyTest::read(&words, OutputOption::default()).unwrap_err().to_string()
        };
        assert_eq!(refusal("b:1 t x 1 20"), "java.lang.NumberFormatException: For input string: \"x\"");
        assert_eq!(
            refusal("b:1 t 1 0 20"),
            "java.lang.IllegalArgumentException: Latency testing requires synchronous acknowledgement. Please use 1 or all"
        );
        assert_eq!(refusal("b:1 t 1 1 -2"), "java.lang.NegativeArraySizeException: -2");
    }
}
