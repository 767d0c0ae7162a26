//! The members of a group, the leader among them, and the protocols that they can use.
//!
//! Pure. What is asked for each request is counted, so that a group of ten thousand members answers as fast as one of
//! three. Kafka: the members of `GroupMetadata`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::member::{MemberMetadata, SupportedProtocol};
use crate::base::Millis;
use crate::coordinator::machine::RequestId;

/// The members.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// By id. Boxed: a node of the map has room for eleven, and most groups have a few.
    by_id: BTreeMap<Arc<str>, Box<MemberMetadata>>,
    /// The id of the member that assigns. There may be one whose record did not come with its member.
    leader: Option<Arc<str>>,
    /// How many wait for an answer to JoinGroup.
    joining_members: usize,
    /// How often each protocol is listed. Invariant: the sum over all members' lists.
    supported: BTreeMap<Arc<str>, usize>,
}

impl Members {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Whether there is one of this id.
    pub fn contains(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// The member of this id.
    pub fn get(&self, id: &str) -> Option<&MemberMetadata> {
        self.by_id.get(id).map(Box::as_ref)
    }

    /// The member of this id, to change what is not counted: neither its protocols nor whether it waits to join.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut MemberMetadata> {
        self.by_id.get_mut(id).map(Box::as_mut)
    }

    /// All, by id.
    pub fn iter(&self) -> impl Iterator<Item = &MemberMetadata> {
        self.by_id.values().map(Box::as_ref)
    }

    /// The ids of all, in order.
    pub fn ids(&self) -> Vec<Arc<str>> {
        self.by_id.keys().cloned().collect()
    }

    /// The ids of those for which `which` holds, in order.
    pub fn ids_of(&self, which: impl Fn(&MemberMetadata) -> bool) -> Vec<Arc<str>> {
        self.iter().filter(|member| which(member)).map(|member| member.id.clone()).collect()
    }

    /// How many wait for an answer to JoinGroup.
    pub fn joining_members(&self) -> usize {
        self.joining_members
    }

    /// The longest time that a rebalance waits for a member.
    pub fn rebalance_timeout(&self) -> Millis {
        self.iter().map(|member| member.profile.rebalance_timeout).max().unwrap_or(0).max(0)
    }

    /// The id of the member that assigns.
    pub fn leader(&self) -> Option<&Arc<str>> {
        self.leader.as_ref()
    }

    /// Whether this member assigns.
    pub fn is_leader(&self, id: &str) -> bool {
        self.leader.as_deref() == Some(id)
    }

    /// Makes a member the leader.
    pub fn set_leader(&mut self, id: Option<Arc<str>>) {
        self.leader = id;
    }

    /// Adds a member; the first one leads.
    pub fn insert(&mut self, member: MemberMetadata) {
        self.leader.get_or_insert_with(|| member.id.clone());
        self.count_in(&member);
        if let Some(before) = self.by_id.insert(member.id.clone(), Box::new(member)) {
            self.count_out(&before);
        }
    }

    /// Removes a member. Where it led, another leads.
    pub fn remove(&mut self, id: &str) -> Option<MemberMetadata> {
        let removed = self.by_id.remove(id).map(|member| *member);
        if let Some(member) = &removed {
            self.count_out(member);
        }
        if self.is_leader(id) {
            self.leader = self.by_id.keys().next().cloned();
        }
        removed
    }

    /// Gives a member another id. Where it led, it leads on.
    pub fn rename(&mut self, old: &str, new: &Arc<str>) {
        if let Some(mut member) = self.by_id.remove(old) {
            member.id = new.clone();
            self.by_id.insert(new.clone(), member);
        }
        if self.is_leader(old) {
            self.leader = Some(new.clone());
        }
    }

    /// Replaces a member's protocols, and the request with which it waits to join; the request that waited before.
    pub fn update(
        &mut self,
        id: &str,
        protocols: Vec<SupportedProtocol>,
        joining: Option<RequestId>,
    ) -> Option<RequestId> {
        let mut member = self.by_id.remove(id)?;
        self.count_out(&member);
        member.protocols = protocols;
        let before = std::mem::replace(&mut member.joining, joining);
        self.count_in(&member);
        self.by_id.insert(member.id.clone(), member);
        before
    }

    /// The request with which a member waits to join; it waits no more.
    pub fn take_joining(&mut self, id: &str) -> Option<RequestId> {
        let joining = self.by_id.get_mut(id)?.joining.take();
        self.joining_members -= usize::from(joining.is_some());
        joining
    }

    /// Whether all members can use one of these protocols.
    pub fn support_any(&self, mut protocols: impl Iterator<Item = impl AsRef<str>>) -> bool {
        protocols.any(|name| self.all_support(name.as_ref()))
    }

    /// The protocol with the most votes; None without members, or where they have none in common.
    pub fn select_protocol(&self) -> Option<Arc<str>> {
        let mut votes: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for member in self.iter() {
            let vote = member.vote(|name| self.all_support(name))?;
            *votes.entry(vote).or_default() += 1;
        }
        votes.into_iter().max_by_key(|(_, count)| *count).map(|(name, _)| name.clone())
    }

    fn all_support(&self, protocol: &str) -> bool {
        self.supported.get(protocol).copied().unwrap_or(0) == self.by_id.len()
    }

    fn count_in(&mut self, member: &MemberMetadata) {
        for protocol in &member.protocols {
            *self.supported.entry(protocol.name.clone()).or_default() += 1;
        }
        self.joining_members += usize::from(member.joining.is_some());
    }

    fn count_out(&mut self, member: &MemberMetadata) {
        for protocol in &member.protocols {
            if let Some(count) = self.supported.get_mut(&protocol.name) {
                *count -= 1;
                if *count == 0 {
                    self.supported.remove(&protocol.name);
                }
            }
        }
        self.joining_members -= usize::from(member.joining.is_some());
    }
}
