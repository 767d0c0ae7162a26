//! The tools beside Kafka's: the same commands give the lines and exit codes that Kafka's gave.
//!
//! A file of `data/` for each tool; `support/recorded_commands` shows how to write one. The lines with `--output json`
//! are this project's own.

use crate::support::recorded_commands::compare;

#[test]
fn topics_are_made_shown_changed_and_deleted_as_by_kafkas_tool() {
    compare("topics_tools.txt");
}

#[test]
fn the_console_tools_write_and_read_as_kafkas_do() {
    compare("console_tools.txt");
}

#[test]
fn groups_are_described_reset_and_deleted_as_by_kafkas_tools() {
    compare("groups_tools.txt");
}

#[test]
fn apis_and_offsets_are_shown_as_by_kafkas_tools() {
    compare("small_tools.txt");
}

#[test]
fn leaders_are_elected_as_by_kafkas_tools() {
    compare("election_tools.txt");
}

#[test]
fn partitions_are_reassigned_as_by_kafkas_tool() {
    compare("reassign_tools.txt");
}

#[test]
fn state_change_logs_are_merged_as_by_kafkas_tool() {
    compare("log_tools.txt");
}

#[test]
fn configs_are_shown_and_changed_as_by_kafkas_tool() {
    compare("configs_tools.txt");
}

#[test]
fn records_are_deleted_and_disks_shown_as_by_kafkas_tools() {
    compare("record_tools.txt");
}

#[test]
fn groups_in_znodes_are_read_with_and_shown_as_by_kafkas_tools_of_old() {
    compare("zookeeper_group_tools.txt");
}

#[test]
fn acls_are_added_removed_and_listed_as_by_kafkas_tool() {
    compare("acl_tools.txt");
}

#[test]
fn the_tools_that_measure_verify_and_mirror_print_what_kafkas_do() {
    compare("perf_tools.txt");
}
