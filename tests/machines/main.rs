//! Transcripts of the machines: a file under `controller/`, `replica/`, `follower/`, `group/` or `txn/` has the
//! state at the start (`given`), events (`when`) and, indented below each event, what the machine did. `UPDATE=1`
//! writes the transcripts anew; a human then judges the difference.
//!
//! ```text
//! when broker 2 dies                                          an event
//!   write set t-0 leader 1 epoch 5 isr 1,3 v0 by 9 -> v1      the state of t-0, written over version 0; now version 1
//!   send 1@1,3@3 by 9: LeaderAndIsr t-0 leader 1 epoch 5 …    to brokers 1 and 3 in their broker epochs 1 and 3
//! ```
//!
//! `epoch` behind a leader is the leader epoch, `vN` the version of the state's znode, `by N` a controller epoch. An
//! assignment `1,3,2 +3 -2` is being reassigned: 3 is added, 2 is removed.

mod cluster;
mod crowd;
mod follower;
mod group;
mod replica;
mod transcript;
mod txn;
mod znodes;

use std::path::Path;

use cluster::Cluster;
use follower::Follower;
use group::Groups;
use replica::Replica;
use txn::Transactions;

/// A machine, with as much of its environment as it needs.
trait Player: Default {
    /// Sets up a part of the state at the start.
    fn given(&mut self, text: &str);
    /// Passes an event to the machine; returns what the machine does.
    fn when(&mut self, text: &str) -> Vec<String>;
}

/// Plays a transcript: the lines `given` and `when` stay, the lines below them are written anew.
fn play<P: Player>(script: &str) -> String {
    let mut player = P::default();
    let mut played = Vec::new();
    for line in script.lines() {
        let text = line.split('#').next().unwrap_or_default().trim();
        let (verb, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match verb {
            "" => played.push(line.to_owned()),
            "given" => {
                player.given(rest.trim());
                played.push(line.to_owned());
            }
            "when" => {
                played.push(line.to_owned());
                played.extend(player.when(rest.trim()));
            }
            _ => {}
        }
    }
    played.join("\n") + "\n"
}

/// Plays every transcript of a folder.
fn play_all<P: Player>(folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines").join(folder);
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let script = std::fs::read_to_string(&path).unwrap();
        let played = play::<P>(&script);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, played).unwrap();
        } else if played != script {
            wrong.push(format!("{}:\n{played}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "played otherwise than written:\n{}", wrong.join("\n"));
}

#[test]
fn the_controller_acts_as_its_transcripts_show() {
    play_all::<Cluster>("controller");
}

#[test]
fn a_replica_acts_as_its_transcripts_show() {
    play_all::<Replica>("replica");
}

#[test]
fn a_follower_acts_as_its_transcripts_show() {
    play_all::<Follower>("follower");
}

#[test]
fn a_transaction_coordinator_acts_as_its_transcripts_show() {
    play_all::<Transactions>("txn");
}

#[test]
fn a_group_coordinator_acts_as_its_transcripts_show() {
    play_all::<Groups>("group");
}
