//! Proposed ISRs brought to the controller, by AlterIsr requests, one in flight (KIP-497).
//!
//! Kafka: `AlterIsrManagerImpl`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::{IsrProposals, Proposals, TARGET};
use crate::base::ids::by_topic;
use crate::base::time::millis;
use crate::base::{BrokerId, LeaderAndIsr, TopicPartition};
use crate::metadata::MetadataCache;
use crate::net::link::{BrokerLink, LinkLogin, LinkOptions};
use crate::net::peer::PeerError;
use crate::replica::ReplicaManager;
use crate::replica::machine::IsrAnswer;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::alter_isr::{
    AlterIsrRequest, AlterIsrResponse, PartitionData, PartitionDataResponse, TopicData,
};

/// How long to wait before the controller is asked, or looked for, again.
const RETRY: Duration = Duration::from_millis(100);

/// Why proposals are to be sent again.
#[derive(Debug, thiserror::Error)]
enum NotAltered {
    #[error("no controller is known")]
    NoController,
    #[error("broker {0} has no listener {1}")]
    NoListener(BrokerId, String),
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error("{}", .0.name())]
    Refused(ErrorCode),
    #[error("{0} was not answered")]
    Unanswered(TopicPartition),
}

/// Sends AlterIsr to the controller.
pub(super) struct ByController {
    proposals: Arc<IsrProposals>,
    metadata: Arc<MetadataCache>,
    me: BrokerId,
    /// The epoch of this broker's present registration.
    broker_epoch: Arc<AtomicI64>,
    /// The version of AlterIsr.
    version: i16,
    /// The listener through which the controller is reached.
    listener: String,
    /// Connecting and each answer may take `controller.socket.timeout.ms`.
    options: LinkOptions,
    /// The link to the broker that was the controller last.
    link: Option<BrokerLink>,
}

impl ByController {
    pub fn new(
        replicas: &ReplicaManager,
        broker_epoch: Arc<AtomicI64>,
        login: LinkLogin,
        version: i16,
    ) -> Self {
        let limit = millis(replicas.config.controller_socket_timeout_ms);
        let client_id = replicas.broker_id.to_string();
        Self {
            proposals: replicas.alter_isr.clone(),
            metadata: replicas.metadata.clone(),
            me: replicas.broker_id,
            broker_epoch,
            version,
            listener: replicas.controller_listener.clone(),
            options: LinkOptions { client_id, login, connect_limit: limit, answer_limit: limit },
            link: None,
        }
    }

    /// Sends what is proposed, until it is dropped.
    pub async fn run(mut self) {
        loop {
            let proposals = self.proposals.awaited();
            if proposals.is_empty() {
                self.proposals.added.notified().await;
            } else if let Err(reason) = self.send(proposals).await {
                log::debug!(target: TARGET, "AlterIsr is tried again: {reason}");
                self.link = None;
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    /// Sends one request and applies its answers.
    ///
    /// # Errors
    /// There is no answer, or some partitions are to be sent again.
    async fn send(&mut self, proposals: Proposals) -> Result<(), NotAltered> {
        let request = AlterIsrRequest {
            broker_id: self.me,
            broker_epoch: self.broker_epoch.load(Ordering::SeqCst),
            topics: topics(&proposals),
        };
        let version = self.version;
        let answer = self.link()?.call(&request, version).await?;
        let error = ErrorCode::from_code(answer.error_code);
        if error != ErrorCode::None {
            if error != ErrorCode::NotController {
                log::warn!(target: TARGET, "Controller returned an unexpected top-level error when handling AlterIsr request: {}", error.name());
            }
            return Err(NotAltered::Refused(error));
        }
        let mut answers = answers(answer);
        let mut again = None;
        for (id, proposal) in proposals {
            match answers.remove(&id) {
                Some(Ok(answer)) => self.proposals.answered(&id, &proposal, answer),
                Some(Err(error)) => {
                    log::warn!(target: TARGET, "Controller failed to update ISR of {id} to {:?} due to unexpected {}. Retrying.", proposal.isr, error.name());
                    again = Some(NotAltered::Refused(error));
                }
                None => {
                    log::warn!(target: TARGET, "Partition {id} was sent but not included in the response");
                    again = Some(NotAltered::Unanswered(id));
                }
            }
        }
        again.map_or(Ok(()), Err)
    }

    /// The link to the present controller.
    fn link(&mut self) -> Result<&mut BrokerLink, NotAltered> {
        let metadata = self.metadata.snapshot();
        let controller = metadata.controller.and_then(|id| metadata.live_broker(id));
        let broker = controller.ok_or(NotAltered::NoController)?;
        let endpoint = broker
            .endpoint(&self.listener)
            .ok_or_else(|| NotAltered::NoListener(broker.id, self.listener.clone()))?;
        Ok(BrokerLink::kept(&mut self.link, endpoint, &self.options))
    }
}

fn topics(proposals: &Proposals) -> Vec<TopicData> {
    let partitions = proposals.iter().map(|(id, proposal)| {
        let partition = PartitionData {
            partition_index: id.partition,
            leader_epoch: proposal.leader_epoch,
            new_isr: proposal.isr.clone(),
            current_isr_version: proposal.zk_version,
        };
        (id, partition)
    });
    let topics =
        by_topic(partitions).map(|(topic, partitions)| TopicData { name: topic.to_string(), partitions });
    topics.collect()
}

/// The answer for each partition; an error where its proposal is to be sent again.
fn answers(answer: AlterIsrResponse) -> BTreeMap<TopicPartition, Result<IsrAnswer, ErrorCode>> {
    let mut answers = BTreeMap::new();
    for topic in answer.topics {
        let name: Arc<str> = topic.name.into();
        for it in topic.partitions {
            answers.insert(TopicPartition::new(name.clone(), it.partition_index), decoded(it));
        }
    }
    answers
}

fn decoded(it: PartitionDataResponse) -> Result<IsrAnswer, ErrorCode> {
    IsrAnswer::of_controller(match ErrorCode::from_code(it.error_code) {
        ErrorCode::None => Ok(LeaderAndIsr {
            leader: it.leader_id,
            leader_epoch: it.leader_epoch,
            isr: it.isr,
            zk_version: it.current_isr_version,
        }),
        error => Err(error),
    })
}
