use super::*;

fn values(purgatory: &Purgatory) -> [f64; 2] {
    purgatory.metrics().map(|metric| metric.value)
}

#[test]
fn a_request_is_counted_while_it_waits() {
    let purgatory = Purgatory::new("Fetch");
    let one = purgatory.delay(3);
    let other = purgatory.delay(1);
    assert_eq!(values(&purgatory), [2.0, 4.0]);
    drop(one);
    assert_eq!(values(&purgatory), [1.0, 1.0]);
    drop(other);
    assert_eq!(values(&purgatory), [0.0, 0.0]);
}

#[test]
fn expirations_are_counted_in_all_and_by_partition() {
    let expirations = Expirations::new("DelayedProduceMetrics");
    let (a, b) = (TopicPartition::new("a", 0), TopicPartition::new("b", 7));
    expirations.count(&b);
    expirations.count(&a);
    expirations.count(&b);
    let metrics: Vec<_> = expirations.metrics().into_iter().map(|it| (it.name.tags, it.value)).collect();
    let tags =
        |topic: &str, partition: &str| vec![("topic", topic.to_owned()), ("partition", partition.to_owned())];
    assert_eq!(metrics, [(vec![], 3.0), (tags("a", "0"), 1.0), (tags("b", "7"), 2.0)]);
}
