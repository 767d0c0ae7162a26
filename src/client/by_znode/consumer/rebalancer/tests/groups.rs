//! Whole groups, played from a seed: consumers come, go, and lose their sessions at any moment; topics grow.
//!
//! No record is skipped, none is read by two consumers at a time, and in the end every partition has the reader that
//! it should have. Without expired sessions no record is read twice.

use super::*;

/// The znodes of the group, and how far its partitions were read.
#[derive(Default)]
struct Znodes {
    /// Consumer → the session of its registration.
    ids: BTreeMap<Arc<str>, u64>,
    /// Partition → its owner, and the session of that.
    owners: BTreeMap<TopicPartition, (ConsumerThreadId, u64)>,
    offsets: BTreeMap<TopicPartition, Offset>,
    partitions: i32,
    /// The first record of each partition that no consumer has read.
    unread: BTreeMap<TopicPartition, Offset>,
    sessions: u64,
}

impl Znodes {
    fn new_session(&mut self) -> u64 {
        self.sessions += 1;
        self.sessions
    }

    fn end_session(&mut self, session: u64) {
        self.ids.retain(|_, it| *it != session);
        self.owners.retain(|_, (_, it)| *it != session);
    }

    /// What a consumer would own by the znodes as they are.
    fn target(&self, id: &Arc<str>) -> Option<OwnerMap> {
        self.ids.get(id)?;
        let topic: Arc<str> = "t".into();
        let threads = self.ids.keys().map(|id| ConsumerThreadId::new(id, 0)).collect();
        let view = GroupView {
            threads: [(topic.clone(), threads)].into(),
            partitions: [(topic, (0..self.partitions).collect())].into(),
        };
        let mut owners = view.assign(ZookeeperAssignmentStrategy::Range);
        owners.retain(|_, thread| thread.consumer == *id);
        Some(owners)
    }
}

/// A consumer, and what it is about to do.
struct Member {
    id: Arc<str>,
    session: u64,
    /// Whether its session is over, and it does not know that yet.
    is_fenced: bool,
    rebalancer: Rebalancer,
    positions: BTreeMap<TopicPartition, Offset>,
    /// What it has begun and not ended.
    pending: Option<RebalanceAction>,
}

impl Member {
    fn new(number: u64, znodes: &mut Znodes) -> Self {
        Self {
            id: format!("g_{number}").into(),
            session: znodes.new_session(),
            is_fenced: false,
            rebalancer: Rebalancer::new(limits()),
            positions: BTreeMap::new(),
            pending: None,
        }
    }

    fn commit(&self, znodes: &mut Znodes) {
        if !self.is_fenced {
            znodes.offsets.extend(self.positions.clone());
        }
    }

    /// One step of an action: it begins, or it has its effect.
    fn act(&mut self, znodes: &mut Znodes, now: Millis) {
        let Some(action) = self.pending.take() else {
            self.pending = self.rebalancer.next_action(now);
            if let Some(RebalanceAction::Release(gone)) = &self.pending {
                self.commit(znodes);
                self.positions.retain(|id, _| !gone.contains(id));
            }
            return;
        };
        let is_alive = !self.is_fenced;
        match action {
            RebalanceAction::Register if is_alive => {
                znodes.ids.insert(self.id.clone(), self.session);
                self.rebalancer.registered();
            }
            RebalanceAction::Register => self.rebalancer.not_registered(now),
            RebalanceAction::Release(gone) => {
                let session = self.session;
                znodes.owners.retain(|id, (_, it)| !(gone.contains(id) && *it == session));
                self.rebalancer.released(&gone);
            }
            RebalanceAction::Claim(wanted) => {
                let (mut own, mut conflicts) = (OwnerMap::new(), BTreeSet::new());
                for (id, thread) in wanted {
                    if is_alive && !znodes.owners.contains_key(&id) {
                        znodes.owners.insert(id.clone(), (thread.clone(), self.session));
                        own.insert(id, thread);
                    } else {
                        conflicts.insert(id);
                    }
                }
                self.rebalancer.claimed(own, conflicts, now);
            }
            RebalanceAction::Read(begun) => {
                for id in &begun {
                    self.positions.insert(id.clone(), znodes.offsets.get(id).copied().unwrap_or(0));
                }
                self.rebalancer.reading(&begun);
            }
        }
    }

