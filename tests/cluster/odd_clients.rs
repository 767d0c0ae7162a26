//! The library's clients in odd cases: they do and see what was recorded of Java's clients of 2.7.2.

use crate::support::odd_clients::{Cast, LocalClients, ScriptedClients, brokers, play_all};

#[test]
fn clients_meet_odd_cases_as_those_of_java_do() {
    let player = || Box::new(LocalClients::default()) as Box<dyn ScriptedClients>;
    let differences = play_all(&brokers(), Cast::Local, (0..6).map(|_| player()).collect());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
