//! What a cluster is made of: brokers, their endpoints, the replicas and leaders of partitions.

use std::fmt;
use std::str::FromStr;

use super::features::SupportedFeatures;
use super::{BrokerId, LeaderEpoch};

/// No security protocol has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("No enum constant org.apache.kafka.common.security.auth.SecurityProtocol.{0}")]
pub struct UnknownSecurityProtocol(pub String);

/// How a listener is secured (Kafka's `SecurityProtocol`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecurityProtocol {
    /// No encryption, no authentication.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL without encryption.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// The number that stands for it on the wire (UpdateMetadata).
    pub fn id(self) -> i16 {
        match self {
            Self::Plaintext => 0,
            Self::Ssl => 1,
            Self::SaslPlaintext => 2,
            Self::SaslSsl => 3,
        }
    }

    /// The protocol of a number on the wire; None for any other number.
    pub fn from_id(id: i16) -> Option<Self> {
        [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl].into_iter().find(|it| it.id() == id)
    }

    /// Its name as configs and znodes write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }
}

impl fmt::Display for SecurityProtocol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for SecurityProtocol {
    type Err = UnknownSecurityProtocol;

    fn from_str(name: &str) -> Result<Self, UnknownSecurityProtocol> {
        [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl]
            .into_iter()
            .find(|it| it.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownSecurityProtocol(name.to_owned()))
    }
}

/// Where a broker can be reached through one of its listeners.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// The listener's name, upper case, e.g. `PLAINTEXT` or `INTERNAL`.
    pub listener: String,
    /// How the listener is secured.
    pub protocol: SecurityProtocol,
    /// Host name or address as advertised; empty means the default interface.
    pub host: String,
    /// TCP port, 0 to 65535; -1 where it is not known.
    pub port: i32,
}

impl fmt::Display for Endpoint {
    /// As in the `endpoints` of a registration: `LISTENER://host:port`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(out, "{}://[{}]:{}", self.listener, self.host, self.port)
        } else {
            write!(out, "{}://{}:{}", self.listener, self.host, self.port)
        }
    }
}

/// A live broker, as registered in `/brokers/ids`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Its id.
    pub id: BrokerId,
    /// Where it can be reached, in the order it registered them.
    pub endpoints: Vec<Endpoint>,
    /// Its rack, where its config names one.
    pub rack: Option<String>,
    /// Its broker epoch: the czxid of its registration (KIP-380).
    pub epoch: i64,
    /// The features it supports (KIP-584).
    pub features: SupportedFeatures,
}

impl Broker {
    /// Its endpoint for the listener of this name, if it has one.
    pub fn endpoint(&self, listener: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.listener == listener)
    }
}

/// A partition's replicas, with a reassignment in progress (KIP-455).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// All replicas in order of preference, those being added included.
    pub replicas: Vec<BrokerId>,
    /// Those that a reassignment is adding. Invariant: a part of `replicas`.
    pub adding: Vec<BrokerId>,
    /// Those that a reassignment will remove. Invariant: a part of `replicas`.
    pub removing: Vec<BrokerId>,
}

impl Assignment {
    /// An assignment of these replicas, with no reassignment in progress.
    pub fn new(replicas: Vec<BrokerId>) -> Self {
        Self { replicas, ..Self::default() }
    }

    /// Whether a reassignment is in progress.
    pub fn is_being_reassigned(&self) -> bool {
        !self.adding.is_empty() || !self.removing.is_empty()
    }

    /// The replicas from before the reassignment: all but those being added.
    pub fn origin(&self) -> Vec<BrokerId> {
        self.replicas.iter().copied().filter(|id| !self.adding.contains(id)).collect()
    }

    /// The replicas after the reassignment: all but those being removed.
    pub fn target(&self) -> Vec<BrokerId> {
        self.replicas.iter().copied().filter(|id| !self.removing.contains(id)).collect()
    }

    /// This assignment on its way to `target`: the target's replicas come first, then what remains of the origin.
    pub fn reassign_to(&self, target: &[BrokerId]) -> Self {
        let origin = self.origin();
        let mut replicas = Vec::with_capacity(target.len() + origin.len());
        for &id in target.iter().chain(&origin) {
            if !replicas.contains(&id) {
                replicas.push(id);
            }
        }
        let adding = replicas.iter().copied().filter(|id| !origin.contains(id)).collect();
        let removing = replicas.iter().copied().filter(|id| !target.contains(id)).collect();
        Self { replicas, adding, removing }
    }

    /// This assignment without the replica on `broker`.
    pub fn without(&self, broker: BrokerId) -> Self {
        let but = |ids: &[BrokerId]| ids.iter().copied().filter(|&id| id != broker).collect();
        Self { replicas: but(&self.replicas), adding: but(&self.adding), removing: but(&self.removing) }
    }
}

/// A partition's leadership as its state znode holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaderAndIsr {
    /// The leader, or -1 where there is none.
    pub leader: BrokerId,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
    /// The in-sync replicas, in the order written. Invariant: a part of the partition's replicas, each once;
    /// the leader is among them where there is one.
    pub isr: Vec<BrokerId>,
    /// The state znode's version, which guards the next write.
    pub zk_version: i32,
}

impl LeaderAndIsr {
    /// What stands for the leader of a partition that has none.
    pub const NO_LEADER: BrokerId = -1;
    /// What stands for the leader of a partition whose topic is being deleted.
    pub const LEADER_DURING_DELETE: BrokerId = -2;
    /// What StopReplica has instead of a leader epoch for a partition whose topic is being deleted.
    pub const EPOCH_DURING_DELETE: LeaderEpoch = -2;
    /// What stands for an epoch that is not known.
    pub const NO_EPOCH: LeaderEpoch = -1;

    /// The leadership a new partition begins with: epoch 0, in a znode of version 0.
    pub fn initial(leader: BrokerId, isr: Vec<BrokerId>) -> Self {
        Self { leader, leader_epoch: 0, isr, zk_version: 0 }
    }

    /// The leadership that follows this one: the epoch is one higher, the version still the one to write over.
    pub fn followed_by(&self, leader: BrokerId, isr: Vec<BrokerId>) -> Self {
        Self { leader, leader_epoch: self.leader_epoch + 1, isr, zk_version: self.zk_version }
    }

    /// The same leadership in a znode of this version.
    pub fn at_version(self, zk_version: i32) -> Self {
        Self { zk_version, ..self }
    }
}
