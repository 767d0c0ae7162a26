use super::*;

fn partition(number: i32) -> PartitionAssignmentState {
    PartitionAssignmentState {
        topic: "p3".to_owned(),
        partition: number,
        current_offset: Some(1),
        log_end_offset: Some(4),
        lag: Some(3),
        ..Default::default()
    }
}

#[test]
fn a_list_is_as_wide_as_its_longest_group() {
    let row = |group: &str, state: Option<&str>| ListedGroupRow {
        group: group.to_owned(),
        state: state.map(str::to_owned),
    };
    assert_eq!(list_text(&[row("a", None), row("b", None)], false), "a\nb\n");
    let states = [row("console-consumer-24036", Some("Empty")), row("cg1", Some("Stable"))];
    assert_eq!(
        list_text(&states, true),
        "GROUP                  STATE\nconsole-consumer-24036 Empty\ncg1                    Stable\n"
    );
    assert_eq!(list_text(&[], true), "GROUP           STATE\n");
}

#[test]
fn offsets_stand_in_kafkas_columns() {
    let group = DescribedOffsets {
        group: "cg1".to_owned(),
        state: "Empty".to_owned(),
        partitions: vec![
            partition(0),
            PartitionAssignmentState {
                consumer_id: Some("a-client-with-a-name-0d9b8005".to_owned()),
                host: Some("/127.0.0.1".to_owned()),
                client_id: Some("a-client".to_owned()),
                current_offset: None,
                lag: None,
                ..partition(1)
            },
        ],
    };
    let lines = [
        "",
        "GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             \
         CONSUMER-ID                   HOST            CLIENT-ID",
        "cg1             p3              0          1               4               3               \
         -                             -               -",
        "cg1             p3              1          -               4               -               \
         a-client-with-a-name-0d9b8005 /127.0.0.1      a-client",
    ];
    assert_eq!(group.text(), lines.join("\n"));
}

#[test]
fn members_are_shown_with_their_instances_and_partitions_where_there_are_any() {
    let member = MemberAssignmentState {
        consumer_id: "c-1".to_owned(),
        group_instance_id: None,
        host: "/127.0.0.1".to_owned(),
        client_id: "c".to_owned(),
        assignment: BTreeMap::from([("p3".to_owned(), vec![0, 1]), ("b".to_owned(), vec![7])]),
    };
    let group = |members| GroupMembers { group: "g".to_owned(), state: "Stable".to_owned(), members };
    let dynamic = group(vec![member.clone()]);
    assert_eq!(
        dynamic.text(false),
        "\nGROUP           CONSUMER-ID     HOST            CLIENT-ID       #PARTITIONS     \
         \ng               c-1             /127.0.0.1      c               3               "
    );
    let idle = MemberAssignmentState {
        group_instance_id: Some("one".to_owned()),
        assignment: BTreeMap::new(),
        ..member.clone()
    };
    assert_eq!(
        group(vec![member, idle]).text(true),
        "\nGROUP           CONSUMER-ID     GROUP-INSTANCE-ID HOST            CLIENT-ID       #PARTITIONS     ASSIGNMENT\
         \ng               c-1                               /127.0.0.1      c               3               b(7), p3(0,1)\
         \ng               c-1             one               /127.0.0.1      c               0               -"
    );
}

#[test]
fn a_state_stands_beside_its_coordinator() {
    let row = GroupStateRow {
        group: "cg1".to_owned(),
        coordinator: CoordinatorNode { id: 1, host: "localhost".to_owned(), port: 25092 },
        assignment_strategy: String::new(),
        state: "Empty".to_owned(),
        member_count: 0,
    };
    assert_eq!(
        row.text(),
        "\nGROUP                     COORDINATOR (ID)          ASSIGNMENT-STRATEGY  STATE           #MEMBERS\
         \ncg1                       localhost:25092 (1)                            Empty           0"
    );
}
