//! Compared with the orders that a JVM with Scala 2.13 gave.

use super::{
    java_map_of_size, partition_hash, properties, scala_hash_trie, scala_immutable, scala_mutable_map,
};
use crate::base::TopicPartition;

fn keys(entries: Vec<(String, ())>) -> String {
    entries.into_iter().map(|(key, ())| key).collect::<Vec<_>>().join(" ")
}

#[test]
fn partitions_come_as_scala_puts_them() {
    let order = |count: i32| keys(scala_mutable_map((0..count).map(|at| (at.to_string(), ())).collect()));
    assert_eq!(order(11), "0 1 2 3 4 5 6 7 8 9 10");
    assert_eq!(order(12), "11 0 1 2 3 4 5 6 7 8 9 10");
    assert_eq!(order(24), "22 23 10 11 12 13 14 15 16 17 18 19 0 1 2 3 4 5 6 7 8 9 20 21");
    assert_eq!(order(30), "22 23 24 25 26 27 28 29 10 11 12 13 14 15 16 17 18 19 0 1 2 3 4 5 6 7 8 9 20 21");
}

#[test]
fn configs_come_as_java_puts_them() {
    let written = "cleanup.policy compression.type delete.retention.ms file.delete.delay.ms flush.messages flush.ms \
                   index.interval.bytes max.message.bytes min.insync.replicas retention.ms retention.bytes \
                   segment.bytes segment.ms unclean.leader.election.enable";
    let order = keys(properties(written.split_whitespace().map(|key| (key.to_owned(), ())).collect()));
    assert_eq!(
        order,
        "compression.type file.delete.delay.ms max.message.bytes min.insync.replicas index.interval.bytes \
         unclean.leader.election.enable delete.retention.ms retention.bytes cleanup.policy flush.ms retention.ms \
         segment.bytes segment.ms flush.messages"
    );
}

#[test]
fn topics_come_as_javas_admin_client_puts_them() {
    let order = |names: &str| {
        keys(java_map_of_size(names.split_whitespace().map(|it| (it.to_owned(), ())).collect()))
    };
    assert_eq!(order("defaults first under_score zktopic"), "zktopic defaults first under_score");
}

#[test]
fn a_large_set_comes_as_scalas_trie_puts_it() {
    let topics = [("plain", 5), ("tzk", 6)];
    let all = topics.iter().flat_map(|(topic, count)| (0..*count).map(|at| TopicPartition::new(*topic, at)));
    let hashed = all.map(|id| (partition_hash(&id), id.to_string())).collect();
    assert_eq!(
        scala_hash_trie(hashed).join(", "),
        "plain-1, tzk-0, tzk-4, plain-0, plain-4, tzk-5, tzk-2, tzk-3, plain-2, plain-3, tzk-1"
    );
}

#[test]
fn a_small_set_keeps_the_order_in_which_it_was_filled() {
    let hashed = |numbers: &[i32]| numbers.iter().map(|it| (*it, *it)).collect();
    assert_eq!(scala_immutable(hashed(&[4, 1, 3, 2])), [4, 1, 3, 2]);
    assert_eq!(scala_immutable(hashed(&[1, 2, 3, 4, 5, 6, 7])), [5, 1, 6, 2, 7, 3, 4]);
    // Hash codes that are the same share a node below all bits.
    assert_eq!(scala_hash_trie(vec![(7, 'a'), (7, 'b')]), ['a', 'b']);
}
