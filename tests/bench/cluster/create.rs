//! Topics of a thousand partitions: how long they take to be there, and what they cost in memory.

use std::time::{Duration, Instant};

use barnabas::wire::message::create_topics::CreatableTopic;

use crate::Figures;
use crate::members::Members;
use crate::table::Figure;

const PARTITIONS: usize = 1000;
/// How long brokers are left alone before their memory is looked at.
const REST: Duration = Duration::from_secs(10);

/// Rows of a first such topic, a second, and the memory that a broker has with both.
pub fn measure(figures: &mut Figures<'_>) {
    let members = Members::start(figures);
    for which in ["first", "second"] {
        let topic = CreatableTopic {
            name: which.to_owned(),
            num_partitions: i32::try_from(PARTITIONS).unwrap(),
            replication_factor: 3,
            ..Default::default()
        };
        let begun = Instant::now();
        members.create(vec![topic]);
        members.await_partitions(&members.alive(), which, PARTITIONS, |it| it.leader_id >= 0);
        let row = format!(
            "a topic of 1,000 partitions, 3 replicas, the {which}: until every broker tells of its leaders, s"
        );
        figures.add(&row, Figure::Seconds(begun.elapsed().as_secs_f64()));
    }
    std::thread::sleep(REST);
    let all: f64 = members.alive().into_iter().map(|id| members.resident_mebibytes(id)).sum();
    figures.add("resident memory of a broker with 2,000 partitions, MiB", Figure::Mebibytes(all / 3.0));
}
