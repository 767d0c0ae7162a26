//! Producers with transactional ids, the partitions that they write to, and a coordinator that moves from broker to
//! broker while markers are on their way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use barnabas::base::{LeaderEpoch, Millis, ProducerEpoch, ProducerId, TopicPartition};
use barnabas::coordinator::machine::TransactionalProducer;
use barnabas::coordinator::txn::{
    InitTransactionalProducer, TransactionCoordinator, TransactionResult, TransactionSettings, TxnEffect,
    TxnEvent, TxnMarkers, TxnRequest, TxnResponse,
};
use barnabas::wire::error_code::ErrorCode;
use fastrand::Rng;

use super::partition::{FromPartition, Partition};
use super::{CoordinatorFlaw, Outcome};

/// How many transactional ids there are.
const IDS: u64 = 2;
/// How many producers there are at a time.
const PRODUCERS: usize = 3;
/// How many partitions they write to.
const PARTITIONS: i32 = 4;
/// For how long things go wrong.
const ROUGH: Millis = 12_000;
/// How long everything has to come to an end after that.
const RECOVERY: Millis = 8_000;
/// How long a transaction may last.
const TIMEOUT: Millis = 1_000;

/// A record, or a marker, in a partition that producers write to.
#[derive(Clone, Copy, Debug)]
enum Entry {
    /// `fenced`: a newer producer of its transactional id had its id and epoch by then.
    Record {
        producer: ProducerId,
        transaction: u64,
        fenced: bool,
    },
    Marker {
        producer: ProducerId,
        committed: bool,
    },
}

/// What a leader knows of a producer.
#[derive(Clone, Copy, Debug)]
struct Known {
    epoch: ProducerEpoch,
    coordinator_epoch: LeaderEpoch,
}

/// A partition that producers write to.
#[derive(Debug, Default)]
struct Data {
    log: Vec<Entry>,
    producers: BTreeMap<ProducerId, Known>,
}

/// What a producer wants with its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// To have an id and an epoch.
    Uninitialized,
    /// To begin a transaction.
    Idle,
    /// To have its partitions added.
    Begins,
    /// To write.
    Writes,
    /// To commit it, or to abort it.
    Ends(TransactionResult),
    /// A request of this number is not answered yet, since then; what it wants after that.
    Waits(u64, Millis, Want),
    /// Another has taken its place.
    Fenced,
}

/// What a producer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Init,
    Add,
    End(TransactionResult),
}

/// A producer.
#[derive(Debug)]
struct Producer {
    name: u64,
    transactional_id: Arc<str>,
    producer: Option<TransactionalProducer>,
    phase: Phase,
    /// Its transaction, and where it writes.
    transaction: u64,
    partitions: BTreeSet<i32>,
    /// The newest leader epoch of a coordinator that has answered it.
    answered: LeaderEpoch,
}

/// What is known of a transaction.
#[derive(Debug, Default)]
struct Fate {
    records: BTreeSet<i32>,
    /// How it ended by the answer to its producer.
    told: Option<TransactionResult>,
    /// Whether a commit was asked for.
    commit_asked: bool,
}

struct World {
    rng: Rng,
    now: Millis,
    rough: bool,
    flaw: Option<CoordinatorFlaw>,
    partition: Partition<TransactionCoordinator>,
    data: BTreeMap<i32, Data>,
    producers: Vec<Producer>,
    asked: BTreeMap<u64, u64>,
    numbers: u64,
    next_producer_id: ProducerId,
    /// Markers on their way, each from the coordinator of an epoch to one partition.
    markers: Vec<(LeaderEpoch, TxnMarkers, i32)>,
    /// Producer ids on their way.
    generated: Vec<(LeaderEpoch, TxnEvent)>,
    fates: BTreeMap<u64, Fate>,
    /// The newest producer of each transactional id that has been answered.
    newest: BTreeMap<Arc<str>, TransactionalProducer>,
    /// When the broker that leads is to fail, too.
    fails_again: Option<Millis>,
    violation: Option<String>,
    trace: Option<Vec<String>>,
}

