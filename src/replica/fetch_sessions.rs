//! Incremental fetch sessions (KIP-227): what a client fetches is remembered, and only what changed is sent.
//!
//! Pure. A request names its session and the epoch in it; epoch 0 asks for a new session, -1 for none. Kafka:
//! `FetchSession`, `FetchSessionCache`, `FetchManager`.

use std::collections::{BTreeMap, HashMap};

use super::fetch::{FetchOutcome, FetchPartition};
use crate::base::{Millis, Offset, TopicPartition};
use crate::wire::error_code::ErrorCode;

/// The id that stands for no session.
pub const NO_SESSION: i32 = 0;
/// The epoch of a request that wants a new session.
const INITIAL_EPOCH: i32 = 0;
/// The epoch of a request that wants none.
const FINAL_EPOCH: i32 = -1;
/// How long a session is safe after it began, and when it is not used, in milliseconds.
const SAFE_FOR: Millis = 120_000;

/// How a request is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// With this error alone.
    Refuse(ErrorCode),
    /// With all partitions, outside any session.
    Sessionless(Vec<(TopicPartition, FetchPartition)>),
    /// With all partitions, which begin a session where there is room for one.
    Full(Vec<(TopicPartition, FetchPartition)>),
    /// With those partitions of a session in which something changed.
    Incremental(Turn, Vec<(TopicPartition, FetchPartition)>),
}

impl Plan {
    /// What is to be fetched.
    pub fn partitions(&self) -> &[(TopicPartition, FetchPartition)] {
        match self {
            Self::Refuse(_) => &[],
            Self::Sessionless(partitions) | Self::Full(partitions) | Self::Incremental(_, partitions) => {
                partitions
            }
        }
    }
}

/// A request's turn in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The session.
    pub id: i32,
    /// The epoch that the session has after this request, as long as no other one has come.
    next_epoch: i32,
}

/// What a fetch request says of its session.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The session; 0 for none.
    pub id: i32,
    /// The epoch in it.
    pub epoch: i32,
    /// The partitions of the request: all of them, or those that are new or changed in the session.
    pub partitions: Vec<(TopicPartition, FetchPartition)>,
    /// Partitions to take out of the session.
    pub forgotten: Vec<TopicPartition>,
}

/// The sessions of a broker's clients.
#[derive(Debug)]
pub struct FetchSessions {
    slots: usize,
    sessions: HashMap<i32, Session>,
}

#[derive(Debug)]
struct Session {
    epoch: i32,
    privileged: bool,
    created: Millis,
    used: Millis,
    /// In the order they are read; what was told of goes to the end, so that all get their turn.
    partitions: BTreeMap<u64, (TopicPartition, Cached)>,
    places: HashMap<TopicPartition, u64>,
    next_place: u64,
}

#[derive(Clone, Copy, Debug)]
struct Cached {
    wanted: FetchPartition,
    high_watermark: Offset,
    log_start_offset: Offset,
}

