//! Many groups with members that do nothing but show that they are alive.

use std::sync::atomic::AtomicI32;
use std::thread;
use std::time::{Duration, Instant};

use crate::Figures;
use crate::group::{Key, Member, coordinator};
use crate::members::Members;
use crate::support::Connection;
use crate::table::Figure;

const MEMBERS: usize = 5;
/// How many groups are made at a time.
const MAKERS: usize = 4;
/// Longer than it takes to make all groups.
const SESSION: Duration = Duration::from_secs(600);
/// How often each member shows that it is alive: `heartbeat.interval.ms` of a consumer.
const INTERVAL: Duration = Duration::from_secs(3);
/// How many times each does.
const TIMES: u32 = 3;

/// Rows of the CPU that the heartbeats cost and of the memory that the groups take.
pub fn measure(figures: &mut Figures<'_>) {
    let groups = crate::parts::number("--groups", 10_000);
    let members = Members::start_some(figures, 1);
    coordinator(&members, "group-0", Key::Group);
    let before = members.resident_mebibytes(1);
    let whole: Vec<_> = (0..groups).map(|_| AtomicI32::new(-1)).collect();
    // Each connection has one member of each group that its maker makes.
    let mut made: Vec<_> = thread::scope(|scope| {
        let make = |at: usize| {
            let (whole, mut connection) = (&whole, members.connection(1));
            scope.spawn(move || {
                let mut made = Vec::new();
                for group in (at % MAKERS..groups).step_by(MAKERS) {
                    let mut member = Member::new(&format!("group-{group}"));
                    member.gather(&mut connection, &whole[group], MEMBERS, SESSION);
                    made.push(member);
                }
                (connection, made)
            })
        };
        let makers: Vec<_> = (0..MAKERS * MEMBERS).map(make).collect();
        makers.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let what = format!("{groups} groups of {MEMBERS} members");
    let grown = members.resident_mebibytes(1) - before;
    figures.add(&format!("{what}: memory, MiB"), Figure::Mebibytes(grown));
    let cpu = members.cpu_seconds();
    thread::scope(|scope| {
        for (connection, made) in &mut made {
            scope.spawn(|| beat(connection, made));
        }
    });
    let (cpu, seconds) = (members.cpu_seconds() - cpu, INTERVAL.as_secs() * u64::from(TIMES));
    let row = format!("{what}, a heartbeat every {} s: CPU in {seconds} s, s", INTERVAL.as_secs());
    figures.add(&row, Figure::Seconds(cpu));
}

/// Shows for all of these members that they are alive, so often.
fn beat(connection: &mut Connection, made: &[Member]) {
    let begun = Instant::now();
    for time in 1..=TIMES {
        for member in made {
            assert!(member.is_in_generation(connection), "{} rebalances", member.group);
        }
        thread::sleep((INTERVAL * time).saturating_sub(begun.elapsed()));
    }
}
