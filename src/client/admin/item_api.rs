//! One call about several items: each is sent to the broker it belongs to, together with those that belong there too,
//! and again while its error may pass.
//!
//! Items of one broker do not wait for those of another, and an item that succeeded is not sent again. Kafka:
//! `KafkaAdminClient.ConsumerGroupOperationContext`, `MetadataOperationContext`; in later versions `AdminApiDriver`
//! and `AdminApiHandler`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::{Debug, Display};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{sleep, timeout_at};

use super::Admin;
use super::call::CallTries;
use super::item_results::{AnsweredItems, ItemResults, refused};
use crate::base::TopicPartition;
use crate::client::error::{ClientError, ConnectionError};
use crate::client::metadata::Target;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::metadata::MetadataResponse;
use crate::wire::message::{Request, ResponseMessage};

/// The errors of a controller that pass once the next one is known.
pub(super) const OF_CONTROLLER: &[ErrorCode] = &[ErrorCode::NotController];

/// The errors of a coordinator that pass once it is loaded or the next one is known.
pub(super) const OF_COORDINATOR: &[ErrorCode] =
    &[ErrorCode::NotCoordinator, ErrorCode::CoordinatorNotAvailable, ErrorCode::CoordinatorLoadInProgress];

/// The errors of a leader that pass once the next one is known.
pub(super) const OF_LEADER: &[ErrorCode] = &[
    ErrorCode::NotLeaderOrFollower,
    ErrorCode::FencedLeaderEpoch,
    ErrorCode::UnknownLeaderEpoch,
    ErrorCode::KafkaStorageError,
];

/// An API that is asked about items, of which the answer has a result each.
#[doc(alias = "AdminApiHandler")]
pub(super) trait ItemApi: Sync {
    /// What it is asked about.
    type Item: Ord + Clone + Debug + Display + Send + Sync;
    /// What the answer has of an item without an error.
    type Outcome: Send;
    /// The request about any number of items of one target.
    type Request: Request;

    /// The errors of an item after which it is sent again, to a target that is looked up anew.
    const PASSING: &'static [ErrorCode];

    /// Whether the item can be sent at all.
    ///
    /// # Errors
    /// Why not.
    fn admit(&self, _: &Self::Item) -> Result<(), ClientError> {
        Ok(())
    }

    /// Where the item belongs.
    fn target(&self, item: &Self::Item) -> Target;

    /// The request about these items; the broker has `timeout_ms` for it.
    fn request(&self, items: &[Self::Item], timeout_ms: i32) -> Self::Request;

    /// The request to a broker that is too old for a field of the first one; None where there is none.
    fn request_of_old(&self) -> Option<Self::Request> {
        None
    }

    /// Reads the answer to a request about `items`.
    ///
    /// # Errors
    /// An error of the whole answer, which stands for each item.
    fn read(
        &self,
        items: &[Self::Item],
        answer: <Self::Request as Request>::Response,
        found: &mut AnsweredItems<Self::Item, Self::Outcome>,
    ) -> Result<(), ClientError>;

    /// Whether an item is sent again that was refused because the caller has broken a quota.
    fn retries_quota_violations(&self) -> bool {
        false
    }

    /// Whether an item with this error is sent again.
    fn may_pass(&self, error: &ClientError) -> bool {
        match error {
            ClientError::Refused { error: ErrorCode::ThrottlingQuotaExceeded, .. } => {
                self.retries_quota_violations()
            }
            ClientError::Refused { error, .. } => Self::PASSING.contains(error),
            error => error.is_retriable(),
        }
    }
}

type ItemResult<A> = (<A as ItemApi>::Item, Result<<A as ItemApi>::Outcome, ClientError>);

/// Items that belong to the same target.
struct ItemGroup<A: ItemApi> {
    target: Target,
    items: Vec<A::Item>,
}

/// What became of a step of a call.
enum StepOutcome<A: ItemApi> {
    /// The targets of items are known.
    Routed { groups: Vec<ItemGroup<A>>, failed: Vec<ItemResult<A>>, tries: CallTries },
    /// A request was answered, or failed for all its items.
    Answered { results: Vec<ItemResult<A>>, throttle: Duration, tries: CallTries },
}

