use super::*;

/// A group: each consumer with its threads of each topic, and the topics with their numbers of partitions.
fn view(consumers: &[(&str, &[(&str, i32)])], topics: &[(&str, i32)]) -> GroupView {
    let mut view = GroupView::default();
    for (consumer, subscription) in consumers {
        let consumer: Arc<str> = (*consumer).into();
        for (topic, threads) in *subscription {
            let threads = (0..*threads).map(|at| ConsumerThreadId::new(&consumer, at));
            view.threads.entry((*topic).into()).or_default().extend(threads);
        }
    }
    view.partitions = topics.iter().map(|(topic, count)| ((*topic).into(), (0..*count).collect())).collect();
    view
}

/// The owners, as text in the order of the partitions.
fn owners(view: &GroupView, strategy: ZookeeperAssignmentStrategy) -> Vec<String> {
    view.assign(strategy).iter().map(|(id, thread)| format!("{id} {thread}")).collect()
}

#[test]
fn ranges_of_a_topic_go_to_the_threads_in_the_order_of_their_names() {
    let group = view(&[("g_b", &[("t", 1)]), ("g_a", &[("t", 1)])], &[("t", 3)]);
    assert_eq!(owners(&group, ZookeeperAssignmentStrategy::Range), ["t-0 g_a-0", "t-1 g_a-0", "t-2 g_b-0"]);
    // A consumer with two threads has two shares, and threads without a share have nothing.
    let group = view(&[("g_a", &[("t", 2)]), ("g_b", &[("t", 1)]), ("g_c", &[("t", 3)])], &[("t", 4)]);
    let expected = ["t-0 g_a-0", "t-1 g_a-1", "t-2 g_b-0", "t-3 g_c-0"];
    assert_eq!(owners(&group, ZookeeperAssignmentStrategy::Range), expected);
}

#[test]
fn each_topic_is_divided_among_those_that_want_it() {
    let group =
        view(&[("g_a", &[("t", 1), ("u", 1)]), ("g_b", &[("u", 1), ("none", 1)])], &[("t", 2), ("u", 2)]);
    let expected = ["t-0 g_a-0", "t-1 g_a-0", "u-0 g_a-0", "u-1 g_b-0"];
    assert_eq!(owners(&group, ZookeeperAssignmentStrategy::Range), expected);
    let expected = ["t-0 g_a-0", "t-1 g_a-0", "u-0 g_b-0", "u-1 g_a-0"];
    assert_eq!(owners(&group, ZookeeperAssignmentStrategy::RoundRobin), expected);
}

#[test]
fn in_turn_the_partitions_go_by_their_hashes() {
    // The hash of `t10-0` is smaller than that of `t2-0`'s longer name, and that of `A-1` smaller than both.
    let topics = [("t10", 2), ("t2", 2), ("A", 2)];
    let all: Vec<_> = topics.iter().map(|(topic, _)| (*topic, 1)).collect();
    let group = view(&[("g_a", &all), ("g_b", &all)], &topics);
    let mut by_hash: Vec<_> = ["t10-0", "t10-1", "t2-0", "t2-1", "A-0", "A-1"].to_vec();
    by_hash.sort_by_key(|name| jvm_order::hash_code(name));
    let expected = by_hash.iter().zip(["g_a-0", "g_b-0"].into_iter().cycle());
    let mut expected: Vec<_> = expected.map(|(partition, thread)| format!("{partition} {thread}")).collect();
    expected.sort();
    let mut found = owners(&group, ZookeeperAssignmentStrategy::RoundRobin);
    found.sort();
    assert_eq!(found, expected);
    assert_ne!(
        by_hash,
        ["A-0", "A-1", "t10-0", "t10-1", "t2-0", "t2-1"],
        "hashes are in another order than names"
    );
}

#[test]
fn nobody_owns_what_nobody_wants() {
    for strategy in [ZookeeperAssignmentStrategy::Range, ZookeeperAssignmentStrategy::RoundRobin] {
        assert!(view(&[], &[("t", 2)]).assign(strategy).is_empty());
        assert!(view(&[("g_a", &[("gone", 2)])], &[]).assign(strategy).is_empty());
    }
}
