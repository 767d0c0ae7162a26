//! Three brokers that have nothing to do but to hold many partitions.

use std::time::Duration;

use crate::Figures;
use crate::members::Members;
use crate::table::Figure;

/// How long brokers are left alone before they are measured, and how long they are measured.
const REST: Duration = Duration::from_secs(15);
const COUNTED: Duration = Duration::from_secs(10);

/// A row of CPU, and one of memory.
pub fn measure(figures: &mut Figures<'_>) {
    let members = Members::start(figures);
    let idle = crate::idle_partitions();
    members.create_idle("idle", idle);
    std::thread::sleep(REST);
    let before = members.cpu_seconds();
    std::thread::sleep(COUNTED);
    let row = format!("three brokers idle with {idle} partitions of three replicas, CPU over 10 s, s");
    figures.add(&row, Figure::Seconds(members.cpu_seconds() - before));
    let all: f64 = members.alive().into_iter().map(|id| members.resident_mebibytes(id)).sum();
    let row = format!("resident memory of a broker with {idle} partitions, MiB");
    figures.add(&row, Figure::Mebibytes(all / members.alive().len() as f64));
}
