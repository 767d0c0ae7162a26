//! A guest that may do one thing, or one after another: what is asked first, and what a partial answer holds.

use super::records::{Producer, TOPICS, grow};
use super::{AclCreation, Caller, Connection, GUEST, acl, create_acls, delete_acls};

const ANY_TOPIC: &str = "*";
const CLUSTER: (i8, &str) = (4, "kafka-cluster");
const READ: i8 = 3;
const WRITE: i8 = 4;
const CREATE: i8 = 5;
const DELETE: i8 = 6;
const ALTER: i8 = 7;
const DESCRIBE: i8 = 8;
const CLUSTER_ACTION: i8 = 9;
const DESCRIBE_CONFIGS: i8 = 10;
const ALTER_CONFIGS: i8 = 11;
const IDEMPOTENT_WRITE: i8 = 12;

/// Something that a guest does.
type Deed = fn(&mut Caller);

fn topic(name: &str, operation: i8) -> AclCreation {
    acl(GUEST, 2, name, operation)
}

fn group(operation: i8) -> AclCreation {
    acl(GUEST, 3, "g", operation)
}

fn cluster(operation: i8) -> AclCreation {
    acl(GUEST, CLUSTER.0, CLUSTER.1, operation)
}

fn transactional_id(operation: i8) -> AclCreation {
    acl(GUEST, 5, "tx", operation)
}

fn denied(acl: AclCreation) -> AclCreation {
    AclCreation { permission_type: 2, ..acl }
}

fn prefixed(acl: AclCreation) -> AclCreation {
    AclCreation { resource_pattern_type: 4, ..acl }
}

