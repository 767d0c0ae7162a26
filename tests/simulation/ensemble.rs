//! ZooKeeper as a cluster sees it: one order of writes, versions, and znodes that live as long as a session.

use std::collections::BTreeMap;

use barnabas::base::{BrokerId, Millis};
use barnabas::controller::state::Leadership;
use barnabas::controller::writes::Write;
use barnabas::zk::znode::partition_state::PartitionStateZNode;
use barnabas::zk::znode::topic::TopicZNode;
use barnabas::zk::znode::{controller, controller_epoch};
use barnabas::zk::{OpResult, Read, Stat, ZkError};

use crate::client::{Answer, Multi, refused};
use crate::znodes::Znodes;

/// How long a session lives without a ping.
pub const SESSION_TIMEOUT: Millis = 2000;

/// The znodes and the sessions.
#[derive(Debug, Default)]
pub struct Ensemble {
    /// What is stored.
    pub znodes: Znodes,
    sessions: BTreeMap<u64, (BrokerId, Millis)>,
    last_session: u64,
    /// The broker that holds `/controller`, and its session.
    pub controller: Option<(BrokerId, u64)>,
    /// The timestamp in its data.
    claimed: Millis,
    /// The content of `/controller_epoch`.
    pub controller_epoch: i32,
    /// The version of `/controller_epoch`.
    pub epoch_version: i32,
}

impl Ensemble {
    /// Registers a broker in a new session; returns the session, and the broker's epoch. None while an
    /// earlier session of it is alive.
    pub fn register(&mut self, id: BrokerId, now: Millis) -> Option<(u64, i64)> {
        if self.znodes.brokers.contains_key(&id) {
            return None;
        }
        self.last_session += 1;
        self.sessions.insert(self.last_session, (id, now));
        Some((self.last_session, self.znodes.register(id)))
    }

    /// A session has sent a ping; returns whether it is alive.
    pub fn renew(&mut self, session: u64, now: Millis) -> bool {
        self.sessions.get_mut(&session).map(|held| held.1 = now).is_some()
    }

    /// Whether a session is alive.
    pub fn lives(&self, session: u64) -> bool {
        self.sessions.contains_key(&session)
    }

    /// Ends a session, and deletes its ephemeral znodes.
    pub fn close(&mut self, session: u64) {
        let Some((broker, _)) = self.sessions.remove(&session) else { return };
        self.znodes.brokers.remove(&broker);
        if self.controller.is_some_and(|(_, held)| held == session) {
            self.controller = None;
        }
    }

    /// Ends the sessions that sent no ping in time.
    pub fn expire(&mut self, now: Millis) {
        let late = self.sessions.iter().filter(|(_, (_, pinged))| pinged + SESSION_TIMEOUT < now);
        let late: Vec<_> = late.map(|(session, _)| *session).collect();
        late.into_iter().for_each(|session| self.close(session));
    }

    /// Makes a broker the controller, if there is none and the epoch is as it was read.
    pub fn claim(&mut self, id: BrokerId, session: u64, version: i32, now: Millis) -> Answer {
        if self.controller.is_some() {
            return refused(0, ZkError::NodeExists);
        }
        if version != self.epoch_version {
            return refused(1, ZkError::BadVersion);
        }
        self.controller = Some((id, session));
        self.claimed = now;
        self.controller_epoch += 1;
        self.epoch_version += 1;
        Ok(vec![OpResult::Done, OpResult::Set { version: self.epoch_version }])
    }

    /// The content of a path, which is one of those that a multi writes.
    pub fn read(&self, path: &str, multi: &Multi) -> Read {
        match multi {
            Multi::Claim { .. } if path == controller::PATH => {
                let (broker, session) = self.controller?;
                found(controller::encode(broker, self.claimed), 0, i64::try_from(session).unwrap_or(0))
            }
            Multi::Claim { .. } => {
                found(controller_epoch::encode(self.controller_epoch), self.epoch_version, 0)
            }
            Multi::Isr { id, .. } => state(self.znodes.states.get(id)),
            Multi::Decided { write, .. } => self.written(path, write),
        }
    }

    fn written(&self, path: &str, write: &Write) -> Read {
        let znodes = &self.znodes;
        let is = |there: bool| there.then(Vec::new).and_then(|data| found(data, 0, 0));
        match write {
            Write::CreateState(id, _) | Write::SetState(id, _) => state(znodes.states.get(id)),
            Write::CreatePartitionsDir(topic) => is(znodes.has_dir(topic)),
            Write::CreatePartitionDir(id) => is(znodes.has_dir(&id.to_string())),
            Write::SetAssignments(name, _) => {
                let held = znodes.topics.get(name)?;
                let topic = TopicZNode { partitions: held.partitions.clone(), ..TopicZNode::default() };
                found(topic.encode(), held.version, 0)
            }
            Write::Delete(_) => {
                is(path.rsplit('/').next().is_some_and(|name| znodes.topics.contains_key(name)))
            }
            Write::DeleteTopicDeletion(topic) => is(znodes.deletions.contains(topic)),
            Write::DeleteIsrNotification(name) => is(znodes.isr_notifications.contains_key(name)),
            Write::DeletePreferredElection => is(znodes.preferred.is_some()),
            Write::DeleteReassignment => is(znodes.reassignment.is_some()),
            // These znodes are not modelled, and no cluster here writes them.
            Write::SetReassignment(_)
            | Write::DeleteTopicConfig(_)
            | Write::DeleteLogDirEvent(_)
            | Write::CreateFeature { .. }
            | Write::SetFeature { .. } => None,
        }
    }
}

fn state(held: Option<&Leadership>) -> Read {
    let Leadership { leader_and_isr, controller_epoch } = held?;
    let version = leader_and_isr.zk_version;
    found(PartitionStateZNode::new(leader_and_isr.clone(), *controller_epoch).encode(), version, 0)
}

fn found(data: Vec<u8>, version: i32, ephemeral_owner: i64) -> Read {
    let stat = Stat {
        czxid: 0,
        mzxid: 0,
        pzxid: 0,
        ctime: 0,
        mtime: 0,
        version,
        cversion: 0,
        aversion: 0,
        ephemeral_owner,
        data_length: 0,
        num_children: 0,
    };
    Some((data.into(), stat))
}
