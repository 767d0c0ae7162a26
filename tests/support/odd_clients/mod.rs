//! Scenarios in which clients meet odd cases: what their application sees, and what goes over the wire.
//!
//! A scenario is a text file with what was recorded of Java's client of 2.7.2. A line that begins with `>` is a command
//! to a client, one with `@` is done by the stage. Below a command stand what its client has asked (`~`) with the
//! answer, and the outcome as Java prints it; a command that succeeds without a result prints nothing. Heartbeats,
//! fetches and lookups of coordinators are recorded only where the stage treats them. Where this project's client
//! differs on purpose, a second file, `NAME.barnabas.txt`, has what is recorded of it, and why.

mod interposer;
mod local;
mod names;
mod stage;
mod recorded;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use barnabas::wire::message::find_coordinator::FindCoordinatorRequest;
pub use local::LocalClients;
use names::Names;
use stage::Stage;

use super::cluster::Brokers;
use super::{eventually, root};

/// Clients that obey the commands of scenarios.
pub trait ScriptedClients: Send {
    /// Has a client do something; the outcome, in lines.
    fn obey_command(&mut self, command: &str) -> Vec<String>;
}

/// Whose clients play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cast {
    /// Java's.
    Java,
    /// The library's.
    Local,
}

/// The brokers on which scenarios are played.
pub fn brokers() -> Brokers {
    let settings = [
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.min.session.timeout.ms", "500"),
        ("offsets.topic.num.partitions", "8"),
        ("transaction.state.log.num.partitions", "6"),
        ("auto.create.topics.enable", "false"),
        ("auto.leader.rebalance.enable", "false"),
    ];
    let brokers = Brokers::start(2, &settings);
    // Groups have their coordinator at the first broker, transactions at the second. A scenario that moves one of these
    // partitions is the only one whose group or transactional id is in it.
    brokers.create_topic(
        "__consumer_offsets",
        "1:2,1:2,1:2,1:2,1:2,1:2,1:2,1:2",
        &["cleanup.policy=compact"],
    );
    brokers.create_topic("__transaction_state", "2:1,2:1,2:1,2:1,2:1,2:1", &["cleanup.policy=compact"]);
    for key_type in [0, 1] {
        eventually("there are coordinators", Duration::from_secs(30), || {
            let request = FindCoordinatorRequest { key: "any".to_owned(), key_type };
            let answer = brokers.connection(1).call(&request, 3)?;
            (answer.error_code == 0).then_some(())
        });
    }
    brokers
}

/// The scenarios, in the order of their names.
fn scenarios() -> Vec<PathBuf> {
    let folder = root().join("tests/cluster/data/odd_clients");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| !is_local(file)).collect();
    files.sort();
    files
}

fn is_local(file: &Path) -> bool {
    file.to_string_lossy().ends_with(".barnabas.txt")
}

/// Plays every scenario with these clients: what differs from the recordings. With `BARNABAS_RECORD` in the environment
/// they are recorded anew: Java's clients, and the library's where they have a file of their own. `ODD` in the
/// environment is the name of the only scenario played.
///
/// Each of `players` plays one scenario after the other, all of them at the same time.
pub fn play_all(brokers: &Brokers, cast: Cast, players: Vec<Box<dyn ScriptedClients>>) -> Vec<String> {
    let only = std::env::var("ODD").ok();
    let is_played =
        |file: &PathBuf| only.as_deref().is_none_or(|only| file.file_stem().is_some_and(|it| it == only));
    let (left, differences) = (Mutex::new(scenarios()), Mutex::new(Vec::new()));
    left.lock().unwrap().retain(is_played);
    std::thread::scope(|scope| {
        for mut clients in players {
            let (left, differences) = (&left, &differences);
            scope.spawn(move || {
                loop {
                    let Some(file) = left.lock().unwrap().pop() else { return };
                    let different = replay(brokers, cast, &file, &mut *clients);
                    differences.lock().unwrap().extend(different);
                }
            });
        }
    });
    differences.into_inner().unwrap()
}

/// Plays a scenario; how it differs from its recording, unless it is recorded anew.
fn replay(brokers: &Brokers, cast: Cast, file: &Path, clients: &mut dyn ScriptedClients) -> Option<String> {
    let own = file.with_extension("barnabas.txt");
    let file = if cast == Cast::Local && own.exists() { &own } else { file };
    let recorded = std::fs::read_to_string(file).unwrap();
    let played = play(brokers, &recorded, clients);
    if std::env::var_os("BARNABAS_RECORD").is_some() && (cast == Cast::Java || is_local(file)) {
        std::fs::write(file, played).unwrap();
        return None;
    }
    (played != recorded).then(|| difference(file, &recorded, &played))
}

/// The scenario of this recording, with what comes of it this time.
fn play(brokers: &Brokers, recorded: &str, clients: &mut dyn ScriptedClients) -> String {
    let (mut stage, mut names) = (Stage::new(brokers), Names::default());
    let mut played = String::new();
    for line in recorded.lines() {
        let mut lines = Vec::new();
        match line.split_at_checked(2) {
            Some(("> ", command)) => {
                let outcome = clients.obey_command(&stage.complete(command));
                if is_awaited(command) {
                    lines.extend(stage.take_recorded().into_iter().map(|line| format!("~ {line}")));
                }
                lines.extend(outcome);
            }
            Some(("@ ", command)) => stage.act(command),
            Some(("  ", _)) => continue,
            _ => {}
        }
        played += line;
        played.push('\n');
        for line in lines {
            played += &format!("  {}\n", names.replace(&line));
        }
    }
    clients.obey_command("end");
    played
}

/// Whether a command is over only once what it asks for was answered.
fn is_awaited(command: &str) -> bool {
    let verb = command.split(' ').nth(1).unwrap_or_default();
    !["=", "assign", "begin", "flush", "seek", "send", "subscribe"].contains(&verb)
        && !command.ends_with(" async")
}

/// Two recordings from the first line on in which they differ.
fn difference(file: &Path, recorded: &str, played: &str) -> String {
    let same = recorded.lines().zip(played.lines()).take_while(|(one, other)| one == other).count();
    let from = |text: &str| text.lines().skip(same.saturating_sub(3)).take(14).collect::<Vec<_>>().join("\n");
    format!("=== {}\n--- recorded\n{}\n--- played\n{}", file.display(), from(recorded), from(played))
}