/// For each of the rows the guest is granted its ACLs, does its deeds, and loses all ACLs again.
pub fn ask_with_each(operator: &mut Connection, guest: &mut Caller) {
    let rows: Vec<(&str, Vec<AclCreation>, Vec<Deed>)> = vec![
        ("Describe of mine", vec![topic("mine", DESCRIBE)], vec![Caller::asks_for_topics, reads]),
        ("Read of mi*", vec![prefixed(topic("mi", READ))], vec![Caller::asks_for_topics, reads]),
        ("Describe of no*", vec![prefixed(topic("no", DESCRIBE))], vec![reads, writes]),
        ("Describe of new*", vec![prefixed(topic("new", DESCRIBE))], vec![asks_for_new]),
        (
            "Create of new*",
            vec![prefixed(topic("new", DESCRIBE)), prefixed(topic("new-a", CREATE))],
            vec![asks_for_new],
        ),
        (
            "all of topics but Read of mine",
            vec![topic(ANY_TOPIC, 2), denied(topic("mine", READ))],
            vec![reads, writes],
        ),
        (
            "all of topics but Describe of mine",
            vec![topic(ANY_TOPIC, 2), denied(topic("mine", DESCRIBE))],
            vec![reads, Caller::asks_for_topics],
        ),
        (
            "Describe of the cluster",
            vec![cluster(DESCRIBE)],
            vec![
                Caller::asks_for_topics,
                Caller::administers_the_cluster,
                Caller::describe_and_list_groups,
                Caller::describes_and_changes_credentials,
            ],
        ),
        ("Create of made", vec![topic("made", CREATE)], vec![Caller::asks_for_topics]),
        (
            "Create of made and its configs",
            vec![topic("made", CREATE), topic("made", ALTER_CONFIGS)],
            vec![Caller::asks_for_topics],
        ),
        ("Create of the cluster", vec![cluster(CREATE)], vec![Caller::asks_for_topics]),
        ("ClusterAction", vec![cluster(CLUSTER_ACTION)], vec![reads, Caller::orders_as_a_broker]),
        ("Alter of mine", vec![topic("mine", ALTER)], vec![grows]),
        (
            "Alter of the cluster",
            vec![cluster(ALTER)],
            vec![
                Caller::administers_the_cluster,
                Caller::administers_acls,
                Caller::describes_and_changes_credentials,
            ],
        ),
        ("Write of mine", vec![topic("mine", WRITE)], vec![writes]),
        ("IdempotentWrite", vec![cluster(IDEMPOTENT_WRITE)], vec![writes, Caller::init_producer_ids]),
        (
            "Write of tx",
            vec![transactional_id(WRITE)],
            vec![writes, Caller::takes_part_in_transactions, Caller::find_coordinators],
        ),
        (
            "Describe of tx",
            vec![transactional_id(DESCRIBE)],
            vec![Caller::takes_part_in_transactions, Caller::find_coordinators],
        ),
        (
            "Write of tx and mine",
            vec![transactional_id(WRITE), topic("mine", WRITE)],
            vec![writes, Caller::add_partitions],
        ),
        (
            "Write of tx, Read of g",
            vec![transactional_id(WRITE), group(READ)],
            vec![Caller::add_offsets, Caller::commit_offsets_in_a_transaction],
        ),
        (
            "Write of tx, Read of g and mine",
            vec![transactional_id(WRITE), group(READ), topic("mine", READ)],
            vec![Caller::commit_offsets_in_a_transaction],
        ),
        ("Read of g", vec![group(READ)], vec![Caller::joins_groups, Caller::commits_and_fetches_offsets]),
        (
            "Read of g and mine",
            vec![group(READ), topic("mine", READ)],
            vec![Caller::commits_and_fetches_offsets],
        ),
        (
            "Describe of g",
            vec![group(DESCRIBE)],
            vec![Caller::joins_groups, Caller::commits_and_fetches_offsets],
        ),
        (
            "Describe of g and mine",
            vec![group(DESCRIBE), topic("mine", DESCRIBE)],
            vec![Caller::commits_and_fetches_offsets],
        ),
        (
            "Delete of g",
            vec![group(DELETE), topic("no-such", READ)],
            vec![Caller::describe_and_list_groups, Caller::delete_offsets, Caller::delete_groups],
        ),
        (
            "DescribeConfigs of mine",
            vec![topic("mine", DESCRIBE_CONFIGS)],
            vec![Caller::describes_configs_and_quotas, Caller::changes_configs_and_quotas],
        ),
        (
            "AlterConfigs of mine",
            vec![topic("mine", ALTER_CONFIGS)],
            vec![Caller::describes_configs_and_quotas, Caller::changes_configs_and_quotas],
        ),
        (
            "AlterConfigs of the cluster",
            vec![cluster(ALTER_CONFIGS)],
            vec![Caller::describes_configs_and_quotas, Caller::changes_configs_and_quotas],
        ),
        ("Delete of no-such", vec![topic("no-such", DELETE)], vec![deletes, Caller::asks_for_topics]),
    ];
    for (grant, acls, deeds) in rows {
        create_acls(operator, acls);
        guest.head(&format!("a guest with {grant}"));
        deeds.into_iter().for_each(|deed| deed(guest));
        delete_acls(operator);
    }
}

fn reads(guest: &mut Caller) {
    guest.list_offsets("offsets", &TOPICS);
    guest.end_offsets("epochs", &["mine", "yours"]);
    guest.fetch("as a consumer", -1, &TOPICS);
    guest.fetch("as a follower", 2, &TOPICS);
}

fn writes(guest: &mut Caller) {
    guest.produce("plain", Producer::Plain, &TOPICS);
    guest.produce("idempotent", Producer::Idempotent, &["mine", "yours"]);
    guest.produce("transactional", Producer::Transactional, &["mine", "yours"]);
}

fn asks_for_new(guest: &mut Caller) {
    guest.metadata("new topics", Some(&["new-a", "new-b", "other"]));
}

fn grows(guest: &mut Caller) {
    guest.ask_sorted("more partitions", &grow(&["mine", "yours"]), |it| {
        it.results.sort_by(|a, b| a.name.cmp(&b.name));
    });
}

fn deletes(guest: &mut Caller) {
    guest.delete_records("records", &TOPICS);
    guest.delete_topics("topics", &TOPICS);
}
