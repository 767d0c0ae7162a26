//! What became of a write whose answer was lost: it is sent again, in the session it began in, and where the repetition is
//! refused, judged by what is there now.
//!
//! Pure. A write counts as done where everything is as it would have left it: data, versions, and the owner of ephemerals.
//! `store` sends and reads. Kafka: `KafkaZkClient.retryRequestsUntilConnected`, `CheckedEphemeral`.

use std::collections::BTreeMap;

use super::op::{CreateMode, Op, OpResult, Read, ZkError};

/// A write under way: in which session it began, and whether the answer to an earlier try was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    generation: Option<u64>,
    doubtful: bool,
}

impl Attempt {
    /// Lets it be sent in the session of this generation; the first one is its own.
    ///
    /// # Errors
    /// [`ZkError::SessionExpired`] where it was begun in an earlier session: whether it took effect is not known, and what
    /// was to hang on that session is gone.
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

    /// Whether a refusal is no answer yet: an earlier try may have taken effect, and be the reason for it.
    pub fn is_doubtful(&self) -> bool {
        self.doubtful
    }
}

/// What a path holds after some operations.
#[derive(Debug, PartialEq, Eq)]
enum LeftBehind<'a> {
    Nothing,
    /// `version` is None where any would do.
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

/// The paths that must be read to judge these operations.
pub fn paths(ops: &[Op]) -> Vec<String> {
    left_behind(ops).into_keys().map(str::to_owned).collect()
}

/// The results of `ops`, where what was `found` at their paths is what they leave; `session` is the one they were sent
/// in. None where they were not done, or others have written since.
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
