//! Readers in a group, the partitions that they read, and the coordinator of the group.
//!
//! What is committed was read: no visible record before a committed offset was left out by all applications. A
//! partition has one owner in a generation. Once all is calm, everything is read and committed. In a play of its own,
//! leaders are elected that have lost records which were replicated and read: those that take their offsets are read,
//! too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use barnabas::base::{BrokerId, Offset, TopicPartition};
use barnabas::client::consumer::{
    ConsumerAssignment, ConsumerPartitionAssignor, CooperativeStickyAssignor, RangeAssignor,
    RoundRobinAssignor, StickyAssignor, SubscribedMember,
};
use barnabas::client::metadata::PartitionLeader;
use barnabas::config::KafkaVersion;
use barnabas::coordinator::group::request::GroupRequest;
use barnabas::coordinator::group::{GroupCoordinator, GroupSettings};
use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::control::EndTransactionMarker;

use super::ClientFlaw;
use super::application::BROKERS;
use super::data::DataPartition;
use super::read_records::{BrokerQuestion, Delivery, GroupQuestion, Letter, ReadingStage, Reply};
use super::reader::{Reader, ReadingHabits};
use super::serving::{BrokerSessions, check_leader, end_of_epoch};
use crate::coordinators::Outcome;
use crate::coordinators::partition::{FromPartition, Partition};

/// How many readers there are at most, and how many at least.
const MOST_READERS: usize = 4;
const PARTITIONS: i32 = 4;
/// For how long things go wrong.
const ROUGH: i64 = 8_000;
/// How long everything has to come to an end after that.
const RECOVERY: i64 = 12_000;

/// Which brokers are elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Elections {
    /// Those that have all that was replicated.
    Clean,
    /// Now and then one that has lost some of it (`unclean.leader.election.enable`).
    Unclean,
}

/// An assignor that is wrong.
#[derive(Debug)]
struct AllToAll;

impl ConsumerPartitionAssignor for AllToAll {
    fn name(&self) -> &str {
        "all"
    }

    fn assign(
        &self,
        _: &BTreeMap<Arc<str>, i32>,
        members: &[SubscribedMember],
    ) -> BTreeMap<String, ConsumerAssignment> {
        let partitions: Vec<_> = (0..PARTITIONS).map(|it| TopicPartition::new("t", it)).collect();
        let all = ConsumerAssignment { partitions, user_data: None };
        members.iter().map(|member| (member.id.clone(), all.clone())).collect()
    }
}

/// A request to the coordinator that is not answered.
struct AskedOfGroup {
    reader: u64,
    number: u64,
    /// The offsets that it commits, by partition.
    offsets: Vec<(i32, Offset)>,
}

struct World {
    stage: ReadingStage,
    elections: Elections,
    data: Vec<DataPartition>,
    sessions: BTreeMap<BrokerId, BrokerSessions>,
    coordinator: Partition<GroupCoordinator>,
    readers: Vec<Reader>,
    asked: BTreeMap<u64, AskedOfGroup>,
    habits: ReadingHabits,
    /// Up to where of each partition it was seen that all was read.
    checked: BTreeMap<i32, Offset>,
    /// Open transactions of writers: partition and producer.
    open: BTreeSet<(i32, i64)>,
}

/// A coordinator of groups.
pub fn group_machine(_: i32) -> GroupCoordinator {
    let settings = GroupSettings {
        min_session_timeout: 1,
        max_session_timeout: 100_000,
        max_size: 100,
        initial_rebalance_delay: 100,
        max_offset_metadata: 100,
        offsets_retention: 1_000_000_000,
        retention_check_interval: 1_000_000_000,
        protocol: KafkaVersion::LATEST,
    };
    GroupCoordinator::new(Arc::new(settings), 0)
}

/// Runs the readers of a seed to their end, or to the first thing that does not hold.
pub fn run(seed: u64, flaw: Option<ClientFlaw>, traced: bool) -> Outcome {
    play(Elections::Clean, ReadingStage::new(seed, flaw, traced))
}

/// The same, with logs that are truncated under their readers.
pub fn run_truncated(seed: u64, flaw: Option<ClientFlaw>, traced: bool) -> Outcome {
    play(Elections::Unclean, ReadingStage::new(seed, flaw, traced))
}

fn play(elections: Elections, stage: ReadingStage) -> Outcome {
    let mut world = World::new(elections, stage);
    let begun = world.stage.now;
    world.run_until(begun + ROUGH);
    world.stage.rough = false;
    world.calm();
    world.run_until(begun + ROUGH + RECOVERY / 3);
    // A static member that comes back is given what it had, without a rebalance: partitions that it was about to give
    // up may be without an owner until there is one (2.7.2).
    let now = world.stage.now;
    world.readers.iter_mut().for_each(|it| it.member.request_rejoin(now));
    world.run_until(begun + ROUGH + RECOVERY);
    world.check_whole();
    let ReadingStage { violation, trace, ledger, .. } = world.stage;
    Outcome { violation, done: ledger.count, trace: trace.unwrap_or_default() }
}

