//! Producers, the partitions that they write to, and the coordinator of their transactions.
//!
//! What an application was answered is what the logs have: an acknowledged record is there once, at its offset and
//! behind those that were sent before it; a transaction is committed whole or not at all, and as its end was answered.
//! Where records have a time limit, they are acknowledged or have failed by then. Applications that copy, with the
//! offsets of their input in their transactions, copy each record once.

use std::collections::{BTreeMap, BTreeSet};

use barnabas::base::{BrokerId, LeaderEpoch, Millis, ProducerId, TopicPartition};
use barnabas::client::error::{ClientError, ConnectionError};
use barnabas::client::producer::batch::ProducerIdAndEpoch;
use barnabas::client::producer::transaction_manager::{
    TransactionEnd, TransactionalAnswer, TransactionalRequest,
};
use barnabas::coordinator::machine::TransactionalProducer;
use barnabas::coordinator::txn::{
    InitTransactionalProducer, TransactionCoordinator, TransactionResult, TransactionSettings, TxnEffect,
    TxnEvent, TxnMarkers, TxnRequest, TxnResponse,
};
use barnabas::wire::control::EndTransactionMarker;
use barnabas::wire::error_code::ErrorCode;

use super::ClientFlaw;
use super::application::{Application, BROKERS, Habits, Phase};
use super::data::{Appended, DataPartition};
use super::sent_records::{ExchangeId, Happening, ProducingStage, SentRecords};
use crate::coordinators::Outcome;
use crate::coordinators::partition::{FromPartition, Partition};

mod copying;

/// How many partitions there are.
const PARTITIONS: i32 = 2;
/// How many applications there are at a time.
const APPLICATIONS: usize = 2;
/// For how long things go wrong.
const ROUGH: Millis = 6_000;
/// How long everything has to come to an end after that.
const RECOVERY: Millis = 8_000;
/// How long a transaction may last.
const TRANSACTION_TIMEOUT: Millis = 3_000;
/// How long a leader waits for its followers before it answers without them.
const PRODUCE_TIMEOUT: Millis = 300;

/// A Produce request that its leader has appended and not answered.
#[derive(Debug)]
struct Held {
    exchange: ExchangeId,
    parts: Vec<(usize, Result<Appended, ErrorCode>)>,
    since: Millis,
}

struct World {
    stage: ProducingStage,
    data: Vec<DataPartition>,
    coordinator: Partition<TransactionCoordinator>,
    copying: copying::Copying,
    applications: Vec<Application>,
    held: Vec<Held>,
    /// The application and the request that each request to the coordinator is of.
    asked: BTreeMap<u64, (u64, u64, Vec<TopicPartition>)>,
    /// The newest leader epoch of a coordinator that has answered each application: it asks none before that.
    answered: BTreeMap<u64, LeaderEpoch>,
    next_producer_id: ProducerId,
    habits: Habits,
    /// Whether a broker takes the next request of a connection before the one before it is answered.
    is_pipelined: bool,
}

/// A time limit that is never over.
const FOREVER: Millis = 1_000_000_000;

fn machine(epoch: LeaderEpoch) -> TransactionCoordinator {
    let settings = TransactionSettings {
        expiration_ms: 1_000_000,
        abort_timed_out_interval_ms: 300,
        remove_expired_interval_ms: 1_000_000,
    };
    TransactionCoordinator::new(settings, epoch)
}

/// What applications do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trade {
    /// They produce, in transactions or not.
    Produce,
    /// They copy, in transactions.
    Copy,
}

/// Runs the applications of a seed to their end, or to the first thing that does not hold.
pub fn run(seed: u64, flaw: Option<ClientFlaw>, traced: bool) -> Outcome {
    play(Trade::Produce, ProducingStage::new(seed, flaw, traced))
}

/// The same, of applications that copy.
pub fn run_copying(seed: u64, flaw: Option<ClientFlaw>, traced: bool) -> Outcome {
    play(Trade::Copy, ProducingStage::new(seed, flaw, traced))
}