fn machine(epoch: LeaderEpoch) -> TransactionCoordinator {
    let settings = TransactionSettings {
        expiration_ms: 1_000_000,
        abort_timed_out_interval_ms: 300,
        remove_expired_interval_ms: 500,
    };
    TransactionCoordinator::new(settings, epoch)
}

/// Runs the producers of a seed to their end, or to the first thing that does not hold.
pub fn run(seed: u64, flaw: Option<CoordinatorFlaw>, traced: bool) -> Outcome {
    let now = 1_000_000;
    let mut world = World {
        rng: Rng::with_seed(seed),
        now,
        rough: true,
        flaw,
        partition: Partition::new(machine, flaw),
        data: (0..PARTITIONS).map(|it| (it, Data::default())).collect(),
        producers: Vec::new(),
        asked: BTreeMap::new(),
        numbers: 0,
        next_producer_id: 0,
        markers: Vec::new(),
        generated: Vec::new(),
        fates: BTreeMap::new(),
        newest: BTreeMap::new(),
        fails_again: None,
        violation: None,
        trace: traced.then(Vec::new),
    };
    world.run_until(now + ROUGH);
    world.rough = false;
    world.producers.retain(|it| it.phase != Phase::Fenced);
    world.run_until(now + ROUGH + RECOVERY);
    world.check_whole();
    let done = world.fates.values().filter(|it| it.told.is_some()).count();
    Outcome { violation: world.violation, done, trace: world.trace.unwrap_or_default() }
}