    /// Reads one record of each partition.
    fn read(&mut self, znodes: &mut Znodes, never_twice: bool) {
        if self.is_fenced {
            return;
        }
        for (id, position) in &mut self.positions {
            let unread = znodes.unread.entry(id.clone()).or_default();
            assert!(*position <= *unread, "{}: records of {id} before {position} were skipped", self.id);
            assert!(!never_twice || *position == *unread, "{}: {position} of {id} is read twice", self.id);
            *position += 1;
            *unread = (*unread).max(*position);
        }
    }

    fn begin_session(&mut self, znodes: &mut Znodes) {
        self.session = znodes.new_session();
        self.is_fenced = false;
        self.positions.clear();
        self.pending = None;
        self.rebalancer.session_began();
    }
}

/// Whether sessions expire in a play.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sessions {
    Stay,
    Expire,
}

fn play(seed: u64, sessions: Sessions) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut znodes = Znodes { partitions: random.i32(1..6), ..Default::default() };
    let (mut members, mut number) = (Vec::new(), 0);
    for now in 0..600 {
        let events = if now < 400 { 20 } else { 9 };
        if members.is_empty() || (members.len() < 5 && now < 400 && random.u8(0..40) == 0) {
            number += 1;
            members.push(Member::new(number, &mut znodes));
        }
        let (at, is_alone) = (random.usize(0..members.len()), members.len() == 1);
        let member: &mut Member = &mut members[at];
        match random.u8(0..events) {
            0..=2 => {
                let target = znodes.target(&member.id);
                member.rebalancer.set_target(target);
            }
            3..=6 => member.act(&mut znodes, now),
            7 => member.read(&mut znodes, sessions == Sessions::Stay),
            8 if member.is_fenced => member.begin_session(&mut znodes),
            8 => member.rebalancer.try_now(),
            9 => member.commit(&mut znodes),
            10 if sessions == Sessions::Expire => {
                znodes.end_session(member.session);
                member.is_fenced = true;
            }
            11 if !is_alone && !member.is_fenced => {
                member.commit(&mut znodes);
                let member = members.remove(at);
                znodes.end_session(member.session);
            }
            12 if znodes.partitions < 8 => znodes.partitions += 1,
            _ => {}
        }
        assert_single_readers(&members);
    }
    settle(&mut members, &mut znodes, sessions);
}

fn assert_single_readers(members: &[Member]) {
    let mut readers = BTreeMap::new();
    for member in members.iter().filter(|member| !member.is_fenced) {
        for id in member.positions.keys() {
            let other = readers.insert(id.clone(), member.id.clone());
            assert!(other.is_none(), "{id} is read by {} and {other:?}", member.id);
        }
    }
}

/// Once nothing happens any more, every partition has the reader that it should have.
fn settle(members: &mut [Member], znodes: &mut Znodes, sessions: Sessions) {
    for now in 600..700 {
        for member in &mut *members {
            if member.is_fenced {
                member.begin_session(znodes);
            }
            let target = znodes.target(&member.id);
            member.rebalancer.set_target(target);
            member.rebalancer.try_now();
            member.act(znodes, now);
            member.act(znodes, now);
        }
        assert_single_readers(members);
    }
    for member in &mut *members {
        let target = znodes.target(&member.id).unwrap();
        assert_eq!(member.rebalancer.owned(), &target);
        assert!(member.positions.keys().eq(target.keys()), "{:?} for {target:?}", member.positions);
        member.read(znodes, sessions == Sessions::Stay);
    }
}

#[test]
fn groups_read_every_record_once_as_consumers_come_and_go() {
    (0..100).for_each(|seed| play(seed, Sessions::Stay));
}

#[test]
fn groups_skip_no_record_as_sessions_expire() {
    (0..100).for_each(|seed| play(seed, Sessions::Expire));
}
