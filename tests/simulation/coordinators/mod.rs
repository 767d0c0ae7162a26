//! The coordinators' machines, each with the log of one partition, run from a seed: appends that are late, lost, or in
//! the log though they were answered with an error; brokers that lose the partition, know it or not, and load it again;
//! clients that hang, vanish and come back; and after every step the checks of what must always hold.

mod groups;
pub mod partition;
mod transactions;

use std::fmt::Debug;

/// A machine, or what runs it, broken on purpose, to see that the checks find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoordinatorFlaw {
    /// An append counts as soon as the leader has it.
    AcknowledgesEarly,
    /// What was loaded is acted upon before all replicas have it.
    ServesUnreplicated,
    /// A load leaves out the end of the log.
    LoadsTooLittle,
    /// A member of an old generation passes for one of the present.
    FencesNoMember,
    /// A load takes what aborted transactions wrote.
    LoadsTheAborted,
    /// Leaders append whatever the epoch of the producer.
    FencesNoProducer,
    /// A marker is written to the first partition of a transaction only.
    ForgetsMarkers,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// What did not hold.
    pub violation: Option<String>,
    /// How much was done that the checks are about.
    pub done: usize,
    /// What happened, where that was asked for.
    pub trace: Vec<String>,
}

/// How many seeds the suite runs.
const SEEDS: u64 = 400;
/// Among how many seeds a broken machine must be found.
const SEEDS_TO_CATCH: u64 = 2000;

/// Runs seeds, `within_the_suite` of them where nothing else is asked for, each without a trace, and once more with one
/// where something does not hold.
pub fn all_hold(within_the_suite: u64, run: fn(u64, bool) -> Outcome) {
    let seeds = match crate::number("BARNABAS_TEST_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let from = crate::number("BARNABAS_TEST_FROM").unwrap_or(1);
            from..from + crate::number("BARNABAS_TEST_SEEDS").unwrap_or(within_the_suite)
        }
    };
    let mut done = 0;
    for seed in seeds.clone() {
        let outcome = run(seed, false);
        if let Some(violation) = outcome.violation {
            let trace = run(seed, true).trace.join("\n");
            panic!("{trace}\nBARNABAS_TEST_SEED={seed} again: {violation}");
        }
        done += outcome.done;
    }
    println!("{} seeds: {done} done, all as it must be", seeds.count());
    assert!(done > 0, "nothing was done: nothing was tried");
}

/// Runs seeds with a flaw until its violation is found.
pub fn is_caught<F: Copy + Debug>(run: fn(u64, Option<F>, bool) -> Outcome, flaw: F) {
    let found = (1..=SEEDS_TO_CATCH).find_map(|seed| Some((seed, run(seed, Some(flaw), false).violation?)));
    let (seed, violation) =
        found.unwrap_or_else(|| panic!("{flaw:?} was not found in {SEEDS_TO_CATCH} seeds"));
    println!("{flaw:?} is found with seed {seed}: {violation}");
}

#[test]
fn committed_offsets_never_go_back_and_a_generation_has_one_assignment() {
    all_hold(SEEDS, |seed, traced| groups::run(seed, None, traced));
}

#[test]
fn a_transaction_is_seen_whole_or_not_at_all_and_a_fenced_producer_writes_nothing() {
    all_hold(SEEDS, |seed, traced| transactions::run(seed, None, traced));
}

#[test]
fn an_offset_that_is_acknowledged_early_is_caught() {
    is_caught(groups::run, CoordinatorFlaw::AcknowledgesEarly);
}

#[test]
fn a_leader_that_acts_upon_what_may_be_lost_is_caught() {
    is_caught(groups::run, CoordinatorFlaw::ServesUnreplicated);
    is_caught(transactions::run, CoordinatorFlaw::ServesUnreplicated);
}

#[test]
fn a_load_of_groups_that_ends_early_is_caught() {
    is_caught(groups::run, CoordinatorFlaw::LoadsTooLittle);
}

#[test]
fn a_member_of_the_past_is_caught() {
    is_caught(groups::run, CoordinatorFlaw::FencesNoMember);
}

#[test]
fn offsets_of_an_aborted_transaction_are_caught() {
    is_caught(groups::run, CoordinatorFlaw::LoadsTheAborted);
}

#[test]
fn the_end_of_a_transaction_that_is_acknowledged_early_is_caught() {
    is_caught(transactions::run, CoordinatorFlaw::AcknowledgesEarly);
}

#[test]
fn a_load_of_transactions_that_ends_early_is_caught() {
    is_caught(transactions::run, CoordinatorFlaw::LoadsTooLittle);
}

#[test]
fn a_producer_of_the_past_is_caught() {
    is_caught(transactions::run, CoordinatorFlaw::FencesNoProducer);
}

#[test]
fn a_transaction_that_ends_in_some_partitions_is_caught() {
    is_caught(transactions::run, CoordinatorFlaw::ForgetsMarkers);
}
