//! A whole cluster of the pure machines — controller, replicas, fetchers — run from a seed: brokers that
//! crash, pause, stop in order and lose their sessions, writes to ZooKeeper whose answers are lost, a network
//! that delays, drops, doubles, reorders and separates, and after every step the checks of what must always
//! hold.
//!
//! A failure prints its seed; `BARNABAS_TEST_SEED=seed` runs that one and prints what happened.
//! `scripts/simulate.sh` runs many thousands.

mod checks;
mod client;
mod clients;
mod coordinators;
mod disk;
mod ensemble;
mod host;
mod network;
mod scene;
mod term;
mod world;
#[path = "../machines/znodes.rs"]
mod znodes;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use scene::Flaw;

/// How many seeds the suite runs.
const SEEDS: u64 = 300;
/// Among how many seeds a broken machine must be found.
const SEEDS_TO_CATCH: u64 = 3000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// Prints what happened with a seed, and fails.
fn fail(seed: u64, flaw: Option<Flaw>, violation: &str) -> ! {
    let trace = world::run(seed, flaw, true).trace;
    panic!("seed {seed}: {violation}\n{}\nBARNABAS_TEST_SEED={seed} again: {violation}", trace.join("\n"));
}

#[test]
fn a_cluster_keeps_what_it_acknowledged_whatever_happens() {
    if let Some(seed) = number("BARNABAS_TEST_SEED") {
        let outcome = world::run(seed, None, true);
        println!("{}", outcome.trace.join("\n"));
        assert_eq!(outcome.violation.or(outcome.broken), None, "seed {seed}");
        return;
    }
    let (from, count) =
        (number("BARNABAS_TEST_FROM").unwrap_or(1), number("BARNABAS_TEST_SEEDS").unwrap_or(SEEDS));
    let (next, steps, acknowledged) = (AtomicU64::new(from), AtomicUsize::new(0), AtomicUsize::new(0));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count {
                        return;
                    }
                    let outcome = world::run(seed, None, false);
                    if let Some(violation) = outcome.violation.or(outcome.broken) {
                        next.store(u64::MAX / 2, Ordering::Relaxed);
                        fail(seed, None, &violation);
                    }
                    steps.fetch_add(outcome.steps, Ordering::Relaxed);
                    acknowledged.fetch_add(outcome.acknowledged, Ordering::Relaxed);
                }
            });
        }
    });
    let (steps, acknowledged) = (steps.into_inner(), acknowledged.into_inner());
    println!(
        "{count} seeds from {from}: {steps} steps, {acknowledged} records acknowledged, none lost, in {:.1?}",
        begun.elapsed()
    );
    assert!(acknowledged > 0, "nothing was acknowledged: nothing was tried");
}

/// Whether the checks find this broken machine, and their text.
fn caught(flaw: Flaw) -> String {
    let found =
        (1..=SEEDS_TO_CATCH).find_map(|seed| Some((seed, world::run(seed, Some(flaw), false).violation?)));
    let (seed, violation) =
        found.unwrap_or_else(|| panic!("{flaw:?} was not found in {SEEDS_TO_CATCH} seeds"));
    println!("{flaw:?} is found with seed {seed}: {violation}");
    violation
}

#[test]
fn a_follower_that_keeps_its_tail_is_caught() {
    caught(Flaw::KeepsTail);
}

#[test]
fn a_high_watermark_that_does_not_wait_is_caught() {
    caught(Flaw::RushesWatermark);
}

#[test]
fn a_controller_that_writes_unguarded_is_caught() {
    assert!(caught(Flaw::WritesUnguarded).contains("controller"));
}

#[test]
fn a_leader_from_outside_the_isr_is_caught() {
    caught(Flaw::ElectsAnyone);
}

#[test]
fn a_broker_that_accepts_stale_requests_is_caught() {
    caught(Flaw::AcceptsStaleRequests);
}

#[test]
fn a_leader_that_fences_no_follower_is_caught() {
    caught(Flaw::FencesNobody);
}

#[test]
fn an_append_that_lands_behind_a_change_of_roles_is_caught() {
    caught(Flaw::WritesThePast);
}

#[test]
fn a_leader_that_wakes_no_fetch_is_caught() {
    assert!(caught(Flaw::WakesNobody).contains("in vain"));
}

#[test]
fn a_cleaner_that_passes_the_high_watermark_is_caught() {
    assert!(caught(Flaw::CleansPastHighWatermark).contains("acknowledged"));
}

#[test]
fn a_cleaner_that_retains_the_oldest_record_is_caught() {
    assert!(caught(Flaw::RetainsOldest).contains("acknowledged"));
}

#[test]
fn a_flush_that_leaves_leader_epochs_unwritten_is_caught() {
    caught(Flaw::FlushesWithoutEpochs);
}

#[test]
fn a_write_believed_to_be_done_is_caught() {
    caught(Flaw::BelievesItsWrites);
}

#[test]
fn a_leader_that_forgets_what_it_may_have_written_is_caught() {
    caught(Flaw::ForgetsDoubts);
}

#[test]
fn a_broker_that_closes_without_the_controllers_answer_is_caught() {
    assert!(caught(Flaw::TakesSilenceForLeave).contains("free to stop"));
}
