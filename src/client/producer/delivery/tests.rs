use std::future::poll_fn;
use std::pin::pin;

use super::*;

fn record(timestamp: Millis) -> InterceptedRecord {
    InterceptedRecord { timestamp, key_size: -1, value_size: 3 }
}

fn partition() -> TopicPartition {
    TopicPartition::new("t", 0)
}

#[tokio::test]
async fn each_record_of_a_batch_has_its_own_position() {
    let result = ProduceRequestResult::new(partition());
    let deliveries: Vec<_> =
        (0..3).map(|at| tokio::spawn(Delivery::new(result.clone(), at, record(at as i64)))).collect();
    tokio::task::yield_now().await;
    result.done(BatchOutcome::Written { base_offset: Some(40), log_append_time: None });
    for (at, delivery) in deliveries.into_iter().enumerate() {
        let metadata = delivery.await.unwrap().unwrap();
        assert_eq!((metadata.offset, metadata.timestamp), (Some(40 + at as i64), at as i64));
        assert_eq!((metadata.serialized_key_size, metadata.serialized_value_size), (None, Some(3)));
    }
    // The first outcome counts.
    result.done(BatchOutcome::Failed(ClientError::Closed));
    assert!(Delivery::new(result, 0, record(0)).await.is_ok());
}

#[tokio::test]
async fn a_record_follows_its_batch_through_splits() {
    let whole = ProduceRequestResult::new(partition());
    let mut delivery = pin!(Delivery::new(whole.clone(), 5, record(0)));
    poll_fn(|context| {
        assert!(delivery.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    let (left, right, last) = (
        ProduceRequestResult::new(partition()),
        ProduceRequestResult::new(partition()),
        ProduceRequestResult::new(partition()),
    );
    whole.done(BatchOutcome::Split(vec![(0, left), (4, right.clone())]));
    right.done(BatchOutcome::Split(vec![(0, ProduceRequestResult::new(partition())), (1, last.clone())]));
    last.done(BatchOutcome::Written { base_offset: Some(9), log_append_time: Some(77) });
    let metadata = delivery.await.unwrap();
    assert_eq!((metadata.offset, metadata.timestamp), (Some(9), 77));
}
