//! An application with a producer: the library's machine, its connections, and what it sends.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use barnabas::base::{BrokerId, Millis, Offset};
use barnabas::client::error::{ClientError, ConnectionError, Recovery};
use barnabas::client::producer::ProducerRecord;
use barnabas::client::producer::accumulator::{AccumulatorSettings, NewBatch};
use barnabas::client::producer::batch::BatchId;
use barnabas::client::producer::machine::{
    PartitionAnswer, ProducerMachine, ProducerMachineSettings, ProducerStep, SentBatch, SettledBatch,
    WrittenBatch,
};
use barnabas::client::producer::transaction_manager::{
    CallId, TransactionEnd, TransactionManagerSettings, TransactionalAnswer, TransactionalRequest,
};
use barnabas::wire::compression::Compression;
use barnabas::wire::error_code::ErrorCode;

use super::ClientFlaw;
use super::connection::{Connection, Exchange};
use super::sent_records::{ExchangeId, Happening, ProducingStage, SentRecord};

mod copying;

pub use copying::{GROUP, input};

/// The brokers.
pub const BROKERS: std::ops::Range<BrokerId> = 0..3;
/// How many requests may be in flight to a broker.
const MAX_IN_FLIGHT: usize = 5;
/// How long a client waits for an answer.
const REQUEST_TIMEOUT: Millis = 500;
const RETRY_BACKOFF: Millis = 30;
/// The longest time between two turns of an application, and a little more.
const LONGEST_TURN: Millis = 30;
/// How many records an application sends ahead of their answers.
const MOST_OPEN: usize = 40;

/// What an application does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It sends records outside of transactions.
    Sends,
    /// It prepares for transactions.
    Initializes,
    /// It waits for that.
    Initializing(CallId),
    /// It asks how far its input was read.
    Locates,
    /// It waits for the answer to this request, since then.
    Locating(u64, Millis),
    /// It begins a transaction.
    Ready,
    /// It sends so many more records in this transaction.
    InTransaction(u64, usize),
    /// It waits until its offsets are part of this transaction.
    SendingOffsets(u64, CallId),
    /// It waits for the end of this transaction.
    Ending(u64, CallId, TransactionEnd),
    /// Its producer can do nothing more.
    Dead,
}

/// How an application sends.
#[derive(Clone, Debug)]
pub struct Habits {
    pub transactional_id: Option<Arc<str>>,
    /// What it copies: each transaction has records of its input, and the offset up to which it has them.
    pub input: Option<i32>,
    /// The age at which a batch has failed.
    pub delivery_timeout: Millis,
    /// How many bytes a record may have beside its number.
    pub largest_record: usize,
    pub partitions: i32,
}

/// A request of the transaction manager that is not answered.
#[derive(Debug)]
struct Asked {
    number: u64,
    since: Millis,
    /// Whether it asks for a producer id or epoch.
    is_for_producer: bool,
}

/// An application.
#[derive(Debug)]
pub struct Application {
    pub name: u64,
    pub habits: Habits,
    pub machine: ProducerMachine<u64>,
    /// The number of the topic in the accumulator.
    topic: u32,
    connections: BTreeMap<BrokerId, Connection>,
    asked: Option<Asked>,
    pub phase: Phase,
    /// The values of each batch, by what completes it.
    batches: HashMap<u64, Vec<u64>>,
    made: u64,
    /// Where in its input its transaction begins.
    position: Offset,
    /// How many records of its input its transaction has.
    copied: Offset,
    /// Whether the leaders are to be looked up.
    wants_metadata: bool,
    /// Not before this time.
    metadata_at: Millis,
}

fn lost() -> ClientError {
    ClientError::Connection(ConnectionError::TimedOut(std::time::Duration::from_millis(500)))
}