impl World {
    fn new(elections: Elections, mut stage: ReadingStage) -> Self {
        let assignors: [Arc<dyn ConsumerPartitionAssignor>; 4] = [
            Arc::new(RangeAssignor),
            Arc::new(RoundRobinAssignor),
            Arc::new(StickyAssignor),
            Arc::new(CooperativeStickyAssignor),
        ];
        let assignor = match stage.flaw {
            Some(ClientFlaw::AssignsAllToAll) => Arc::new(AllToAll),
            _ => assignors[if stage.rng.bool() { 3 } else { stage.rng.usize(..3) }].clone(),
        };
        let read_committed = stage.rng.bool();
        let has_sessions = stage.rng.bool();
        let data = (0..PARTITIONS).map(|it| DataPartition::new(it, it % BROKERS.end, usize::MAX)).collect();
        Self {
            elections,
            data,
            sessions: BROKERS.map(|it| (it, BrokerSessions::new(it, has_sessions))).collect(),
            coordinator: Partition::new(group_machine, None),
            readers: Vec::new(),
            asked: BTreeMap::new(),
            habits: ReadingHabits { assignor, instance: None, read_committed, partitions: PARTITIONS },
            checked: BTreeMap::new(),
            open: BTreeSet::new(),
            stage,
        }
    }

    fn run_until(&mut self, end: i64) {
        while self.stage.now < end && self.stage.violation.is_none() {
            self.stage.now += self.stage.rng.i64(1..15);
            self.step();
        }
    }

    fn step(&mut self) {
        let stalled = self.stage.goes_wrong(8);
        self.coordinator.tick(&mut self.stage.rng, stalled, self.stage.now);
        self.take_out();
        while let Some(delivery) = self.stage.next() {
            match delivery {
                Delivery::Letter { reader, number, letter } => self.deliver(reader, number, letter),
                Delivery::Reply { reader, number, reply } => {
                    if let Some(at) = self.readers.iter().position(|it| it.name == reader) {
                        self.readers[at].answered(number, reply, &mut self.stage);
                    }
                }
            }
            self.take_out();
        }
        if self.stage.rough {
            self.write();
            self.disturb();
        } else {
            self.coordinator.unload_first();
        }
        self.take_out();
        for at in 0..self.readers.len() {
            if self.readers[at].asks_for_metadata(self.stage.now) {
                let leaders = self
                    .data
                    .iter()
                    .map(|it| (it.id.clone(), PartitionLeader { broker: it.leader, epoch: it.epoch }));
                self.readers[at].set_leaders(leaders.collect());
            }
            self.readers[at].act(&mut self.stage);
        }
    }

    /// Writers end what they have begun, nothing fails any more.
    fn calm(&mut self) {
        for (partition, producer) in std::mem::take(&mut self.open) {
            self.end_transaction(partition, producer);
        }
        self.data.iter_mut().for_each(DataPartition::replicate_all);
        self.readers.iter_mut().for_each(|it| it.hangs_until = 0);
    }

    /// Writers append records, some in transactions.
    fn write(&mut self) {
        for at in 0..self.data.len() {
            self.data[at].replicate(&mut self.stage.rng);
        }
        if self.stage.rng.u8(0..4) > 0 {
            return;
        }
        let partition = self.stage.rng.i32(0..PARTITIONS);
        let producer = self.stage.rng.i64(0..3);
        if self.stage.rng.u8(0..6) == 0 && self.open.remove(&(partition, producer)) {
            return self.end_transaction(partition, producer);
        }
        let mut builder = BatchBuilder::new();
        // A marker that is lost with its leader ends no transaction twice.
        let is_transactional = self.stage.rng.u8(0..3) == 0 && self.elections == Elections::Clean;
        if is_transactional {
            builder = builder.producer(producer, 0, 0).transactional(true);
            self.open.insert((partition, producer));
        }
        for _ in 0..self.stage.rng.usize(1..5) {
            let value = self.stage.number().to_be_bytes();
            builder.push(self.stage.now, None, Some(&value), &[]);
        }
        let bytes = builder.build().expect("no codec can fail");
        self.data[partition as usize].write(&bytes);
    }

    fn end_transaction(&mut self, partition: i32, producer: i64) {
        let committed = self.stage.rng.bool();
        let marker = EndTransactionMarker { committed, coordinator_epoch: 0 };
        let bytes = marker.batch(self.stage.now, producer, 0).expect("a marker is a batch");
        let data = &mut self.data[partition as usize];
        data.write(&bytes);
        data.replicate_all();
        self.stage
            .say(|| format!("the transaction of {producer} in {partition} ends: committed {committed}"));
    }

