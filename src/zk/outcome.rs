//! The outcome of a write whose answer was lost: the write is sent again in its session, and if the
//! repetition is refused, the znodes show whether the first try took effect.
//!
//! Pure. A write counts as done if its znodes have the content it would have given them: data, versions, and
//! the owner of ephemerals. `store` sends and reads. Kafka: `KafkaZkClient.retryRequestsUntilConnected`,
//! `CheckedEphemeral`.

use std::collections::BTreeMap;

use super::op::{CreateMode, Op, OpResult, Read, ZkError};

/// A write in progress: its session, and whether the answer to an earlier try was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    generation: Option<u64>,
    doubtful: bool,
}

impl Attempt {
    /// Allows a try in the session of this generation; the first try sets the write's session.
    ///
    /// # Errors [`ZkError::SessionExpired`] if it began in an earlier session: it is not known whether it
    /// took effect, and what depended on that session is gone.
    pub fn admit(&mut self, generation: u64) -> Result<(), ZkError> {
        if *self.generation.get_or_insert(generation) != generation {
            return Err(ZkError::SessionExpired);
        }
        Ok(())
    }

    /// The answer to a try was lost.
    pub fn lose(&mut self) {
        self.doubtful = true;
    }

    /// Whether a refusal is not final: an earlier try may have taken effect, and be the reason for it.
    pub fn is_doubtful(&self) -> bool {
        self.doubtful
    }
}

/// The content of a path after some operations.
#[derive(Debug, PartialEq, Eq)]
enum LeftBehind<'a> {
    Nothing,
    /// `version` is None if any version is possible.
    Data {
        data: &'a [u8],
        version: Option<i32>,
        ephemeral: bool,
    },
}

impl LeftBehind<'_> {
    fn is(&self, found: &Read, session: i64) -> bool {
        match (self, found) {
            (LeftBehind::Nothing, None) => true,
            (LeftBehind::Data { data, version, ephemeral }, Some((bytes, stat))) => {
                bytes == data
                    && version.is_none_or(|version| version == stat.version)
                    && (!ephemeral || stat.ephemeral_owner == session)
            }
            _ => false,
        }
    }
}

/// The paths that must be read to find out the results of these operations.
pub fn paths(ops: &[Op]) -> Vec<String> {
    left_behind(ops).into_keys().map(str::to_owned).collect()
}

/// The results of `ops`, if the znodes `found` at their paths have the content that `ops` give them;
/// `session` is the one they were sent in. None if they were not done, or another client has written since.
pub fn results(ops: &[Op], found: &BTreeMap<String, Read>, session: i64) -> Option<Vec<OpResult>> {
    let at = |path: &str| found.get(path).unwrap_or(&None);
    if !left_behind(ops).iter().all(|(path, left)| left.is(at(path), session)) {
        return None;
    }
    ops.iter()
        .map(|op| match op {
            Op::Set { path, .. } => {
                at(path).as_ref().map(|(_, stat)| OpResult::Set { version: stat.version })
            }
            _ => Some(OpResult::Done),
        })
        .collect()
}

fn left_behind(ops: &[Op]) -> BTreeMap<&str, LeftBehind<'_>> {
    let mut all = BTreeMap::new();
    for op in ops {
        match op {
            Op::Check { .. } => {}
            Op::Create { path, data, mode } => {
                let ephemeral = *mode == CreateMode::Ephemeral;
                all.insert(path.as_str(), LeftBehind::Data { data, version: Some(0), ephemeral });
            }
            Op::Set { path, data, version } => {
                let (before, ephemeral) = match all.get(path.as_str()) {
                    Some(LeftBehind::Data { version, ephemeral, .. }) => (*version, *ephemeral),
                    _ => (*version, false),
                };
                let version = before.map(|version| version.wrapping_add(1));
                all.insert(path, LeftBehind::Data { data, version, ephemeral });
            }
            Op::Delete { path, .. } => {
                all.insert(path, LeftBehind::Nothing);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests;
