//! Records with acks=all to one partition of three replicas, alone and beside many that lie idle.

use std::time::Duration;

use crate::Figures;
use crate::members::Members;
use crate::produced;
use crate::table::Figure;

/// The records of a request, each of a kibibyte, where several requests are on their way.
const RECORDS: usize = 64;
const IN_FLIGHT: usize = 5;
/// How many requests are awaited one by one.
const AWAITED: usize = 2000;
/// How long brokers are left alone before they are measured.
const REST: Duration = Duration::from_secs(10);

/// Rows of CPU and of latency, alone and beside.
pub fn measure(figures: &mut Figures<'_>) {
    let members = Members::start(figures);
    let port = members.busy_partition("busy");
    measure_one(figures, &members, port, "alone");
    let idle = crate::idle_partitions();
    members.create_idle("idle", idle);
    std::thread::sleep(REST);
    measure_one(figures, &members, port, &format!("beside {idle} idle partitions"));
}

fn measure_one(figures: &mut Figures<'_>, members: &Members, port: u16, how: &str) {
    let megabytes = crate::parts::number("--megabytes", 200);
    let request = produced::request("busy", 0, RECORDS, -1);
    produced::send(port, &request, 100, IN_FLIGHT); // Lets a JVM compile what it runs often.
    let before = members.cpu_seconds();
    produced::send(port, &request, megabytes * 1000 * 1000 / request.len(), IN_FLIGHT);
    let row =
        format!("{megabytes} MB acks=all to one partition of three replicas {how}: CPU of all brokers, s");
    figures.add(&row, Figure::Seconds(members.cpu_seconds() - before));
    let mut took = produced::send(port, &produced::request("busy", 0, 1, -1), AWAITED, 1);
    took.sort_by(f64::total_cmp);
    figures.add(&format!("awaited acks=all {how}, p50, ms"), Figure::Milliseconds(took[AWAITED / 2]));
}
