//! Which options may have been meant by one that does not exist.
//!
//! Pure. argparse4j: `printFlagCandidates`, with git's weights of a wrong, a missing and an additional letter.

use clap::Arg;

use super::long;

/// From this distance on nothing is proposed.
const TOO_FAR: usize = 7;

/// The lines that name the closest options; nothing where none is close.
pub(super) fn did_you_mean<'a>(argument: &str, options: impl Iterator<Item = &'a Arg>) -> String {
    let typed = argument.trim_start_matches('-');
    if typed.len() < 2 {
        return String::new();
    }
    let names = options.map(long).chain(["--help".to_owned()]);
    let mut close: Vec<(usize, String)> = names.map(|name| (distance(typed, &name[2..]), name)).collect();
    close.sort();
    let Some(&(least, _)) = close.first().filter(|(least, _)| *least < TOO_FAR) else {
        return String::new();
    };
    let lines = close.iter().filter(|(far, _)| *far == least).map(|(_, name)| format!("\t{name}\n"));
    format!("\nDid you mean:\n{}", lines.collect::<String>())
}

/// How far a name is from what was typed: 0 for one that begins with it; two neighbours that are swapped cost
/// nothing, a wrong letter 2, a letter too few 1, one too many 4.
fn distance(typed: &str, name: &str) -> usize {
    if name.starts_with(typed) {
        return 0;
    }
    let (typed, name): (Vec<char>, Vec<char>) = (typed.chars().collect(), name.chars().collect());
    let mut rows = vec![(0..=name.len()).collect::<Vec<usize>>()];
    for at in 1..=typed.len() {
        let mut row = vec![at];
        for to in 1..=name.len() {
            let is_same = typed[at - 1] == name[to - 1];
            let mut least = rows[at - 1][to - 1] + if is_same { 0 } else { 2 };
            let swapped =
                at >= 2 && to >= 2 && typed[at - 2] == name[to - 1] && typed[at - 1] == name[to - 2];
            if !is_same && swapped {
                least = least.min(rows[at - 2][to - 2]);
            }
            row.push(least.min(rows[at - 1][to] + 4).min(row[to - 1] + 1));
        }
        rows.push(row);
    }
    rows[typed.len()][name.len()]
}
