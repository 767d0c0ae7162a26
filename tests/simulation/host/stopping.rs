//! How a broker stops in order (`broker::stop`): asks the controller to move its leaderships, a few times if
//! it must, then closes its listeners and its logs, and ends its session.

use barnabas::base::Millis;
use barnabas::broker::hand_over::{HandOver, Next};
use barnabas::wire::error_code::ErrorCode;

use super::Host;
use crate::ensemble::SESSION_TIMEOUT;
use crate::network::Message;
use crate::scene::{Flaw, Scene};

/// `controlled.shutdown.max.retries`.
const TRIES: i32 = 3;
/// `controlled.shutdown.retry.backoff.ms`.
const BACKOFF: Millis = 300;
/// How long a broker that stops waits for the controller (`controller.socket.timeout.ms`).
const PATIENCE: Millis = 800;

/// A broker that stops.
#[derive(Debug)]
pub(super) struct Stopping {
    tries: HandOver,
    at: Stage,
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It is to ask the controller, since then.
    Asks { since: Millis },
    /// It has asked.
    Asked { call: u64, since: Millis, epochs: (i32, i64) },
    /// It waits before it asks again.
    Waits { until: Millis },
    /// It no longer serves requests, and closes its logs.
    Closes { until: Millis },
}

impl Host {
    /// Whether it stops.
    pub fn stops(&self) -> bool {
        self.stopping.is_some()
    }

    /// Whether its listeners are closed.
    pub(super) fn closes(&self) -> bool {
        matches!(self.stopping, Some(Stopping { at: Stage::Closes { .. }, .. }))
    }

    /// Begins to stop.
    pub fn begin_to_stop(&mut self, scene: &mut Scene) {
        let (tries, next) = HandOver::begin(TRIES);
        self.stopping = Some(Stopping { tries, at: Stage::Asks { since: scene.now } });
        self.next(next, scene);
    }

    /// Continues the stop, if there is one.
    pub(super) fn go_on_stopping(&mut self, scene: &mut Scene) {
        let Some(at) = self.stopping.as_ref().map(|stopping| stopping.at) else { return };
        match at {
            Stage::Asks { since } => self.ask_to_leave(since, scene),
            Stage::Asked { since, .. } if since + PATIENCE < scene.now => {
                // Without an answer it may not close yet.
                let left = (scene.flaw == Some(Flaw::TakesSilenceForLeave)).then_some(0);
                self.may_leave(left, scene);
            }
            Stage::Waits { until } if until <= scene.now => self.next(Next::Ask, scene),
            Stage::Closes { until } if until <= scene.now => self.has_stopped(scene),
            Stage::Asked { .. } | Stage::Waits { .. } | Stage::Closes { .. } => {}
        }
    }

    fn ask_to_leave(&mut self, since: Millis, scene: &mut Scene) {
        // The controller and its address are read from ZooKeeper, for no longer than a session lasts.
        if !scene.connected(self.id) {
            if since + SESSION_TIMEOUT < scene.now {
                self.next(Next::Close { controlled: false }, scene);
            }
            return;
        }
        let controller = scene.ensemble.controller.map(|(id, _)| id);
        let Some(to) = controller.filter(|id| scene.ensemble.znodes.brokers.contains_key(id)) else {
            return self.may_leave(None, scene);
        };
        let call = scene.call();
        let epochs = (scene.ensemble.controller_epoch, self.broker_epoch);
        if let Some(stopping) = &mut self.stopping {
            stopping.at = Stage::Asked { call, since: scene.now, epochs };
        }
        let broker_epoch = self.broker_epoch;
        scene.send(self.id, to, Message::ControlledShutdown { call, broker_epoch });
    }

    /// The controller has answered: how many partitions are left.
    pub(super) fn answered_to_leave(&mut self, call: u64, left: Result<usize, ErrorCode>, scene: &mut Scene) {
        let Some(Stage::Asked { call: sent, .. }) = self.stopping.as_ref().map(|stopping| stopping.at) else {
            return;
        };
        if sent == call {
            let me = self.id;
            scene.log_line(|| format!("broker {me} is answered to ControlledShutdown: {left:?}"));
            self.may_leave(left.ok(), scene);
        }
    }

    fn may_leave(&mut self, left: Option<usize>, scene: &mut Scene) {
        let Some(stopping) = &mut self.stopping else { return };
        let next = stopping.tries.answered(left);
        if let (Next::Close { controlled: true }, Stage::Asked { epochs, .. }) = (next, stopping.at)
            && epochs == (scene.ensemble.controller_epoch, self.broker_epoch)
        {
            scene.left_in_order(self.id);
        }
        self.next(next, scene);
    }

    fn next(&mut self, next: Next, scene: &mut Scene) {
        let at = match next {
            Next::Ask => Stage::Asks { since: scene.now },
            Next::Wait => Stage::Waits { until: scene.now + BACKOFF },
            Next::Close { controlled } => {
                let me = self.id;
                scene.log_line(|| format!("broker {me} closes, having handed over: {controlled}"));
                // It resigns, and nothing waits for its requests any more; its session lives on.
                (self.term, self.claim, self.isr_write) = (None, None, None);
                Stage::Closes { until: scene.now + scene.rng.i64(5..300) }
            }
        };
        if let Some(stopping) = &mut self.stopping {
            stopping.at = at;
        }
    }

    /// The logs are closed cleanly, then the session is closed, if ZooKeeper can still be reached.
    fn has_stopped(&mut self, scene: &mut Scene) {
        self.flush();
        if let Some(session) = self.session.filter(|_| scene.connected(self.id)) {
            scene.ensemble.close(session);
        }
        let me = self.id;
        scene.log_line(|| format!("broker {me} has stopped"));
        self.crash(false);
        scene.checks.crashed(self.id);
    }
}
