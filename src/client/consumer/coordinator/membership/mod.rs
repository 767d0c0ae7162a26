//! A consumer as a member of its group: when it joins, what it sends, what its consumer is to carry out.
//!
//! Pure. The shell ([`super::task`]) gives it what happens, with the time, and carries out the [`MembershipAction`]s.
//! A rebalance is: the consumer gives up partitions ([`RebalanceEvent::Revoke`]; with the cooperative protocol only
//! those of topics that it is no longer subscribed to), the member joins, the leader assigns, every member receives
//! its assignment ([`RebalanceEvent::Assign`]). With the cooperative protocol, partitions that are to change their
//! owner are given up after the assignment, and the member joins once more (KIP-429). A member that the coordinator no
//! longer knows has lost its partitions ([`RebalanceEvent::Lost`]) and joins anew.
//!
//! Never joins while the application does not poll. Kafka: `AbstractCoordinator`, `ConsumerCoordinator`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use self::heartbeat::HeartbeatTimers;
use self::state::PendingEvent;
pub use self::state::{MemberGeneration, MemberState, RebalanceEvent};
use super::assignment::{LeaderAssignment, MadeAssignment};
use super::assignor::{ConsumerPartitionAssignor, RebalanceProtocol, ReceivedAssignment};
use super::error::GroupError;
use super::settings::GroupRebalanceConfig;
use crate::base::{Millis, TopicPartition};
use crate::client::error::ClientError;
use crate::client::offsets::ConsumerGroupMetadata;
use crate::wire::message::heartbeat::HeartbeatRequest;
use crate::wire::message::join_group::{JoinGroupRequest, JoinGroupResponse};
use crate::wire::message::sync_group::{SyncGroupRequest, SyncGroupResponse};

mod answers;
mod completion;
mod heartbeat;
mod join;
mod state;
#[cfg(test)]
mod tests;

/// Something that the machine asks its shell to do. The outcome comes back by the method of the same name, with the
/// number of the attempt where there is one.
#[derive(Debug)]
pub enum MembershipAction {
    /// Find the coordinator and connect to it.
    FindCoordinator,
    /// Look the coordinator up anew before the next request is sent to it.
    ForgetCoordinator,
    /// Send JoinGroup.
    Join(u64, JoinGroupRequest),
    /// Find the numbers of partitions of the group's topics, and assign them.
    Assign(u64, LeaderAssignment),
    /// Send SyncGroup.
    Sync(u64, SyncGroupRequest),
    /// Send a heartbeat of this generation.
    Heartbeat(MemberGeneration, HeartbeatRequest),
    /// Send LeaveGroup for this member; whatever is answered, it has left.
    Leave(String),
}

/// What comes back to the machine.
#[derive(Debug)]
pub enum MembershipAnswer {
    /// Of [`MembershipAction::FindCoordinator`].
    Coordinator(Result<(), ClientError>),
    /// Of [`MembershipAction::Join`].
    Joined(u64, Result<JoinGroupResponse, ClientError>),
    /// Of [`MembershipAction::Assign`].
    Assigned(u64, Result<MadeAssignment, ClientError>),
    /// Of [`MembershipAction::Sync`].
    Synced(u64, Result<SyncGroupResponse, ClientError>),
    /// Of [`MembershipAction::Heartbeat`]: the generation it was sent in, and the error code.
    Heartbeat(MemberGeneration, Result<i16, ClientError>),
    /// Of [`MembershipAction::Leave`], whatever was answered.
    Left,
}

/// How well the coordinator is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CoordinatorLookup {
    /// Not at all; it is not looked up before this time.
    Unknown { retry_at: Millis },
    /// It is being looked up.
    Looking,
    /// It is known.
    Known,
}

