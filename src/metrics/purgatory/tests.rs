use super::*;

fn values(purgatory: &Purgatory) -> [f64; 2] {
    purgatory.metrics().map(|metric| metric.number())
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
    assert_eq!(expirations.metric().number(), 3.0);
    let counted = |is_known: &dyn Fn(&TopicPartition) -> bool| -> Vec<_> {
        let metrics = expirations.partition_metrics(is_known).into_iter();
        metrics.map(|metric| (metric.name.tags.clone(), metric.number())).collect()
    };
    let tags =
        |topic: &str, partition: &str| vec![("topic", topic.to_owned()), ("partition", partition.to_owned())];
    assert_eq!(counted(&|_| true), [(tags("a", "0"), 1.0), (tags("b", "7"), 2.0)]);
    assert_eq!(counted(&|id| *id.topic == *"b"), [(tags("b", "7"), 2.0)]);
    assert_eq!(counted(&|_| true), [(tags("b", "7"), 2.0)]);
    assert_eq!(expirations.metric().number(), 3.0);
}
