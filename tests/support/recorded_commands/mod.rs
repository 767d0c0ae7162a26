//! Commands of Kafka's tools as they were recorded, given again: the same lines and exit codes have to come.
//!
//! A file of recorded commands has a line a step, and empty lines where they read well:
//!
//! ```text
//! # a remark
//! % topic p 3                 sets something up (all of them: `stage.rs`), before the commands below it
//! $ kafka-topics.sh --list    a command; `$?` gives it again until the recorded comes, `$~` compares without order
//! < text                      a line of its input, or of the file or the records that a `%` line makes
//! > text                      a line of its standard output
//! ! text                      a line of its standard error
//! = 0                         its exit code
//! ```
//!
//! In all of them BROKER, BROKER2, … stand for the brokers' addresses, ZOOKEEPER for the connect string, FILES for a
//! directory of the recording's own, and DATA, DATA2, … for the brokers' data directories. Help, times and numbers that
//! differ from run to run are left out (`varying.rs`). What a tool prints with `--output json` has to follow its
//! schema.

mod script;
mod stage;
mod varying;

use std::time::{Duration, Instant};

use script::Step;
pub use script::{Recorded, words};
pub use stage::{Brokers, OwnBrokers, Stage};

use super::{Chroot, root};

/// How long is waited for what was recorded.
const SOON: Duration = Duration::from_secs(30);

/// Gives all commands of a file of `tests/cluster/data` to tools of this project, on brokers of this project.
pub fn compare(file: &str) {
    let chroot = Chroot::new();
    let text = std::fs::read_to_string(root().join("tests/cluster/data").join(file)).unwrap();
    replay(&text, &mut Stage::open(OwnBrokers::new(&chroot.connect()), &chroot));
}

/// Gives all commands of a recording again; fails with all that differ.
pub fn replay<B: Brokers>(text: &str, stage: &mut Stage<B>) {
    let (mut count, mut wrong) = (0, Vec::new());
    for step in script::read(text) {
        match step {
            Step::SetUp { line, input } => stage.set_up(&line, &input),
            Step::Command(recorded) => {
                count += 1;
                wrong.extend(difference(&recorded, stage));
            }
        }
    }
    assert!(count > 0, "the recording is there");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is different when the command is given again.
fn difference<B: Brokers>(recorded: &Recorded, stage: &mut Stage<B>) -> Option<String> {
    let started = Instant::now();
    loop {
        let came = stage.run(recorded);
        if came == recorded.output {
            return None;
        }
        if !recorded.until_it_comes || started.elapsed() > SOON {
            return Some(format!(
                "{:?}\n    Kafka {:?}\n    here  {came:?}",
                recorded.command, recorded.output
            ));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
