use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::base::Millis;
use crate::coordinator::machine::{Actions, CoordinatorRecord, Replayed, RequestId};
use crate::replica::tests::{NOW, Room};
use crate::wire::error_code::ErrorCode;

/// Keeps the last value of each key, and answers each write with how it fared.
#[derive(Debug, Default)]
struct LastValues {
    epoch: LeaderEpoch,
    values: HashMap<Bytes, Bytes>,
    waiting: Vec<RequestId>,
}

#[derive(Debug)]
enum Ask {
    Write(&'static str, &'static str),
    Read(&'static str),
    /// Answered by the timer, by an event, or by the unloading.
    WaitFor(&'static str),
}

impl CoordinatorMachine for LastValues {
    type Request = Ask;
    type Response = Result<String, ErrorCode>;
    type Event = ();
    type Timer = RequestId;
    type Append = (RequestId, Bytes, Bytes);
    type Effect = ();

    fn replay(&mut self, replayed: Replayed) {
        if let Replayed::Record { record: CoordinatorRecord { key, value: Some(value) }, .. } = replayed {
            self.values.insert(key, value);
        }
    }

    fn on_loaded(&mut self, _: Millis, _: &mut Actions<Self>) {}

    fn on_request(&mut self, id: RequestId, request: Ask, now: Millis, actions: &mut Actions<Self>) {
        match request {
            Ask::Write(key, value) => {
                let (key, value) = (Bytes::from_static(key.as_bytes()), Bytes::from_static(value.as_bytes()));
                let record = CoordinatorRecord { key: key.clone(), value: Some(value.clone()) };
                actions.append(vec![record], (id, key, value));
            }
            Ask::Read(key) => {
                let value = self.values.get(key.as_bytes()).cloned().unwrap_or_default();
                actions.respond(id, Ok(String::from_utf8(value.to_vec()).unwrap()));
            }
            Ask::WaitFor("timer") => actions.schedule(id, now),
            Ask::WaitFor("event") => {
                self.waiting.push(id);
                actions.effect(());
            }
            Ask::WaitFor(_) => self.waiting.push(id),
        }
    }

    fn on_appended(
        &mut self,
        (id, key, value): Self::Append,
        outcome: Result<(), ErrorCode>,
        _: Millis,
        actions: &mut Actions<Self>,
    ) {
        if outcome.is_ok() {
            self.values.insert(key, value);
        }
        actions.respond(id, outcome.map(|()| format!("in epoch {}", self.epoch)));
    }

    fn on_timer(&mut self, timer: RequestId, _: Millis, actions: &mut Actions<Self>) {
        actions.respond(timer, Ok("by the timer".to_owned()));
    }

    fn on_event(&mut self, (): (), _: Millis, actions: &mut Actions<Self>) {
        for id in self.waiting.drain(..) {
            actions.respond(id, Ok("by the event".to_owned()));
        }
    }

    fn on_unloaded(self, actions: &mut Actions<Self>) {
        for id in self.waiting {
            actions.respond(id, Err(ErrorCode::NotCoordinator));
        }
    }
}

type Runtime = Arc<CoordinatorRuntime<LastValues>>;

fn start(room: &Room, stop: &CancellationToken) -> Runtime {
    let settings = CoordinatorSettings {
        topic: "t".into(),
        partitions: 3,
        acks: RequiredAcks::All,
        timeout: Duration::from_millis(1),
        compression: Compression::None,
        load_buffer_size: 1,
        log: ("kafka.coordinator.group.GroupMetadataManager", "last values"),
    };
    CoordinatorRuntime::start(
        settings,
        room.replicas.clone(),
        Clock::manual(NOW),
        |_, epoch| LastValues { epoch, ..LastValues::default() },
        |partition: LoadedPartition<LastValues>, ()| {
            tokio::spawn(async move { partition.notify(()).await });
        },
        TaskTracker::new(),
        stop.clone(),
    )
}

/// Asks until the partition is no longer loading, and is served where it has to be.
async fn ask(runtime: &Runtime, request: fn() -> Ask) -> Result<String, ErrorCode> {
    loop {
        match runtime.request(0, request()).await {
            Ok(response) => return response,
            Err(Unavailable::Stopped) => panic!("stopped"),
            Err(Unavailable::Loading | Unavailable::NotCoordinator) => tokio::task::yield_now().await,
        }
    }
}

fn ok(text: &str) -> Result<String, ErrorCode> {
    Ok(text.to_owned())
}

#[tokio::test]
async fn what_was_appended_is_known_again_in_the_next_leadership() {
    let (room, stop) = (Room::new(), CancellationToken::new());
    let runtime = start(&room, &stop);
    assert_eq!(runtime.request(0, Ask::Read("a")).await.unwrap_err(), Unavailable::NotCoordinator);
    room.become_replica(0, 1, 0, &[1]);
    assert_eq!(ask(&runtime, || Ask::Write("a", "1")).await, ok("in epoch 0"));
    assert_eq!(ask(&runtime, || Ask::Write("a", "2")).await, ok("in epoch 0"));
    assert_eq!(ask(&runtime, || Ask::Write("b", "3")).await, ok("in epoch 0"));
    assert_eq!(ask(&runtime, || Ask::Read("a")).await, ok("2"));
    room.become_replica(0, 1, 1, &[1]);
    while ask(&runtime, || Ask::Write("c", "4")).await != ok("in epoch 1") {}
    assert_eq!(ask(&runtime, || Ask::Read("a")).await, ok("2"));
    assert_eq!(ask(&runtime, || Ask::Read("b")).await, ok("3"));
    stop.cancel();
    assert_eq!(runtime.request(0, Ask::Read("a")).await.unwrap_err(), Unavailable::Stopped);
}

#[tokio::test]
async fn an_append_that_is_not_replicated_returns_an_error() {
    let (room, stop) = (Room::new(), CancellationToken::new());
    let runtime = start(&room, &stop);
    room.become_replica(0, 1, 0, &[1, 2]);
    assert_eq!(ask(&runtime, || Ask::Write("a", "1")).await, Err(ErrorCode::RequestTimedOut));
    assert_eq!(ask(&runtime, || Ask::Read("a")).await, ok(""));
    stop.cancel();
}

#[tokio::test]
async fn a_partition_is_served_once_all_replicas_have_what_it_held() {
    let (room, stop) = (Room::new(), CancellationToken::new());
    let runtime = start(&room, &stop);
    room.become_replica(0, 1, 0, &[1, 2]);
    assert_eq!(ask(&runtime, || Ask::Write("a", "1")).await, Err(ErrorCode::RequestTimedOut));
    room.become_replica(0, 1, 1, &[1, 2]);
    while !matches!(runtime.request(0, Ask::Read("a")).await, Err(Unavailable::Loading)) {
        tokio::task::yield_now().await;
    }
    assert_eq!(runtime.served_partitions(), ServedPartitions { loaded: vec![], is_loading: true });
    room.follow(2, 1, 0).await;
    assert_eq!(ask(&runtime, || Ask::Read("a")).await, ok("1"));
    stop.cancel();
}

#[tokio::test]
async fn a_request_may_wait_for_a_timer_an_event_or_the_end() {
    let (room, stop) = (Room::new(), CancellationToken::new());
    let runtime = start(&room, &stop);
    room.become_replica(0, 1, 0, &[1]);
    assert_eq!(ask(&runtime, || Ask::WaitFor("timer")).await, ok("by the timer"));
    assert_eq!(ask(&runtime, || Ask::WaitFor("event")).await, ok("by the event"));
    let waiting = tokio::spawn({
        let runtime = runtime.clone();
        async move { ask(&runtime, || Ask::WaitFor("nothing")).await }
    });
    // The queue keeps the order, so the first request waits by the time that the second is answered.
    tokio::task::yield_now().await;
    assert_eq!(ask(&runtime, || Ask::Read("a")).await, ok(""));
    room.become_replica(0, 2, 1, &[2]);
    assert_eq!(waiting.await.unwrap(), Err(ErrorCode::NotCoordinator));
    assert_eq!(runtime.request(0, Ask::Read("a")).await.unwrap_err(), Unavailable::NotCoordinator);
    stop.cancel();
}

#[tokio::test]
async fn ids_have_the_partitions_that_kafka_gives_them() {
    let (room, stop) = (Room::new(), CancellationToken::new());
    let runtime = start(&room, &stop);
    let of = |id| runtime.partition_for(id);
    // "polygenelubricants" has the smallest hash there is, which has no absolute value.
    assert_eq!((of("a"), of("b"), of(""), of("polygenelubricants")), (1, 2, 0, 0));
    stop.cancel();
}
