//! The admin client against Kafka 2.7.2's own broker: every call of it, those about ACLs, credentials and tokens too.

use crate::java::kafka;
use crate::support::administration::{SecurityApis, play};
use crate::support::{Broker, Chroot, Process};

#[test]
fn every_call_of_the_admin_client_is_understood_by_kafka() {
    let Some(kafka) = kafka("every_call_of_the_admin_client_is_understood_by_kafka") else { return };
    let chroot = Chroot::new();
    let settings = [
        ("log.dirs", "{directory}/one,{directory}/two"),
        ("authorizer.class.name", "kafka.security.authorizer.AclAuthorizer"),
        ("super.users", "User:ANONYMOUS"),
        ("delegation.token.master.key", "key"),
        ("offsets.topic.num.partitions", "3"),
    ];
    let broker = Broker::prepare(1, &chroot.connect(), &settings);
    let properties = broker.write_settings().display().to_string();
    // A change of message.max.bytes has the cleaner take its buffer of 128 MiB anew before the old one is free.
    let mut command = kafka.broker_of_heap("512m", &properties);
    let _process = Process::start("Kafka 2.7.2", &mut command);
    play(&broker.bootstrap(), &[1], &chroot, SecurityApis::Present);
}
