//! A group between two of its generations.

use super::{SOON, commit, commit_in_transaction, delete, delete_offset, heartbeat, join, leave, sync};
use crate::support::scene::Scene;
use crate::support::{Connection, eventually};

impl Scene {
    /// A group between two of its generations.
    pub fn ask_of_rebalances(&mut self) {
        let joined = self.ask("alone", 3, &join("completing", "", None)).unwrap();
        let member = joined.member_id.as_str();
        self.ask_describe("without assignments", &["completing"]);
        self.ask_each("without assignments", &heartbeat("completing", member, 1));
        self.ask_at(0..=7, "without assignments", &join("completing", member, None));
        for version in 1..=8 {
            self.ask("without assignments", version, &commit("completing", member, 1, "t", ""));
        }
        self.ask("no member, without assignments", 8, &commit("completing", "", -1, "t", ""));
        self.ask("without assignments", 3, &commit_in_transaction("completing", member, 1, "t"));
        self.ask_each("without assignments", &delete(&["completing"]));
        self.ask_each("without assignments", &delete_offset("completing", "t", 0));
        self.ask("without assignments", 4, &leave("completing", &[(member, None)]));

        let (member, generation) = self.stable("preparing", 3, None);
        let mut other = Connection::to(self.port).unwrap().with_patience(SOON);
        let joining = std::thread::spawn(move || other.call(&join("preparing", "", None), 3).unwrap());
        eventually("the group rebalances", SOON, || {
            let beat = self.connection.call(&heartbeat("preparing", &member, generation), 4)?;
            (beat.error_code == 27).then_some(())
        });
        self.ask_each("that is to join", &heartbeat("preparing", &member, generation));
        self.ask_each("that is to join", &sync("preparing", &member, generation));
        self.ask_each("that joins", &sync("preparing", "m", generation));
        for version in 0..=8 {
            self.ask("that is to join", version, &commit("preparing", &member, generation, "t", ""));
        }
        self.ask("that is to join", 3, &commit_in_transaction("preparing", &member, generation, "t"));
        self.ask_each("that rebalances", &delete(&["preparing"]));
        self.ask_each("that rebalances", &delete_offset("preparing", "t", 0));
        self.ask_each("third", &join("preparing", "m", None));
        self.ask("that is to join", 4, &leave("preparing", &[(&member, None)]));
        let joined = joining.join().unwrap();
        self.answers.push(format!("JOIN_GROUP alone: {} {}", joined.error_code, joined.generation_id));
    }
}