fn play(trade: Trade, stage: ProducingStage) -> Outcome {
    let mut world = World::new(trade, stage);
    let begun = world.stage.now;
    world.run_until(begun + ROUGH);
    world.stage.rough = false;
    world.applications.retain(|it| it.phase != Phase::Dead);
    world.run_until(begun + ROUGH + RECOVERY);
    world.check_whole();
    world.check_copies();
    let ProducingStage { violation, trace, ledger: SentRecords { records, .. }, .. } = world.stage;
    let done = records.values().filter(|it| it.acknowledged == Some(true)).count();
    Outcome { violation, done, trace: trace.unwrap_or_default() }
}

impl World {
    fn new(trade: Trade, mut stage: ProducingStage) -> Self {
        let largest = if stage.rng.u8(0..3) == 0 { 250 } else { 10_000 };
        let is_transactional = trade == Trade::Copy || stage.rng.bool();
        let fails = stage.rng.bool();
        let habits = Habits {
            transactional_id: is_transactional.then(|| "x".into()),
            input: (trade == Trade::Copy).then_some(0),
            delivery_timeout: if fails { 1_000 } else { FOREVER },
            // Without a transaction, what is in flight behind a record that is refused may be written twice, by Java's
            // producer, too: it is sent again in the next epoch.
            largest_record: if fails && is_transactional { 300 } else { 120 },
            partitions: PARTITIONS,
        };
        let data = (0..PARTITIONS).map(|it| DataPartition::new(it, it % BROKERS.end, largest)).collect();
        Self {
            data,
            coordinator: Partition::new(machine, None),
            copying: copying::Copying::default(),
            applications: Vec::new(),
            held: Vec::new(),
            asked: BTreeMap::new(),
            answered: BTreeMap::new(),
            next_producer_id: 0,
            habits,
            is_pipelined: stage.rng.bool(),
            stage,
        }
    }

    fn run_until(&mut self, end: Millis) {
        while self.stage.now < end && self.stage.violation.is_none() {
            self.stage.now += self.stage.rng.i64(1..12);
            self.step();
        }
    }

    fn step(&mut self) {
        let stalled = self.stage.goes_wrong(5);
        self.coordinator.tick(&mut self.stage.rng, stalled, self.stage.now);
        self.tick_groups();
        self.take_out();
        while let Some(happening) = self.stage.next() {
            self.happen(happening);
            self.take_out();
        }
        if self.stage.rough {
            self.disturb();
        } else {
            self.coordinator.unload_first();
            self.copying.groups.unload_first();
            self.data.iter_mut().for_each(DataPartition::replicate_all);
        }
        self.take_out();
        self.answer_held();
        for at in 0..self.applications.len() {
            if self.applications[at].asks_for_metadata(self.stage.now) {
                let leaders = self.leaders();
                self.applications[at].set_leaders(leaders, self.stage.now);
            }
            self.applications[at].act(&mut self.stage);
        }
        self.check_acknowledged();
    }

    fn leaders(&self) -> Vec<Option<BrokerId>> {
        self.data.iter().map(|it| Some(it.leader)).collect()
    }

