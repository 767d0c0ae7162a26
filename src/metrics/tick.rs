//! The time in ticks of five seconds, in which meters and histograms age.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How long a tick is; that of Yammer's meters.
pub(super) const TICK: Duration = Duration::from_secs(5);

/// The ticks since the machine's start. Reads the clock that costs a few nanoseconds and is some milliseconds late.
pub(super) fn now() -> u64 {
    let time = clock_gettime(ClockId::MonotonicCoarse);
    u64::try_from(time.tv_sec).unwrap_or(0) / TICK.as_secs()
}
