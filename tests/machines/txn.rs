//! The transaction coordinator on the stage: the machine of one partition, led in epoch 3, its log, and the time.

use std::collections::VecDeque;

use barnabas::base::Millis;
use barnabas::coordinator::machine::{
    Actions, CoordinatorAction, CoordinatorMachine, CoordinatorRecord, Replayed, RequestId,
    TransactionalProducer,
};
use barnabas::coordinator::txn::records::{self, TransactionLogValue, TransactionPartitions};
use barnabas::coordinator::txn::{
    InitTransactionalProducer, TransactionCoordinator, TransactionResult, TransactionSettings,
    TransactionState, TxnAppend, TxnEffect, TxnEvent, TxnMarkers, TxnRequest, TxnTimer,
};
use barnabas::wire::error_code::ErrorCode;

use crate::{Player, transcript};

const SETTINGS: TransactionSettings = TransactionSettings {
    expiration_ms: 100_000,
    abort_timed_out_interval_ms: 10_000,
    remove_expired_interval_ms: 50_000,
};

/// The machine, and what it waits for.
pub struct Transactions {
    machine: TransactionCoordinator,
    actions: Actions<TransactionCoordinator>,
    now: Millis,
    offset: i64,
    requests: u64,
    /// Appends that are not done.
    appending: VecDeque<TxnAppend>,
    /// Requests that wait for a producer id.
    ids: VecDeque<RequestId>,
    timers: Vec<(Millis, TxnTimer)>,
}

impl Default for Transactions {
    fn default() -> Self {
        Self {
            machine: TransactionCoordinator::new(SETTINGS, 3),
            actions: Actions::default(),
            now: 1_000_000,
            offset: 0,
            requests: 0,
            appending: VecDeque::new(),
            ids: VecDeque::new(),
            timers: Vec::new(),
        }
    }
}

impl Player for Transactions {
    /// `app 7@2 Ongoing timeout 60000 start 990000 update 995000 t-0,t-1`, `app removed`, `garbage`
    fn given(&mut self, text: &str) {
        let words: Vec<_> = text.split_whitespace().collect();
        let (key, value) = match words[..] {
            ["garbage"] => (records::encode_key("app").unwrap(), Some("?".into())),
            [id, "removed"] => (records::encode_key(id).unwrap(), None),
            [id, by, state, "timeout", timeout, "start", start, "update", update, partitions] => {
                let value = TransactionLogValue {
                    producer: producer(by),
                    timeout_ms: timeout.parse().unwrap(),
                    state: state_named(state),
                    partitions: (state != "Empty").then(|| topics(partitions)),
                    start: start.parse().unwrap(),
                    last_update: update.parse().unwrap(),
                };
                (records::encode_key(id).unwrap(), Some(value.encode().unwrap()))
            }
            _ => panic!("given what? {text}"),
        };
        let record = CoordinatorRecord { key, value };
        self.machine.replay(Replayed::Record {
            offset: self.offset,
            timestamp: self.now,
            producer: None,
            record,
        });
        self.offset += 1;
    }

    fn when(&mut self, text: &str) -> Vec<String> {
        let words: Vec<_> = text.split_whitespace().collect();
        match words[..] {
            ["loaded"] => self.machine.on_loaded(self.now, &mut self.actions),
            [id, "starts", "timeout", timeout] => self.init(id, timeout, None),
            [id, "starts", "timeout", timeout, "as", expected] => {
                self.init(id, timeout, Some(producer(expected)));
            }
            [id, by, "adds", partitions] => self.ask(TxnRequest::AddPartitions {
                transactional_id: id.into(),
                producer: producer(by),
                partitions: partitions
                    .split(',')
                    .filter(|it| *it != "-")
                    .map(transcript::parse_partition)
                    .collect(),
            }),
            [id, by, verb @ ("commits" | "aborts")] => self.ask(TxnRequest::EndTxn {
                transactional_id: id.into(),
                producer: producer(by),
                result: TransactionResult::of(verb == "commits"),
            }),
            ["producer", "id", id] => {
                let outcome = id.parse().map_err(|_| error(id));
                let event = TxnEvent::ProducerIdGenerated(self.ids.pop_front().unwrap(), outcome);
                self.machine.on_event(event, self.now, &mut self.actions);
            }
            ["appended"] => self.appended(Ok(())),
            ["append", "fails", code] => self.appended(Err(error(code))),
            ["markers", "of", id, "written", partitions] => {
                let event = TxnEvent::MarkersWritten {
                    transactional_id: id.into(),
                    partitions: partitions.split(',').map(transcript::parse_partition).collect(),
                };
                self.machine.on_event(event, self.now, &mut self.actions);
            }
            [time, "ms", "pass"] => self.pass(time.parse().unwrap()),
            _ => panic!("when what? {text}"),
        }
        self.carry_out()
    }
}

impl Transactions {
    fn init(&mut self, id: &str, timeout: &str, expected: Option<TransactionalProducer>) {
        self.ask(TxnRequest::InitProducerId(InitTransactionalProducer {
            transactional_id: id.into(),
            timeout_ms: timeout.parse().unwrap(),
            expected,
        }));
    }

