//! `kafka-consumer-perf-test.sh`: reads a topic in a group, and shows how fast that was (Kafka's
//! `ConsumerPerformance`).

mod options;
mod stats;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;
use parking_lot::Mutex;

pub(crate) use self::options::ConsumerPerfOptions;
use self::options::{ConsumerPerfCommand, ConsumerPerfRefusal, POLL};
use self::stats::{PerfHeader, ReadFigures, ReadReport, ReadSpan};
use super::arguments::{self, EarlyExit};
use super::throwable::JavaThrowable;
use super::{block_on_threads, client_metrics, clients, logging};
use crate::base::{Clock, Millis, TopicPartition};
use crate::client::Consumer;
use crate::client::consumer::{ConsumerRebalanceListener, ListenerFuture, RebalancingConsumer};

/// How long closing may take.
const CLOSE: Duration = Duration::from_secs(30);

/// Runs the tool; exit code 1 where it cannot begin.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let command = match read(&arguments) {
        Ok(command) => command,
        Err(ConsumerPerfRefusal::Usage(exit)) => return exit.print::<ConsumerPerfOptions>(),
        Err(ConsumerPerfRefusal::Thrown(exception)) => return exception.leave_main(),
    };
    if command.has_header && !command.output.is_json() {
        println!("{}", if command.is_detailed { PerfHeader::Progress } else { PerfHeader::Total });
    }
    match block_on_threads(command.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => JavaThrowable::of_tool(&error).leave_main(),
    }
}

fn read(arguments: &[String]) -> Result<ConsumerPerfCommand, ConsumerPerfRefusal> {
    let about = "This tool helps in performance test for the full zookeeper consumer";
    // This tool prints its usage below an option that it does not know; other tools throw.
    let parsed = arguments::parse::<ConsumerPerfOptions>(about, arguments).map_err(|exit| match exit {
        EarlyExit::Thrown(_, message) => EarlyExit::Usage(message),
        other => other,
    });
    let options = parsed.map_err(ConsumerPerfRefusal::Usage)?;
    if options.bootstrap_server.is_none() && options.broker_list.is_none() {
        let message = "Missing required option(s) [bootstrap-server]".to_owned();
        return Err(ConsumerPerfRefusal::Usage(EarlyExit::Usage(message)));
    }
    if options.has_ignored() {
        options.output.note(format_args!(
            "WARNING: option [threads] and [num-fetch-threads] have been deprecated and will be ignored by the test"
        ));
    }
    options.check()
}

impl ConsumerPerfCommand {
    async fn run(&self) -> anyhow::Result<()> {
        let mut consumer = clients::start_consumer(&self.settings).await?;
        let joining = Arc::new(JoinTimes::new(Clock::System.now()));
        let mut progress = Vec::new();
        let read = self.consume(&mut consumer, &joining, &mut progress).await?;
        let metrics =
            self.prints_metrics.then(|| client_metrics::of_consumer(&consumer, read.ended - read.started));
        consumer.close(CLOSE).await?;
        let report = ReadReport { progress, total: read.total(), metrics };
        self.output.print(&report, |report| {
            if !self.is_detailed {
                println!("{}", report.total.total_line(|time| self.date(time)));
            }
            report.metrics.iter().for_each(|metrics| client_metrics::print(metrics));
        })?;
        Ok(())
    }

    /// Reads until there are enough records, or none has come for too long.
    async fn consume(
        &self,
        consumer: &mut Consumer,
        joining: &Arc<JoinTimes>,
        progress: &mut Vec<ReadFigures>,
    ) -> anyhow::Result<ReadSpan> {
        let started = Clock::System.now();
        let mut all = ReadSpan { started, ended: started, ..ReadSpan::default() };
        let mut part = all;
        consumer.subscribe_with([self.topic.as_str()], joining.clone())?;
        let (mut now, mut last_record) = (started, started);
        while all.records < self.messages && now - last_record <= self.timeout {
            let records = consumer.poll(POLL).await?;
            now = Clock::System.now();
            if !records.is_empty() {
                last_record = now;
            }
            for record in &records {
                let bytes = (record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len)) as u64;
                all.add(bytes);
                part.add(bytes);
                if now - part.started >= self.reporting_interval {
                    let ended = ReadSpan { ended: now, rebalance: joining.take_part(), ..part };
                    if self.is_detailed {
                        let figures = ended.progress(&all);
                        self.output.note(format_args!("{}", figures.progress_line(|time| self.date(time))));
                        progress.push(figures);
                    }
                    part = ReadSpan { started: now, ..ReadSpan::default() };
                }
            }
        }
        if all.records < self.messages {
            self.output.note(format_args!(
                "WARNING: Exiting before consuming the expected number of messages: timeout ({} ms) exceeded. You can use \
                 the --timeout option to increase the timeout.",
                self.timeout
            ));
        }
        Ok(ReadSpan { ended: Clock::System.now(), rebalance: joining.whole(), ..all })
    }

    /// A time as the options want it.
    fn date(&self, time: Millis) -> String {
        let time = jiff::Timestamp::from_millisecond(time).unwrap_or_default();
        time.to_zoned(jiff::tz::TimeZone::system()).strftime(&self.date_format).to_string()
    }
}

/// How long the consumer took to join its group, in milliseconds.
struct JoinTimes(Mutex<JoinState>);

struct JoinState {
    /// When it gave its partitions up, or began.
    since: Millis,
    whole: Millis,
    /// Since the last report.
    part: Millis,
}

impl JoinTimes {
    fn new(now: Millis) -> Self {
        Self(Mutex::new(JoinState { since: now, whole: 0, part: 0 }))
    }

    fn whole(&self) -> Millis {
        self.0.lock().whole
    }

    fn take_part(&self) -> Millis {
        std::mem::take(&mut self.0.lock().part)
    }
}

impl ConsumerRebalanceListener for JoinTimes {
    fn on_partitions_revoked(
        &self,
        _consumer: RebalancingConsumer,
        _partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        self.0.lock().since = Clock::System.now();
        Box::pin(std::future::ready(()))
    }

    fn on_partitions_assigned(
        &self,
        _consumer: RebalancingConsumer,
        _partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        let mut state = self.0.lock();
        let took = Clock::System.now() - state.since;
        state.whole += took;
        state.part += took;
        Box::pin(std::future::ready(()))
    }
}
