//! The transcripts of a group coordinator: one partition of `__consumer_offsets`, and what its members ask.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use barnabas::base::{Millis, ProducerId, TopicPartition};
use barnabas::config::KafkaVersion;
use barnabas::coordinator::group::append::GroupAppend;
use barnabas::coordinator::group::effect::GroupEffect;
use barnabas::coordinator::group::fetch::OffsetsFetch;
use barnabas::coordinator::group::join::GroupJoin;
use barnabas::coordinator::group::leave::{GroupLeave, LeavingMember};
use barnabas::coordinator::group::machine::GroupTimer;
use barnabas::coordinator::group::member::{MemberProfile, SupportedProtocol};
use barnabas::coordinator::group::records::{self, GroupRecordKey};
use barnabas::coordinator::group::request::{
    GroupEvent, GroupId, GroupRequest, GroupResponse, MemberClaim, OffsetCommitValue, OffsetsCommit,
    OffsetsDelete,
};
use barnabas::coordinator::group::session::GroupHeartbeat;
use barnabas::coordinator::group::sync::GroupSync;
use barnabas::coordinator::group::{GroupCoordinator, GroupSettings};
use barnabas::coordinator::machine::{
    Actions, CoordinatorAction, CoordinatorMachine, CoordinatorRecord, Replayed, RequestId,
    TransactionalProducer,
};
use barnabas::coordinator::transaction_result::TransactionResult;
use barnabas::wire::error_code::ErrorCode;
use bytes::Bytes;

use crate::Player;

/// The words of a request: names and values, `member=a generation=1`; a name without a value stands for itself.
struct Words<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Words<'a> {
    fn of(words: &[&'a str]) -> Self {
        Self(words.iter().map(|word| word.split_once('=').unwrap_or((word, word))).collect())
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }

    fn text(&self, name: &str) -> Arc<str> {
        self.get(name).unwrap_or_default().into()
    }

    fn number(&self, name: &str, default: i64) -> i64 {
        self.get(name).map_or(default, |text| text.parse().unwrap())
    }

    fn claim(&self) -> MemberClaim {
        MemberClaim {
            member: self.text("member"),
            instance: self.get("instance").map(Into::into),
            generation: i32::try_from(self.number("generation", -1)).unwrap(),
        }
    }

    fn producer(&self) -> Option<TransactionalProducer> {
        self.get("producer").map(|id| TransactionalProducer { id: id.parse().unwrap(), epoch: 0 })
    }
}

/// A partition, `t-0`.
fn partition(text: &str) -> TopicPartition {
    let (topic, partition) = text.rsplit_once('-').unwrap();
    TopicPartition::new(topic, partition.parse().unwrap())
}

fn partitions(text: &str) -> Vec<TopicPartition> {
    text.split(',').filter(|it| !it.is_empty()).map(partition).collect()
}

/// A subscription of version 0.
fn subscription(topics: &str) -> Bytes {
    let topics: Vec<_> = topics.split('+').filter(|topic| !topic.is_empty()).collect();
    let mut bytes = vec![0, 0, 0, 0, 0, u8::try_from(topics.len()).unwrap()];
    for topic in topics {
        bytes.extend([0, u8::try_from(topic.len()).unwrap()]);
        bytes.extend(topic.as_bytes());
    }
    bytes.extend([0xff; 4]);
    bytes.into()
}

/// A group coordinator, and the world around it: a log whose appends succeed where the transcript has them succeed.
pub struct Groups {
    settings: GroupSettings,
    machine: Option<GroupCoordinator>,
    log: Vec<Replayed>,
    appends: VecDeque<GroupAppend>,
    timers: BTreeMap<GroupTimer, Millis>,
    requests: HashMap<RequestId, String>,
    next_request: u64,
    next_member: u64,
    now: Millis,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            settings: GroupSettings {
                min_session_timeout: 6_000,
                max_session_timeout: 1_800_000,
                max_size: 10,
                initial_rebalance_delay: 0,
                max_offset_metadata: 10,
                offsets_retention: 60_000,
                retention_check_interval: 1_000_000,
                protocol: KafkaVersion::LATEST,
            },
            machine: None,
            log: Vec::new(),
            appends: VecDeque::new(),
            timers: BTreeMap::new(),
            requests: HashMap::new(),
            next_request: 1,
            next_member: 1,
            now: 1_000_000,
        }
    }
}