/// A call under way.
#[doc(alias = "AdminApiDriver")]
struct ItemDrive<'a, A: ItemApi> {
    admin: &'a Admin,
    api: &'a A,
    /// No item is in more than one step.
    steps: FuturesUnordered<BoxFuture<'a, StepOutcome<A>>>,
    done: Vec<ItemResult<A>>,
}

impl Admin {
    /// Asks about items, until each has its result or the call's time is over.
    pub(super) async fn call_each<A: ItemApi>(
        &self,
        api: &A,
        items: impl IntoIterator<Item = A::Item>,
    ) -> ItemResults<A::Item, A::Outcome> {
        let mut drive = ItemDrive { admin: self, api, steps: FuturesUnordered::new(), done: Vec::new() };
        let mut admitted = BTreeSet::new();
        for item in items {
            match api.admit(&item) {
                Ok(()) => _ = admitted.insert(item),
                Err(error) => drive.done.push((item, Err(error))),
            }
        }
        drive.route(admitted.into_iter().collect(), Duration::ZERO, self.tries());
        while let Some(outcome) = drive.steps.next().await {
            drive.advance(outcome);
        }
        drive.done.into_iter().collect()
    }

    /// The leaders of partitions by fresh metadata, which does not create a topic: that of all topics from brokers
    /// before 0.11, which create every topic that they are asked for by its name.
    async fn leaders(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Result<Target, ClientError>>, ClientError> {
        let names: BTreeSet<_> = partitions.iter().map(|partition| partition.topic.to_string()).collect();
        let names: Vec<_> = names.into_iter().collect();
        let answer = match self.cluster.metadata_once(Some(&names), false).await {
            Err(ClientError::UnsupportedField { .. }) => self.cluster.metadata_once(None, false).await?,
            answer => answer?,
        };
        Ok(leaders_in(&answer, partitions))
    }
}

impl<'a, A: ItemApi> ItemDrive<'a, A> {
    /// Looks up the targets of items, after a wait.
    fn route(&mut self, items: Vec<A::Item>, wait: Duration, tries: CallTries) {
        if items.is_empty() {
            return;
        }
        let (admin, api) = (self.admin, self.api);
        self.steps.push(Box::pin(async move {
            sleep(wait).await;
            let targets = items.iter().map(|item| api.target(item));
            let partitions = targets.filter_map(|target| match target {
                Target::Leader(partition) => Some(partition),
                _ => None,
            });
            let partitions: BTreeSet<_> = partitions.collect();
            let leaders = match partitions.is_empty() {
                true => Ok(BTreeMap::new()),
                false => timeout_at(tries.end(), admin.leaders(&partitions))
                    .await
                    .unwrap_or(Err(ClientError::Connection(ConnectionError::TimedOut(admin.limit)))),
            };
            let (groups, failed) = grouped(api, items, &leaders);
            StepOutcome::Routed { groups, failed, tries }
        }));
    }

    /// Sends the request about the items of a group.
    fn ask(&mut self, group: ItemGroup<A>, tries: CallTries) {
        let (admin, api) = (self.admin, self.api);
        self.steps.push(Box::pin(async move {
            let ItemGroup { target, items } = group;
            let request = |timeout_ms| api.request(&items, timeout_ms);
            let mut throttle = Duration::ZERO;
            let mut answer = admin.exchange(&target, request, &tries).await;
            let is_too_old = matches!(answer, Err(ClientError::UnsupportedField { .. }));
            if is_too_old && let Some(old) = api.request_of_old() {
                answer = admin.exchange(&target, |_| old.clone(), &tries).await;
            }
            let results = match answer {
                Ok(mut answer) => {
                    let millis = answer.throttle_time_ms().map_or(0, |millis| *millis);
                    throttle = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
                    let mut found = AnsweredItems::new(&items);
                    match api.read(&items, answer, &mut found) {
                        Ok(()) => found.finish().collect(),
                        Err(error) => failed(items, &error),
                    }
                }
                Err(error) => failed(items, &error),
            };
            StepOutcome::Answered { results, throttle, tries }
        }));
    }

