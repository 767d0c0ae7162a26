//! Record batches of every format and codec, right and odd, that Kafka 2.7.2 was sent and answered, sent
//! again: Barnabas answers, stores and gives back the same.
//!
//! `BARNABAS_RECORD=1 scripts/compare-batches.sh --cases N` records them; `tests/interop/batches.rs` makes them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use barnabas::base::Clock as SystemClock;

use crate::support::batches::exchange::Peer;
use crate::support::batches::recording::{Case, Recording};
use crate::support::batches::stored::{Clock, Clocks};
use crate::support::batches::{compare, deliberate, topics};
use crate::support::{Broker, Chroot};

/// Partitions that are sent to at a time.
const LANES: usize = 4;

/// Plays the cases of one partition up to the first that differs; what differs.
fn play(chunk: &[Case], peer: &mut Peer, clocks: Clocks) -> Option<String> {
    for case in chunk {
        let frames: Vec<_> = case.exchanges.iter().map(|(request, _)| request.clone()).collect();
        peer.send(&frames);
        let here = peer.receive(&frames);
        for ((request, kafka), here) in case.exchanges.iter().zip(&here) {
            let difference = compare::difference(request, kafka, here, clocks);
            let Some(difference) =
                difference.filter(|it| deliberate::reason(&frames[0], request, it).is_none())
            else {
                continue;
            };
            return Some(format!("{}: {}\n{}", case.label, difference.kind, difference.whole));
        }
    }
    None
}

#[test]
fn recorded_batches_are_stored_and_read_as_kafka_stored_them() {
    let recording = Recording::read(include_bytes!("data/batches.zst"));
    let chroot = Chroot::new();
    let broker = Broker::start_with(1, &chroot.connect(), &topics::SETTINGS);
    topics::create(broker.port, &recording.topics);
    let clocks = Clocks { kafka: Clock(recording.time), here: Clock(SystemClock::System.now()) };
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                let mut peer = Peer::new(broker.port);
                while let Some(chunk) = recording.chunks.get(next.fetch_add(1, Ordering::SeqCst)) {
                    wrong.lock().unwrap().extend(play(chunk, &mut peer, clocks));
                }
            });
        }
    });
    let cases: usize = recording.chunks.iter().map(Vec::len).sum();
    assert!(cases > 2_000, "the recording is there");
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} partitions differ:\n{}", wrong.len(), wrong.join("\n\n"));
}
