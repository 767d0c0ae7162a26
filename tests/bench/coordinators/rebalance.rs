//! One group with many members, all of which join again.

use std::sync::Barrier;
use std::sync::atomic::AtomicI32;
use std::thread;
use std::time::{Duration, Instant};

use crate::Figures;
use crate::group::{Key, Member, coordinator};
use crate::members::Members;
use crate::table::Figure;

const SESSION: Duration = Duration::from_secs(60);
const ROUNDS: usize = 5;

/// Rows of the time from the first join of all to the last assignment: eager, one rebalance; cooperative, two in a row,
/// in which members also send what they own.
pub fn measure(figures: &mut Figures<'_>) {
    for size in [100, 1000] {
        let members = Members::start(figures);
        let mut took = rebalances(&members, size);
        took.sort_by(f64::total_cmp);
        let row = |how: &str| format!("{how} rebalance of {size} members, s");
        figures.add(&row("eager"), Figure::Seconds(took[ROUNDS / 2]));
        let mut pairs: Vec<_> = took.chunks_exact(2).map(|pair| pair.iter().sum::<f64>()).collect();
        pairs.sort_by(f64::total_cmp);
        figures.add(&row("cooperative"), Figure::Seconds(pairs[pairs.len() / 2]));
    }
}

/// Times of rebalances in which all are members already.
fn rebalances(members: &Members, size: usize) -> Vec<f64> {
    let (barrier, whole) = (Barrier::new(size), AtomicI32::new(-1));
    let (broker, _) = coordinator(members, "large", Key::Group);
    let worker = || {
        let (mut connection, mut member) = (members.connection(broker), Member::new("large"));
        member.gather(&mut connection, &whole, size, SESSION);
        let measured = |round: usize| {
            // With the last subscription, a member of a stable group would be answered at once.
            member.subscription = round as u8 + 1;
            barrier.wait();
            let begun = Instant::now();
            member.join_and_sync(&mut connection, SESSION);
            barrier.wait();
            begun.elapsed().as_secs_f64()
        };
        (0..ROUNDS).map(measured).collect()
    };
    thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().stack_size(256 << 10).spawn_scoped(scope, worker).unwrap();
        let workers: Vec<_> = (0..size).map(spawn).collect();
        workers.into_iter().map(|it| it.join().unwrap()).next_back().unwrap()
    })
}
