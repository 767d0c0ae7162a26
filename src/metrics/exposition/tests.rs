use super::*;

#[test]
fn names_and_labels_are_those_of_the_mbeans() {
    let metrics = [
        Metric::gauge("DelayedOperationPurgatory", "PurgatorySize", 3).tagged("delayedOperation", "Produce"),
        Metric::gauge("ReplicaManager", "LeaderCount", 12),
        Metric::meter("ReplicaManager", "IsrShrinksPerSec", 2),
    ];
    let wanted = "\
# TYPE kafka_server_DelayedOperationPurgatory_Value gauge
kafka_server_DelayedOperationPurgatory_Value{name=\"PurgatorySize\",delayedOperation=\"Produce\"} 3
# TYPE kafka_server_ReplicaManager_Value gauge
kafka_server_ReplicaManager_Value{name=\"LeaderCount\"} 12
# TYPE kafka_server_ReplicaManager_Count counter
kafka_server_ReplicaManager_Count{name=\"IsrShrinksPerSec\"} 2
";
    assert_eq!(text(&metrics), wanted);
}

#[test]
fn a_types_line_stands_once_a_name() {
    let metrics = [Metric::gauge("A", "One", 1), Metric::gauge("A", "Two", 2)];
    assert_eq!(text(&metrics).matches("# TYPE").count(), 1);
}

#[test]
fn labels_are_escaped() {
    let metric = Metric::gauge("A", "B", 1).tagged("topic", "a\"b\\c\nd");
    assert!(text(&[metric]).contains(r#"topic="a\"b\\c\nd""#));
}
