use super::*;
use crate::metrics::Meter;

#[test]
fn lines_of_one_name_follow_its_type() {
    let shrinks = Meter::default();
    shrinks.mark(2);
    let metrics = [
        Metric::gauge("DelayedOperationPurgatory", "PurgatorySize", 3).tagged("delayedOperation", "Produce"),
        Metric::gauge("ReplicaManager", "LeaderCount", 12),
        Metric::meter("ReplicaManager", "IsrShrinksPerSec", &shrinks),
        Metric::gauge("DelayedOperationPurgatory", "PurgatorySize", 4).tagged("delayedOperation", "Fetch"),
    ];
    let wanted = "\
# TYPE kafka_server_delayedoperationpurgatory_purgatorysize gauge
kafka_server_delayedoperationpurgatory_purgatorysize{delayedOperation=\"Produce\"} 3
kafka_server_delayedoperationpurgatory_purgatorysize{delayedOperation=\"Fetch\"} 4
# TYPE kafka_server_replicamanager_isrshrinks_total counter
kafka_server_replicamanager_isrshrinks_total 2
# TYPE kafka_server_replicamanager_leadercount gauge
kafka_server_replicamanager_leadercount 12
";
    assert_eq!(text(&metrics, Rules::Usual), wanted);
}

#[test]
fn without_rules_names_and_labels_are_those_of_the_mbeans() {
    let metrics = [Metric::gauge("ReplicaManager", "LeaderCount", 12)];
    let wanted = "\
# TYPE kafka_server_ReplicaManager_Value gauge
kafka_server_ReplicaManager_Value{name=\"LeaderCount\"} 12
";
    assert_eq!(text(&metrics, Rules::None), wanted);
}

#[test]
fn labels_are_escaped() {
    let metric = Metric::gauge("A", "B", 1).tagged("topic", "a\"b\\c\nd");
    assert!(text(&[metric], Rules::None).contains(r#"topic="a\"b\\c\nd""#));
}
