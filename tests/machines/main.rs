//! The machines as plays: each file under `controller/` gives a cluster, says what happens, and holds what the machine
//! wrote and told. `UPDATE=1` writes the plays anew; the difference is then for a human to judge.

mod cluster;
mod words;
mod znodes;

use std::path::Path;

use cluster::Cluster;

/// Plays a script: the lines that say what is and what happens stay, what follows from them is written anew.
fn play(script: &str) -> String {
    let mut cluster = Cluster::default();
    let mut played = Vec::new();
    for line in script.lines() {
        let said = line.split('#').next().unwrap_or_default().trim();
        let (verb, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
        match verb {
            "given" => cluster.given(rest.trim()),
            "when" => {
                played.push(line.to_owned());
                played.extend(cluster.when(rest.trim()));
                continue;
            }
            "read" | "write" | "tell" | "answer" | "note" => continue,
            _ => {}
        }
        played.push(line.to_owned());
    }
    played.join("\n") + "\n"
}

#[test]
fn the_controller_plays_its_part() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines/controller");
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let script = std::fs::read_to_string(&path).unwrap();
        let played = play(&script);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, played).unwrap();
        } else if played != script {
            wrong.push(format!("{}:\n{played}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "played otherwise than written:\n{}", wrong.join("\n"));
}