/// The machine.
#[derive(Debug)]
#[doc(alias = "AbstractCoordinator")]
pub struct Membership {
    settings: Arc<GroupRebalanceConfig>,
    /// The first wait before a request is sent again (`retry.backoff.ms`).
    retry_backoff: Millis,
    assignors: Vec<Arc<dyn ConsumerPartitionAssignor>>,
    /// What each assignor was last assigned for this member; as many as assignors.
    received: Vec<Option<ReceivedAssignment>>,
    /// The most advanced protocol that all assignors have; None without assignors.
    protocol: Option<RebalanceProtocol>,
    /// What the consumer is subscribed to.
    subscription: BTreeSet<Arc<str>>,
    /// What it was subscribed to when it joined last; None before that.
    joined_subscription: Option<BTreeSet<Arc<str>>>,
    /// Whether it is subscribed to something else by now.
    is_subscription_new: bool,
    /// The partitions that the consumer has, by its own word.
    owned: BTreeSet<TopicPartition>,
    /// The numbers of partitions that this member has made the present assignment of; None where it did not make it.
    assigned_counts: Option<BTreeMap<Arc<str>, i32>>,
    /// The numbers of partitions that metadata have shown since this member began to make an assignment.
    seen_counts: BTreeMap<Arc<str>, i32>,
    state: MemberState,
    generation: MemberGeneration,
    /// The generation of the last assignment, as producers name it.
    group_metadata: ConsumerGroupMetadata,
    coordinator: CoordinatorLookup,
    /// Whether the member must join again.
    rejoin_needed: bool,
    /// Whether partitions must be given up before it joins.
    needs_prepare: bool,
    /// The number of the present attempt to join; answers of earlier ones are dropped.
    attempt: u64,
    /// Whether a request of the present attempt is in flight.
    is_joining: bool,
    /// Before this time no attempt begins.
    retry_at: Millis,
    heartbeat: HeartbeatTimers,
    /// What the consumer is to carry out, in this order.
    events: VecDeque<PendingEvent>,
    /// Why the member gave up, until the consumer takes it.
    failure: Option<ClientError>,
    /// Whether it gave up; it goes on when the application polls again.
    is_halted: bool,
    actions: Vec<MembershipAction>,
    /// How many LeaveGroup requests are not answered.
    leaving: usize,
    /// How many rebalances were completed.
    rebalances: u64,
    /// How many attempts to join failed.
    failed_rebalances: u64,
}

impl Membership {
    /// A consumer in no group.
    ///
    /// # Errors
    /// [`GroupError::NoCommonProtocol`], or settings that contradict each other.
    pub fn new(
        settings: Arc<GroupRebalanceConfig>,
        retry_backoff: Millis,
        assignors: Vec<Arc<dyn ConsumerPartitionAssignor>>,
    ) -> Result<Self, ClientError> {
        settings.check()?;
        Ok(Self {
            protocol: common_protocol(&assignors)?,
            received: vec![None; assignors.len()],
            heartbeat: HeartbeatTimers::new(&settings, retry_backoff),
            group_metadata: ConsumerGroupMetadata {
                group_instance_id: settings.group_instance_id.clone(),
                ..ConsumerGroupMetadata::of_group(&settings.group_id)
            },
            settings,
            retry_backoff,
            assignors,
            subscription: BTreeSet::new(),
            joined_subscription: None,
            is_subscription_new: false,
            owned: BTreeSet::new(),
            assigned_counts: None,
            seen_counts: BTreeMap::new(),
            state: MemberState::Unjoined,
            generation: MemberGeneration::NONE,
            coordinator: CoordinatorLookup::Unknown { retry_at: 0 },
            rejoin_needed: true,
            needs_prepare: true,
            attempt: 0,
            is_joining: false,
            retry_at: 0,
            events: VecDeque::new(),
            failure: None,
            is_halted: false,
            actions: Vec::new(),
            leaving: 0,
            rebalances: 0,
            failed_rebalances: 0,
        })
    }

    /// The consumer is subscribed to these topics from now on. An empty set is the end of its membership: it has given
    /// up its partitions already, and the member leaves.
    pub fn subscribe(&mut self, now: Millis, topics: BTreeSet<Arc<str>>) {
        if topics.is_empty() && !self.subscription.is_empty() {
            self.events.clear();
            self.owned.clear();
            self.leave();
            self.joined_subscription = None;
        }
        self.is_subscription_new = self.joined_subscription.as_ref().is_some_and(|it| *it != topics);
        self.subscription = topics;
        self.advance(now);
    }

    /// The numbers of partitions of topics, as metadata have them now; 0 for a topic that does not exist. The leader
    /// joins again where they are not those of its assignment.
    pub fn metadata_changed(&mut self, now: Millis, partition_counts: &BTreeMap<Arc<str>, i32>) {
        self.seen_counts.extend(partition_counts.iter().map(|(topic, count)| (topic.clone(), *count)));
        if self.is_assignment_outdated() {
            self.rejoin_needed = true;
            self.advance(now);
        }
    }

