//! ZooKeeper as a cluster sees it: one order of writes, versions, and znodes that live as long as a session.

use std::collections::BTreeMap;

use barnabas::base::{BrokerId, Millis};

use crate::znodes::Znodes;

/// How long a session lives without being heard of.
pub const SESSION_TIMEOUT: Millis = 2000;

/// The znodes and the sessions.
#[derive(Debug, Default)]
pub struct Ensemble {
    /// What is stored.
    pub znodes: Znodes,
    sessions: BTreeMap<u64, (BrokerId, Millis)>,
    last_session: u64,
    /// Who holds `/controller`, in which session.
    pub controller: Option<(BrokerId, u64)>,
    /// What `/controller_epoch` holds.
    pub controller_epoch: i32,
    /// The version of `/controller_epoch`.
    pub epoch_version: i32,
}

impl Ensemble {
    /// Registers a broker in a new session: the session, and the broker's epoch. None while an earlier session of it lives.
    pub fn register(&mut self, id: BrokerId, now: Millis) -> Option<(u64, i64)> {
        if self.znodes.brokers.contains_key(&id) {
            return None;
        }
        self.last_session += 1;
        self.sessions.insert(self.last_session, (id, now));
        Some((self.last_session, self.znodes.register(id)))
    }

    /// A session was heard of; whether it lives.
    pub fn renew(&mut self, session: u64, now: Millis) -> bool {
        self.sessions.get_mut(&session).map(|held| held.1 = now).is_some()
    }

    /// Whether a session lives.
    pub fn lives(&self, session: u64) -> bool {
        self.sessions.contains_key(&session)
    }

    /// Ends a session, and what hangs on it.
    pub fn close(&mut self, session: u64) {
        let Some((broker, _)) = self.sessions.remove(&session) else { return };
        self.znodes.brokers.remove(&broker);
        if self.controller.is_some_and(|(_, held)| held == session) {
            self.controller = None;
        }
    }

    /// Ends the sessions that were not heard of in time.
    pub fn expire(&mut self, now: Millis) {
        let late = self.sessions.iter().filter(|(_, (_, heard))| heard + SESSION_TIMEOUT < now);
        let late: Vec<_> = late.map(|(session, _)| *session).collect();
        late.into_iter().for_each(|session| self.close(session));
    }

    /// Makes a broker the controller where there is none; the epoch that begins, and its version.
    pub fn claim(&mut self, id: BrokerId, session: u64) -> Option<(i32, i32)> {
        if self.controller.is_some() || !self.lives(session) {
            return None;
        }
        self.controller = Some((id, session));
        self.controller_epoch += 1;
        self.epoch_version += 1;
        Some((self.controller_epoch, self.epoch_version))
    }
}
