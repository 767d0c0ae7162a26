//! The library's consumers in a group on a real broker: listeners, commits, patterns, and members that come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use barnabas::base::TopicPartition;
use barnabas::client::consumer::{
    ConsumerError, ConsumerRebalanceListener, CooperativeStickyAssignor, GroupError, ListenerFuture,
    RebalancingConsumer,
};
use barnabas::client::settings::{ConsumerSettings, OffsetReset, ProducerSettings};
use barnabas::client::{ClientError, Consumer, OffsetAndMetadata, Producer, ProducerRecord};
use parking_lot::Mutex;

use crate::support::cluster::Brokers;

const SOON: Duration = Duration::from_secs(60);
const QUICK: Duration = Duration::from_millis(50);

fn id(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

fn ids(topic: &str, partitions: &[i32]) -> BTreeSet<TopicPartition> {
    partitions.iter().map(|it| id(topic, *it)).collect()
}

/// Notes what a consumer is assigned and gives up; commits what it gives up.
#[derive(Default)]
struct Noting {
    notes: Arc<Mutex<Vec<String>>>,
}

fn list(partitions: &BTreeSet<TopicPartition>) -> String {
    partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

impl ConsumerRebalanceListener for Noting {
    fn on_partitions_revoked(
        &self,
        consumer: RebalancingConsumer,
        partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        let notes = self.notes.clone();
        Box::pin(async move {
            // Where the next rebalance has begun already, the records are read again by their next owner.
            let committed = consumer.commit_sync().await;
            let is_late = matches!(committed, Err(ClientError::Group(GroupError::RebalanceInProgress(_))));
            assert!(committed.is_ok() || is_late, "{committed:?}");
            assert!(partitions.is_subset(&consumer.assignment()));
            notes.lock().push(format!("revoked {}", list(&partitions)));
        })
    }

    fn on_partitions_assigned(
        &self,
        consumer: RebalancingConsumer,
        partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        let notes = self.notes.clone();
        Box::pin(async move {
            let asked: Vec<_> = partitions.iter().cloned().collect();
            let committed = consumer.committed(&asked).await.unwrap();
            for id in &partitions {
                // As the consumer would do by itself.
                let start = committed[id].clone().unwrap_or_else(|| OffsetAndMetadata::new(0));
                consumer.seek(id, &start).unwrap();
                // None while the position is being validated.
                assert!(consumer.position(id).is_none_or(|position| position == start.offset));
            }
            notes.lock().push(format!("assigned {}", list(&partitions)));
        })
    }
}

fn settings(brokers: &Brokers, group: &str) -> ConsumerSettings {
    ConsumerSettings {
        offset_reset: OffsetReset::Earliest,
        heartbeat_interval: Duration::from_millis(100),
        enable_auto_commit: false,
        ..ConsumerSettings::in_group(&brokers.bootstrap(), group)
    }
}

/// Polls consumers in turns until `done` of what they have read so far.
async fn poll_until(
    consumers: &mut [&mut Consumer],
    read: &mut Vec<String>,
    done: impl Fn(&[&mut Consumer], &[String]) -> bool,
) {
    let end = tokio::time::Instant::now() + SOON;
    while !done(consumers, read) {
        let assigned: Vec<_> = consumers.iter().map(|it| list(&it.assignment())).collect();
        assert!(tokio::time::Instant::now() < end, "{assigned:?}, {read:?}");
        for consumer in consumers.iter_mut() {
            let records = consumer.poll(QUICK).await.unwrap();
            read.extend(records.iter().map(|it| String::from_utf8_lossy(it.value.unwrap()).into_owned()));
        }
    }
}

fn produce(brokers: &Brokers, topic: &str, value: &str) {
    let errors = brokers.connection(1).produce_to_all(topic, 2, value);
    assert_eq!(errors, [0, 0]);
}

#[test]
fn consumers_share_topics_and_go_on_where_the_group_has_committed() {
    let quick = [("offsets.topic.num.partitions", "1"), ("group.initial.rebalance.delay.ms", "0")];
    let brokers = Brokers::start(1, &quick);
    for topic in ["t", "in.a", "backlog"] {
        brokers.create_topic(topic, "1,1", &[]);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        in_time("eager members", eager_members(&brokers)).await;
        in_time("cooperative members", cooperative_members(&brokers)).await;
        in_time("automatic commits", automatic_commits(&brokers)).await;
        in_time("without a group", without_a_group(&brokers)).await;
        in_time("a backlog", backlog(&brokers)).await;
    });
    runtime.block_on(in_time("a pattern", pattern(&brokers)));
}

async fn in_time(what: &str, scene: impl Future<Output = ()>) {
    assert!(tokio::time::timeout(2 * SOON, scene).await.is_ok(), "{what}: a call does not end");
}

async fn eager_members(brokers: &Brokers) {
    let listener = Arc::new(Noting::default());
    let notes = listener.notes.clone();
    let mut first = Consumer::new(settings(brokers, "eager")).await.unwrap();
    first.subscribe_with(["t"], listener).unwrap();
    produce(brokers, "t", "a");
    let mut read = Vec::new();
    poll_until(&mut [&mut first], &mut read, |_, read| read.len() == 2).await;
    assert_eq!(read, ["a", "a"]);
    assert_eq!((first.assignment(), first.subscription()), (ids("t", &[0, 1]), BTreeSet::from(["t".into()])));

    let mut second = Consumer::new(settings(brokers, "eager")).await.unwrap();
    second.subscribe(["t"]).unwrap();
    let share = |all: &[&mut Consumer], _: &[String]| all.iter().all(|it| it.assignment().len() == 1);
    poll_until(&mut [&mut first, &mut second], &mut read, share).await;
    // Which of them has which partition depends on their ids.
    let noted = [
        "assigned t-0 t-1".to_owned(),
        "revoked t-0 t-1".to_owned(),
        format!("assigned {}", list(&first.assignment())),
    ];
    assert_eq!(*notes.lock(), noted, "all partitions are given up, and committed");
    produce(brokers, "t", "b");
    poll_until(&mut [&mut first, &mut second], &mut read, |_, read| read.len() >= 4).await;
    assert_eq!(read, ["a", "a", "b", "b"], "the second member goes on where the first has committed");

    second.commit_async().await.unwrap();
    let committed = second.committed(&[id("t", 0), id("t", 1)]).await.unwrap();
    for (id, found) in committed {
        let wanted = if second.assignment().contains(&id) { 2 } else { 1 };
        assert_eq!(found.unwrap().offset, wanted, "{id}");
    }
    let metadata = first.group_metadata().unwrap();
    assert_eq!((metadata.group_id.as_str(), metadata.generation_id), ("eager", 2));

    // The second one leaves: the first has everything again, at once.
    second.close(SOON).await.unwrap();
    poll_until(&mut [&mut first], &mut read, |all, _| all[0].assignment().len() == 2).await;
    first.enforce_rebalance().unwrap();
    poll_until(&mut [&mut first], &mut read, |all, _| all[0].group_metadata().unwrap().generation_id == 4)
        .await;
    first.unsubscribe().await.unwrap();
    assert_eq!((first.assignment().len(), first.subscription().len()), (0, 0));
    assert_eq!(notes.lock().last().unwrap(), "revoked t-0 t-1");
    assert!(matches!(first.poll(QUICK).await, Err(ClientError::Consumer(ConsumerError::NotSubscribed))));
    first.close(SOON).await.unwrap();
}

/// A member that keeps what it has goes on reading while another one joins, polled with little patience.
async fn cooperative_members(brokers: &Brokers) {
    let cooperative = || ConsumerSettings {
        assignors: vec![Arc::new(CooperativeStickyAssignor)],
        ..settings(brokers, "cooperative")
    };
    let listener = Arc::new(Noting::default());
    let notes = listener.notes.clone();
    let mut first = Consumer::new(cooperative()).await.unwrap();
    first.subscribe_with(["t"], listener).unwrap();
    poll_until(&mut [&mut first], &mut Vec::new(), |all, _| all[0].assignment().len() == 2).await;
    let mut second = Consumer::new(cooperative()).await.unwrap();
    second.subscribe(["t"]).unwrap();
    let end = tokio::time::Instant::now() + SOON;
    while first.assignment().len() != 1 || second.assignment().len() != 1 {
        assert!(tokio::time::Instant::now() < end, "{notes:?}");
        // A poll that is dropped goes on in the next one: no listener is left half done.
        let _ = tokio::time::timeout(Duration::from_millis(3), first.poll(SOON)).await;
        let _ = tokio::time::timeout(Duration::from_millis(3), second.poll(SOON)).await;
    }
    let kept = first.assignment();
    let given: BTreeSet<_> = ids("t", &[0, 1]).difference(&kept).cloned().collect();
    let wanted = ["assigned t-0 t-1".to_owned(), format!("revoked {}", list(&given))];
    let noted: Vec<_> = notes.lock().iter().filter(|note| *note != "assigned ").cloned().collect();
    assert_eq!(noted, wanted);
    let metrics = first.metrics();
    assert!(metrics.rebalances >= 2 && metrics.commits >= 1, "{metrics:?}");
    first.close(SOON).await.unwrap();
    second.close(SOON).await.unwrap();
}

/// Positions that are committed by themselves, in time and at the end.
async fn automatic_commits(brokers: &Brokers) {
    let committing = |interval| ConsumerSettings {
        enable_auto_commit: true,
        auto_commit_interval: interval,
        ..settings(brokers, "automatic")
    };
    let both = [id("t", 0), id("t", 1)];
    let offsets = |found: BTreeMap<TopicPartition, Option<OffsetAndMetadata>>| -> Vec<Option<i64>> {
        found.into_values().map(|it| it.map(|it| it.offset)).collect()
    };
    let mut consumer = Consumer::new(committing(Duration::from_millis(20))).await.unwrap();
    consumer.subscribe(["t"]).unwrap();
    let mut read = Vec::new();
    poll_until(&mut [&mut consumer], &mut read, |_, read| read.len() == 4).await;
    let end = tokio::time::Instant::now() + SOON;
    while offsets(consumer.committed(&both).await.unwrap()) != [Some(2), Some(2)] {
        assert!(tokio::time::Instant::now() < end);
        consumer.poll(QUICK).await.unwrap();
    }
    let back = BTreeMap::from([(id("t", 0), OffsetAndMetadata::new(1))]);
    consumer.commit_offsets_async(back).await.unwrap();
    consumer.close(SOON).await.unwrap();

    // What was closed has committed its positions; the next one goes on there, one record after the other.
    let mut consumer = Consumer::new(committing(SOON)).await.unwrap();
    consumer.subscribe(["t"]).unwrap();
    produce(brokers, "t", "c");
    assert_eq!(consumer.next_record().await.unwrap().value.as_deref(), Some(&b"c"[..]));
    consumer.close(SOON).await.unwrap();
    let mut consumer = Consumer::new(committing(SOON)).await.unwrap();
    consumer.assign(both.clone()).unwrap();
    let seen = consumer.next_record().await.unwrap();
    assert_eq!(
        (seen.value.as_deref(), seen.offset),
        (Some(&b"c"[..]), 2),
        "the record not returned comes again"
    );
    consumer.close(SOON).await.unwrap();
}

/// A consumer on its own commits nothing.
/// A member that always has records to return takes part in a rebalance all the same.
async fn backlog(brokers: &Brokers) {
    const RECORDS: usize = 50_000;
    let producer = Producer::new(ProducerSettings::new(&brokers.bootstrap()).acks_all()).await.unwrap();
    for at in 0..RECORDS {
        let record = ProducerRecord::new("backlog", "x").partition((at % 2) as i32);
        drop(producer.send(record).await.unwrap());
    }
    producer.close(SOON).await;
    let mut one_by_one = settings(brokers, "backlog");
    one_by_one.max_poll_records = 1;
    let mut first = Consumer::new(one_by_one).await.unwrap();
    first.subscribe(["backlog"]).unwrap();
    poll_until(&mut [&mut first], &mut Vec::new(), |_, read| read.len() == 10).await;

    let mut second = Consumer::new(settings(brokers, "backlog")).await.unwrap();
    second.subscribe(["backlog"]).unwrap();
    let joining = tokio::spawn(async move {
        while second.assignment().is_empty() {
            second.poll(QUICK).await.unwrap();
        }
        second
    });
    let mut returned = 10;
    while first.assignment().len() != 1 {
        returned += first.poll(QUICK).await.unwrap().len();
        assert!(returned < RECORDS, "the rebalance has waited for the last record");
        // The application works on the record.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    joining.await.unwrap().close(SOON).await.unwrap();
    first.close(SOON).await.unwrap();
}

async fn without_a_group(brokers: &Brokers) {
    let mut alone = Consumer::new(ConsumerSettings::new(&brokers.bootstrap())).await.unwrap();
    let no_group = |outcome: Result<(), ClientError>| {
        matches!(outcome, Err(ClientError::Consumer(ConsumerError::NoGroup)))
    };
    assert!(no_group(alone.subscribe(["t"])) && no_group(alone.subscribe_pattern("t")));
    assert!(no_group(alone.commit_sync().await) && no_group(alone.commit_async().await));
    assert!(no_group(alone.enforce_rebalance()) && no_group(alone.committed(&[]).await.map(drop)));
    let topics: Vec<_> = alone.list_topics().await.unwrap().iter().map(|it| it.name.to_string()).collect();
    assert_eq!(topics, ["__consumer_offsets", "backlog", "in.a", "t"]);
    assert_eq!(alone.partitions_for("t").await.unwrap().len(), 2);
    alone.close(SOON).await.unwrap();
}

/// Topics that match are read, those that are created later, too.
async fn pattern(brokers: &Brokers) {
    let mut consumer = Consumer::new(ConsumerSettings {
        cluster: barnabas::client::ClusterOptions {
            metadata_max_age: Duration::from_millis(200),
            ..settings(brokers, "pattern").cluster
        },
        ..settings(brokers, "pattern")
    })
    .await
    .unwrap();
    let bad = consumer.subscribe_pattern("in.(");
    assert!(matches!(bad, Err(ClientError::Consumer(ConsumerError::BadPattern(_)))), "{bad:?}");
    let listener = Arc::new(Noting::default());
    consumer.subscribe_pattern_with("(in|__consumer)[._].*", listener).unwrap();
    poll_until(&mut [&mut consumer], &mut Vec::new(), |all, _| all[0].assignment() == ids("in.a", &[0, 1]))
        .await;
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| brokers.create_topic("in.b", "1,1", &[]));
        })
    });
    let wanted: BTreeSet<_> = ids("in.a", &[0, 1]).union(&ids("in.b", &[0, 1])).cloned().collect();
    poll_until(&mut [&mut consumer], &mut Vec::new(), |all, _| all[0].assignment() == wanted).await;
    assert_eq!(consumer.subscription(), BTreeSet::from(["in.a".into(), "in.b".into()]));
    consumer.close(SOON).await.unwrap();
}
