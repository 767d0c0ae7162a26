use futures_util::FutureExt;

use super::*;

#[tokio::test]
async fn a_connection_expires_when_it_was_unused_for_the_whole_limit() {
    let begun = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
    let activity = Activity { begun, last: Arc::new(AtomicI64::new(3_000)), traffic: None };
    assert!(activity.unused_for() >= Duration::from_secs(7));
    assert!(activity.expired(Duration::from_secs(7)).now_or_never().is_some());
    assert!(activity.expired(Duration::from_secs(100)).now_or_never().is_none());
    activity.clone().mark();
    assert!(activity.last() >= 10_000, "the use of a clone counts");
    assert!(activity.expired(Duration::from_secs(7)).now_or_never().is_none());
}
