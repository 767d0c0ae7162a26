//! The assignments that the client's assignors are tested with are those of Kafka's own assignors.

use std::path::Path;

use crate::java::kafka;

/// Groups of each assignor.
const PLAYS: &str = "50";

#[test]
fn recorded_assignments_are_those_of_kafkas_assignors() {
    let Some(kafka) = kafka("recorded_assignments_are_those_of_kafkas_assignors") else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let classes = kafka.compile(&root.join("tests/interop/assignors/Assignments.java"), "assignors");
    let class = "org.apache.kafka.clients.consumer.Assignments";
    let made = kafka.command_beside(Some(&classes), class, &[PLAYS]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let recorded = std::fs::read(root.join("tests/formats/data/assignments.txt")).unwrap();
    assert!(made.stdout == recorded, "record them anew from the program's output");
}