impl FetchSessions {
    /// Room for so many sessions.
    pub fn new(slots: usize) -> Self {
        Self { slots, sessions: HashMap::new() }
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// How many partitions all of them hold.
    pub fn partitions(&self) -> usize {
        self.sessions.values().map(|session| session.partitions.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// What a request wants, with its session brought up to date.
    pub fn plan(&mut self, asked: Asked, now: Millis) -> Plan {
        if asked.epoch == INITIAL_EPOCH || asked.epoch == FINAL_EPOCH {
            self.sessions.remove(&asked.id);
            return match asked.epoch {
                FINAL_EPOCH => Plan::Sessionless(asked.partitions),
                _ => Plan::Full(asked.partitions),
            };
        }
        let Some(session) = self.sessions.get_mut(&asked.id) else {
            return Plan::Refuse(ErrorCode::FetchSessionIdNotFound);
        };
        if session.epoch != asked.epoch {
            return Plan::Refuse(ErrorCode::InvalidFetchSessionEpoch);
        }
        session.epoch = if session.epoch == i32::MAX { 1 } else { session.epoch + 1 };
        session.used = now;
        for (partition, wanted) in asked.partitions {
            session.put(partition, wanted);
        }
        for partition in &asked.forgotten {
            session.forget(partition);
        }
        if session.places.is_empty() {
            self.sessions.remove(&asked.id);
            return Plan::Sessionless(Vec::new());
        }
        let partitions =
            session.partitions.values().map(|(partition, cached)| (partition.clone(), cached.wanted));
        let turn = Turn { id: asked.id, next_epoch: session.epoch };
        Plan::Incremental(turn, partitions.collect())
    }

    /// Begins a session with these answers to a full fetch; its id, or 0 where there is no room. `id` is a random
    /// positive number, and `privileged` says that a follower asks.
    pub fn begin(
        &mut self,
        id: i32,
        wanted: &[(TopicPartition, FetchPartition)],
        outcomes: &[(TopicPartition, FetchOutcome)],
        privileged: bool,
        now: Millis,
    ) -> i32 {
        if wanted.is_empty()
            || id <= 0
            || self.sessions.contains_key(&id)
            || !self.make_room(wanted.len(), privileged, now)
        {
            return NO_SESSION;
        }
        let mut session = Session {
            epoch: 1,
            privileged,
            created: now,
            used: now,
            partitions: BTreeMap::new(),
            places: HashMap::new(),
            next_place: 0,
        };
        for (partition, wanted) in wanted {
            session.put(partition.clone(), *wanted);
        }
        for (partition, outcome) in outcomes {
            session.note(partition, outcome);
        }
        self.sessions.insert(id, session);
        id
    }

    /// Leaves of a session's outcomes those that its client has to be told; they go to the end, so that all get their
    /// turn.
    ///
    /// # Errors
    /// INVALID_FETCH_SESSION_EPOCH where another request of the session has come in the meantime.
    pub fn changed(
        &mut self,
        turn: Turn,
        mut outcomes: Vec<(TopicPartition, FetchOutcome)>,
    ) -> Result<Vec<(TopicPartition, FetchOutcome)>, ErrorCode> {
        // A session that has had to make room for another meanwhile has nothing left to compare with.
        let Some(session) = self.sessions.get_mut(&turn.id) else { return Ok(outcomes) };
        if session.epoch != turn.next_epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        outcomes.retain(|(partition, outcome)| {
            let tell = session.note(partition, outcome);
            if tell {
                session.put_last(partition);
            }
            tell
        });
        Ok(outcomes)
    }

    /// Whether one more session fits, after the one least worth keeping has gone where need be.
    fn make_room(&mut self, size: usize, privileged: bool, now: Millis) -> bool {
        if self.sessions.len() < self.slots {
            return true;
        }
        let oldest =
            self.sessions.iter().min_by_key(|(_, session)| session.used).map(|(id, it)| (*id, it.used));
        if let Some((id, used)) = oldest
            && now - used > SAFE_FOR
        {
            self.sessions.remove(&id);
            return true;
        }
        // Followers' sessions are worth more than consumers', larger ones more than smaller ones. A young session is safe
        // from its like, or a crowd of clients would push each other out in turns.
        let worth = |session: &Session| (session.privileged, session.places.len());
        let at_risk =
            |session: &Session| privileged && !session.privileged || now - session.created > SAFE_FOR;
        let candidates = self.sessions.iter().filter(|(_, session)| at_risk(session));
        let least = candidates.min_by_key(|(_, session)| worth(session)).map(|(id, it)| (*id, worth(it)));
        match least {
            Some((id, held)) if held < (privileged, size) => self.sessions.remove(&id).is_some(),
            _ => false,
        }
    }
}

impl Session {
    fn put(&mut self, partition: TopicPartition, wanted: FetchPartition) {
        if let Some(place) = self.places.get(&partition) {
            if let Some((_, cached)) = self.partitions.get_mut(place) {
                cached.wanted = wanted;
            }
            return;
        }
        let place = self.next_place;
        self.next_place += 1;
        self.places.insert(partition.clone(), place);
        self.partitions
            .insert(place, (partition, Cached { wanted, high_watermark: -1, log_start_offset: -1 }));
    }

    fn forget(&mut self, partition: &TopicPartition) {
        if let Some(place) = self.places.remove(partition) {
            self.partitions.remove(&place);
        }
    }

    /// Remembers what a client is told of a partition; whether it has to be told at all.
    fn note(&mut self, partition: &TopicPartition, outcome: &FetchOutcome) -> bool {
        let Some(place) = self.places.get(partition).copied() else { return true };
        let Some((_, cached)) = self.partitions.get_mut(&place) else { return true };
        let mut tell = !outcome.records.is_empty();
        tell |= outcome.preferred_read_replica.is_some() || outcome.diverging.is_some();
        tell |= cached.high_watermark != outcome.high_watermark
            || cached.log_start_offset != outcome.log_start_offset;
        cached.high_watermark = outcome.high_watermark;
        cached.log_start_offset = outcome.log_start_offset;
        if outcome.error != ErrorCode::None {
            // So that its end is told too.
            cached.high_watermark = -1;
            tell = true;
        }
        tell
    }

    fn put_last(&mut self, partition: &TopicPartition) {
        let Some(place) = self.places.get(partition).copied() else { return };
        if let Some(entry) = self.partitions.remove(&place) {
            self.partitions.insert(self.next_place, entry);
            self.places.insert(partition.clone(), self.next_place);
            self.next_place += 1;
        }
    }
}

#[cfg(test)]
mod tests;
