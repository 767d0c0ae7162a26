//! Groups that commit their offsets, each commit awaited.

use std::thread;
use std::time::Instant;

use crate::Figures;
use crate::group::{Key, commit, coordinator, is_loading};
use crate::members::{Members, assigned, spread};
use crate::table::Figure;

const GROUPS: usize = 50;
/// How many commits of each group are measured, after some that let a JVM compile what it runs often.
const COMMITS: i64 = 400;
const WARM_UP: i64 = 100;
const PARTITIONS: i32 = 10;

/// Rows of commits a second, and of what they cost.
pub fn measure(figures: &mut Figures<'_>) {
    let members = Members::start(figures);
    let replicas: Vec<_> = (0..PARTITIONS as usize).map(|at| spread(at, 3)).collect();
    members.create(vec![assigned("consumed", &replicas, &[])]);
    members.await_partitions(&members.alive(), "consumed", PARTITIONS as usize, |it| it.isr_nodes.len() == 3);
    commit_all(&members, WARM_UP);
    let (cpu, begun) = (members.cpu_seconds(), Instant::now());
    commit_all(&members, COMMITS);
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), members.cpu_seconds() - cpu);
    let count = GROUPS as f64 * COMMITS as f64;
    let what = format!("offset commits of {GROUPS} groups, {PARTITIONS} partitions each, on three replicas");
    figures.add(&format!("{what}: a second"), Figure::PerSecond(count / seconds));
    figures
        .add(&format!("{what}: CPU of all brokers for 1,000, ms"), Figure::Milliseconds(cpu * 1e6 / count));
}

fn commit_all(members: &Members, commits: i64) {
    thread::scope(|scope| {
        for group in 0..GROUPS {
            scope.spawn(move || {
                let group = format!("group-{group}");
                let (_, mut connection) = coordinator(members, &group, Key::Group);
                for at in 0..commits {
                    loop {
                        let request = commit(&group, "consumed", PARTITIONS, at);
                        let answer = connection.call(&request, 5).expect("an answer to OffsetCommit");
                        let error = answer.topics[0].partitions[0].error_code;
                        if !is_loading(error) {
                            assert_eq!(error, 0);
                            break;
                        }
                    }
                }
            });
        }
    });
}
