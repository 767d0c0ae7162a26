//! Which writes share a transaction.

use super::*;
use crate::base::{LeaderAndIsr, TopicPartition};
use crate::controller::state::Leadership;

fn partition(number: usize) -> TopicPartition {
    TopicPartition::new("t", i32::try_from(number).unwrap())
}

fn made(number: usize) -> Write {
    let leadership = Leadership { leader_and_isr: LeaderAndIsr::initial(1, vec![1]), controller_epoch: 1 };
    Write::CreateState(partition(number), leadership)
}

#[test]
fn a_few_writes_have_a_multi_each() {
    let writes: Vec<_> = (0..MANY - 1).map(made).collect();
    assert!(runs(&writes).iter().all(|run| run.len() == 1));
}

#[test]
fn many_writes_of_a_kind_share_multis_and_keep_their_order() {
    let topic = std::iter::once(Write::CreatePartitionsDir("t".into()));
    let dirs = (0..TOGETHER + 50).map(|number| Write::CreatePartitionDir(partition(number)));
    let writes: Vec<_> = topic.chain(dirs).chain((0..20).map(made)).collect();
    let lengths: Vec<_> = runs(&writes).iter().map(Range::len).collect();
    assert_eq!(lengths, [1, TOGETHER, 50, 20]);
    assert_eq!(runs(&writes).last().unwrap().end, writes.len());
}

#[test]
fn what_is_of_no_partition_stays_by_itself() {
    let names = (0..MANY).map(|number| Write::DeleteIsrNotification(number.to_string()));
    let writes: Vec<_> = names.collect();
    assert_eq!(runs(&writes).len(), MANY);
}

#[test]
fn a_multi_of_several_checks_the_epoch_once() {
    let single = |path: &str| {
        vec![
            Op::Check { path: "/controller_epoch".to_owned(), version: 3 },
            Op::Set { path: path.to_owned(), data: Vec::new(), version: Some(1) },
        ]
    };
    let paths: Vec<_> = together(&[single("/a"), single("/b")])
        .into_iter()
        .map(|op| match op {
            Op::Check { path, .. } | Op::Set { path, .. } => path,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(paths, ["/controller_epoch", "/a", "/b"]);
}