impl Application {
    pub fn new(habits: Habits, leaders: Vec<Option<BrokerId>>, stage: &mut ProducingStage) -> Self {
        let transactional_id = habits.transactional_id.clone();
        let phase = if transactional_id.is_some() { Phase::Initializes } else { Phase::Sends };
        let is_idempotent = stage.flaw != Some(ClientFlaw::HasNoSequences) || transactional_id.is_some();
        let mut machine = ProducerMachine::new(ProducerMachineSettings {
            accumulator: AccumulatorSettings {
                batch_size: 400,
                linger: stage.rng.i64(0..20),
                retry_backoff: RETRY_BACKOFF,
                delivery_timeout: match stage.flaw {
                    Some(ClientFlaw::KeepsItsBatches) => habits.delivery_timeout * 2,
                    _ => habits.delivery_timeout,
                },
                compression: Compression::None,
                compression_level: None,
                mutes_partitions: stage.rng.u8(0..8) == 0,
            },
            transactions: is_idempotent
                .then_some(TransactionManagerSettings { transactional_id, retry_backoff: RETRY_BACKOFF }),
            retries: i32::MAX as u32,
        });
        if let Some(transactions) = machine.transactions_mut() {
            transactions.coordinator_ready(true);
        }
        let topic = machine.accumulator_mut().set_leaders(&"t".into(), leaders, stage.now);
        Self {
            name: stage.number(),
            habits,
            machine,
            topic,
            connections: BROKERS.map(|broker| (broker, Connection::default())).collect(),
            asked: None,
            phase,
            batches: HashMap::new(),
            made: 0,
            position: 0,
            copied: 0,
            wants_metadata: false,
            metadata_at: 0,
        }
    }

    /// Whether it looks up the leaders now.
    pub fn asks_for_metadata(&mut self, now: Millis) -> bool {
        let asks = self.wants_metadata && self.metadata_at <= now;
        if asks {
            (self.wants_metadata, self.metadata_at) = (false, now + RETRY_BACKOFF);
        }
        asks
    }

    pub fn set_leaders(&mut self, leaders: Vec<Option<BrokerId>>, now: Millis) {
        self.machine.accumulator_mut().set_leaders(&"t".into(), leaders, now);
    }

    /// The number of its connection to a broker.
    pub fn connection(&self, broker: BrokerId) -> u64 {
        self.connections[&broker].number
    }

    /// When an answer arrives on a connection that takes so long, behind those before it.
    pub fn answer_arrival(&mut self, broker: BrokerId, at: Millis) -> Millis {
        self.connections.get_mut(&broker).map_or(at, |it| it.answer_arrival(at))
    }

