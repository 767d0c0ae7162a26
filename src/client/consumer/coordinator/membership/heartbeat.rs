//! When a member sends its next heartbeat, and when its session or its application's time is over.
//!
//! Pure. Kafka: `Heartbeat`.

use crate::base::Millis;
use crate::client::consumer::coordinator::settings::{GroupRebalanceConfig, span};

/// The times of a member.
#[derive(Debug)]
#[doc(alias = "Heartbeat")]
pub(super) struct HeartbeatTimers {
    interval: Millis,
    session_timeout: Millis,
    max_poll_interval: Millis,
    retry_backoff: Millis,
    /// When the next heartbeat is due.
    next: Millis,
    /// When the session is over without an answer of the coordinator.
    session_end: Millis,
    /// When the application has polled last; None before the first poll.
    polled: Option<Millis>,
    /// How many calls of the application wait at present; while any does, the application polls.
    polling: usize,
    is_in_flight: bool,
}

impl HeartbeatTimers {
    pub(super) fn new(settings: &GroupRebalanceConfig, retry_backoff: Millis) -> Self {
        Self {
            interval: span(settings.heartbeat_interval),
            session_timeout: span(settings.session_timeout),
            max_poll_interval: span(settings.max_poll_interval),
            retry_backoff,
            next: 0,
            session_end: 0,
            polled: None,
            polling: 0,
            is_in_flight: false,
        }
    }

    /// The application polls.
    pub(super) fn poll(&mut self, now: Millis) {
        self.polled = Some(now);
    }

    /// A call of the application begins to wait.
    pub(super) fn begin_polling(&mut self, now: Millis) {
        self.polling += 1;
        self.poll(now);
    }

    /// A call of the application waits no more.
    pub(super) fn end_polling(&mut self, now: Millis) {
        self.polling = self.polling.saturating_sub(1);
        self.poll(now);
    }

    /// Whether the application has polled within `max.poll.interval.ms`.
    pub(super) fn is_polled(&self, now: Millis) -> bool {
        self.polling > 0 || self.poll_end().is_some_and(|end| now < end)
    }

    /// When the application's time is over; None while it polls and before it has polled.
    pub(super) fn poll_end(&self) -> Option<Millis> {
        let polled = self.polled.filter(|_| self.polling == 0)?;
        Some(polled.saturating_add(self.max_poll_interval))
    }

    /// The member has joined: its session begins.
    pub(super) fn begin_session(&mut self, now: Millis) {
        self.next = now.saturating_add(self.interval);
        self.is_in_flight = false;
        self.answered(now);
    }

    /// A coordinator was found, which has heard of the member just now.
    pub(super) fn answered(&mut self, now: Millis) {
        self.session_end = now.saturating_add(self.session_timeout);
    }

    /// Whether a heartbeat is due.
    pub(super) fn is_due(&self, now: Millis) -> bool {
        !self.is_in_flight && now >= self.next
    }

    /// A heartbeat was sent.
    pub(super) fn sent(&mut self, now: Millis) {
        self.is_in_flight = true;
        self.next = now.saturating_add(self.interval);
    }

    /// The coordinator has answered.
    pub(super) fn succeeded(&mut self, now: Millis) {
        self.is_in_flight = false;
        self.answered(now);
    }

    /// The heartbeat failed: the next one is due after a backoff.
    pub(super) fn failed(&mut self, now: Millis) {
        self.is_in_flight = false;
        self.next = now.saturating_add(self.retry_backoff);
    }

    /// Whether the session is over.
    pub(super) fn is_session_over(&self, now: Millis) -> bool {
        now >= self.session_end
    }

    /// When the next heartbeat is due or the session is over, whichever is first.
    pub(super) fn deadline(&self) -> Millis {
        if self.is_in_flight { self.session_end } else { self.next.min(self.session_end) }
    }
}