    /// Something goes wrong, or a broken part comes back.
    fn disturb(&mut self) {
        while self.applications.len() < APPLICATIONS {
            let habits = self.habits_of_next();
            let application = Application::new(habits, self.leaders(), &mut self.stage);
            self.stage.say(|| format!("{} begins as {:?}", application.name, application.habits));
            self.applications.push(application);
        }
        for at in 0..self.data.len() {
            if self.stage.rng.u8(0..4) > 0 {
                self.data[at].replicate(&mut self.stage.rng);
            }
        }
        match self.stage.rng.u8(0..250) {
            0..3 => {
                let at = self.stage.rng.usize(0..self.data.len());
                let leader = self.stage.rng.i32(BROKERS);
                self.stage.say(|| format!("{leader} leads partition {at}"));
                self.data[at].fail_over(leader, &mut self.stage.rng);
            }
            3 => self.coordinator.fail_over(&mut self.stage.rng),
            4..12 => self.coordinator.unload_first(),
            17 => self.copying.groups.fail_over(&mut self.stage.rng),
            18..24 => self.copying.groups.unload_first(),
            12..16 => {
                let (at, broker) =
                    (self.stage.rng.usize(0..self.applications.len()), self.stage.rng.i32(BROKERS));
                self.applications[at].lose_connection(broker, &mut self.stage);
            }
            16 => {
                let at = self.stage.rng.usize(0..self.applications.len());
                let gone = self.applications.swap_remove(at);
                self.stage.say(|| format!("{} is killed", gone.name));
            }
            _ => self.applications.retain(|it| it.phase != Phase::Dead),
        }
    }

