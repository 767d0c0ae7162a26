//! The machines of the client library beside those of brokers and coordinators, run from a seed: requests and answers
//! that are lost, late or done twice, leaders and coordinators that move, batches that are too large, applications that
//! die and come back; and the checks of what must always hold.

mod application;
mod connection;
mod consuming;
mod data;
mod group_wire;
mod producing;
mod read_records;
mod reader;
mod sent_records;
mod serving;
mod stage;

use crate::coordinators::{all_hold, is_caught};

/// How many seeds the suite runs of each play.
const SEEDS: u64 = 60;

/// A producer or a consumer, or what runs it, broken on purpose, to see that the checks find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientFlaw {
    /// Producers are not idempotent.
    HasNoSequences,
    /// A batch whose answer is lost counts as written.
    BelievesItsBatches,
    /// The records of a batch that was split are taken for those of other pieces.
    MixesPieces,
    /// A transaction whose commit has failed counts as committed.
    BelievesItsCommits,
    /// A consumer commits offsets of records that it has not returned.
    CommitsAhead,
    /// A consumer whose group has committed nothing begins at the end, not at the start.
    BeginsAtTheEnd,
    /// The leader of a group assigns all partitions to all members.
    AssignsAllToAll,
    /// Offsets that belong to a transaction are committed at once.
    CommitsOffsetsAtOnce,
    /// A producer keeps its batches for longer than they have.
    KeepsItsBatches,
    /// A consumer takes its position for valid under every leader.
    SkipsValidations,
}

#[test]
fn records_are_written_once_and_in_order_and_transactions_whole() {
    all_hold(SEEDS, |seed, traced| producing::run(seed, None, traced));
}

#[test]
fn records_are_copied_once_with_the_offsets_of_their_input() {
    all_hold(SEEDS, |seed, traced| producing::run_copying(seed, None, traced));
}

#[test]
fn offsets_that_are_committed_without_their_transaction_are_caught() {
    is_caught(producing::run_copying, ClientFlaw::CommitsOffsetsAtOnce);
}

#[test]
fn a_producer_that_keeps_records_beyond_their_time_is_caught() {
    is_caught(producing::run, ClientFlaw::KeepsItsBatches);
}

#[test]
fn what_a_group_has_committed_was_read_and_every_partition_has_one_owner() {
    all_hold(SEEDS, |seed, traced| consuming::run(seed, None, traced));
}

#[test]
fn records_that_take_the_offsets_of_lost_ones_are_read() {
    all_hold(SEEDS, |seed, traced| consuming::run_truncated(seed, None, traced));
}

#[test]
fn a_consumer_that_validates_no_position_is_caught() {
    is_caught(consuming::run_truncated, ClientFlaw::SkipsValidations);
}

#[test]
fn a_consumer_that_commits_ahead_is_caught() {
    is_caught(consuming::run, ClientFlaw::CommitsAhead);
}

#[test]
fn a_consumer_that_begins_at_the_end_is_caught() {
    is_caught(consuming::run, ClientFlaw::BeginsAtTheEnd);
}

#[test]
fn partitions_with_two_owners_are_caught() {
    is_caught(consuming::run, ClientFlaw::AssignsAllToAll);
}

#[test]
fn a_producer_without_sequences_is_caught() {
    is_caught(producing::run, ClientFlaw::HasNoSequences);
}

#[test]
fn a_producer_that_takes_silence_for_success_is_caught() {
    is_caught(producing::run, ClientFlaw::BelievesItsBatches);
}

#[test]
fn a_producer_that_mixes_the_pieces_of_a_batch_is_caught() {
    is_caught(producing::run, ClientFlaw::MixesPieces);
}

#[test]
fn a_commit_that_failed_and_is_believed_is_caught() {
    is_caught(producing::run, ClientFlaw::BelievesItsCommits);
}
