//! Keeps records back while the session may be over: others may own the partitions by then.
//!
//! Kafka's consumers read on until they are connected again.

use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use super::handout::Handout;
use crate::zk::ZooKeeper;

/// Watches the session until the handle is dropped. A connection counts as lost after three fifths of the session's
/// timeout without a word, and one fifth later nothing is given out. The last fifth is for what comes late: the word
/// that was heard last, or this task on a busy machine. After it the server may have ended the session.
pub(super) fn guard(zk: ZooKeeper, handout: Arc<Handout>) -> AbortOnDropHandle<()> {
    let mut states = zk.session_states();
    handout.begin(states.borrow_and_update().generation);
    let task: JoinHandle<()> = tokio::spawn(async move {
        loop {
            let state = *states.borrow_and_update();
            if state.connected {
                handout.begin(state.generation);
                handout.resume();
            }
            let silence = zk.session_timeout() / 5;
            let changed = tokio::select! {
                changed = states.changed() => changed,
                () = tokio::time::sleep(silence), if !state.connected => {
                    handout.suspend();
                    states.changed().await
                }
            };
            if changed.is_err() {
                return;
            }
        }
    });
    AbortOnDropHandle::new(task)
}
