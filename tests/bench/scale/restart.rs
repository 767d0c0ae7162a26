//! One broker with ten thousand partitions: created, started after a clean stop, and after a kill.

use std::time::Instant;

use crate::Figures;
use crate::members::Members;
use crate::table::Figure;

const PARTITIONS: usize = 10_000;

/// Rows of the times until all partitions are served, and of the memory.
pub fn measure(figures: &mut Figures<'_>) {
    let mut members = Members::start_some(figures, 1);
    let begun = Instant::now();
    members.create_idle("many", PARTITIONS);
    let row = format!("one broker with {PARTITIONS} partitions: created, s");
    figures.add(&row, Figure::Seconds(begun.elapsed().as_secs_f64()));
    let row = format!("resident memory with {PARTITIONS} partitions, MiB");
    figures.add(&row, Figure::Mebibytes(members.resident_mebibytes(1)));
    for (how, is_clean) in [("a clean stop", true), ("kill -9", false)] {
        if is_clean {
            members.stop(1);
        } else {
            members.kill(1);
        }
        members.await_session_end(1);
        let begun = Instant::now();
        members.launch(1);
        let mut connection = crate::support::eventually("it listens", crate::members::LIMIT, || {
            crate::support::Connection::to(members.port(1))
        })
        .with_patience(crate::members::LIMIT);
        // A partition is served once it takes a record.
        for topic in members.idle_topics("many", PARTITIONS) {
            while connection.produce_to_all(&topic.0, topic.1, "value").iter().any(|error| *error != 0) {}
        }
        let row = format!("one broker with {PARTITIONS} partitions: started after {how}, all led, s");
        figures.add(&row, Figure::Seconds(begun.elapsed().as_secs_f64()));
    }
}