    fn disturb(&mut self) {
        if self.readers.is_empty() || self.readers.len() < MOST_READERS && self.stage.rng.u32(0..400) == 0 {
            let instance = (self.stage.rng.u8(0..4) == 0).then(|| format!("i-{}", self.stage.number()));
            self.begin(instance);
        }
        match self.stage.rng.u32(0..1_000) {
            0..6 => {
                let at = self.stage.rng.usize(0..self.data.len());
                self.fail_over(at);
            }
            6..10 => {
                self.stage.say(|| "another broker coordinates".to_owned());
                self.coordinator.fail_over(&mut self.stage.rng);
            }
            10..40 => self.coordinator.unload_first(),
            40..43 if self.readers.len() > 1 => {
                let gone = self.readers.swap_remove(self.stage.rng.usize(0..self.readers.len()));
                self.stage.say(|| format!("{} is killed", gone.name));
                if gone.habits.instance.is_some() {
                    // A static member comes back under its name.
                    self.begin(gone.habits.instance);
                }
            }
            43..46 => {
                let at = self.stage.rng.usize(0..self.readers.len());
                self.readers[at].hangs_until = self.stage.now + self.stage.rng.i64(100..4_000);
            }
            46..50 => {
                let at = self.stage.rng.usize(0..self.readers.len());
                self.readers[at].member.request_rejoin(self.stage.now);
            }
            50..55 => {
                let broker = self.stage.rng.i32(BROKERS);
                self.sessions.get_mut(&broker).into_iter().for_each(BrokerSessions::evict);
            }
            _ => {}
        }
    }

    /// Another broker leads a partition.
    fn fail_over(&mut self, at: usize) {
        let leader = self.stage.rng.i32(BROKERS);
        self.stage.say(|| format!("{leader} leads partition {at}"));
        let (data, partition) = (&mut self.data[at], at as i32);
        if self.elections == Elections::Unclean && self.stage.rng.bool() {
            let replicated = data.high_watermark();
            data.fail_over_uncleanly(leader, &mut self.stage.rng);
            if data.end() < replicated {
                self.stage.truncated(partition, data.end());
            }
        } else {
            data.fail_over(leader, &mut self.stage.rng);
        }
        // What is left of transactions ends with their writers; a marker may have been lost.
        let open = self.data[at].open_transactions();
        self.open.retain(|(it, producer)| *it != partition || open.contains_key(producer));
        for producer in open.into_keys() {
            self.open.remove(&(partition, producer));
            self.end_transaction(partition, producer);
        }
    }

    fn begin(&mut self, instance: Option<String>) {
        let habits = ReadingHabits { instance, ..self.habits.clone() };
        let reader = Reader::new(habits, &mut self.stage);
        self.stage.say(|| format!("{} begins", reader.name));
        self.readers.push(reader);
    }

    /// A request arrives, or is lost.
    fn deliver(&mut self, reader: u64, number: u64, letter: Letter) {
        if let Letter::Own(reply) = letter {
            return self.stage.soon(Delivery::Reply { reader, number, reply });
        }
        if self.stage.goes_wrong(40) {
            return self.reply(reader, number, Reply::Lost);
        }
        match letter {
            Letter::Own(_) => {}
            Letter::Group(GroupQuestion { request, is_commit }) => {
                let offsets = if is_commit { self.check_commit(reader, &request) } else { Vec::new() };
                let ticket = self.stage.number();
                self.asked.insert(ticket, AskedOfGroup { reader, number, offsets });
                let leader = self.coordinator.believed(&mut self.stage.rng, -1);
                self.coordinator.request(leader, ticket, request, self.stage.now);
            }
            Letter::Broker(broker, question) => {
                let reply = self.serve(broker, question);
                self.reply(reader, number, reply);
            }
        }
    }

    fn serve(&mut self, broker: BrokerId, question: BrokerQuestion) -> Reply {
        match question {
            BrokerQuestion::Fetch(request) => match self.sessions.get_mut(&broker) {
                Some(sessions) => Reply::Fetched(Box::new(sessions.fetch(request, &self.data))),
                None => Reply::Lost,
            },
            BrokerQuestion::Start(id, epoch) => {
                let data = &self.data[id.partition as usize];
                let at_the_end = self.stage.flaw == Some(ClientFlaw::BeginsAtTheEnd);
                let start = if at_the_end { data.high_watermark() } else { 0 };
                Reply::Start(check_leader(data, broker, epoch).map(|()| start))
            }
            BrokerQuestion::EpochEnd(id, current, epoch) => {
                let data = &self.data[id.partition as usize];
                Reply::EpochEnd(check_leader(data, broker, current).map(|()| end_of_epoch(data, epoch)))
            }
        }
    }