    /// Now and then the transactional id is the same as that of another application, which it takes the place of.
    fn habits_of_next(&mut self) -> Habits {
        let number = self.stage.rng.i32(0..copying::INPUTS);
        let transactional_id = self.habits.transactional_id.as_ref().map(|_| format!("id-{number}").into());
        let input = self.habits.input.map(|_| number);
        Habits { transactional_id, input, ..self.habits.clone() }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Produce(exchange, batches) => self.produce(exchange, batches),
            Happening::Produced(exchange, answers) => {
                if let Some(at) = self.of(exchange.application) {
                    self.applications[at].produced(exchange, answers, &mut self.stage);
                }
            }
            Happening::Ask { application, number, request } => self.ask(application, number, request),
            Happening::Answered { application, number, answer } => {
                if let Some(at) = self.of(application) {
                    self.applications[at].answered(number, answer, &mut self.stage);
                }
            }
            Happening::Locate { application, number } => self.locate(application, number),
            Happening::Located { application, number, offset } => {
                if let Some(at) = self.of(application) {
                    self.applications[at].located(number, offset, &mut self.stage);
                }
            }
            Happening::Generated(epoch, event) => self.coordinator.event(epoch, event, self.stage.now),
            Happening::Marker(epoch, markers, partition) => self.write_marker(epoch, markers, partition),
        }
    }

    fn of(&self, application: u64) -> Option<usize> {
        self.applications.iter().position(|it| it.name == application)
    }

    /// A Produce request arrives.
    fn produce(&mut self, exchange: ExchangeId, batches: Vec<(i32, bytes::Bytes)>) {
        let connection = self.of(exchange.application).map(|at| {
            let application = &self.applications[at];
            (application.connection(exchange.broker), application.habits.transactional_id.is_some())
        });
        // What was sent on a connection that was lost meanwhile may arrive all the same.
        let is_lost = match connection {
            Some((now, is_transactional)) => {
                now != exchange.connection && (is_transactional || self.stage.rng.bool())
            }
            None => self.stage.rng.bool(),
        };
        if is_lost {
            return self.stage.say(|| format!("#{} never arrives", exchange.number));
        }
        let same = |held: &Held| {
            let ExchangeId { application, broker, connection, .. } = held.exchange;
            (application, broker, connection) == (exchange.application, exchange.broker, exchange.connection)
        };
        if !self.is_pipelined && self.held.iter().any(same) {
            // It waits in the socket.
            let soon = self.stage.now + 1;
            return self.stage.at(soon, Happening::Produce(exchange, batches));
        }
        let mut parts = Vec::new();
        for (partition, bytes) in batches {
            let data = &mut self.data[partition as usize];
            let appended = match data.leader == exchange.broker {
                true => data.append(&bytes),
                false => Err(ErrorCode::NotLeaderOrFollower),
            };
            self.stage.say(|| format!("#{} in partition {partition}: {appended:?}", exchange.number));
            parts.push((partition as usize, appended));
        }
        self.held.push(Held { exchange, parts, since: self.stage.now });
    }

    /// Answers the requests whose records are replicated, or have waited long enough.
    fn answer_held(&mut self) {
        for held in std::mem::take(&mut self.held) {
            let is_late = held.since + PRODUCE_TIMEOUT < self.stage.now;
            let outcome = |(partition, appended): &(usize, Result<Appended, ErrorCode>)| match appended {
                Err(error) => Some(Err(*error)),
                Ok(appended) => match self.data[*partition].is_replicated(*appended) {
                    Ok(true) => Some(Ok(appended.base)),
                    Ok(false) => is_late.then_some(Err(ErrorCode::RequestTimedOut)),
                    Err(error) => Some(Err(error)),
                },
            };
            let answers: Option<Vec<_>> = held.parts.iter().map(outcome).collect();
            match answers {
                Some(answers) => self.answer(held.exchange, answers),
                None => self.held.push(held),
            }
        }
    }

    fn answer(&mut self, exchange: ExchangeId, answers: Vec<Result<barnabas::base::Offset, ErrorCode>>) {
        let Some(at) = self.of(exchange.application) else { return };
        let arrival = self.stage.now + self.stage.delay();
        let arrival = self.applications[at].answer_arrival(exchange.broker, arrival);
        self.stage.at(arrival, Happening::Produced(exchange, answers));
    }

    /// A request of a transaction manager arrives.
    fn ask(&mut self, application: u64, number: u64, request: TransactionalRequest) {
        // A request that its client has given up is lost with the connection.
        let Some(at) = self.of(application).filter(|at| self.applications[*at].waits_for(number)) else {
            return;
        };
        if self.stage.goes_wrong(20) {
            return;
        }
        let Some(transactional_id) = self.applications[at].habits.transactional_id.clone() else {
            self.next_producer_id += 1;
            let id = self.next_producer_id;
            let answer = TransactionalAnswer::Producer(ProducerIdAndEpoch { id, epoch: 0 });
            return self.stage.soon(Happening::Answered { application, number, answer });
        };
        let of = |it: ProducerIdAndEpoch| TransactionalProducer { id: it.id, epoch: it.epoch };
        let mut added = Vec::new();
        let request = match request {
            TransactionalRequest::InitProducerId { current } => {
                let timeout_ms = TRANSACTION_TIMEOUT as i32;
                let expected = current.map(of);
                TxnRequest::InitProducerId(InitTransactionalProducer {
                    transactional_id,
                    timeout_ms,
                    expected,
                })
            }
            TransactionalRequest::AddPartitions { producer, partitions } => {
                added.clone_from(&partitions);
                let partitions = partitions.into_iter().collect();
                TxnRequest::AddPartitions { transactional_id, producer: of(producer), partitions }
            }
            TransactionalRequest::EndTxn { producer, result } => {
                let result = match result {
                    TransactionEnd::Commit => TransactionResult::Commit,
                    TransactionEnd::Abort => TransactionResult::Abort,
                };
                TxnRequest::EndTxn { transactional_id, producer: of(producer), result }
            }
            TransactionalRequest::AddOffsets { producer, .. } => {
                let partitions = [copying::offsets_partition()].into();
                TxnRequest::AddPartitions { transactional_id, producer: of(producer), partitions }
            }
            TransactionalRequest::TxnOffsetCommit { producer, offsets, .. } => {
                return self.commit_offsets(application, number, of(producer), &offsets);
            }
        };
        let ticket = self.stage.number();
        self.asked.insert(ticket, (application, number, added));
        let answered = self.answered.get(&application).copied().unwrap_or(-1);
        let leader = self.coordinator.believed(&mut self.stage.rng, answered);
        self.coordinator.request(leader, ticket, request, self.stage.now);
    }

    /// What has come out of the coordinator goes on its way.
    fn take_out(&mut self) {
        self.take_out_groups();
        for out in std::mem::take(&mut self.coordinator.out) {
            match out {
                FromPartition::Response(ticket, epoch, response) => {
                    if let Some((application, ..)) = self.asked.get(&ticket) {
                        let answered = self.answered.entry(*application).or_insert(epoch);
                        *answered = epoch.max(*answered);
                    }
                    self.respond(ticket, Some(response));
                }
                FromPartition::Lost(ticket) => self.respond(ticket, None),
                FromPartition::Effect(epoch, effect) => self.effect(epoch, effect),
            }
        }
    }

    fn respond(&mut self, ticket: u64, response: Option<TxnResponse>) {
        let Some((application, number, added)) = self.asked.remove(&ticket) else { return };
        self.stage.say(|| format!("#{number}: {response:?}"));
        if self.stage.goes_wrong(20) {
            return;
        }
        let answer = match response {
            None => TransactionalAnswer::Failed(ClientError::Connection(ConnectionError::TimedOut(
                std::time::Duration::ZERO,
            ))),
            Some(response) if !added.is_empty() => {
                let error = response.err().unwrap_or(ErrorCode::None);
                TransactionalAnswer::Partitions(added.into_iter().map(|it| (it, error)).collect())
            }
            Some(Err(error)) => TransactionalAnswer::Whole(error),
            Some(Ok(producer)) => self.whole_answer(application, number, producer),
        };
        self.stage.soon(Happening::Answered { application, number, answer });
    }

    /// The answer to a request that was carried out: a producer where one was asked for.
    fn whole_answer(
        &self,
        application: u64,
        number: u64,
        producer: TransactionalProducer,
    ) -> TransactionalAnswer {
        let asks = |at: usize| self.applications[at].asks_for_producer(number);
        match self.of(application).is_some_and(asks) {
            true => {
                let TransactionalProducer { id, epoch } = producer;
                TransactionalAnswer::Producer(ProducerIdAndEpoch { id, epoch })
            }
            false => TransactionalAnswer::Whole(ErrorCode::None),
        }
    }

    fn effect(&mut self, epoch: LeaderEpoch, effect: TxnEffect) {
        match effect {
            TxnEffect::GenerateProducerId(request) => {
                self.next_producer_id += 1;
                let event = TxnEvent::ProducerIdGenerated(request, Ok(self.next_producer_id));
                self.stage.soon(Happening::Generated(epoch, event));
            }
            TxnEffect::WriteMarkers(markers) => {
                for partition in &markers.partitions {
                    self.stage.soon(Happening::Marker(epoch, markers.clone(), partition.clone()));
                }
            }
            _ => {}
        }
    }

    fn write_marker(&mut self, epoch: LeaderEpoch, markers: TxnMarkers, partition: TopicPartition) {
        let TxnMarkers { transactional_id, producer, coordinator_epoch, result, .. } = markers.clone();
        let committed = result == TransactionResult::Commit;
        let marker = EndTransactionMarker { committed, coordinator_epoch };
        let written = if partition == copying::offsets_partition() {
            self.write_offsets_marker(producer, marker)
        } else {
            self.data[partition.partition as usize].append_marker((producer.id, producer.epoch), marker)
        };
        self.stage
            .say(|| format!("marker of {producer:?} in {partition}, committed {committed}: {written:?}"));
        if written.is_err() {
            // Another coordinator or another producer has taken over.
            return;
        }
        if self.stage.goes_wrong(6) {
            // Sent once more where its answer is lost.
            return self.stage.soon(Happening::Marker(epoch, markers, partition));
        }
        let written = TxnEvent::MarkersWritten { transactional_id, partitions: vec![partition] };
        self.coordinator.event(epoch, written, self.stage.now);
    }

    /// Acknowledged records are at their offsets, on all replicas.
    fn check_acknowledged(&mut self) {
        for (value, offset) in std::mem::take(&mut self.stage.ledger.acknowledged) {
            let Some(record) = self.stage.ledger.records.get(&value).copied() else { continue };
            let data = &self.data[record.partition as usize];
            let Some(offset) = offset else { continue };
            let found = data.value_at(offset);
            if found != Some(value) || offset >= data.high_watermark() {
                let (mark, id) = (data.high_watermark(), data.id.clone());
                self.stage.violate(format!(
                    "record {value} was acknowledged at offset {offset} of {id}, which has {found:?} there and is \
                     replicated up to {mark}"
                ));
            }
        }
    }

    /// In the end all that was acknowledged is in the logs, once and in order, and transactions have ended as they were
    /// answered.
    fn check_whole(&mut self) {
        if self.stage.violation.is_some() {
            return;
        }
        if let Some(busy) = self.applications.iter().find(|it| !it.is_idle() && it.phase != Phase::Dead) {
            let text = format!("{} is not done in the end: {:?}", busy.name, busy.phase);
            return self.stage.violate(text);
        }
        let mut fates = BTreeMap::new();
        for at in 0..self.data.len() {
            let of_partition = self.data[at].fates();
            self.check_order(at, &of_partition);
            fates.extend(of_partition);
        }
        self.check_acknowledged_in(&fates);
        self.check_transactions(&fates);
    }

    /// Visible records of an application are there once, in the order in which it has sent them.
    fn check_order(&mut self, at: usize, fates: &BTreeMap<u64, Option<bool>>) {
        let mut last: BTreeMap<u64, u64> = BTreeMap::new();
        for stored in self.data[at].records() {
            let Some(record) = self.stage.ledger.records.get(&stored.value) else { continue };
            if fates.get(&stored.value) != Some(&Some(true)) {
                continue;
            }
            let before = last.insert(record.application, stored.value);
            if before.is_some_and(|before| before >= stored.value) {
                let text = format!("partition {at} has record {} behind {before:?}", stored.value);
                return self.stage.violate(text);
            }
        }
    }

    fn check_acknowledged_in(&mut self, fates: &BTreeMap<u64, Option<bool>>) {
        let lost = self
            .stage
            .ledger
            .records
            .iter()
            .find(|(value, record)| record.acknowledged == Some(true) && !fates.contains_key(value));
        if let Some((value, record)) = lost {
            let text = format!("record {value} was acknowledged and is gone: {record:?}");
            return self.stage.violate(text);
        }
        // Without time-outs nothing fails, unless its application died.
        let alive: BTreeSet<_> = self.applications.iter().map(|it| it.name).collect();
        let failed = self.stage.ledger.records.iter().find(|(_, record)| {
            let may_fail = self.habits.transactional_id.is_some() || self.habits.delivery_timeout < FOREVER;
            alive.contains(&record.application) && !may_fail && record.acknowledged != Some(true)
        });
        if let Some((value, record)) = failed {
            let text = format!("record {value} was not acknowledged in the end: {record:?}");
            self.stage.violate(text);
        }
    }

    fn check_transactions(&mut self, fates: &BTreeMap<u64, Option<bool>>) {
        let mut found = None;
        for (name, fate) in &self.stage.ledger.transactions {
            let kinds: BTreeSet<_> = fate.values.iter().map(|value| fates.get(value).copied()).collect();
            let is_committed = kinds.contains(&Some(Some(true)));
            if kinds.contains(&Some(None)) {
                found = Some(format!("transaction {name} never ends: {fate:?}"));
            } else if is_committed && kinds.len() > 1 {
                found = Some(format!("transaction {name} is committed in part: {fate:?}, {kinds:?}"));
            } else if is_committed && !fate.commit_asked {
                found = Some(format!("transaction {name} is committed unasked"));
            } else if is_committed && fate.ended == Some(TransactionEnd::Abort) {
                found = Some(format!("transaction {name} was aborted, and is committed"));
            } else if !is_committed && !kinds.is_empty() && fate.ended == Some(TransactionEnd::Commit) {
                found = Some(format!("transaction {name} was committed, and is {kinds:?}"));
            }
        }
        if let Some(found) = found {
            self.stage.violate(found);
        }
    }
}
