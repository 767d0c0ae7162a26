//! `kafka-console-producer.sh`: lines of standard input become records (Kafka's `ConsoleProducer`).

mod line_reader;
mod old_options;
mod options;

use std::process::ExitCode;

use bytes::Bytes;
use log::LevelFilter;
use tokio::io::BufReader;

pub(crate) use self::options::ConsoleProducerOptions;
use self::options::ProduceCommand;
use super::arguments::{self, EarlyExit};
use super::java::{self, JavaClient};
use super::stopping::Stopping;
use super::throwable::JavaThrowable;
use super::{block_on, logging, zookeeper_session};
use crate::client::error::ClientError;
use crate::client::settings::ProducerSettings;
use crate::client::{Delivery, Producer, ProducerRecord};

/// Runs the tool; exit code 1 where it cannot begin or a line cannot be read, 130 and 143 where a signal ended it.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let command = match parse(&arguments).and_then(|options| options.check().map_err(as_printed)) {
        Ok(command) => command,
        Err(refusal) => return refusal.print::<ConsoleProducerOptions>(),
    };
    let outcome = block_on(async { Ok(command.execute().await) });
    let outcome = outcome
        .unwrap_or_else(|error| Err(JavaThrowable::new("java.lang.RuntimeException", error.to_string())));
    match outcome {
        Ok(code) => code.into(),
        Err(thrown) => {
            eprintln!("{thrown}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the options. This tool prints its usage where options are not known, and a sentence alone where an option's
/// argument is no number; other tools throw.
fn parse(arguments: &[String]) -> Result<ConsoleProducerOptions, EarlyExit> {
    let about = "This tool helps to read data from standard input and publish it to Kafka.";
    arguments::parse(about, arguments).map_err(|refusal| match refusal {
        EarlyExit::Thrown(_, message) => EarlyExit::Usage(message),
        EarlyExit::Argument { message, .. } => EarlyExit::Refused(message),
        other => other,
    })
}

/// This tool prints exceptions as they are; other tools throw them out of `main`.
fn as_printed(refusal: EarlyExit) -> EarlyExit {
    match refusal {
        EarlyExit::Thrown(class, message) => EarlyExit::Refused(format!("{class}: {message}")),
        other => other,
    }
}

impl ProduceCommand {
    /// The exit code: 0 at the end of the input, 130 or 143 after a signal; what was read before is sent first, unless
    /// a second signal comes.
    ///
    /// # Errors
    /// The producer cannot be made, or a line cannot be read or, where each line waits for its answer, sent.
    async fn execute(self) -> Result<u8, JavaThrowable> {
        let not_made = |error: ClientError| JavaThrowable::not_constructed("kafka producer", &error);
        let mut settings = ProducerSettings::read(&self.settings).map_err(not_made)?;
        JavaClient::Producer.log_ignored(&settings.ignored);
        settings.cluster.events = JavaClient::Producer.log_events(&settings.cluster.client_id);
        let limit = settings.delivery_timeout;
        let ensemble = settings.cluster.zookeeper.clone();
        let producer = Producer::new(settings).await.map_err(|error| match (error, ensemble) {
            (ClientError::ZooKeeper(error), Some(at)) => {
                zookeeper_session::unreachable(&at.connect, at.connection_timeout, error)
            }
            (error, _) => not_made(error),
        })?;
        let no_signals = |error: std::io::Error| JavaThrowable::new("java.io.IOException", error.to_string());
        let stopping = Stopping::listen().map_err(no_signals)?;
        let outcome = tokio::select! {
            outcome = self.send_lines(&producer) => outcome.map(|()| 0),
            () = stopping.asked() => Ok(stopping.exit_code()),
        };
        producer.close(limit).await;
        outcome
    }

    async fn send_lines(mut self, producer: &Producer) -> Result<(), JavaThrowable> {
        let mut input = BufReader::new(tokio::io::stdin());
        let mut reports = tokio::task::JoinSet::new();
        while let Some(record) = self.lines.next(&mut input).await? {
            let about = Report::of(&self.topic, &record);
            let sent = producer.send(record).await;
            if self.sync {
                let answered = match sent {
                    Ok(delivery) => delivery.await.map(drop),
                    Err(error) => Err(error),
                };
                answered.map_err(|error| JavaThrowable::of_future(&error))?;
                continue;
            }
            match sent {
                Err(error) => about.failed(&java::JavaException(&error).to_string()),
                Ok(delivery) => drop(reports.spawn(about.wait(delivery))),
            }
            while reports.try_join_next().is_some() {}
            while reports.len() >= self.queue_size {
                reports.join_next().await;
            }
        }
        producer.flush().await;
        reports.join_all().await;
        Ok(())
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

    /// Waits for the outcome of the record.
    async fn wait(self, delivery: Delivery) {
        if let Err(error) = delivery.await {
            self.failed(&java::JavaException(&error).to_string());
        }
    }
}
