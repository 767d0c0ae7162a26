//! The admin client: every call of it, against two brokers.

use crate::support::administration::{SecurityApis, play};
use crate::support::cluster::Brokers;

#[test]
fn every_call_of_the_admin_client_does_what_it_promises() {
    let brokers = Brokers::start(2, &[("log.dirs", "{directory}/one,{directory}/two")]);
    play(&brokers.bootstrap(), &[1, 2], &brokers.chroot, SecurityApis::Absent);
}
