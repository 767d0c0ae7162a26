//! One channel to each broker. Requests go out in order; each is sent again until it is answered or the
//! channel is closed (`ControllerChannelManager`, `RequestSendThread`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::control_requests::Encoding;
use super::event::ControlResponse;
use super::metrics::ChannelMetrics;
use super::outbox::{ControlBody, ControlRequest};
use crate::base::{Backoff, Broker, BrokerId};
use crate::net::link::{BrokerLink, LinkLogin, LinkOptions};
use crate::net::peer::PeerError;

/// The shortest and the longest wait before a request is sent again.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// What all channels share.
#[derive(Clone, Debug)]
pub(super) struct ChannelOptions {
    /// The form of requests on the wire.
    pub encoding: Encoding,
    /// The user that this broker authenticates as.
    pub login: LinkLogin,
    /// `controller.socket.timeout.ms`.
    pub timeout: Duration,
    /// Where the brokers' answers go.
    pub responses: mpsc::Sender<ControlResponse>,
}

/// A channel to a broker; dropping it closes it and drops what was not sent.
#[derive(Debug)]
#[doc(alias = "ControllerChannelManager")]
#[doc(alias = "RequestSendThread")]
pub(super) struct BrokerChannel {
    queue: mpsc::UnboundedSender<(ControlRequest, Instant)>,
    broker: watch::Sender<Broker>,
    metrics: Arc<ChannelMetrics>,
    closed: CancellationToken,
}

impl BrokerChannel {
    /// Opens a channel to a broker.
    pub fn open(broker: Broker, options: ChannelOptions, metrics: Arc<ChannelMetrics>) -> Self {
        // Unbounded: it holds the decided requests that the broker has not answered yet.
        let (queue, requests) = mpsc::unbounded_channel();
        let closed = CancellationToken::new();
        let (broker, registered) = watch::channel(broker);
        let sender = Sender { broker: registered, options, requests, metrics: metrics.clone() };
        tokio::spawn(closed.clone().run_until_cancelled_owned(sender.run()));
        Self { queue, broker, metrics, closed }
    }

    /// Sends the next request, and what was not answered yet, to the endpoints that the broker has now.
    pub fn moved(&self, broker: Broker) {
        self.broker.send_replace(broker);
    }

    /// Sends a request after all those before it.
    pub fn send(&self, request: ControlRequest) {
        self.metrics.queued.fetch_add(1, Ordering::Relaxed);
        if self.queue.send((request, Instant::now())).is_err() {
            log::debug!(target: "kafka.controller.ControllerChannelManager", "A request was not sent: the controller resigns");
        }
    }
}

impl Drop for BrokerChannel {
    fn drop(&mut self) {
        self.closed.cancel();
    }
}

/// The task of a channel.
struct Sender {
    /// The broker, with the endpoints it registered last.
    broker: watch::Receiver<Broker>,
    options: ChannelOptions,
    /// Each with when it was decided.
    requests: mpsc::UnboundedReceiver<(ControlRequest, Instant)>,
    metrics: Arc<ChannelMetrics>,
}

impl Sender {
    async fn run(mut self) {
        let mut link = None;
        while let Some((request, decided)) = self.requests.recv().await {
            self.metrics.waits.record_since(decided);
            log_state_change(self.options.encoding.controller, &request);
            let responses = self.deliver(&mut link, &request).await;
            self.metrics.queued.fetch_sub(1, Ordering::Relaxed);
            for response in responses {
                if self.options.responses.send(response).await.is_err() {
                    return;
                }
            }
        }
    }

    fn id(&self) -> BrokerId {
        self.broker.borrow().id
    }

    /// The link to the broker's endpoint of the listener between brokers.
    fn link<'a>(&self, slot: &'a mut Option<BrokerLink>) -> std::io::Result<&'a mut BrokerLink> {
        let ChannelOptions { encoding, login, timeout, .. } = &self.options;
        let broker = self.broker.borrow();
        let Some(endpoint) = broker.endpoint(&encoding.listener) else {
            let text = format!("broker {} has no listener {}", broker.id, encoding.listener);
            return Err(std::io::Error::new(std::io::ErrorKind::NotFound, text));
        };
        let (client_id, login) = (encoding.controller.to_string(), login.clone());
        let options = LinkOptions { client_id, login, connect_limit: *timeout, answer_limit: *timeout };
        Ok(BrokerLink::kept(slot, endpoint, &options))
    }

    /// Sends one request until the broker has answered it; returns the answers.
    async fn deliver(&self, link: &mut Option<BrokerLink>, request: &ControlRequest) -> Vec<ControlResponse> {
        let controller = self.options.encoding.controller;
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        loop {
            match self.send(link, request).await {
                Ok(responses) => return responses,
                Err(error) => {
                    log::warn!(target: "kafka.controller.RequestSendThread", "[RequestSendThread controllerId={controller}] Controller epoch {} fails to send request to broker {}: {error}", request.controller_epoch, self.id());
                    tokio::time::sleep(backoff.next_wait()).await;
                }
            }
        }
    }

    /// Sends one request once; some versions need several wire requests for it. Returns the answers.
    async fn send(
        &self,
        link: &mut Option<BrokerLink>,
        request: &ControlRequest,
    ) -> Result<Vec<ControlResponse>, PeerError> {
        let (id, encoding) = (self.id(), &self.options.encoding);
        let link = self.link(link)?;
        match &request.body {
            ControlBody::LeaderAndIsr { rows, live_leaders } => {
                let wire = encoding.leader_and_isr(request, rows, live_leaders);
                let answer = link.call(&wire, encoding.versions.leader_and_isr).await?;
                Ok(vec![ControlResponse::of_leader_and_isr(id, answer)])
            }
            ControlBody::UpdateMetadata { rows, brokers } => {
                let wire = encoding.update_metadata(request, rows, brokers);
                let answer = link.call(&wire, encoding.versions.update_metadata).await?;
                Ok(vec![ControlResponse::of_update_metadata(id, &answer)])
            }
            ControlBody::StopReplica { rows } => {
                let mut responses = Vec::new();
                for wire in encoding.stop_replica(request, rows) {
                    let answer = link.call(&wire.request, encoding.versions.stop_replica).await?;
                    if !wire.deletes.is_empty() {
                        responses.push(ControlResponse::of_stop_replica(id, answer, &wire.deletes));
                    }
                }
                Ok(responses)
            }
        }
    }
}

/// Logs a request before it is sent.
fn log_state_change(controller: BrokerId, request: &ControlRequest) {
    let broker = request.to;
    let text = match &request.body {
        ControlBody::LeaderAndIsr { rows, .. } => {
            let leads = rows.iter().filter(|row| row.leadership.leader_and_isr.leader == broker).count();
            let follows = rows.len() - leads;
            format!(
                "LeaderAndIsr request to broker {broker} with {leads} become-leader and {follows} become-follower partitions"
            )
        }
        ControlBody::UpdateMetadata { rows, .. } => {
            format!("UpdateMetadata request to broker {broker} for {} partitions", rows.len())
        }
        ControlBody::StopReplica { rows, .. } => {
            format!("StopReplica request for {} replicas to broker {broker}", rows.len())
        }
    };
    let epoch = request.controller_epoch;
    log::info!(target: "state.change.logger", "[Controller id={controller} epoch={epoch}] Sending {text}");
}
