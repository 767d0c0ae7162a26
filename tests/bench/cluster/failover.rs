//! The controller of ten thousand partitions dies, which led a third of them.

use std::time::{Duration, Instant};

use crate::Figures;
use crate::members::{Members, assigned, spread};
use crate::table::Figure;

const TOPICS: usize = 100;
const PARTITIONS: usize = 100;
/// How long brokers are left alone between the creation and the kill.
const REST: Duration = Duration::from_secs(10);

/// A row of the time until every partition has a leader again, from the end of the old controller's session on.
pub fn measure(figures: &mut Figures<'_>) {
    let mut members = Members::start(figures);
    let topics: Vec<_> = (0..TOPICS).map(|at| format!("topic-{at}")).collect();
    let replicas: Vec<_> = (0..PARTITIONS).map(|at| spread(at, 2)).collect();
    let begun = Instant::now();
    members.create(topics.iter().map(|topic| assigned(topic, &replicas, &[])).collect());
    for topic in &topics {
        members.await_partitions(&members.alive(), topic, PARTITIONS, |it| it.leader_id >= 0);
    }
    let row = "100 topics of 100 partitions, 2 replicas: until every broker tells of their leaders, s";
    figures.add(row, Figure::Seconds(begun.elapsed().as_secs_f64()));
    std::thread::sleep(REST);
    let victim = members.controller();
    let session_end = members.session_end(victim);
    members.kill(victim);
    let ended = session_end();
    for topic in &topics {
        members.await_partitions(&members.alive(), topic, PARTITIONS, |it| {
            it.leader_id >= 0 && it.leader_id != victim
        });
    }
    let row = "controller of 10,000 partitions killed: from the end of its session until every broker tells of the new leaders, s";
    figures.add(row, Figure::Seconds(ended.elapsed().as_secs_f64()));
}
