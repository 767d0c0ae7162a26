use super::*;

const BACKOFF: Millis = 1000;

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

/// Partition 0 is fetched from offset 5 in epoch 3.
fn fetching() -> Plan {
    let mut plan = Plan::new(BACKOFF);
    follow(&mut plan, 0, 5);
    plan
}

fn follow(plan: &mut Plan, number: i32, offset: Offset) {
    plan.add(partition(number), Start { offset, leader_epoch: 3 });
    plan.truncated(&partition(number), 3, Truncation { to: offset, complete: true });
}

/// Makes a request, and applies the answer as one that names every partition. Returns the largest lag behind
/// a leader's high watermark.
fn max_lag(plan: &Plan) -> Offset {
    plan.rows.values().filter_map(|row| row.lag).max().unwrap_or(0)
}

fn ask(plan: &mut Plan, now: Millis) -> Option<FetcherRequest> {
    let request = plan.request(now, |_| Some(0), |_| false)?;
    let named: Vec<_> = request.to_send.iter().map(|(partition, _)| partition.clone()).collect();
    assert!(plan.answered(ErrorCode::None, 7, &named));
    Some(request)
}

fn numbers(request: &FetcherRequest) -> Vec<i32> {
    request.to_send.iter().map(|(partition, _)| partition.partition).collect()
}

#[test]
fn a_log_is_truncated_before_it_is_fetched() {
    let mut plan = Plan::new(BACKOFF);
    plan.add(partition(0), Start { offset: 5, leader_epoch: 3 });
    assert_eq!(ask(&mut plan, 0), None);
    let due = Truncating { partition: partition(0), leader_epoch: 3, fetch_offset: 5 };
    assert_eq!(plan.truncating(0), [due]);
    plan.truncated(&partition(0), 3, Truncation { to: 9, complete: false });
    assert_eq!(plan.truncating(0)[0].fetch_offset, 9, "one round more");
    plan.truncated(&partition(0), 3, Truncation { to: 8, complete: true });
    assert_eq!(plan.truncating(0), []);
    let request = ask(&mut plan, 0).unwrap();
    assert_eq!(request.to_send, [(partition(0), Want { offset: 8, log_start: 0, leader_epoch: 3 })]);
}

#[test]
fn a_newer_leader_epoch_makes_a_truncation_stale() {
    let mut plan = Plan::new(BACKOFF);
    plan.add(partition(0), Start { offset: 5, leader_epoch: 3 });
    plan.add(partition(0), Start { offset: 4, leader_epoch: 4 });
    assert!(!plan.is_truncating(&partition(0), 3));
    plan.truncated(&partition(0), 3, Truncation { to: 9, complete: true });
    assert_eq!(plan.truncating(0)[0].fetch_offset, 4);
}

#[test]
fn a_request_of_the_same_epoch_changes_nothing() {
    let mut plan = fetching();
    plan.add(partition(0), Start { offset: 0, leader_epoch: 3 });
    assert_eq!(plan.truncating(0), []);
    assert_eq!(plan.fetch_offset(&partition(0)), Some(5));
}

#[test]
fn fetching_goes_on_where_the_append_ended() {
    let mut plan = fetching();
    ask(&mut plan, 0).unwrap();
    assert_eq!(plan.judge(&partition(0), ErrorCode::None, 0).0, Verdict::Append);
    plan.appended(&partition(0), 9, 12);
    assert_eq!((plan.fetch_offset(&partition(0)), max_lag(&plan)), (Some(9), 3));
}

#[test]
fn a_fetched_partition_goes_to_the_end() {
    let mut plan = fetching();
    follow(&mut plan, 1, 5);
    ask(&mut plan, 0).unwrap();
    plan.appended(&partition(0), 9, 9);
    plan.unanswered(0);
    assert_eq!(numbers(&ask(&mut plan, BACKOFF).unwrap()), [1, 0]);
}

#[test]
fn an_answer_to_an_earlier_request_is_stale() {
    let mut plan = fetching();
    ask(&mut plan, 0).unwrap();
    plan.add(partition(0), Start { offset: 5, leader_epoch: 4 });
    assert_eq!(plan.judge(&partition(0), ErrorCode::None, 0).0, Verdict::Stale);
    plan.remove(&partition(0));
    assert_eq!(plan.judge(&partition(0), ErrorCode::None, 0).0, Verdict::Stale);
    assert_eq!(plan.judge(&partition(9), ErrorCode::None, 0).0, Verdict::Stale);
}

#[test]
fn a_refused_partition_waits_and_a_fenced_one_is_given_up() {
    let mut plan = fetching();
    follow(&mut plan, 1, 5);
    ask(&mut plan, 0).unwrap();
    assert_eq!(plan.judge(&partition(0), ErrorCode::UnknownLeaderEpoch, 0).0, Verdict::Later);
    assert_eq!(plan.judge(&partition(1), ErrorCode::FencedLeaderEpoch, 0).0, Verdict::GivenUp);
    assert_eq!(plan.given_up().len(), 1);
    let request = plan.request(1, |_| Some(0), |_| false).unwrap();
    assert_eq!(request.to_forget, [partition(0), partition(1)]);
    plan.add(partition(1), Start { offset: 5, leader_epoch: 4 });
    assert!(plan.given_up().is_empty());
}

#[test]
fn a_partition_fenced_at_an_older_epoch_is_tried_again() {
    let mut plan = fetching();
    plan.add(partition(0), Start { offset: 5, leader_epoch: 4 });
    assert_eq!(plan.refused(&partition(0), 3, ErrorCode::FencedLeaderEpoch, 0), Verdict::Later);
}

#[test]
fn out_of_range_begins_anew_in_the_leaders_range() {
    let mut plan = fetching();
    ask(&mut plan, 0).unwrap();
    assert_eq!(plan.judge(&partition(0), ErrorCode::OffsetOutOfRange, 0).0, Verdict::AskRange);
    plan.reset(&partition(0), 3, 20, 25);
    assert_eq!((plan.fetch_offset(&partition(0)), max_lag(&plan)), (Some(20), 5));
}

#[test]
fn a_lost_answer_delays_everything_for_a_while() {
    let mut plan = fetching();
    ask(&mut plan, 0).unwrap();
    plan.unanswered(0);
    assert_eq!(plan.request(BACKOFF - 1, |_| Some(0), |_| false), None);
    assert_eq!(ask(&mut plan, BACKOFF).unwrap().session_epoch, 0);
}

#[test]
fn throttling_leaves_out_only_replicas_that_are_behind() {
    let mut plan = fetching();
    assert_eq!(plan.request(0, |_| Some(0), |_| true), None);
    ask(&mut plan, 0).unwrap();
    plan.appended(&partition(0), 9, 9);
    let request = plan.request(0, |_| Some(0), |_| true).unwrap();
    assert_eq!(numbers(&request), [0], "it is in sync");
}

#[test]
fn a_partition_whose_log_failed_waits() {
    let mut plan = fetching();
    assert_eq!(plan.request(0, |_| None, |_| false), None);
    assert_eq!(plan.request(BACKOFF - 1, |_| Some(0), |_| false), None);
    assert!(plan.request(BACKOFF, |_| Some(0), |_| false).is_some());
}