    /// Whether this member has made the assignment of other numbers of partitions than there are.
    fn is_assignment_outdated(&self) -> bool {
        let has_changed =
            |(topic, count): (&Arc<str>, &i32)| self.seen_counts.get(topic).is_some_and(|seen| seen != count);
        self.assigned_counts.iter().flatten().any(has_changed)
    }

    /// The topics of the whole group where this member leads it: their partitions matter to it, too.
    pub fn group_topics(&self) -> BTreeSet<Arc<str>> {
        self.assigned_counts.iter().flat_map(BTreeMap::keys).cloned().collect()
    }

    /// The application polls. A member that gave up goes on, once its failure was taken.
    pub fn poll(&mut self, now: Millis) {
        self.is_halted = self.failure.is_some();
        self.heartbeat.poll(now);
        self.advance(now);
    }

    /// A call of the application begins to wait: it polls, until [`Membership::end_polling`].
    pub(super) fn begin_polling(&mut self, now: Millis) {
        self.is_halted = self.failure.is_some();
        self.heartbeat.begin_polling(now);
        self.advance(now);
    }

    /// A call of the application waits no more.
    pub(super) fn end_polling(&mut self, now: Millis) {
        self.heartbeat.end_polling(now);
    }

    /// The member joins again, though nothing else makes it necessary.
    pub fn request_rejoin(&mut self, now: Millis) {
        self.rejoin_needed = true;
        self.advance(now);
    }

    /// What the consumer is to carry out; the same until it is done.
    pub fn next_event(&mut self) -> Option<RebalanceEvent> {
        let pending = self.events.front_mut()?;
        pending.is_taken = true;
        Some(pending.event.clone())
    }

    /// Why the member gave up; once.
    pub fn take_failure(&mut self) -> Option<ClientError> {
        self.failure.take()
    }

    /// Whether [`Membership::next_event`] or [`Membership::take_failure`] has something.
    pub(super) fn has_news(&self) -> bool {
        self.failure.is_some() || !self.events.is_empty()
    }

    /// What the consumer is to carry out before it leaves.
    pub fn parting_event(&self) -> Option<RebalanceEvent> {
        if self.owned.is_empty() {
            return None;
        }
        let is_member = self.state == MemberState::Stable && !self.generation.is_none();
        let owned = self.owned.clone();
        Some(if is_member { RebalanceEvent::Revoke(owned) } else { RebalanceEvent::Lost(owned) })
    }

    /// The member as its group knows it.
    pub fn group_metadata(&self) -> ConsumerGroupMetadata {
        self.group_metadata.clone()
    }

    /// Where it stands.
    #[cfg(test)]
    pub fn state(&self) -> MemberState {
        self.state
    }

    /// Its generation.
    #[cfg(test)]
    pub fn generation(&self) -> &MemberGeneration {
        &self.generation
    }

    /// How many rebalances were completed.
    pub fn rebalances(&self) -> u64 {
        self.rebalances
    }

    /// How many attempts to join failed.
    pub fn failed_rebalances(&self) -> u64 {
        self.failed_rebalances
    }

