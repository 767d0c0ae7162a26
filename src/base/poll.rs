//! Whether a task may have woken others since its runtime last began to poll it.
//!
//! Tokio keeps the last task that a task has woken for the same thread, to be run next; no other thread takes
//! it over. A task that is about to block its thread has to know whether there may be one: moving it costs
//! more than most requests.

use std::cell::Cell;
use std::future::poll_fn;

thread_local! {
    /// True outside of [`observed`], where nothing is known.
    static MAY_HAVE_WOKEN: Cell<bool> = const { Cell::new(true) };
}

/// The same future, for which [`may_have_woken_others`] is false at the beginning of each poll.
pub async fn observed<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    poll_fn(|context| {
        MAY_HAVE_WOKEN.set(false);
        let polled = future.as_mut().poll(context);
        MAY_HAVE_WOKEN.set(true);
        polled
    })
    .await
}

/// Notes that the task that is being polled may have woken another, or was woken by a thread of no runtime:
/// such a task may run before one that was woken on the same thread.
pub fn note_woken_others() {
    MAY_HAVE_WOKEN.set(true);
}

/// Whether the task that is being polled may have woken another one since.
pub fn may_have_woken_others() -> bool {
    MAY_HAVE_WOKEN.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_poll_begins_without_others_woken() {
        assert!(may_have_woken_others(), "nothing is known outside");
        observed(async {
            assert!(!may_have_woken_others());
            note_woken_others();
            assert!(may_have_woken_others());
            tokio::task::yield_now().await;
            assert!(!may_have_woken_others(), "another poll");
        })
        .await;
        assert!(may_have_woken_others());
    }
}
