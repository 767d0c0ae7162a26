//! A broker's ZooKeeper client: a write reaches the server or does not, and the answer comes back or does
//! not.
//!
//! Connections are lost while writes are in flight, before and after the server has applied them; the session
//! may go on or not. The outcome of a write is found out as by `zk::store`: the write is sent again in the
//! same session, and if the repetition is refused, the znodes are read (`zk::outcome`).

use std::collections::BTreeMap;

use barnabas::base::{BrokerId, Millis, TopicPartition};
use barnabas::controller::multi;
use barnabas::controller::state::Leadership;
use barnabas::controller::writes::Write;
use barnabas::zk::outcome::{self, Attempt};
use barnabas::zk::znode::partition_state::{self, PartitionStateZNode};
use barnabas::zk::{MultiError, Op, OpResult, ZkError, claim};

use crate::scene::{Flaw, Happening, Scene};

/// What ZooKeeper does as a whole or not at all.
#[derive(Clone, Debug)]
pub enum Multi {
    /// What a controller has decided, guarded by the version of `/controller_epoch`.
    Decided { epoch: i32, version: i32, write: Write },
    /// A broker makes itself the controller: the epoch that begins, and the version of the one before.
    Claim { broker: BrokerId, epoch: i32, version: i32, now: Millis },
    /// A leader writes its partition's state.
    Isr { id: TopicPartition, next: Leadership },
}

/// The outcome.
pub type Answer = Result<Vec<OpResult>, MultiError>;

impl Multi {
    /// The same in the form of its request.
    fn operations(&self) -> Vec<Op> {
        match self {
            Self::Decided { version, write, .. } => {
                multi::operations(write, *version, serde_json::Map::new())
            }
            Self::Claim { broker, epoch, version, now } => {
                claim::operations(*broker, *epoch, *version, *now).to_vec()
            }
            Self::Isr { id, next } => {
                let state = PartitionStateZNode::new(next.leader_and_isr.clone(), next.controller_epoch);
                let (path, version) = (partition_state::path(id), Some(next.leader_and_isr.zk_version));
                vec![Op::Set { path, data: state.encode(), version }]
            }
        }
    }
}

/// Multis in flight to a server.
#[derive(Debug)]
pub struct Request {
    /// Their broker.
    pub broker: BrokerId,
    /// The session they are sent in.
    pub session: u64,
    /// The connection they are sent on.
    pub connection: u64,
    /// The correlation id.
    pub call: u64,
    /// They, in this order.
    pub multis: Vec<Multi>,
}

#[derive(Debug)]
struct Entry {
    multi: Multi,
    attempt: Attempt,
    /// The outcome, as far as it is known; a refusal in doubt is not yet one.
    answer: Option<Answer>,
    in_doubt: Option<MultiError>,
}

/// Multis that were sent, until all their answers are known.
#[derive(Debug)]
pub struct Writing {
    broker: BrokerId,
    session: u64,
    /// The call and the connection of the last try, and its entries.
    sent: (u64, u64, Vec<usize>),
    entries: Vec<Entry>,
}

/// The state of the multis.
#[derive(Debug)]
pub enum Progress {
    /// Some outcomes are not known yet.
    Waits(Writing),
    /// The session is over: the outcomes can never be known.
    Expired,
    /// All outcomes are known.
    Known(Vec<Answer>),
}

impl Writing {
    /// Sends multis for the first time.
    pub fn begin(scene: &mut Scene, broker: BrokerId, session: u64, multis: Vec<Multi>) -> Self {
        let entry = |multi| Entry { multi, attempt: Attempt::default(), answer: None, in_doubt: None };
        let entries = multis.into_iter().map(entry).collect();
        let mut writing = Self { broker, session, sent: (0, 0, Vec::new()), entries };
        writing.send(scene);
        writing
    }

    fn send(&mut self, scene: &mut Scene) {
        let open = |entry: &Entry| entry.answer.is_none() && entry.in_doubt.is_none();
        let mut unknown: Vec<_> = (0..self.entries.len()).filter(|at| open(&self.entries[*at])).collect();
        if self.entries.iter().any(|entry| entry.attempt.is_doubtful()) {
            // Repeated writes are sent in the order in which their tasks wake.
            scene.rng.shuffle(&mut unknown);
        }
        for at in &unknown {
            let admitted = self.entries[*at].attempt.admit(self.session);
            debug_assert_eq!(admitted, Ok(()), "one session each");
        }
        let (call, connection) = (scene.call(), scene.connection(self.broker));
        let multis = unknown.iter().map(|at| self.entries[*at].multi.clone()).collect();
        self.sent = (call, connection, unknown);
        let request = Request { broker: self.broker, session: self.session, connection, call, multis };
        scene.later.push((scene.now + scene.rng.i64(1..5), Happening::AtServer(request)));
    }

    /// An answer has come back.
    pub fn answered(&mut self, call: u64, answers: Vec<Answer>) {
        if self.sent.0 != call {
            return;
        }
        for (at, answer) in std::mem::take(&mut self.sent.2).into_iter().zip(answers) {
            let entry = &mut self.entries[at];
            match answer {
                Err(refused) if entry.attempt.is_doubtful() => entry.in_doubt = Some(refused),
                answer => entry.answer = Some(answer),
            }
        }
    }

    /// Does what can be done by now.
    pub fn go_on(mut self, scene: &mut Scene) -> Progress {
        if !scene.connected(self.broker) {
            return Progress::Waits(self);
        }
        if !scene.ensemble.lives(self.session) {
            return Progress::Expired;
        }
        self.judge(scene);
        let (_, connection, awaited) = &self.sent;
        if !awaited.is_empty() && *connection != scene.connection(self.broker) {
            for at in awaited {
                self.entries[*at].attempt.lose();
            }
            self.send(scene);
        }
        if self.entries.iter().any(|entry| entry.answer.is_none()) {
            return Progress::Waits(self);
        }
        Progress::Known(self.entries.into_iter().filter_map(|entry| entry.answer).collect())
    }

    /// Refused repetitions are resolved by reading the znodes.
    fn judge(&mut self, scene: &mut Scene) {
        for entry in &mut self.entries {
            let Some(refused) = entry.in_doubt.take() else { continue };
            let ops = entry.multi.operations();
            let paths = outcome::paths(&ops).into_iter();
            let found: BTreeMap<_, _> =
                paths.map(|path| (path.clone(), scene.ensemble.read(&path, &entry.multi))).collect();
            let session = i64::try_from(self.session).unwrap_or(0);
            let done = match scene.flaw {
                Some(Flaw::BelievesItsWrites) => Some(believed(&ops)),
                _ => outcome::results(&ops, &found, session),
            };
            let broker = self.broker;
            scene.log_line(|| {
                let what = if done.is_some() { "was done" } else { "was not done" };
                format!("broker {broker} finds that {:?} {what}", entry.multi)
            });
            entry.answer = Some(done.ok_or(refused));
        }
    }
}

/// The results of operations that all succeed.
fn believed(ops: &[Op]) -> Vec<OpResult> {
    let result = |op: &Op| match op {
        Op::Set { version, .. } => OpResult::Set { version: version.unwrap_or(0) + 1 },
        _ => OpResult::Done,
    };
    ops.iter().map(result).collect()
}

/// A multi that failed at one of its operations.
pub fn refused(index: usize, source: ZkError) -> Answer {
    Err(MultiError { index: Some(index), source })
}