    /// Whether a LeaveGroup request is not answered.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving > 0
    }

    /// What is to be done since the last call.
    pub fn take_actions(&mut self) -> Vec<MembershipAction> {
        std::mem::take(&mut self.actions)
    }

    /// Whether [`Membership::take_actions`] has something.
    pub(super) fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    /// Something is to be done at this time, if nothing happens before; None for never.
    pub fn deadline(&self, now: Millis) -> Option<Millis> {
        if self.subscription.is_empty() {
            return None;
        }
        let lookup = match self.coordinator {
            CoordinatorLookup::Unknown { retry_at } if self.needs_coordinator(now) => Some(retry_at),
            _ => None,
        };
        let lookup = lookup.filter(|_| !self.is_halted);
        let heartbeat = self.is_heartbeating().then(|| self.heartbeat.deadline());
        let poll = self.state.has_joined().then(|| self.heartbeat.poll_end()).flatten();
        let retry = Some(self.retry_at).filter(|at| *at > now && self.is_rejoin_needed() && !self.is_joining);
        [lookup, heartbeat, poll, retry].into_iter().flatten().min()
    }

    /// Does what is due at this time.
    pub fn advance(&mut self, now: Millis) {
        if self.subscription.is_empty() {
            return;
        }
        if self.state.has_joined() && !self.heartbeat.is_polled(now) {
            // The application is stuck: another member shall have its partitions.
            self.leave();
        }
        self.announce_lost();
        if !self.is_halted {
            self.find_coordinator(now);
            self.join(now);
        }
        self.send_heartbeat(now);
    }

    /// The end of the membership: the member that is to leave, where it is one that leaves at once. A static member
    /// stays until its session is over.
    fn leave(&mut self) {
        let is_dynamic = self.settings.group_instance_id.is_none();
        let has_joined = self.state != MemberState::Unjoined && !self.generation.member_id.is_empty();
        if is_dynamic && has_joined && self.coordinator == CoordinatorLookup::Known {
            self.leaving += 1;
            self.actions.push(MembershipAction::Leave(self.generation.member_id.clone()));
        }
        self.reset_generation();
    }

    /// The member is in no generation any more, and joins anew.
    fn reset_generation(&mut self) {
        self.state = MemberState::Unjoined;
        self.generation = MemberGeneration::NONE;
        self.rejoin_needed = true;
        self.needs_prepare = true;
        self.is_joining = false;
        self.attempt += 1;
        self.assigned_counts = None;
        // What the consumer has begun to carry out is waited for; the rest is void.
        let keeps = self.events.front().is_some_and(|pending| pending.is_taken);
        self.events.truncate(usize::from(keeps));
    }

    fn fail(&mut self, error: ClientError) {
        self.failure = Some(error);
        self.is_halted = true;
    }

    fn fail_group(&mut self, error: GroupError) {
        self.fail(ClientError::Group(error));
    }

    fn is_rejoin_needed(&self) -> bool {
        !self.subscription.is_empty() && (self.rejoin_needed || self.is_subscription_new)
    }

    fn is_heartbeating(&self) -> bool {
        self.state.has_joined() && self.coordinator == CoordinatorLookup::Known && !self.is_halted
    }

    fn needs_coordinator(&self, now: Millis) -> bool {
        self.state.has_joined() || (self.is_rejoin_needed() && self.heartbeat.is_polled(now))
    }

    fn find_coordinator(&mut self, now: Millis) {
        let CoordinatorLookup::Unknown { retry_at } = self.coordinator else { return };
        if now >= retry_at && self.needs_coordinator(now) {
            self.coordinator = CoordinatorLookup::Looking;
            self.actions.push(MembershipAction::FindCoordinator);
        }
    }

    /// The coordinator is not where it was.
    fn forget_coordinator(&mut self, now: Millis) {
        if self.coordinator == CoordinatorLookup::Known {
            self.coordinator = CoordinatorLookup::Unknown { retry_at: now };
            self.heartbeat.failed(now);
            self.actions.push(MembershipAction::ForgetCoordinator);
        }
    }

    fn send_heartbeat(&mut self, now: Millis) {
        if !self.is_heartbeating() {
            return;
        }
        if self.heartbeat.is_session_over(now) {
            self.forget_coordinator(now);
            self.find_coordinator(now);
            return;
        }
        if self.heartbeat.is_due(now) {
            self.heartbeat.sent(now);
            let request = HeartbeatRequest {
                group_id: self.settings.group_id.clone(),
                generation_id: self.generation.id,
                member_id: self.generation.member_id.clone(),
                group_instance_id: self.settings.group_instance_id.clone(),
            };
            self.actions.push(MembershipAction::Heartbeat(self.generation.clone(), request));
        }
    }
}

/// The most advanced protocol that all assignors support.
fn common_protocol(
    assignors: &[Arc<dyn ConsumerPartitionAssignor>],
) -> Result<Option<RebalanceProtocol>, ClientError> {
    let Some((first, others)) = assignors.split_first() else { return Ok(None) };
    let of_all = |protocol: &&RebalanceProtocol| {
        others.iter().all(|other| other.supported_protocols().contains(protocol))
    };
    let common = first.supported_protocols().iter().filter(of_all).max().copied();
    if common.is_none() {
        let names = assignors.iter().map(|assignor| assignor.name().to_owned()).collect();
        return Err(ClientError::Group(GroupError::NoCommonProtocol(names)));
    }
    Ok(common)
}