    fn advance(&mut self, outcome: StepOutcome<A>) {
        match outcome {
            StepOutcome::Routed { groups, failed, tries } => {
                for group in groups {
                    self.ask(group, tries.clone());
                }
                self.settle(failed, Duration::ZERO, tries);
            }
            StepOutcome::Answered { results, throttle, tries } => self.settle(results, throttle, tries),
        }
    }

    /// Keeps results; items whose error may pass are routed again, not before the broker's throttling is over.
    fn settle(&mut self, results: Vec<ItemResult<A>>, throttle: Duration, mut tries: CallTries) {
        let passes = |result: &ItemResult<A>| matches!(&result.1, Err(error) if self.api.may_pass(error));
        let (passing, done): (Vec<_>, Vec<_>) = results.into_iter().partition(passes);
        self.done.extend(done);
        if passing.is_empty() {
            return;
        }
        let Some(wait) = tries.next_wait() else {
            let key = A::Request::KEY;
            let given_up =
                |(item, result): ItemResult<A>| (item, result.map_err(|error| tries.given_up(key, error)));
            return self.done.extend(passing.into_iter().map(given_up));
        };
        for (item, _) in &passing {
            self.admin.cluster.forget(&self.api.target(item));
        }
        let items = passing.into_iter().map(|(item, _)| item).collect();
        self.route(items, wait.max(throttle), tries);
    }
}

/// The items by their targets, and those whose target cannot be known.
fn grouped<A: ItemApi>(
    api: &A,
    items: Vec<A::Item>,
    leaders: &Result<BTreeMap<TopicPartition, Result<Target, ClientError>>, ClientError>,
) -> (Vec<ItemGroup<A>>, Vec<ItemResult<A>>) {
    let (mut groups, mut failed) = (HashMap::<Target, Vec<A::Item>>::new(), Vec::new());
    for item in items {
        let target = match (api.target(&item), leaders) {
            (Target::Leader(_), Err(error)) => Err(error.clone()),
            (Target::Leader(partition), Ok(leaders)) => {
                leaders.get(&partition).cloned().unwrap_or(Err(ClientError::NoLeader))
            }
            (target, _) => Ok(target),
        };
        match target {
            Ok(target) => groups.entry(target).or_default().push(item),
            Err(error) => failed.push((item, Err(error))),
        }
    }
    let groups = groups.into_iter().map(|(target, items)| ItemGroup { target, items }).collect();
    (groups, failed)
}

/// The leader of each partition, or why none is known.
fn leaders_in(
    answer: &MetadataResponse,
    partitions: &BTreeSet<TopicPartition>,
) -> BTreeMap<TopicPartition, Result<Target, ClientError>> {
    let topics: HashMap<&str, _> = answer.topics.iter().map(|topic| (topic.name.as_str(), topic)).collect();
    let led = answer.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|it| ((topic.name.as_str(), it.partition_index), it.leader_id))
    });
    let led: HashMap<_, _> = led.collect();
    let leader = |id: &TopicPartition| {
        if let Some(topic) = topics.get(&*id.topic) {
            ClientError::check_topic(topic.error_code, &topic.name)?;
        }
        match led.get(&(&*id.topic, id.partition)) {
            Some(leader) if *leader >= 0 => Ok(Target::Broker(*leader)),
            Some(_) => Err(refused(ErrorCode::LeaderNotAvailable, ErrorCode::LeaderNotAvailable.message())),
            None => {
                let unknown = ErrorCode::UnknownTopicOrPartition;
                Err(refused(unknown, unknown.message()))
            }
        }
    };
    partitions.iter().map(|id| (id.clone(), leader(id))).collect()
}

fn failed<K, V>(items: Vec<K>, error: &ClientError) -> Vec<(K, Result<V, ClientError>)> {
    items.into_iter().map(|item| (item, Err(error.clone()))).collect()
}