impl World {
    fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{} {}", self.now, line()));
        }
    }

    fn violate(&mut self, what: String) {
        self.violation.get_or_insert(what);
    }

    fn run_until(&mut self, end: Millis) {
        while self.now < end && self.violation.is_none() {
            self.now += self.rng.i64(1..40);
            self.step();
        }
    }

    fn step(&mut self) {
        if self.fails_again.is_some_and(|at| at <= self.now) {
            self.fail_over();
        }
        let stalled = self.rough && self.rng.u8(0..5) == 0;
        self.partition.tick(&mut self.rng, stalled, self.now);
        self.take_out();
        if self.rough {
            while self.producers.len() < PRODUCERS {
                self.add_producer();
            }
            match self.rng.u8(0..150) {
                0 | 1 => {
                    self.fail_over();
                }
                2..8 => self.partition.unload_first(),
                8 => {
                    let gone = self.rng.usize(..self.producers.len());
                    let gone = self.producers.swap_remove(gone);
                    self.say(|| format!("producer {} is killed", gone.name));
                }
                _ => {}
            }
        } else {
            self.partition.unload_first();
        }
        self.take_out();
        self.deliver();
        if !self.producers.is_empty() {
            let at = self.rng.usize(..self.producers.len());
            self.act(at);
        }
        self.take_out();
    }

    fn add_producer(&mut self) {
        self.numbers += 1;
        self.producers.push(Producer {
            name: self.numbers,
            transactional_id: format!("id-{}", self.rng.u64(..IDS)).into(),
            producer: None,
            phase: Phase::Uninitialized,
            transaction: 0,
            partitions: BTreeSet::new(),
            answered: -1,
        });
    }

    /// Something that is on its way arrives.
    fn deliver(&mut self) {
        if !self.generated.is_empty() {
            let at = self.rng.usize(..self.generated.len());
            let (epoch, event) = self.generated.swap_remove(at);
            self.partition.event(epoch, event, self.now);
            self.take_out();
        }
        if !self.markers.is_empty() {
            let at = self.rng.usize(..self.markers.len());
            let (epoch, markers, partition) = self.markers.swap_remove(at);
            // Sent twice where its answer is lost.
            let again = self.rough && self.rng.u8(0..6) == 0;
            if again {
                self.markers.push((epoch, markers.clone(), partition));
            }
            self.write_marker(epoch, markers, partition, again);
        }
    }

    fn write_marker(&mut self, epoch: LeaderEpoch, markers: TxnMarkers, partition: i32, unanswered: bool) {
        let TxnMarkers { transactional_id, producer, coordinator_epoch, result, .. } = markers;
        let data = self.data.entry(partition).or_default();
        let known = data.producers.get(&producer.id).copied();
        let fenced =
            known.is_some_and(|it| it.coordinator_epoch > coordinator_epoch || it.epoch > producer.epoch);
        if fenced {
            return;
        }
        let known = Known { epoch: producer.epoch, coordinator_epoch };
        data.producers.insert(producer.id, known);
        let committed = result == TransactionResult::Commit;
        data.log.push(Entry::Marker { producer: producer.id, committed });
        self.say(|| format!("marker of {producer:?} in {partition}: committed {committed}"));
        if !unanswered {
            let partitions = vec![topic_partition(partition)];
            self.partition.event(epoch, TxnEvent::MarkersWritten { transactional_id, partitions }, self.now);
        }
    }

    fn act(&mut self, at: usize) {
        let Producer { transactional_id, producer, phase, .. } = &self.producers[at];
        let (transactional_id, producer) = (transactional_id.clone(), *producer);
        match (*phase, producer) {
            (Phase::Uninitialized, _) => {
                let timeout_ms = TIMEOUT as i32;
                // Sometimes it knows what it was (KIP-360).
                let expected = producer.filter(|_| self.rng.bool());
                let init = InitTransactionalProducer { transactional_id, timeout_ms, expected };
                self.ask(at, Want::Init, TxnRequest::InitProducerId(init));
            }
            (Phase::Idle, Some(_)) if !self.rough => {}
            (Phase::Idle, Some(_)) => {
                self.numbers += 1;
                let count = self.rng.usize(1..=3);
                let partitions = (0..count).map(|_| self.rng.i32(0..PARTITIONS)).collect();
                let own = &mut self.producers[at];
                (own.transaction, own.partitions, own.phase) = (self.numbers, partitions, Phase::Begins);
                self.fates.insert(self.numbers, Fate::default());
            }
            (Phase::Begins, Some(producer)) => {
                let partitions =
                    self.producers[at].partitions.iter().map(|it| topic_partition(*it)).collect();
                let add = TxnRequest::AddPartitions { transactional_id, producer, partitions };
                self.ask(at, Want::Add, add);
            }
            (Phase::Writes, Some(producer)) => self.write(at, producer),
            (Phase::Ends(result), Some(producer)) => {
                if let Some(fate) = self.fates.get_mut(&self.producers[at].transaction) {
                    fate.commit_asked |= result == TransactionResult::Commit;
                }
                let end = TxnRequest::EndTxn { transactional_id, producer, result };
                self.ask(at, Want::End(result), end);
            }
            (Phase::Waits(_, since, want), _) if self.now - since > 1500 => self.again(at, want),
            _ => {}
        }
    }

    /// Asks the same once more: the answer was lost.
    fn again(&mut self, at: usize, want: Want) {
        self.producers[at].phase = match want {
            Want::Init => Phase::Uninitialized,
            Want::Add => Phase::Begins,
            Want::End(result) => Phase::Ends(result),
        };
    }

    fn write(&mut self, at: usize, producer: TransactionalProducer) {
        let Producer { transaction, partitions, .. } = &self.producers[at];
        let (transaction, partitions) = (*transaction, partitions.clone());
        for partition in partitions {
            let data = self.data.entry(partition).or_default();
            let known = data.producers.get(&producer.id).copied();
            let is_old = known.is_some_and(|it| it.epoch > producer.epoch);
            if is_old && self.flaw != Some(CoordinatorFlaw::FencesNoProducer) {
                self.producers[at].phase = Phase::Fenced;
                return;
            }
            let coordinator_epoch = known.map_or(-1, |it| it.coordinator_epoch);
            data.producers.insert(producer.id, Known { epoch: producer.epoch, coordinator_epoch });
            let newest = self.newest.get(&self.producers[at].transactional_id);
            let fenced = newest.is_some_and(|it| (it.id, it.epoch) > (producer.id, producer.epoch));
            data.log.push(Entry::Record { producer: producer.id, transaction, fenced });
            self.say(|| format!("{producer:?} writes {transaction} to {partition}"));
            if let Some(fate) = self.fates.get_mut(&transaction) {
                fate.records.insert(partition);
            }
            // Maybe it stops for a while in between.
            if self.rng.u8(0..4) == 0 {
                return;
            }
        }
        let whole =
            self.fates.get(&transaction).is_some_and(|it| it.records == self.producers[at].partitions);
        let commits = whole && self.rng.u8(0..3) > 0;
        let result = if commits { TransactionResult::Commit } else { TransactionResult::Abort };
        if whole {
            self.producers[at].phase = Phase::Ends(result);
        }
    }

    fn ask(&mut self, at: usize, want: Want, request: TxnRequest) {
        self.numbers += 1;
        let number = self.numbers;
        let to = self.partition.believed(&mut self.rng, self.producers[at].answered);
        let present = self.partition.present();
        self.producers[at].phase = Phase::Waits(number, self.now, want);
        let name = self.producers[at].name;
        self.say(|| format!("#{number} of producer {name} to {to} of {present}: {request:?}"));
        self.asked.insert(number, name);
        self.partition.request(to, number, request, self.now);
    }

    /// Another broker leads, and sometimes yet another soon after that.
    fn fail_over(&mut self) {
        self.say(|| "another broker leads".to_owned());
        self.partition.fail_over(&mut self.rng);
        self.fails_again = (self.rng.u8(0..3) == 0).then(|| self.now + self.rng.i64(1..400));
    }

    fn take_out(&mut self) {
        for out in std::mem::take(&mut self.partition.out) {
            match out {
                FromPartition::Response(number, epoch, response) => {
                    self.say(|| format!("#{number}: {response:?}"));
                    let Some(name) = self.asked.remove(&number) else { continue };
                    if self.rng.u8(0..20) != 0 {
                        self.received(number, name, epoch, response);
                    }
                }
                FromPartition::Lost(number) => drop(self.asked.remove(&number)),
                FromPartition::Effect(epoch, effect) => self.effect(epoch, effect),
            }
        }
    }

    fn effect(&mut self, epoch: LeaderEpoch, effect: TxnEffect) {
        match effect {
            TxnEffect::GenerateProducerId(request) => {
                self.next_producer_id += 1;
                let id = self.next_producer_id;
                self.generated.push((epoch, TxnEvent::ProducerIdGenerated(request, Ok(id))));
            }
            TxnEffect::WriteMarkers(markers) => {
                self.say(|| format!("to write: {markers:?}"));
                let forgets = self.flaw == Some(CoordinatorFlaw::ForgetsMarkers);
                for (at, partition) in markers.partitions.iter().enumerate() {
                    if forgets && at > 0 {
                        let (transactional_id, partitions) =
                            (markers.transactional_id.clone(), vec![partition.clone()]);
                        let written = TxnEvent::MarkersWritten { transactional_id, partitions };
                        self.generated.push((epoch, written));
                    } else {
                        self.markers.push((epoch, markers.clone(), partition.partition));
                    }
                }
            }
            _ => {}
        }
    }

    fn received(&mut self, number: u64, name: u64, epoch: LeaderEpoch, response: TxnResponse) {
        let Some(at) = self.producers.iter().position(|it| it.name == name) else { return };
        self.producers[at].answered = self.producers[at].answered.max(epoch);
        let Phase::Waits(waits, _, want) = self.producers[at].phase else { return };
        if waits != number {
            return;
        }
        match (response, want) {
            (Ok(producer), Want::Init) => {
                let own = &mut self.producers[at];
                (own.producer, own.phase) = (Some(producer), Phase::Idle);
                let id = own.transactional_id.clone();
                let newest = self.newest.entry(id).or_insert(producer);
                if (producer.id, producer.epoch) >= (newest.id, newest.epoch) {
                    *newest = producer;
                }
            }
            (Ok(_), Want::Add) => self.producers[at].phase = Phase::Writes,
            (Ok(_), Want::End(result)) => {
                let own = &mut self.producers[at];
                own.phase = Phase::Idle;
                let transaction = own.transaction;
                if let Some(fate) = self.fates.get_mut(&transaction) {
                    fate.told = Some(result);
                }
            }
            (Err(ErrorCode::InvalidProducerEpoch | ErrorCode::ProducerFenced), _) => {
                self.producers[at].phase = Phase::Fenced;
            }
            (Err(ErrorCode::InvalidTxnState | ErrorCode::InvalidProducerIdMapping), _) => {
                self.producers[at].phase = Phase::Uninitialized;
            }
            (Err(_), want) => self.again(at, want),
        }
        if self.producers[at].phase == Phase::Fenced && self.rng.bool() {
            self.producers.swap_remove(at);
        }
    }

    /// How the records of each transaction in a partition ended, None while they are open; and the transactions that a
    /// fenced producer wrote in.
    fn fates_in(data: &Data) -> (BTreeMap<u64, Option<bool>>, BTreeSet<u64>) {
        let (mut fates, mut of_fenced) = (BTreeMap::new(), BTreeSet::new());
        let mut open: BTreeMap<ProducerId, BTreeSet<u64>> = BTreeMap::new();
        for entry in &data.log {
            match *entry {
                Entry::Record { producer, transaction, fenced } => {
                    fates.insert(transaction, None);
                    if fenced {
                        of_fenced.insert(transaction);
                    }
                    open.entry(producer).or_default().insert(transaction);
                }
                Entry::Marker { producer, committed } => {
                    for transaction in open.remove(&producer).unwrap_or_default() {
                        fates.insert(transaction, Some(committed));
                    }
                }
            }
        }
        (fates, of_fenced)
    }

    /// Every transaction has ended, in all its partitions alike, and as its producer was answered.
    fn check_whole(&mut self) {
        let (mut ends, mut found) = (BTreeMap::<u64, BTreeMap<i32, Option<bool>>>::new(), None);
        for (partition, data) in &self.data {
            let (fates, of_fenced) = Self::fates_in(data);
            for (transaction, end) in fates {
                if end == Some(true) && of_fenced.contains(&transaction) {
                    found.get_or_insert(format!(
                        "a fenced producer wrote in {transaction}, which is committed"
                    ));
                }
                ends.entry(transaction).or_default().insert(*partition, end);
            }
        }
        for (transaction, ends) in ends {
            let Some(fate) = self.fates.get(&transaction) else { continue };
            let kinds: BTreeSet<_> = ends.values().copied().collect();
            let told = fate.told.map(|told| told == TransactionResult::Commit);
            if kinds.contains(&None) {
                found.get_or_insert(format!("transaction {transaction} never ends: {ends:?}"));
            } else if kinds.len() > 1 {
                found.get_or_insert(format!("transaction {transaction} ends in two ways: {ends:?}"));
            } else if told.is_some_and(|told| !kinds.contains(&Some(told))) {
                found.get_or_insert(format!("transaction {transaction} was {told:?}, and is {ends:?}"));
            } else if kinds.contains(&Some(true)) && !fate.commit_asked {
                found.get_or_insert(format!("transaction {transaction} is committed unasked"));
            }
        }
        if let Some(found) = found {
            self.violate(found);
        }
    }
}

fn topic_partition(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}
