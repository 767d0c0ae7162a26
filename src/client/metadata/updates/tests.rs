use super::*;

const TIMES: UpdateTimes = UpdateTimes { max_age: 1000, max_idle: 500, backoff: 100 };

fn updates() -> MetadataUpdates<u8> {
    MetadataUpdates::new(TIMES)
}

fn only(topics: &[&str]) -> FollowedTopics {
    FollowedTopics::Only(topics.iter().map(|topic| Arc::from(*topic)).collect())
}

#[test]
fn a_client_that_has_asked_for_nothing_does_not_refresh() {
    let mut updates = updates();
    assert_eq!(updates.refresh(5000), RefreshStep::Wait);
    updates.heard(5000);
    assert_eq!(updates.refresh(5000), RefreshStep::At(6000));
    assert_eq!(updates.refresh(6000), RefreshStep::Now(only(&[])));
}

#[test]
fn metadata_is_asked_for_again_at_its_age() {
    let mut updates = updates();
    updates.follow(only(&["a"]));
    assert_eq!(updates.refresh(0), RefreshStep::Now(only(&["a"])));
    assert_eq!(updates.refresh(10), RefreshStep::Wait, "one refresh at a time");
    updates.refreshed(20);
    assert_eq!(updates.refresh(30), RefreshStep::At(1020));
    assert_eq!(updates.refresh(1020), RefreshStep::Now(only(&["a"])));
}

#[test]
fn a_refresh_that_errors_ask_for_waits_for_the_backoff() {
    let mut updates = updates();
    updates.request();
    assert_eq!(updates.refresh(0), RefreshStep::Now(only(&[])));
    updates.request();
    updates.refreshed(5);
    assert_eq!(updates.refresh(10), RefreshStep::At(105));
    assert_eq!(updates.refresh(105), RefreshStep::Now(only(&[])));
    updates.refresh_failed(200);
    assert_eq!(updates.refresh(200), RefreshStep::At(300), "a refresh that failed is tried again");
    assert_eq!(updates.refresh(300), RefreshStep::Now(only(&[])));
}

#[test]
fn new_topics_do_not_wait_for_the_backoff() {
    let mut updates = updates();
    updates.follow(only(&["a"]));
    updates.refresh(0);
    updates.refreshed(1);
    updates.follow(only(&["a"]));
    assert_eq!(updates.refresh(2), RefreshStep::At(1001), "nothing is new");
    updates.follow(only(&["b"]));
    assert_eq!(updates.refresh(2), RefreshStep::Now(only(&["b"])));
    updates.refreshed(3);
    updates.follow(FollowedTopics::All);
    assert_eq!(updates.refresh(3), RefreshStep::Now(FollowedTopics::All));
    updates.refreshed(4);
    updates.follow(only(&["c"]));
    assert_eq!(updates.refresh(4), RefreshStep::At(1004), "all topics were known");
}

#[test]
fn a_topic_is_followed_until_it_was_not_used_for_a_while() {
    let mut updates = updates();
    let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
    updates.use_topic(&a, 0);
    updates.use_topic(&b, 300);
    assert!(updates.wants("a", 499) && !updates.wants("a", 500) && updates.wants("b", 500));
    updates.request();
    assert_eq!(updates.refresh(500), RefreshStep::Now(only(&["b"])));
    updates.refreshed(501);
    updates.use_topic(&a, 600);
    updates.request();
    assert_eq!(updates.refresh(700), RefreshStep::Now(only(&["a", "b"])));
}

#[test]
fn lookups_that_wait_together_are_one_request() {
    let mut updates = updates();
    assert!(updates.next_lookups().is_none());
    updates.look_up("a".into(), 1);
    let first = updates.next_lookups().unwrap();
    assert_eq!(first, BTreeMap::from([("a".into(), vec![1])]));
    for (topic, waiting) in [("b", 2), ("c", 3), ("b", 4)] {
        updates.look_up(topic.into(), waiting);
    }
    assert!(updates.next_lookups().is_none(), "a request is under way");
    updates.looked_up();
    let second = updates.next_lookups().unwrap();
    assert_eq!(second, BTreeMap::from([("b".into(), vec![2, 4]), ("c".into(), vec![3])]));
}