impl Player for Groups {
    /// `group.max.size 2`, `group.initial.rebalance.delay.ms 3000`, `offsets.retention.check.interval.ms 1000`
    fn given(&mut self, text: &str) {
        let (key, value) = text.split_once(' ').unwrap();
        let value: i64 = value.parse().unwrap();
        match key {
            "group.max.size" => self.settings.max_size = usize::try_from(value).unwrap(),
            "group.initial.rebalance.delay.ms" => self.settings.initial_rebalance_delay = value,
            "offsets.retention.check.interval.ms" => self.settings.retention_check_interval = value,
            _ => panic!("given what? {text}"),
        }
    }

    fn when(&mut self, text: &str) -> Vec<String> {
        if self.machine.is_none() {
            self.load();
        }
        let words: Vec<_> = text.split_whitespace().collect();
        match words[..] {
            [ms, "ms", "pass"] => return self.pass(ms.parse().unwrap()),
            ["the", "append", "succeeds"] => return self.appended(Ok(())),
            ["the", "append", "fails:", error] => return self.appended(Err(named(error))),
            ["it", "is", "unloaded", "and", "loaded"] => {
                let lines = self.step(|machine, _, actions| {
                    machine.take().unwrap().on_unloaded(actions);
                });
                self.load();
                return lines;
            }
            ["transaction", of, outcome] => {
                let producer: ProducerId = of.parse().unwrap();
                let result = TransactionResult::of(outcome == "commits");
                let event = GroupEvent::TransactionCompleted { producer, result };
                self.log.push(Replayed::Marker {
                    offset: i64::try_from(self.log.len()).unwrap(),
                    producer: TransactionalProducer { id: producer, epoch: 0 },
                    result,
                });
                return self.event(event);
            }
            ["deleted:", of] => return self.event(GroupEvent::PartitionsDeleted(partitions(of).into())),
            _ => {}
        }
        let request = self.request(words[0], &Words::of(&words[1..]));
        let id = RequestId(self.next_request);
        self.next_request += 1;
        self.requests.insert(id, words[0].to_owned());
        self.step(|machine, now, actions| machine.as_mut().unwrap().on_request(id, request, now, actions))
    }
}

impl Groups {
    fn request(&mut self, name: &str, words: &Words<'_>) -> GroupRequest {
        let group = words.get("group").unwrap_or("g").into();
        match name {
            "join" => GroupRequest::Join(self.join(group, words)),
            "sync" => {
                let assign = words.get("assign").unwrap_or_default();
                let pairs = assign.split(',').filter_map(|pair| pair.split_once(':'));
                let assignments =
                    pairs.map(|(member, to)| (member.into(), Bytes::copy_from_slice(to.as_bytes())));
                GroupRequest::Sync(GroupSync {
                    group,
                    claim: words.claim(),
                    protocol_type: None,
                    protocol_name: words.get("protocol").map(Into::into),
                    assignments: assignments.collect(),
                })
            }
            "heartbeat" => GroupRequest::Heartbeat(GroupHeartbeat { group, claim: words.claim() }),
            "leave" => {
                let MemberClaim { member, instance, .. } = words.claim();
                GroupRequest::Leave(GroupLeave { group, members: vec![LeavingMember { member, instance }] })
            }
            "commit" => {
                let pairs =
                    words.get("offsets").unwrap().split(',').map(|pair| pair.split_once(':').unwrap());
                let offsets = pairs.map(|(of, offset)| (partition(of), self.offset(offset, words)));
                GroupRequest::Commit(OffsetsCommit {
                    group,
                    claim: words.claim(),
                    offsets: offsets.collect(),
                    producer: words.producer(),
                })
            }
            "fetch" => GroupRequest::Fetch(OffsetsFetch {
                group,
                partitions: words.get("partitions").map(partitions),
                require_stable: words.get("stable").is_some(),
            }),
            "delete-offsets" => {
                let partitions = partitions(words.get("partitions").unwrap());
                GroupRequest::DeleteOffsets(OffsetsDelete { group, partitions })
            }
            "describe" => GroupRequest::Describe(GroupId { group }),
            "list" => GroupRequest::List(Vec::new()),
            "delete" => GroupRequest::Delete(GroupId { group }),
            _ => panic!("asks what? {name}"),
        }
    }

