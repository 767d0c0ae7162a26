//! What a machine does, as a line of a transcript.

use std::collections::BTreeMap;

use barnabas::base::{Assignment, BrokerId, LeaderAndIsr, TopicPartition};
use barnabas::controller::decide::Leaderships;
use barnabas::controller::outbox::{ControlBody, ControlRequest};
use barnabas::controller::reply::{ApiError, PerPartition};
use barnabas::controller::state::Leadership;
use barnabas::controller::step::{Effect, Severity, Watched};
use barnabas::controller::writes::{Outcome, Write};
use barnabas::wire::error_code::ErrorCode;

/// Ids as in `1,2,3`; `-` where there are none.
pub fn ids(ids: &[BrokerId]) -> String {
    if ids.is_empty() {
        "-".into()
    } else {
        ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

/// The ids of `1,2,3`.
pub fn parse_ids(text: &str) -> Vec<BrokerId> {
    text.split(',').filter(|id| *id != "-").map(|id| id.parse().unwrap()).collect()
}

/// The partition of `topic-0`.
pub fn parse_partition(text: &str) -> TopicPartition {
    let (topic, number) = text.rsplit_once('-').unwrap();
    TopicPartition::new(topic, number.parse().unwrap())
}

/// The assignments of `0=1,2 1=2,1`.
pub fn parse_assignments(text: &str) -> impl Iterator<Item = (i32, Assignment)> {
    text.split_whitespace().map(|one| {
        let (number, replicas) = one.split_once('=').unwrap();
        (number.parse().unwrap(), Assignment::new(parse_ids(replicas)))
    })
}

/// An assignment as in `1,2,3 +3 -1`.
fn assignment(it: &Assignment) -> String {
    let mark = |sign, of: &[BrokerId]| match of {
        [] => String::new(),
        of => format!(" {sign}{}", ids(of)),
    };
    format!("{}{}{}", ids(&it.replicas), mark('+', &it.adding), mark('-', &it.removing))
}

fn leader(known: &LeaderAndIsr) -> String {
    let LeaderAndIsr { leader, leader_epoch, isr, zk_version } = known;
    format!("leader {leader} epoch {leader_epoch} isr {} v{zk_version}", ids(isr))
}

/// A partition's leadership, its znode's version, and the controller epoch in which it was written.
fn state(partition: &TopicPartition, known: &Leadership) -> String {
    format!("{partition} {} by {}", leader(&known.leader_and_isr), known.controller_epoch)
}

/// A write and its outcome. A state is written over the version in it; the version after the arrow is the new one.
pub fn write(write: &Write, outcome: Outcome) -> String {
    let what = match write {
        Write::CreatePartitionsDir(topic) => format!("create {topic}/partitions"),
        Write::CreatePartitionDir(partition) => {
            format!("create {}/partitions/{}", partition.topic, partition.partition)
        }
        Write::CreateState(partition, made) => format!("create {}", state(partition, made)),
        Write::SetState(partition, next) => format!("set {}", state(partition, next)),
        Write::SetAssignments(topic, partitions) => {
            let partitions = partitions.iter().map(|(at, it)| format!(" {at}={}", assignment(it)));
            format!("set {topic}{}", partitions.collect::<String>())
        }
        Write::Delete(path) => format!("delete {path}"),
        Write::DeleteTopicConfig(topic) => format!("delete the config of {topic}"),
        Write::DeleteTopicDeletion(topic) => format!("delete delete_topics/{topic}"),
        Write::DeleteIsrNotification(name) | Write::DeleteLogDirEvent(name) => format!("delete {name}"),
        Write::SetReassignment(left) => {
            let left = left.iter().map(|(partition, to)| format!(" {partition}={}", ids(to)));
            format!("set reassign_partitions{}", left.collect::<String>())
        }
        Write::DeleteReassignment => "delete reassign_partitions".to_owned(),
        Write::DeletePreferredElection => "delete preferred_replica_election".to_owned(),
        Write::CreateFeature { enabled } => format!("create feature {}", on_or_off(*enabled)),
        Write::SetFeature { enabled, .. } => format!("set feature {}", on_or_off(*enabled)),
    };
    let outcome = match outcome {
        Outcome::Ok(version) => format!("v{version}"),
        Outcome::BadVersion => "refused, the version is another".to_owned(),
        Outcome::NoNode => "refused, there is no such znode".to_owned(),
        Outcome::NodeExists => "refused, it exists".to_owned(),
        Outcome::NotEmpty => "refused, it has children".to_owned(),
        Outcome::TooLarge(bytes) => format!("refused, {bytes} bytes are too large"),
        Outcome::Failed => "refused".to_owned(),
    };
    format!("  write {what} -> {outcome}")
}

fn on_or_off(enabled: bool) -> &'static str {
    if enabled { "on" } else { "off" }
}

fn body(body: &ControlBody) -> String {
    match body {
        ControlBody::LeaderAndIsr { rows, live_leaders } => {
            let rows = rows.iter().map(|row| {
                let new = if row.is_new { " new" } else { "" };
                format!(" {}{new};", state(&row.partition, &row.leadership))
            });
            let leaders: Vec<_> = live_leaders.iter().map(|broker| broker.id).collect();
            format!("LeaderAndIsr{} live leaders {}", rows.collect::<String>(), ids(&leaders))
        }
        ControlBody::UpdateMetadata { rows, brokers } => {
            let rows = rows.iter().map(|row| {
                let offline = if row.offline.is_empty() {
                    String::new()
                } else {
                    format!(" offline {}", ids(&row.offline))
                };
                format!(" {}{offline};", state(&row.partition, &row.leadership))
            });
            let live: Vec<_> = brokers.iter().map(|broker| broker.id).collect();
            format!("UpdateMetadata{} live brokers {}", rows.collect::<String>(), ids(&live))
        }
        ControlBody::StopReplica { rows } => {
            let rows = rows.iter().map(|row| {
                let delete = if row.delete { " delete" } else { "" };
                format!(" {} epoch {}{delete};", row.partition, row.leader_epoch)
            });
            format!("StopReplica{}", rows.collect::<String>())
        }
    }
}

/// Consecutive requests with the same content: the brokers as `id@epoch`, the controller epoch, the content.
fn send(requests: &[ControlRequest]) -> String {
    let to: Vec<_> = requests.iter().map(|it| format!("{}@{}", it.to, it.broker_epoch)).collect();
    format!("  send {} by {}: {}", to.join(","), requests[0].controller_epoch, body(&requests[0].body))
}

fn watched(watched: &Watched) -> String {
    match watched {
        Watched::Broker(id) => format!("broker {id}"),
        Watched::Topic(name) => format!("topic {name}"),
        Watched::State(partition) => format!("state {partition}"),
    }
}

/// The effects of one step in their order; `replied` gives the text of a reply that is delivered.
pub fn effects(effects: Vec<Effect>, mut replied: impl FnMut() -> String) -> Vec<String> {
    let mut lines = Vec::new();
    let mut alike: Vec<ControlRequest> = Vec::new();
    for effect in effects {
        let joins = |request: &ControlRequest| {
            alike
                .first()
                .is_none_or(|it| (it.controller_epoch, &it.body) == (request.controller_epoch, &request.body))
        };
        if !alike.is_empty() && !matches!(&effect, Effect::Send(request) if joins(request)) {
            lines.push(send(&alike));
            alike.clear();
        }
        lines.push(match effect {
            Effect::Send(request) => {
                alike.push(request);
                continue;
            }
            Effect::Connect(broker) => format!("  connect {}", broker.id),
            Effect::Moved(broker) => format!("  go on at {:?}", broker.endpoints),
            Effect::Disconnect(id) => format!("  disconnect {id}"),
            Effect::Watch(znode) => format!("  watch {}", watched(&znode)),
            Effect::Unwatch(znode) => format!("  unwatch {}", watched(&znode)),
            Effect::Reply(delivery) => {
                delivery.deliver();
                format!("  reply {}", replied())
            }
            Effect::Later(step) if format!("{step:?}").starts_with("FromZnode") => {
                "  read reassign_partitions again".to_owned()
            }
            Effect::Later(step) => panic!("postponed: {step:?}"),
            Effect::Log(severity, text) => {
                let severity = match severity {
                    Severity::Info => "info",
                    Severity::Warn => "warn",
                    Severity::Error => "error",
                };
                format!("  log {severity} {text}")
            }
        });
    }
    if !alike.is_empty() {
        lines.push(send(&alike));
    }
    lines
}

/// The answer to ControlledShutdown.
pub fn still_led(outcome: Result<Vec<TopicPartition>, ErrorCode>) -> String {
    match outcome {
        Ok(led) if led.is_empty() => "leads nothing".to_owned(),
        Ok(led) => {
            format!("still leads {}", led.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        }
        Err(error) => error.name().to_owned(),
    }
}

/// The answer to AlterIsr.
pub fn leaderships(outcome: Result<Leaderships, ErrorCode>) -> String {
    let one = |(partition, outcome): (TopicPartition, Result<LeaderAndIsr, ErrorCode>)| match outcome {
        Ok(known) => format!("{partition} {}", leader(&known)),
        Err(error) => format!("{partition} {}", error.name()),
    };
    match outcome {
        Ok(each) => each.into_iter().map(one).collect::<Vec<_>>().join("; "),
        Err(error) => error.name().to_owned(),
    }
}

/// The answer to AlterPartitionReassignments.
pub fn begun(outcomes: PerPartition<()>) -> String {
    let one = |(partition, outcome): (TopicPartition, Result<(), ApiError>)| match outcome {
        Ok(()) => format!("{partition} begun"),
        Err(ApiError { code, message: None }) => format!("{partition} {}", code.name()),
        Err(ApiError { code, message: Some(text) }) => format!("{partition} {}: {text}", code.name()),
    };
    outcomes.into_iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The answer to ListPartitionReassignments.
pub fn listed(found: BTreeMap<TopicPartition, Assignment>) -> String {
    if found.is_empty() {
        return "nothing".to_owned();
    }
    found
        .iter()
        .map(|(partition, it)| format!("{partition} {}", assignment(it)))
        .collect::<Vec<_>>()
        .join("; ")
}