    /// Whether it has nothing left to do.
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Sends | Phase::Ready) && self.machine.accumulator().is_empty()
    }

    /// Its turn.
    pub fn act(&mut self, stage: &mut ProducingStage) {
        self.give_up_waiting(stage);
        let ProducerStep { settled, request, .. } = self.machine.step(stage.now);
        settled.into_iter().for_each(|batch| self.settled(batch, stage));
        if let Some(request) = request {
            self.ask(request, stage);
        }
        self.wants_metadata |= self.machine.accumulator().has_leaderless();
        for broker in BROKERS {
            while self.send(broker, stage) {}
        }
        self.go_on(stage);
    }

    /// Requests that were not answered in time have failed, and their connections with them.
    fn give_up_waiting(&mut self, stage: &mut ProducingStage) {
        for broker in BROKERS {
            let first = self.connections[&broker].in_flight.front();
            if first.is_some_and(|exchange| exchange.sent + REQUEST_TIMEOUT < stage.now) {
                self.lose_connection(broker, stage);
            }
        }
        if let Some(asked) = self.asked.take_if(|asked| asked.since + REQUEST_TIMEOUT < stage.now) {
            stage.say(|| format!("{} has no answer to #{}", self.name, asked.number));
            self.transactions_answered(TransactionalAnswer::Failed(lost()), stage);
        }
    }

    /// The connection to a broker is lost: no request on it is answered any more.
    pub fn lose_connection(&mut self, broker: BrokerId, stage: &mut ProducingStage) {
        let not_before = stage.now + RETRY_BACKOFF;
        let Some(connection) = self.connections.get_mut(&broker) else { return };
        let mut exchanges = connection.lose(not_before);
        stage.say(|| format!("{} loses its connection to {broker}", self.name));
        // The tasks that wait for the answers wake in any order.
        stage.rng.shuffle(&mut exchanges);
        self.wants_metadata = true;
        for batch in exchanges.into_iter().flat_map(|exchange| exchange.batches) {
            let believed = WrittenBatch { base_offset: None, log_append_time: None };
            let outcome = match stage.flaw {
                Some(ClientFlaw::BelievesItsBatches) => Ok(believed),
                _ => Err(lost()),
            };
            self.settle(batch, PartitionAnswer { outcome, log_start: None }, stage);
        }
    }

    /// Sends a broker what is ready for it; whether there may be more.
    fn send(&mut self, broker: BrokerId, stage: &mut ProducingStage) -> bool {
        let now = stage.now;
        let Some(connection) = self.connections.get_mut(&broker) else { return false };
        let may_send = connection.in_flight.len() < MAX_IN_FLIGHT && connection.not_before <= now;
        if !may_send || !self.machine.accumulator_mut().has_ready(broker) {
            return false;
        }
        let is_transactional = self.habits.transactional_id.is_some();
        let mut batches = Vec::new();
        for drained in self.machine.drain(broker, 1_000, now) {
            let bytes = drained.payload.seal(drained.identity, is_transactional).expect("no codec can fail");
            let (slot, partition, id) = (drained.slot, drained.partition, drained.id);
            let (identity, records) = (drained.identity, drained.records);
            batches.push(SentBatch { slot, partition, id, bytes, identity, records });
        }
        if batches.is_empty() {
            return false;
        }
        let number = stage.number();
        let arrival = connection.arrival(now + stage.delay());
        let exchange = ExchangeId { application: self.name, broker, connection: connection.number, number };
        let parts: Vec<_> = batches.iter().map(|it| (it.partition.partition, it.bytes.clone())).collect();
        stage.say(|| {
            let identities: Vec<_> =
                batches.iter().map(|it| (&it.partition, it.identity, it.records)).collect();
            format!("{} sends {broker} #{number} on {}: {identities:?}", self.name, exchange.connection)
        });
        connection.in_flight.push_back(Exchange { number, batches, sent: now });
        stage.at(arrival, Happening::Produce(exchange, parts));
        true
    }

    /// The answer to a Produce request has come.
    pub fn produced(
        &mut self,
        exchange: ExchangeId,
        answers: Vec<Result<Offset, ErrorCode>>,
        stage: &mut ProducingStage,
    ) {
        let Some(connection) = self.connections.get_mut(&exchange.broker) else { return };
        if connection.number != exchange.connection {
            return;
        }
        let Some(at) = connection.in_flight.iter().position(|it| it.number == exchange.number) else {
            return;
        };
        let Some(Exchange { batches, .. }) = connection.in_flight.remove(at) else { return };
        for (batch, answer) in batches.into_iter().zip(answers) {
            let outcome = match answer {
                Ok(base) => Ok(WrittenBatch { base_offset: Some(base), log_append_time: None }),
                Err(error) => Err(ClientError::refused(error)),
            };
            self.settle(batch, PartitionAnswer { outcome, log_start: None }, stage);
        }
    }

    fn settle(&mut self, batch: SentBatch, answer: PartitionAnswer, stage: &mut ProducingStage) {
        let made = &mut self.made;
        let settled = self.machine.settle(batch, answer, stage.now, |_| {
            *made += 1;
            *made
        });
        if let Some(settled) = settled {
            self.settled(settled, stage);
        }
    }

    /// Notes what came of the records of a batch.
    fn settled(&mut self, settled: SettledBatch<u64>, stage: &mut ProducingStage) {
        match settled {
            SettledBatch::Written { ended, written } => {
                let values = self.batches.remove(&ended.batch.completion).unwrap_or_default();
                for (index, value) in values.into_iter().enumerate() {
                    stage.done(value, Some(written.base_offset.map(|base| base + index as i64)));
                }
            }
            SettledBatch::Failed { ended, error } => {
                let values = self.batches.remove(&ended.batch.completion).unwrap_or_default();
                stage.say(|| format!("{} fails {values:?}: {error}", self.name));
                self.cut_off(ended.batch.id, stage);
                values.into_iter().for_each(|value| stage.done(value, None));
            }
            SettledBatch::Split { split, .. } => {
                let mut values = self.batches.remove(&split.whole).unwrap_or_default();
                stage.say(|| format!("{} splits {values:?}", self.name));
                if stage.flaw == Some(ClientFlaw::MixesPieces) {
                    values.reverse();
                }
                let mut values = values.into_iter();
                for piece in split.pieces {
                    self.batches.insert(piece.completion, values.by_ref().take(piece.records).collect());
                }
            }
            SettledBatch::Retried { .. } => {}
        }
    }

    /// A batch that was given up must not arrive behind the end of its transaction: the protocol of 2.7 has no defence
    /// against that (KIP-890), and it is not what is tried here.
    fn cut_off(&mut self, id: BatchId, stage: &mut ProducingStage) {
        let carries = |it: &Connection| it.in_flight.iter().flat_map(|it| &it.batches).any(|it| it.id == id);
        let carrier = BROKERS.into_iter().find(|broker| carries(&self.connections[broker]));
        if let (Some(broker), Some(_)) = (carrier, &self.habits.transactional_id) {
            self.lose_connection(broker, stage);
        }
    }

    /// Sends a request of the transaction manager.
    fn ask(&mut self, request: TransactionalRequest, stage: &mut ProducingStage) {
        let (number, application) = (stage.number(), self.name);
        stage.say(|| format!("{application} asks #{number}: {request:?}"));
        let is_for_producer = matches!(request, TransactionalRequest::InitProducerId { .. });
        self.asked = Some(Asked { number, since: stage.now, is_for_producer });
        stage.soon(Happening::Ask { application, number, request });
    }

    /// Whether it still waits for the answer to this request.
    pub fn waits_for(&self, number: u64) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.number == number)
    }

    /// Whether that request is for a producer id or epoch.
    pub fn asks_for_producer(&self, number: u64) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.number == number && asked.is_for_producer)
    }

    /// The answer to a request of the transaction manager has come.
    pub fn answered(&mut self, number: u64, answer: TransactionalAnswer, stage: &mut ProducingStage) {
        if self.asked.take_if(|asked| asked.number == number).is_some() {
            self.transactions_answered(answer, stage);
        }
    }

    fn transactions_answered(&mut self, answer: TransactionalAnswer, stage: &mut ProducingStage) {
        if let Some(transactions) = self.machine.transactions_mut() {
            // The coordinator is looked up for each request here.
            let _ = transactions.answered(answer, stage.now);
        }
    }

    /// What the application itself does next.
    fn go_on(&mut self, stage: &mut ProducingStage) {
        match self.phase {
            Phase::Sends => {
                let open: usize = self.batches.values().map(Vec::len).sum();
                if stage.rough && open < MOST_OPEN && stage.rng.u8(0..3) == 0 {
                    for _ in 0..stage.rng.usize(1..6) {
                        let _ = self.send_record(None, stage);
                    }
                }
            }
            Phase::Initializes => {
                let call = self.machine.transactions_mut().map(|it| it.initialize_transactions());
                self.phase = match call {
                    Some(Ok(call)) => Phase::Initializing(call),
                    _ => Phase::Dead,
                };
            }
            Phase::Initializing(call) => match self.outcome(call) {
                Some(Ok(())) => self.phase = self.next_transaction(),
                Some(Err(error)) => self.die(&error, stage),
                None => {}
            },
            Phase::Locates => self.locate(stage),
            Phase::Locating(_, since) if since + REQUEST_TIMEOUT < stage.now => self.locate(stage),
            Phase::Ready if stage.rough => {
                self.copied = 0;
                let begun = self.machine.transactions_mut().map(|it| it.begin_transaction());
                self.phase = match begun {
                    Some(Ok(())) => Phase::InTransaction(stage.number(), stage.rng.usize(1..10)),
                    _ => Phase::Dead,
                };
            }
            Phase::InTransaction(transaction, 0) if self.habits.input.is_some() => {
                self.send_offsets(transaction, stage);
            }
            Phase::InTransaction(transaction, 0) => self.end_either_way(transaction, stage),
            Phase::SendingOffsets(transaction, call) => match self.outcome(call) {
                Some(Ok(())) => self.end_either_way(transaction, stage),
                Some(Err(error)) => self.abort_for(transaction, &error, stage),
                None => {}
            },
            Phase::InTransaction(transaction, left) if stage.rng.u8(0..3) > 0 => {
                match self.send_record(Some(transaction), stage) {
                    Ok(()) => self.phase = Phase::InTransaction(transaction, left - 1),
                    Err(error) => self.abort_for(transaction, &error, stage),
                }
            }
            Phase::Ending(transaction, call, result) => match self.outcome(call) {
                Some(Ok(())) => self.ended(transaction, result, stage),
                Some(Err(_)) if stage.flaw == Some(ClientFlaw::BelievesItsCommits) => {
                    self.ended(transaction, result, stage);
                }
                Some(Err(error)) => self.abort_for(transaction, &error, stage),
                None => {}
            },
            Phase::Locating(..) | Phase::Ready | Phase::InTransaction(..) | Phase::Dead => {}
        }
    }

    fn outcome(&mut self, call: CallId) -> Option<Result<(), ClientError>> {
        self.machine.transactions_mut()?.outcome(call)
    }

    fn send_record(
        &mut self,
        transaction: Option<u64>,
        stage: &mut ProducingStage,
    ) -> Result<(), ClientError> {
        let partition = stage.rng.i32(0..self.habits.partitions);
        let application = self.name;
        // A record counts as sent once the producer has accepted it.
        let value = stage.number();
        let mut bytes = value.to_be_bytes().to_vec();
        bytes.resize(8 + stage.rng.usize(0..=self.habits.largest_record), b'x');
        let record = ProducerRecord::new("t", bytes);
        let made = &mut self.made;
        let completion = |_: &_| {
            *made += 1;
            *made
        };
        let accepted = self.machine.append(
            (self.topic, partition),
            &record,
            1,
            stage.now,
            NewBatch::Begin,
            completion,
        )?;
        let Some(accepted) = accepted else { return Err(ClientError::Closed) };
        let of_batch = self.batches.entry(accepted.added.completion).or_default();
        assert_eq!(of_batch.len(), accepted.added.index, "records of a batch are numbered in their order");
        of_batch.push(value);
        let input = self.habits.input.map(|it| (it, self.position + self.copied));
        self.copied += 1;
        let due = stage.now + self.habits.delivery_timeout + LONGEST_TURN;
        stage.sent(value, SentRecord { application, partition, transaction, input, due, acknowledged: None });
        Ok(())
    }

    fn end_either_way(&mut self, transaction: u64, stage: &mut ProducingStage) {
        let commits = stage.rng.u8(0..4) > 0;
        let result = if commits { TransactionEnd::Commit } else { TransactionEnd::Abort };
        self.end(transaction, result, stage);
    }

    fn end(&mut self, transaction: u64, result: TransactionEnd, stage: &mut ProducingStage) {
        let fate = stage.ledger.transactions.entry(transaction).or_default();
        fate.commit_asked |= result == TransactionEnd::Commit;
        stage.say(|| format!("{} ends {transaction}: {result:?}", self.name));
        match self.machine.transactions_mut().map(|it| it.end_transaction(result)) {
            Some(Ok(call)) => self.phase = Phase::Ending(transaction, call, result),
            Some(Err(error)) if result == TransactionEnd::Commit => {
                self.abort_for(transaction, &error, stage)
            }
            Some(Err(error)) => self.die(&error, stage),
            None => self.phase = Phase::Dead,
        }
    }

    fn ended(&mut self, transaction: u64, result: TransactionEnd, stage: &mut ProducingStage) {
        stage.say(|| format!("{} has ended {transaction}: {result:?}", self.name));
        stage.ledger.transactions.entry(transaction).or_default().ended = Some(result);
        self.phase = match result {
            TransactionEnd::Commit => {
                self.position += self.copied;
                Phase::Ready
            }
            TransactionEnd::Abort => self.next_transaction(),
        };
    }

    /// Aborts a transaction that has failed, or ends with the producer.
    fn abort_for(&mut self, transaction: u64, error: &ClientError, stage: &mut ProducingStage) {
        let is_aborting = matches!(self.phase, Phase::Ending(_, _, TransactionEnd::Abort));
        match error.recovery() {
            Recovery::Fatal => self.die(error, stage),
            _ if is_aborting => self.die(error, stage),
            _ => self.end(transaction, TransactionEnd::Abort, stage),
        }
    }

    fn die(&mut self, error: &ClientError, stage: &mut ProducingStage) {
        stage.say(|| format!("{} is at its end: {error}", self.name));
        self.phase = Phase::Dead;
    }
}