    fn offset(&self, offset: &str, words: &Words<'_>) -> OffsetCommitValue {
        OffsetCommitValue {
            offset: offset.parse().unwrap(),
            leader_epoch: None,
            metadata: words.text("metadata"),
            commit_timestamp: self.now,
            expire_timestamp: words.get("expires").map(|it| self.now + it.parse::<i64>().unwrap()),
        }
    }

    fn join(&mut self, group: Arc<str>, words: &Words<'_>) -> GroupJoin {
        let new_member = format!("m{}", self.next_member);
        if words.get("member").is_none() {
            self.next_member += 1;
        }
        let topics = subscription(words.get("topics").unwrap_or("t"));
        let protocols = words.get("protocols").unwrap_or("range").split(',');
        let protocols =
            protocols.map(|name| SupportedProtocol { name: name.into(), metadata: topics.clone() });
        GroupJoin {
            group,
            member: words.text("member"),
            new_member: new_member.into(),
            requires_member_id: words.get("needs-id").is_some(),
            profile: MemberProfile {
                instance: words.get("instance").map(Into::into),
                client_id: "client".into(),
                client_host: "/127.0.0.1".into(),
                rebalance_timeout: words.number("rebalance", 30_000),
                session_timeout: words.number("session", 10_000),
            },
            protocol_type: words.get("type").unwrap_or("consumer").into(),
            protocols: protocols.collect(),
        }
    }

    /// Has the log read by a new machine.
    fn load(&mut self) {
        self.appends.clear();
        self.timers.clear();
        let mut machine = GroupCoordinator::new(Arc::new(self.settings.clone()), 7);
        self.log.iter().cloned().for_each(|replayed| machine.replay(replayed));
        self.machine = Some(machine);
        self.step(|machine, now, actions| machine.as_mut().unwrap().on_loaded(now, actions));
    }

    fn event(&mut self, event: GroupEvent) -> Vec<String> {
        self.step(|machine, now, actions| machine.as_mut().unwrap().on_event(event, now, actions))
    }

    fn appended(&mut self, outcome: Result<(), ErrorCode>) -> Vec<String> {
        let then = self.appends.pop_front().expect("something is being appended");
        self.step(|machine, now, actions| machine.as_mut().unwrap().on_appended(then, outcome, now, actions))
    }

    /// Lets time pass, from deadline to deadline.
    fn pass(&mut self, ms: Millis) -> Vec<String> {
        let end = self.now + ms;
        let mut lines = Vec::new();
        while let Some((timer, at)) = self.first_due(end) {
            self.timers.remove(&timer);
            self.now = at.max(self.now);
            lines.extend(
                self.step(|machine, now, actions| machine.as_mut().unwrap().on_timer(timer, now, actions)),
            );
        }
        self.now = end;
        lines
    }

    fn first_due(&self, end: Millis) -> Option<(GroupTimer, Millis)> {
        let first = self.timers.iter().min_by_key(|(_, at)| **at)?;
        (*first.1 <= end).then(|| (first.0.clone(), *first.1))
    }

    /// Has the machine act, and carries out what it wants.
    fn step(
        &mut self,
        act: impl FnOnce(&mut Option<GroupCoordinator>, Millis, &mut Actions<GroupCoordinator>),
    ) -> Vec<String> {
        let mut actions = Actions::default();
        act(&mut self.machine, self.now, &mut actions);
        actions.take().into_iter().filter_map(|action| self.carry_out(action)).collect()
    }

