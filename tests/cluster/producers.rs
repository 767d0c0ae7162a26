//! Idempotent and transactional producers, right and odd, and the markers that end their transactions, that
//! Kafka 2.7.2 was sent and answered, sent again: Barnabas answers the same and leaves the same files, also
//! after a restart and after a kill.
//!
//! `BARNABAS_RECORD=1 scripts/with-zookeeper.sh cargo test --test interop judge_producers` records them.

use barnabas::base::Clock as SystemClock;
use barnabas::wire::error_code::ErrorCode;

use crate::support::batches::exchange::Peer;
use crate::support::batches::recording::{Case, Recording, Topic};
use crate::support::batches::stored::{Clock, Clocks};
use crate::support::batches::topics;
use crate::support::producers::{self, End, FILES, PHASES, Phase, SETTINGS, Shown};
use crate::support::{Broker, Chroot, Connection, eventually};

/// Plays a case up to the first answer that differs; what differs.
fn play(case: &Case, phase: &Phase, peer: &mut Peer, clocks: Clocks) -> Option<String> {
    let frames: Vec<_> = case.exchanges.iter().map(|(request, _)| request.clone()).collect();
    peer.send(&frames);
    let here = peer.receive(&frames);
    case.exchanges.iter().zip(&here).enumerate().find_map(|(at, ((request, kafka), here))| {
        let difference = producers::answer_difference(phase, request, [kafka, here], clocks)?;
        Some(format!("{}, request {at}: {}\n{}", case.label, difference.kind, difference.whole))
    })
}

fn all_lead(port: u16, topics: &[Topic]) {
    let mut connection = Connection::to(port).unwrap().with_patience(topics::SOON);
    for topic in topics {
        let leads = || connection.has_leader(&topic.name)?.then_some(());
        eventually("the partitions have leaders", topics::SOON, leads);
    }
}

#[test]
fn recorded_producers_are_judged_as_kafka_judged_them() {
    let recording = Recording::read(include_bytes!("data/producers.zst"));
    let chroot = Chroot::new();
    let mut broker = Broker::start_with(1, &chroot.connect(), &SETTINGS);
    topics::create(broker.port, &recording.topics);
    let clocks = Clocks { kafka: Clock(recording.time), here: Clock(SystemClock::System.now()) };
    let partitions = recording
        .topics
        .iter()
        .flat_map(|topic| (0..topic.partitions).map(move |partition| (topic, partition)));
    let mut played: Vec<_> =
        partitions.zip(&recording.chunks).map(|(partition, cases)| (partition, cases.iter())).collect();
    let mut wrong = Vec::new();
    for phase in &PHASES {
        let mut peer = Peer::new(broker.port);
        for ((topic, _), cases) in &mut played {
            let case = cases.next().unwrap();
            assert_eq!(case.label, phase.label);
            let different = play(case, phase, &mut peer, clocks);
            wrong.extend(different.filter(|_| producers::is_compared(phase, &topic.configs)));
        }
        match phase.end {
            End::Stopped => broker.stop(),
            End::Killed => broker.kill(),
        }
        for ((topic, partition), cases) in played.iter_mut().filter(|_| phase.end == End::Stopped) {
            let case = cases.next().unwrap();
            assert_eq!(case.label, FILES);
            let dir = format!("{}-{partition}", topic.name);
            let here = producers::files(&broker.data().join(&dir));
            let different = producers::difference(&case.exchanges, &here, clocks);
            let different = different.filter(|_| producers::is_compared(phase, &topic.configs));
            wrong.extend(different.map(|it| format!("{dir} {}: {it}", phase.label)));
        }
        if played.iter().all(|(_, cases)| cases.len() > 0) {
            broker.restart();
            all_lead(broker.port, &recording.topics);
        }
    }
    let mut shown = Shown::default();
    let exchanges =
        recording.chunks.iter().flatten().filter(|case| case.label != FILES).flat_map(|it| &it.exchanges);
    exchanges.for_each(|(request, kafka)| shown.note(request, kafka));
    let common = [ErrorCode::None, ErrorCode::InvalidProducerEpoch, ErrorCode::UnsupportedForMessageFormat];
    let of_batches = [ErrorCode::OutOfOrderSequenceNumber, ErrorCode::InvalidTxnState];
    let of_markers = [
        ErrorCode::TransactionCoordinatorFenced,
        ErrorCode::UnknownTopicOrPartition,
        ErrorCode::UnknownServerError,
    ];
    for (shown, particular) in [(&shown.produce, &of_batches[..]), (&shown.markers, &of_markers)] {
        let missing = common.iter().chain(particular).find(|error| !shown.contains(&error.code()));
        assert_eq!(missing, None, "the recording tries it");
    }
    assert!(shown.aborted, "the recording has aborted transactions");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n\n"));
}
