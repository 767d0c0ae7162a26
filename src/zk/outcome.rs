//! What became of a write whose answer was lost: judged by what is there now ★.
//!
//! A write counts as done where everything is as it would have left it: data, versions, and the owner of ephemerals.

use std::collections::BTreeMap;

use super::store::{CreateMode, Op, OpResult, Read};

/// What a path holds after some operations.
#[derive(Debug, PartialEq, Eq)]
enum Left<'a> {
    Nothing,
    /// `version` is None where any would do.
    Data {
        data: &'a [u8],
        version: Option<i32>,
        ephemeral: bool,
    },
}

impl Left<'_> {
    fn is(&self, found: &Read, session: i64) -> bool {
        match (self, found) {
            (Left::Nothing, None) => true,
            (Left::Data { data, version, ephemeral }, Some((held, stat))) => {
                held == data
                    && version.is_none_or(|version| version == stat.version)
                    && (!ephemeral || stat.ephemeral_owner == session)
            }
            _ => false,
        }
    }
}

/// The paths that must be read to judge these operations.
pub(super) fn paths(ops: &[Op]) -> Vec<String> {
    left_behind(ops).into_keys().map(str::to_owned).collect()
}

/// The results of `ops`, where what was `found` at their paths is what they leave; `session` is the one they were sent
/// in. None where they were not done, or others have written since.
pub(super) fn results(ops: &[Op], found: &BTreeMap<String, Read>, session: i64) -> Option<Vec<OpResult>> {
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

fn left_behind(ops: &[Op]) -> BTreeMap<&str, Left<'_>> {
    let mut all = BTreeMap::new();
    for op in ops {
        match op {
            Op::Check { .. } => {}
            Op::Create { path, data, mode } => {
                let ephemeral = *mode == CreateMode::Ephemeral;
                all.insert(path.as_str(), Left::Data { data, version: Some(0), ephemeral });
            }
            Op::Set { path, data, version } => {
                let (before, ephemeral) = match all.get(path.as_str()) {
                    Some(Left::Data { version, ephemeral, .. }) => (*version, *ephemeral),
                    _ => (*version, false),
                };
                let version = before.map(|version| version.wrapping_add(1));
                all.insert(path, Left::Data { data, version, ephemeral });
            }
            Op::Delete { path, .. } => {
                all.insert(path, Left::Nothing);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests;