    fn reply(&mut self, reader: u64, number: u64, reply: Reply) {
        let reply = if self.stage.goes_wrong(40) { Reply::Lost } else { reply };
        // A fetch without records waits for some.
        let waits = matches!(&reply, Reply::Fetched(answer) if answer.responses.is_empty());
        let at = self.stage.now + self.stage.delay() + if waits { 40 } else { 0 };
        self.stage.at(at, Delivery::Reply { reader, number, reply });
    }

    fn take_out(&mut self) {
        for out in std::mem::take(&mut self.coordinator.out) {
            let (ticket, reply) = match out {
                FromPartition::Response(ticket, _, response) => (ticket, Reply::Group(response)),
                FromPartition::Lost(ticket) => (ticket, Reply::Lost),
                FromPartition::Effect(..) => continue,
            };
            let Some(AskedOfGroup { reader, number, offsets }) = self.asked.remove(&ticket) else { continue };
            if let Reply::Group(barnabas::coordinator::group::request::GroupResponse::Commit(errors)) = &reply
            {
                for ((partition, offset), error) in offsets.into_iter().zip(errors) {
                    if error.is_none() {
                        let goes_back = self.stage.ledger.truncated.contains_key(&partition);
                        let known = self.stage.ledger.committed.entry(partition).or_default();
                        *known = if goes_back { offset } else { offset.max(*known) };
                    }
                }
            }
            self.reply(reader, number, reply);
        }
    }

    /// All visible records before these offsets were returned to an application.
    fn check_commit(&mut self, reader: u64, request: &GroupRequest) -> Vec<(i32, Offset)> {
        let GroupRequest::Commit(commit) = request else { return Vec::new() };
        let offsets: Vec<_> = commit.offsets.iter().map(|(id, it)| (id.partition, it.offset)).collect();
        for (partition, offset) in &offsets {
            let from = self.checked.get(partition).copied().unwrap_or(0);
            // Records that took the offsets of others are read after the commit.
            if *offset <= from || self.stage.ledger.truncated.contains_key(partition) {
                continue;
            }
            match self.left_out(*partition, from, *offset) {
                Some(left) => {
                    let what = format!("{reader} commits {offset} of {partition}, and {left} was not read");
                    self.stage.violate(what);
                }
                None => drop(self.checked.insert(*partition, *offset)),
            }
        }
        offsets
    }

    /// The first visible record of a partition between two offsets that was returned to no application.
    fn left_out(&self, partition: i32, from: Offset, to: Offset) -> Option<Offset> {
        let data = &self.data[partition as usize];
        let fates = data.fates();
        let is_visible = |value: &u64| !self.habits.read_committed || fates.get(value) == Some(&Some(true));
        let between = data.records().iter().filter(|it| (from..to).contains(&it.offset));
        let mut visible = between.filter(|it| is_visible(&it.value));
        visible.find(|it| !self.stage.ledger.values.contains(&it.value)).map(|it| it.offset)
    }

    fn check_whole(&mut self) {
        if self.stage.violation.is_some() {
            return;
        }
        let mut owners: BTreeMap<TopicPartition, u64> = BTreeMap::new();
        let mut found = self.readers.iter().find(|it| !it.is_stable()).map(|busy| {
            format!("{} is not stable in the end: {:?}", busy.name, busy.member.commit_generation())
        });
        for reader in &self.readers {
            for id in reader.state.assigned() {
                if let Some(other) = owners.insert(id.clone(), reader.name) {
                    found.get_or_insert(format!("{other} and {} own {id} in the end", reader.name));
                }
                let position = reader.state.position(id).map(|it| it.offset);
                let data = &self.data[id.partition as usize];
                if position != Some(data.end()) {
                    found.get_or_insert(format!(
                        "{} is at {position:?} of {id}, {}",
                        reader.name,
                        data.end()
                    ));
                }
                let committed = self.stage.ledger.committed.get(&id.partition).copied();
                if data.end() > 0 && committed != Some(data.end()) {
                    found.get_or_insert(format!("{committed:?} of {id} is committed, of {}", data.end()));
                }
            }
        }
        if owners.len() != PARTITIONS as usize {
            found.get_or_insert(format!("not all partitions have an owner in the end: {owners:?}"));
        }
        for partition in 0..PARTITIONS {
            if let Some(left) = self.left_out(partition, 0, self.data[partition as usize].end()) {
                found.get_or_insert(format!("{left} of {partition} is never read"));
            }
        }
        if let Some(found) = found {
            self.stage.violate(found);
        }
    }
}
