//! What a machine does, in the words of the plays.

use barnabas::base::{Assignment, BrokerId, LeaderAndIsr, TopicPartition};
use barnabas::controller::machine::{Effect, Severity};
use barnabas::controller::outbox::{Message, Tell};
use barnabas::controller::state::Leadership;
use barnabas::controller::writes::{Outcome, Write};

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
    format!("leader {} epoch {} isr {}", known.leader, known.leader_epoch, ids(&known.isr))
}

fn state(partition: &TopicPartition, known: &Leadership) -> String {
    format!("{partition} {}", leader(&known.leader_and_isr))
}

/// A write and what came of it.
pub fn write(write: &Write, outcome: Outcome) -> String {
    let what = match write {
        Write::CreatePartitionsDir(topic) => format!("create {topic}/partitions"),
        Write::CreatePartitionDir(partition) => {
            format!("create {}/partitions/{}", partition.topic, partition.partition)
        }
        Write::CreateState(partition, made) => format!("create {}", state(partition, made)),
        Write::SetState(partition, next) => {
            format!("set {} if v{}", state(partition, next), next.leader_and_isr.zk_version)
        }
        Write::SetAssignments(topic, partitions) => {
            let partitions = partitions.iter().map(|(at, it)| format!(" {at}={}", assignment(it)));
            format!("set {topic}{}", partitions.collect::<String>())
        }
        Write::SetReassignment(left) => {
            let left = left.iter().map(|(partition, to)| format!(" {partition}={}", ids(to)));
            format!("set reassign_partitions{}", left.collect::<String>())
        }
        other => format!("{other:?}"),
    };
    match outcome {
        Outcome::Ok(_) => format!("write   {what}"),
        other => format!("write   {what}  ({other:?})"),
    }
}

fn message(message: &Message) -> String {
    match message {
        Message::LeaderAndIsr { rows, live_leaders } => {
            let rows = rows.iter().map(|row| {
                let new = if row.is_new { " new" } else { "" };
                format!(" {}{new};", state(&row.partition, &row.leadership))
            });
            let leaders: Vec<_> = live_leaders.iter().map(|broker| broker.id).collect();
            format!("LeaderAndIsr{} live leaders {}", rows.collect::<String>(), ids(&leaders))
        }
        Message::UpdateMetadata { rows, brokers } => {
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
        Message::StopReplica { rows } => {
            let rows = rows.iter().map(|row| {
                let delete = if row.delete { " delete" } else { "" };
                format!(" {} epoch {}{delete};", row.partition, row.leader_epoch)
            });
            format!("StopReplica{}", rows.collect::<String>())
        }
    }
}

/// The effects of one step; requests that say the same share a line.
pub fn effects(effects: Vec<Effect>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut told: Vec<(Vec<BrokerId>, String)> = Vec::new();
    for effect in effects {
        match effect {
            Effect::Tell(Tell { to, message: said, .. }) => {
                let said = message(&said);
                match told.iter_mut().find(|(_, other)| *other == said) {
                    Some((brokers, _)) => brokers.push(to),
                    None => told.push((vec![to], said)),
                }
            }
            Effect::Answer(_, answer) => lines.push(format!("answer  {answer:?}")),
            Effect::Note(Severity::Warn | Severity::Error, text) => lines.push(format!("note    {text}")),
            _ => {}
        }
    }
    lines.extend(told.into_iter().map(|(to, said)| format!("tell    {}  {said}", ids(&to))));
    lines
}