    fn carry_out(&mut self, action: CoordinatorAction<GroupCoordinator>) -> Option<String> {
        let line = match action {
            CoordinatorAction::Respond(id, response) => {
                let request = self.requests.remove(&id).expect("each request is answered once");
                format!("answer {} {request}: {}", id.0, answer(&response))
            }
            CoordinatorAction::Append { records, producer, then, .. } => {
                self.appends.push_back(then);
                let texts: Vec<_> = records.iter().map(record).collect();
                for record in records {
                    let offset = i64::try_from(self.log.len()).unwrap();
                    self.log.push(Replayed::Record { offset, timestamp: self.now, producer, record });
                }
                let within =
                    producer.map_or(String::new(), |producer| format!(" for producer {}", producer.id));
                format!("append{within} {}", texts.join("; "))
            }
            CoordinatorAction::Schedule(timer, at) => {
                self.timers.insert(timer, at);
                return None;
            }
            CoordinatorAction::Cancel(timer) => {
                self.timers.remove(&timer);
                return None;
            }
            CoordinatorAction::Effect(GroupEffect::Log(_, level, line)) => {
                format!("log {level:?}: {line}")
            }
            CoordinatorAction::Effect(GroupEffect::Count(..) | GroupEffect::Counts(_)) => return None,
        };
        Some(format!("  {line}"))
    }
}

fn named(error: &str) -> ErrorCode {
    *ErrorCode::ALL.iter().find(|it| it.name() == error).expect("an error")
}

fn names(errors: &[ErrorCode]) -> String {
    errors.iter().map(|error| error.name()).collect::<Vec<_>>().join(",")
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn record(record: &CoordinatorRecord) -> String {
    let key = records::read_key(record.key.clone()).unwrap();
    match (key, &record.value) {
        (GroupRecordKey::Offset { group, partition }, None) => format!("{group} {partition} deleted"),
        (GroupRecordKey::Offset { group, partition }, Some(value)) => {
            let value = records::read_offset(value.clone()).unwrap();
            format!("{group} {partition} at {}", value.offset)
        }
        (GroupRecordKey::Group(group), None) => format!("{group} deleted"),
        (GroupRecordKey::Group(group), Some(value)) => {
            let value = records::read_group(value.clone()).unwrap();
            let members: Vec<_> = value.assignments().map(|(id, to)| format!("{id}:{}", text(to))).collect();
            format!(
                "{group} generation {} protocol {} leader {} members {}",
                value.generation,
                value.protocol_name.as_deref().unwrap_or("-"),
                value.leader.as_deref().unwrap_or("-"),
                members.join(",")
            )
        }
    }
}

fn answer(response: &GroupResponse) -> String {
    match response {
        GroupResponse::Join(it) => {
            let members: Vec<_> = it.members.iter().map(|member| &*member.id).collect();
            let members =
                if members.is_empty() { String::new() } else { format!(" of {}", members.join(",")) };
            let protocol = it.protocol_name.as_deref().unwrap_or("-");
            let error = it.error.name();
            format!(
                "{error} {} generation {} protocol {protocol} leader {}{members}",
                it.member, it.generation, it.leader
            )
        }
        GroupResponse::Sync(it) => format!("{} {}", it.error.name(), text(&it.assignment)),
        GroupResponse::Heartbeat(error) | GroupResponse::Delete(error) => error.name().to_owned(),
        GroupResponse::Leave(errors)
        | GroupResponse::Commit(errors)
        | GroupResponse::DeleteOffsets(Ok(errors)) => names(errors),
        GroupResponse::DeleteOffsets(Err(error)) => error.name().to_owned(),
        GroupResponse::Fetch(offsets) => {
            let each = offsets.iter().map(|(partition, it)| match it.error {
                ErrorCode::None => format!("{partition} at {}", it.offset),
                error => format!("{partition} {}", error.name()),
            });
            each.collect::<Vec<_>>().join(", ")
        }
        GroupResponse::Describe(it) => {
            let members: Vec<_> = it
                .members
                .iter()
                .map(|member| format!("{}:{}", member.id, text(&member.assignment)))
                .collect();
            format!("{} {} {} {}", it.state.name(), it.protocol_type, it.protocol, members.join(","))
        }
        GroupResponse::List(groups) => {
            let mut each: Vec<_> =
                groups.iter().map(|it| format!("{} {}", it.group, it.state.name())).collect();
            each.sort();
            each.join(", ")
        }
    }
}