    fn ask(&mut self, request: TxnRequest) {
        self.requests += 1;
        self.machine.on_request(RequestId(self.requests), request, self.now, &mut self.actions);
    }

    fn appended(&mut self, outcome: Result<(), ErrorCode>) {
        let then = self.appending.pop_front().expect("something is being appended");
        self.machine.on_appended(then, outcome, self.now, &mut self.actions);
    }

    fn pass(&mut self, time: Millis) {
        self.now += time;
        let (due, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.timers).into_iter().partition(|(at, _)| *at <= self.now);
        self.timers = left;
        for (_, timer) in due {
            self.machine.on_timer(timer, self.now, &mut self.actions);
        }
    }

    fn carry_out(&mut self) -> Vec<String> {
        let actions = self.actions.take();
        actions.into_iter().filter_map(|action| self.one(action)).map(|line| format!("  {line}")).collect()
    }

    fn one(&mut self, action: CoordinatorAction<TransactionCoordinator>) -> Option<String> {
        Some(match action {
            CoordinatorAction::Respond(RequestId(id), Ok(producer)) => {
                format!("respond to {id}: {}", named(producer))
            }
            CoordinatorAction::Respond(RequestId(id), Err(error)) => {
                format!("respond to {id}: {}", error.name())
            }
            CoordinatorAction::Append { records, timeout_ms, then, .. } => {
                // The replicas may take as long as the transaction.
                let value = records[0].value.clone();
                let value = value.map(|value| TransactionLogValue::decode(value).unwrap());
                assert_eq!(timeout_ms, value.map(|value| value.timeout_ms));
                self.appending.push_back(then);
                format!("append {}", records.into_iter().map(record).collect::<Vec<_>>().join("; "))
            }
            CoordinatorAction::Schedule(timer, at) => {
                self.timers.retain(|(_, set)| *set != timer);
                let line = match &timer {
                    TxnTimer::RetryCompletion(id) => Some(format!("retry {id} in {} ms", at - self.now)),
                    _ => None,
                };
                self.timers.push((at, timer));
                return line;
            }
            CoordinatorAction::Cancel(timer) => panic!("{timer:?} is cancelled"),
            CoordinatorAction::Effect(TxnEffect::GenerateProducerId(request)) => {
                self.ids.push_back(request);
                "generate a producer id".to_owned()
            }
            CoordinatorAction::Effect(TxnEffect::WriteMarkers(markers)) => written(&markers),
            CoordinatorAction::Effect(TxnEffect::CompletionsToRetry(count)) => format!("{count} to retry"),
            CoordinatorAction::Effect(TxnEffect::Log(level, text)) => format!("log {level} {text}"),
        })
    }
}

fn written(markers: &TxnMarkers) -> String {
    let TxnMarkers { transactional_id, producer, coordinator_epoch, result, partitions } = markers;
    let partitions: Vec<_> = partitions.iter().map(ToString::to_string).collect();
    let (producer, partitions) = (named(*producer), partitions.join(","));
    format!("{result:?} markers of {transactional_id} {producer} by {coordinator_epoch} to {partitions}")
}

fn record(CoordinatorRecord { key, value }: CoordinatorRecord) -> String {
    let id = records::decode_key(key).unwrap();
    let Some(value) = value else { return format!("{id} removed") };
    let value = TransactionLogValue::decode(value).unwrap();
    let TransactionLogValue { producer, timeout_ms, state, partitions, last_update, start } = value;
    let numbered = |topic: &TransactionPartitions| {
        let named = topic.partitions.iter().map(|number| format!("{}-{number}", topic.topic));
        named.collect::<Vec<_>>().join(",")
    };
    let partitions = partitions.map_or("null".to_owned(), |topics| {
        if topics.is_empty() {
            "-".to_owned()
        } else {
            topics.iter().map(numbered).collect::<Vec<_>>().join(",")
        }
    });
    let producer = named(producer);
    format!("{id} {producer} {state:?} timeout {timeout_ms} start {start} update {last_update} {partitions}")
}

/// `7@2`: the id and the epoch.
fn named(producer: TransactionalProducer) -> String {
    format!("{}@{}", producer.id, producer.epoch)
}

fn producer(text: &str) -> TransactionalProducer {
    let (id, epoch) = text.split_once('@').unwrap();
    TransactionalProducer { id: id.parse().unwrap(), epoch: epoch.parse().unwrap() }
}

fn topics(text: &str) -> Vec<TransactionPartitions> {
    let mut topics: Vec<TransactionPartitions> = Vec::new();
    for partition in text.split(',').filter(|it| *it != "-").map(transcript::parse_partition) {
        match topics.iter_mut().find(|it| it.topic == *partition.topic) {
            Some(topic) => topic.partitions.push(partition.partition),
            None => topics.push(TransactionPartitions {
                topic: (*partition.topic).to_owned(),
                partitions: vec![partition.partition],
            }),
        }
    }
    topics
}

fn state_named(text: &str) -> TransactionState {
    TransactionState::ALL.into_iter().find(|state| format!("{state:?}") == text).unwrap()
}

fn error(name: &str) -> ErrorCode {
    *ErrorCode::ALL.iter().find(|code| code.name() == name).unwrap()
}
