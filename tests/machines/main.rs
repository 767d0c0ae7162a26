//! The machines as plays: each file under `controller/`, `replica/`, `follower/` and `txn/` gives what is, says what
//! happens, and holds what the machine did about it. `UPDATE=1` writes the plays anew; the difference is then for a human
//! to judge.

mod cluster;
mod follower;
mod replica;
mod txn;
mod words;
mod znodes;

use std::path::Path;

use cluster::Cluster;
use follower::Follower;
use replica::Replica;
use txn::Transactions;

/// A machine on the stage, with as much of the world as it needs.
trait Stage: Default {
    /// Puts something there before anything happens.
    fn given(&mut self, text: &str);
    /// Lets something happen, and says what the machine does about it.
    fn when(&mut self, text: &str) -> Vec<String>;
}

/// Plays a script: the lines that say what is and what happens stay, what follows from them is written anew.
fn play<S: Stage>(script: &str) -> String {
    let mut stage = S::default();
    let mut played = Vec::new();
    for line in script.lines() {
        let said = line.split('#').next().unwrap_or_default().trim();
        let (verb, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
        match verb {
            "" => played.push(line.to_owned()),
            "given" => {
                stage.given(rest.trim());
                played.push(line.to_owned());
            }
            "when" => {
                played.push(line.to_owned());
                played.extend(stage.when(rest.trim()));
            }
            _ => {}
        }
    }
    played.join("\n") + "\n"
}

/// Plays every script of a folder.
fn play_all<S: Stage>(folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines").join(folder);
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let script = std::fs::read_to_string(&path).unwrap();
        let played = play::<S>(&script);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, played).unwrap();
        } else if played != script {
            wrong.push(format!("{}:\n{played}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "played otherwise than written:\n{}", wrong.join("\n"));
}

#[test]
fn the_controller_plays_its_part() {
    play_all::<Cluster>("controller");
}

#[test]
fn a_replica_plays_its_part() {
    play_all::<Replica>("replica");
}

#[test]
fn a_follower_plays_its_part() {
    play_all::<Follower>("follower");
}

#[test]
fn the_transaction_coordinator_plays_its_part() {
    play_all::<Transactions>("txn");
}
