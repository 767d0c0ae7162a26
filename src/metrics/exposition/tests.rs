use super::*;

#[test]
fn names_and_labels_are_those_of_the_mbeans() {
    let figures = [
        Figure::gauge("DelayedOperationPurgatory", "PurgatorySize", 3).tagged("delayedOperation", "Produce"),
        Figure::gauge("ReplicaManager", "LeaderCount", 12),
        Figure::meter("ReplicaManager", "IsrShrinksPerSec", 2),
    ];
    let wanted = "\
# TYPE kafka_server_DelayedOperationPurgatory_Value gauge
kafka_server_DelayedOperationPurgatory_Value{name=\"PurgatorySize\",delayedOperation=\"Produce\"} 3
# TYPE kafka_server_ReplicaManager_Value gauge
kafka_server_ReplicaManager_Value{name=\"LeaderCount\"} 12
# TYPE kafka_server_ReplicaManager_Count counter
kafka_server_ReplicaManager_Count{name=\"IsrShrinksPerSec\"} 2
";
    assert_eq!(text(&figures), wanted);
}

#[test]
fn a_type_is_told_once_a_name() {
    let figures = [Figure::gauge("A", "One", 1), Figure::gauge("A", "Two", 2)];
    assert_eq!(text(&figures).matches("# TYPE").count(), 1);
}

#[test]
fn labels_are_escaped() {
    let figure = Figure::gauge("A", "B", 1).tagged("topic", "a\"b\\c\nd");
    assert!(text(&[figure]).contains(r#"topic="a\"b\\c\nd""#));
}
