//! What a follower asks for of a partition in its session with a leader.
//!
//! Pure. The session itself is [`crate::wire::fetch_session`], its other side [`crate::replica::fetch::session`].

use crate::base::{LeaderEpoch, Offset};
use crate::wire::fetch_session::FetchSessionRequest;

/// The fetch parameters of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// The fetch offset.
    pub offset: Offset,
    /// The start of the follower's own log.
    pub log_start: Offset,
    /// The leader epoch as the follower knows it.
    pub leader_epoch: LeaderEpoch,
}

/// One fetch request of a follower.
pub type FetcherRequest = FetchSessionRequest<Want>;
