use super::*;

fn id(topic: &str, number: i32) -> TopicPartition {
    TopicPartition::new(topic, number)
}

fn member(name: &str, partitions: &[i32]) -> MemberDescription {
    MemberDescription {
        member_id: format!("{name}-id"),
        group_instance_id: None,
        client_id: name.to_owned(),
        host: "/127.0.0.1".to_owned(),
        assignment: partitions.iter().map(|number| id("p3", *number)).collect(),
    }
}

fn rows(members: &[MemberDescription], committed: &[(TopicPartition, Offset)]) -> Vec<String> {
    let ends = (0..9).map(|number| (id("p3", number), 10)).collect();
    let rows = partition_rows(members, &committed.iter().cloned().collect(), &ends);
    let text = |row: &PartitionAssignmentState| {
        let client = row.client_id.as_deref().unwrap_or("-");
        format!("{client} {}-{} {:?} {:?}", row.topic, row.partition, row.current_offset, row.lag)
    };
    rows.iter().map(text).collect()
}

#[test]
fn the_member_with_most_partitions_comes_first_and_what_nobody_reads_last() {
    let members = [member("idle", &[]), member("a", &[1]), member("b", &[2, 0])];
    let committed = [(id("p3", 0), 4), (id("gone", 0), 3)];
    assert_eq!(
        rows(&members, &committed),
        ["b p3-0 Some(4) Some(6)", "b p3-2 None None", "a p3-1 None None", "- gone-0 Some(3) None",]
    );
}

#[test]
fn many_partitions_come_in_the_order_of_scalas_maps() {
    let of_member = rows(&[member("m", &[0, 1, 2, 3, 4, 5, 6, 7])], &[]);
    let numbers: String = of_member.iter().map(|row| row.as_bytes()[5] as char).collect();
    assert_eq!(numbers, "12743560");
}
