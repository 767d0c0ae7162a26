//! Files of reassignments, and Kafka's complaints about them.

use super::*;

fn id(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

fn refusal(text: &str) -> String {
    ReassignmentPlan::parse_for_execution(text).unwrap_err().head()
}

fn of_partitions(entries: &str) -> String {
    format!(r#"{{"version":1,"partitions":[{entries}]}}"#)
}

#[test]
fn a_file_names_replicas_and_their_directories() {
    let text = of_partitions(
        r#"{"topic":"t","partition":1,"replicas":[2,3],"log_dirs":["any","/d"]},{"topic":"s","partition":0,"replicas":[1]}"#,
    );
    let plan = ReassignmentPlan::parse(&text).unwrap();
    let target = |topic, partition, replicas: &[i32]| TargetReplicas {
        partition: id(topic, partition),
        replicas: replicas.to_vec(),
    };
    assert_eq!(plan.partitions, [target("t", 1, &[2, 3]), target("s", 0, &[1])]);
    let moved = TopicPartitionReplica { broker: 3, partition: id("t", 1) };
    assert_eq!(plan.log_dirs, BTreeMap::from([(moved, "/d".to_owned())]));
    assert_eq!(plan.topics(), ["t", "s"]);
    assert_eq!(plan.brokers_and(&[1, 4]), [1, 4, 2, 3]);
}

#[test]
fn a_file_without_partitions_asks_for_nothing() {
    for text in ["{}", r#"{"version":1}"#, r#"{"partitions":[]}"#] {
        assert_eq!(ReassignmentPlan::parse(text).unwrap(), ReassignmentPlan::default());
        let empty = "kafka.common.AdminCommandFailedException: Partition reassignment list cannot be empty";
        assert_eq!(refusal(text), empty);
    }
}

#[test]
fn a_file_that_cannot_be_carried_out_is_refused_in_kafkas_words() {
    assert_eq!(refusal("{"), "kafka.admin.AdminOperationException: The input string is not a valid JSON");
    assert_eq!(
        refusal(r#"{"version":2}"#),
        "kafka.admin.AdminOperationException: Not supported version field value 2"
    );
    assert_eq!(
        refusal(&of_partitions(r#"{"topic":"t","replicas":[1]}"#)),
        "com.fasterxml.jackson.databind.JsonMappingException: No such field exists: `partition`"
    );
    let failed = |entries: &str| {
        let text = refusal(&of_partitions(entries));
        text.strip_prefix("kafka.common.AdminCommandFailedException: ").unwrap().to_owned()
    };
    assert_eq!(
        failed(r#"{"topic":"t","partition":0,"replicas":[]}"#),
        "Partition replica list cannot be empty"
    );
    assert_eq!(
        failed(r#"{"topic":"t","partition":0,"replicas":[2,3],"log_dirs":["any"]}"#),
        "Size of replicas list List(2, 3) is different from size of log dirs list List(any) for partition t-0"
    );
    assert_eq!(
        failed(
            r#"{"topic":"t","partition":0,"replicas":[2,3,2,3]},{"topic":"u","partition":1,"replicas":[5,5]}"#
        ),
        "Partition replica lists may not contain duplicate entries: t-0 contains multiple entries for 2,3. u-1 contains \
         multiple entries for 5"
    );
    assert_eq!(
        failed(r#"{"topic":"t","partition":0,"replicas":[2]},{"topic":"t","partition":0,"replicas":[3]}"#),
        "Partition reassignment contains duplicate topic partitions: t-0"
    );
}

#[test]
fn topics_and_brokers_of_a_generated_assignment_stand_once() {
    let topics = |text: &str| parse_topics(text).map_err(|thrown| thrown.message().to_owned());
    assert_eq!(topics(r#"{"topics":[{"topic":"a"},{"topic":"b"}],"version":1}"#).unwrap(), ["a", "b"]);
    assert_eq!(
        topics(r#"{"topics":[{"topic":"a"},{"topic":"a"}]}"#).unwrap_err(),
        "List of topics to reassign contains duplicate entries: a"
    );
    assert_eq!(topics(r#"{"topics":[{}]}"#).unwrap_err(), "No such field exists: `topic`");
    let brokers = |text: &str| parse_brokers(text).map_err(|thrown| thrown.head());
    assert_eq!(brokers("3,1,").unwrap(), [3, 1]);
    assert_eq!(brokers("1, 2").unwrap_err(), "java.lang.NumberFormatException: For input string: \" 2\"");
    assert_eq!(
        brokers("1,1").unwrap_err(),
        "kafka.common.AdminCommandFailedException: Broker list contains duplicate entries: 1"
    );
}

#[test]
fn an_assignment_is_written_in_the_shape_of_the_file() {
    let assignment = BTreeMap::from([(id("t", 0), vec![1, 2]), (id("t", 10), vec![3])]);
    assert_eq!(
        ReassignmentJson::of(&assignment).text(),
        of_partitions(
            r#"{"topic":"t","partition":0,"replicas":[1,2],"log_dirs":["any","any"]},{"topic":"t","partition":10,"replicas":[3],"log_dirs":["any"]}"#
        )
    );
}
