//! Writes what a step decided. Each write is in a multi that first checks the version of `/controller_epoch`,
//! so that a controller that was replaced changes nothing.
//!
//! A few writes have a multi each, as in Kafka. The writes of many partitions share multis, because the
//! transaction is the cost in ZooKeeper. If one of them cannot be written, the writes of its multi are
//! repeated one by one.

use std::ops::Range;

use serde_json::{Map, Value};

use super::decide::assignments::fault;
use super::gather::Others;
use super::multi::{Stopped, operations, outcome, written};
use super::writes::{Outcome, Write};
use crate::zk::znode::topic::{self, TopicZNode};
use crate::zk::{MultiError, Op, ZkError, ZooKeeper};

/// From this number of writes on, those of partitions share their multis.
const MANY: usize = 64;
/// How many writes share one multi: a few tens of kilobytes.
const TOGETHER: usize = 100;

/// Writes in this order, pipelined; returns the outcome of each.
///
/// # Errors
/// [`Stopped`]: this broker is no longer the controller, or may not be.
pub(super) async fn commit(
    zk: &ZooKeeper,
    epoch_version: i32,
    others: &Others,
    mut writes: Vec<Write>,
) -> Result<Vec<Outcome>, Stopped> {
    let mut singles = Vec::with_capacity(writes.len());
    for write in &mut writes {
        let others = beside(zk, write, others).await?;
        singles.push(operations(write, epoch_version, others));
    }
    let runs = runs(&writes);
    let multis: Vec<_> = runs.iter().map(|run| together(&singles[run.clone()])).collect();
    let results = zk.multi_many(&multis).await;
    let mut outcomes = vec![Outcome::NoNode; writes.len()];
    let mut apart = Vec::new();
    for (run, result) in runs.into_iter().zip(results) {
        match result {
            Ok(results) if run.len() > 1 => {
                // The first result is the check's.
                for (at, result) in run.zip(results.into_iter().skip(1)) {
                    outcomes[at] = written(Some(&result));
                }
            }
            Err(MultiError { index: Some(index), .. }) if run.len() > 1 && index > 0 => apart.extend(run),
            Err(MultiError { source: ZkError::TooLarge(_), .. }) if run.len() > 1 => apart.extend(run),
            result => outcomes[run.start] = outcome(result, &writes[run.start])?,
        }
    }
    let multis: Vec<_> = apart.iter().map(|at| singles[*at].clone()).collect();
    for (at, result) in apart.into_iter().zip(zk.multi_many(&multis).await) {
        outcomes[at] = outcome(result, &writes[at])?;
    }
    // After a lost connection, a child's write may have been processed before its parent's; the parent is
    // there now.
    for (at, write) in writes.iter().enumerate() {
        if outcomes[at] == Outcome::NoNode
            && matches!(write, Write::CreatePartitionDir(_) | Write::CreateState(..))
        {
            outcomes[at] = outcome(zk.multi(&singles[at]).await, write)?;
        }
    }
    Ok(outcomes)
}

/// Which consecutive writes go into one multi.
fn runs(writes: &[Write]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, write) in writes.iter().enumerate() {
        let joins = |run: &&mut Range<usize>| {
            let alike = std::mem::discriminant(&writes[run.start]) == std::mem::discriminant(write);
            writes.len() >= MANY && is_of_partition(write) && alike && run.len() < TOGETHER
        };
        match runs.last_mut().filter(joins) {
            Some(run) => run.end = at + 1,
            None => runs.push(at..at + 1),
        }
    }
    runs
}

fn is_of_partition(write: &Write) -> bool {
    matches!(write, Write::CreatePartitionDir(_) | Write::CreateState(..) | Write::SetState(..))
}

/// One multi of several writes, with one check of the controller's epoch.
fn together(multis: &[Vec<Op>]) -> Vec<Op> {
    let (first, rest) = (multis.first(), multis.iter().skip(1));
    first.into_iter().flatten().chain(rest.flat_map(|multi| multi.iter().skip(1))).cloned().collect()
}

/// What newer versions wrote beside the part that this write replaces. The controller does not know
/// partitions of a topic that were refused when they were read: they become part of the write, so that they
/// stay in the znode.
async fn beside(zk: &ZooKeeper, write: &mut Write, others: &Others) -> Result<Map<String, Value>, ZkError> {
    match write {
        Write::SetState(partition, _) => Ok(others.get(partition).cloned().unwrap_or_default()),
        Write::SetAssignments(name, partitions) => {
            let znode = zk.get(&topic::path(name)).await?;
            let znode = znode.and_then(|(data, _)| TopicZNode::decode(&data).ok()).unwrap_or_default();
            let refused = znode.partitions.into_iter().filter(|(number, it)| fault(*number, it).is_some());
            for (number, assignment) in refused {
                partitions.entry(number).or_insert(assignment);
            }
            Ok(znode.others)
        }
        _ => Ok(Map::new()),
    }
}

#[cfg(test)]
mod tests;
