//! Many fetches that wait for more than comes, while a little comes.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use barnabas::wire::frame;
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};

use crate::Figures;
use crate::members::{Members, assigned};
use crate::produced;
use crate::table::Figure;

const FETCHES: usize = 100;
const PARTITIONS: usize = 100;
const PRODUCES: usize = 1000;
/// More than is produced, so that no fetch is answered meanwhile.
const MIN_BYTES: i32 = 1 << 24;
/// How long brokers are given to begin to wait.
const REST: Duration = Duration::from_secs(3);

/// A row of the CPU that the produces cost.
pub fn measure(figures: &mut Figures<'_>) {
    let members = Members::start_some(figures, 1);
    members.create(vec![assigned("waited", &vec![vec![1]; PARTITIONS], &[])]);
    members.await_partitions(&[1], "waited", PARTITIONS, |it| it.leader_id >= 0);
    let port = members.port(1);
    let frame = fetch();
    let waiting: Vec<_> = (0..FETCHES)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(&frame).unwrap();
            stream
        })
        .collect();
    std::thread::sleep(REST);
    let before = members.cpu_seconds();
    for at in 0..PRODUCES {
        let request = produced::request("waited", (at % PARTITIONS) as i32, 1, 1);
        produced::send(port, &request, 1, 1);
    }
    let row = format!(
        "{FETCHES} waiting fetches of {PARTITIONS} partitions, {PRODUCES} small produces, CPU of the broker, s"
    );
    figures.add(&row, Figure::Seconds(members.cpu_seconds() - before));
    drop(waiting);
}

fn fetch() -> Vec<u8> {
    let partition = |at: usize| FetchPartition {
        partition: at as i32,
        partition_max_bytes: MIN_BYTES,
        current_leader_epoch: -1,
        ..Default::default()
    };
    let partitions = (0..PARTITIONS).map(partition).collect();
    let request = FetchRequest {
        replica_id: -1,
        max_wait_ms: 120_000,
        min_bytes: MIN_BYTES,
        max_bytes: i32::MAX,
        session_epoch: -1,
        topics: vec![FetchTopic { topic: "waited".to_owned(), partitions }],
        ..Default::default()
    };
    let pieces = frame::request::<FetchRequest>(11, 1, Some("scale"), &request).unwrap();
    pieces.iter().flat_map(|piece| piece.read().unwrap()).collect()
}
