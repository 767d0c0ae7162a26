use super::*;

fn member(id: &str, topics: &[&str]) -> SubscribedMember {
    let topics = topics.iter().map(|topic| (*topic).into()).collect();
    SubscribedMember {
        id: id.to_owned(),
        subscription: ConsumerSubscription { topics, ..Default::default() },
    }
}

fn counts(of: &[(&str, i32)]) -> BTreeMap<Arc<str>, i32> {
    of.iter().map(|(topic, count)| ((*topic).into(), *count)).collect()
}

fn assigned(assignor: &dyn ConsumerPartitionAssignor, members: &[SubscribedMember]) -> Vec<String> {
    let assigned = assignor.assign(&counts(&[("t0", 3), ("t1", 3)]), members);
    let names = |it: ConsumerAssignment| it.partitions.iter().map(ToString::to_string).collect::<Vec<_>>();
    assigned.into_values().map(|it| names(it).join(" ")).collect()
}

#[test]
fn neighbours_of_each_topic_go_to_one_member_by_range() {
    let members = [member("b", &["t0", "t1"]), member("a", &["t0", "t1"])];
    assert_eq!(assigned(&RangeAssignor, &members), ["t0-0 t0-1 t1-0 t1-1", "t0-2 t1-2"]);
}

#[test]
fn partitions_go_round_the_members_that_are_subscribed() {
    let members = [member("b", &["t0", "t1"]), member("a", &["t1"]), member("c", &["t0"])];
    assert_eq!(assigned(&RoundRobinAssignor, &members), ["t1-0 t1-2", "t0-0 t0-2 t1-1", "t0-1"]);
}

/// A group of the recording: what was assigned by Kafka 2.7.2, by `tests/interop/assignors/Assignments.java`.
struct RecordedGroup<'a> {
    strategy: &'a str,
    counts: BTreeMap<Arc<str>, i32>,
    members: Vec<SubscribedMember>,
    /// A member's partitions, and the checksum of its assignment's bytes.
    gets: Vec<(Vec<TopicPartition>, u32)>,
}

/// `a:0,1 b:2`.
fn partitions(text: &str) -> Vec<TopicPartition> {
    let topics = text.split_whitespace().filter_map(|topic| topic.split_once(':'));
    topics
        .flat_map(|(topic, numbers)| {
            numbers.split(',').map(move |number| TopicPartition::new(topic, number.parse().unwrap()))
        })
        .collect()
}

fn recorded(text: &str) -> Vec<RecordedGroup<'_>> {
    let mut groups: Vec<RecordedGroup> = Vec::new();
    for line in text.lines() {
        let (kind, rest) = line.split_once(' ').unwrap();
        match kind {
            "group" => {
                let (strategy, topics) = rest.split_once(" topics").unwrap();
                let count = |topic: &str| {
                    let (name, count) = topic.split_once('=').unwrap();
                    (name.into(), count.parse().unwrap())
                };
                let counts = topics.split_whitespace().map(count).collect();
                groups.push(RecordedGroup { strategy, counts, members: Vec::new(), gets: Vec::new() });
            }
            "member" => {
                let (about, had) = rest.split_once(" had").unwrap();
                let (about, topics) = about.split_once(" of ").unwrap_or((about.trim_end_matches(" of"), ""));
                let group = groups.last_mut().unwrap();
                group.members.push(recorded_member(group.strategy, about, topics, partitions(had)));
            }
            _ => {
                let (sum, gets) = rest.split_once(' ').unwrap_or((rest, ""));
                let sum = u32::from_str_radix(sum, 16).unwrap();
                groups.last_mut().unwrap().gets.push((partitions(gets), sum));
            }
        }
    }
    groups
}

fn recorded_member(strategy: &str, about: &str, topics: &str, had: Vec<TopicPartition>) -> SubscribedMember {
    let words: Vec<_> = about.split(' ').collect();
    let [id, instance, generation] = words[..] else { panic!("{about}") };
    let topics: Vec<_> = topics.split(',').filter(|topic| !topic.is_empty()).collect();
    let mut member = member(id, &topics);
    member.subscription.group_instance_id = (instance != "-").then(|| instance.to_owned());
    let generation_id = generation.parse().unwrap();
    match strategy {
        "sticky" if generation_id >= 0 => {
            let assignment = ConsumerAssignment { partitions: had, user_data: None };
            let last = ReceivedAssignment { assignment, generation_id };
            member.subscription.user_data =
                StickyAssignor.subscription_user_data(&BTreeSet::new(), Some(&last));
        }
        "cooperative-sticky" => member.subscription.owned_partitions = had,
        _ => {}
    }
    member
}

#[test]
fn assignments_are_those_of_kafkas_assignors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/formats/data/assignments.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let assignors: [&dyn ConsumerPartitionAssignor; 4] =
        [&RangeAssignor, &RoundRobinAssignor, &StickyAssignor, &CooperativeStickyAssignor];
    let groups = recorded(&text);
    let mut different = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        let assignor = assignors.iter().find(|assignor| assignor.name() == group.strategy).unwrap();
        let mut counts = group.counts.clone();
        counts.retain(|topic, _| group.members.iter().any(|it| it.subscription.topics.contains(topic)));
        let assigned = assignor.assign(&counts, &group.members);
        for (member, (gets, sum)) in group.members.iter().zip(&group.gets) {
            let found = &assigned[&member.id];
            let bytes = super::super::protocol::write_assignment(found);
            if found.partitions != *gets || crc32fast::hash(&bytes) != *sum {
                different.push(format!(
                    "{number} {} {}: {:?}, not {gets:?}",
                    group.strategy, member.id, found.partitions
                ));
            }
        }
    }
    assert!(different.is_empty(), "{} of {}:\n{}", different.len(), groups.len(), different.join("\n"));
    assert!(groups.len() > 400);
}

#[test]
fn a_large_group_is_assigned_within_a_moment() {
    let topics: Vec<String> = (0..100).map(|at| format!("topic-{at:02}")).collect();
    let counts: BTreeMap<Arc<str>, i32> = topics.iter().map(|topic| (topic.as_str().into(), 100)).collect();
    let members: Vec<_> = (0..1000)
        .map(|at| {
            let subscribed = topics.iter().skip(at % 10).step_by(1 + at % 3).map(String::as_str);
            member(&format!("consumer-{at}"), &subscribed.collect::<Vec<_>>())
        })
        .collect();
    let assigned = StickyAssignor.assign(&counts, &members);
    let sizes: Vec<_> = assigned.values().map(|it| it.partitions.len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 10_000);
    assert!(sizes.iter().all(|size| (9..=11).contains(size)), "{sizes:?}");
}

#[test]
fn a_partition_that_two_members_claim_goes_to_neither_at_first() {
    let mut members = [member("a", &["t0"]), member("b", &["t0"])];
    members.iter_mut().for_each(|it| it.subscription.owned_partitions = partitions("t0:0,0,1,9"));
    let assigned = CooperativeStickyAssignor.assign(&counts(&[("t0", 4)]), &members);
    let mut all: Vec<_> = assigned.into_values().flat_map(|it| it.partitions).collect();
    all.sort();
    assert_eq!(all, partitions("t0:2,3"));
}
