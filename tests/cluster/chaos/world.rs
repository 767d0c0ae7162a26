//! The brokers and the ensemble, and their faults.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::cluster::Brokers;
use crate::support::{Chroot, Ensemble, Proxy, eventually, free_port};

/// How long the whole is given to get well again.
pub const SOON: Duration = Duration::from_secs(90);

/// How long a fault lasts that shows nowhere.
const UNSEEN: Duration = Duration::from_secs(2);

/// A fault of a broker, or of a ZooKeeper server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It is killed, and started again.
    Kill,
    /// It stands still for longer than its session lasts.
    Stall,
    /// It is stopped in order, and started again.
    Restart,
    /// Other brokers do not reach it, and neither does it itself.
    Cut,
    /// No broker reaches any other, nor itself.
    Scatter,
    /// As [`Fault::Cut`], but connections stay open and carry nothing.
    Silence,
    /// It does not reach ZooKeeper for longer than its session lasts.
    Orphan,
    /// As [`Fault::Orphan`], but connections stay open and carry nothing.
    SilentOrphan,
    /// Both at once, as where a host falls off the network: other brokers do not reach it, and it does not
    /// reach ZooKeeper.
    Island,
    /// A server of the ensemble is killed, and started again.
    KillZooKeeper,
}

/// Every kind of fault.
pub const FAULTS: [Fault; 10] = [
    Fault::Kill,
    Fault::Stall,
    Fault::Restart,
    Fault::Cut,
    Fault::Scatter,
    Fault::Silence,
    Fault::Orphan,
    Fault::SilentOrphan,
    Fault::Island,
    Fault::KillZooKeeper,
];

/// The brokers, the ensemble, and what lies between them: a proxy in front of each broker's listener for
/// brokers, and one between each broker and each server of the ensemble.
pub struct World {
    /// The brokers.
    pub brokers: Brokers,
    /// The ensemble.
    pub ensemble: Ensemble,
    between: BTreeMap<i32, Proxy>,
    zookeeper: BTreeMap<i32, Vec<Proxy>>,
}

impl World {
    /// Three ZooKeeper servers and three brokers.
    pub fn start() -> Self {
        let ensemble = Ensemble::start(3);
        let (mut between, mut zookeeper) = (BTreeMap::new(), BTreeMap::new());
        let settings = [
            ("auto.create.topics.enable", "false"),
            ("inter.broker.listener.name", "BETWEEN"),
            ("offsets.topic.num.partitions", "1"),
            ("offsets.topic.replication.factor", "3"),
            ("transaction.state.log.num.partitions", "1"),
            ("transaction.state.log.replication.factor", "3"),
            ("transaction.state.log.min.isr", "2"),
            ("group.initial.rebalance.delay.ms", "100"),
        ];
        let chroot = Chroot::on(&ensemble.connect());
        let brokers = Brokers::start_in(chroot, 3, &settings, |id, chroot| {
            let inside = free_port();
            let front = Proxy::to(&format!("127.0.0.1:{inside}"));
            let servers: Vec<_> =
                ensemble.servers.iter().map(|server| Proxy::to(&server.address())).collect();
            let addresses: Vec<_> = servers.iter().map(Proxy::address).collect();
            let plain = "PLAINTEXT://127.0.0.1:{port}";
            let own = vec![
                ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,BETWEEN:PLAINTEXT".to_owned()),
                ("listeners", format!("{plain},BETWEEN://127.0.0.1:{inside}")),
                ("advertised.listeners", format!("{plain},BETWEEN://{}", front.address())),
                ("zookeeper.connect", format!("{}{}", addresses.join(","), chroot.path())),
            ];
            between.insert(id, front);
            zookeeper.insert(id, servers);
            own
        });
        Self { brokers, ensemble, between, zookeeper }
    }

    /// Begins a fault of broker `victim`, or of the ensemble's server of that number.
    pub fn strike(&mut self, fault: Fault, victim: i32) {
        let Self { brokers, ensemble, between, zookeeper } = self;
        match fault {
            Fault::Kill => brokers.broker(victim).kill(),
            Fault::Stall => brokers.broker(victim).process().stand_still(),
            Fault::Restart => brokers.broker(victim).stop(),
            Fault::Cut => between[&victim].cut(),
            Fault::Scatter => between.values().for_each(Proxy::cut),
            Fault::Silence => between[&victim].silence(),
            Fault::Orphan => zookeeper[&victim].iter().for_each(Proxy::cut),
            Fault::SilentOrphan => zookeeper[&victim].iter().for_each(Proxy::silence),
            Fault::Island => {
                between[&victim].silence();
                zookeeper[&victim].iter().for_each(Proxy::silence);
            }
            Fault::KillZooKeeper => ensemble.servers[index(victim)].kill(),
        }
    }

    /// Takes a fault back.
    pub fn mend(&mut self, fault: Fault, victim: i32) {
        let Self { brokers, ensemble, between, zookeeper } = self;
        match fault {
            Fault::Kill => brokers.broker(victim).restart(),
            Fault::Stall => brokers.broker(victim).process().signal("CONT"),
            Fault::Restart => brokers.broker(victim).restart(),
            Fault::Cut | Fault::Silence => between[&victim].mend(),
            Fault::Scatter => between.values().for_each(Proxy::mend),
            Fault::Orphan | Fault::SilentOrphan => zookeeper[&victim].iter().for_each(Proxy::mend),
            Fault::Island => {
                between[&victim].mend();
                zookeeper[&victim].iter().for_each(Proxy::mend);
            }
            Fault::KillZooKeeper => ensemble.servers[index(victim)].restart(),
        }
    }

    /// Whether brokers other than the victim must lead what it led.
    pub fn takes_leaders(fault: Fault) -> bool {
        use Fault::{Island, Kill, Orphan, Restart, SilentOrphan, Stall};
        matches!(fault, Kill | Stall | Restart | Orphan | SilentOrphan | Island)
    }

    /// Waits until a fault has shown: its leaderships are elsewhere, or, where it leads on alone, its ISRs are smaller.
    /// What does not show in ZooKeeper lasts for [`UNSEEN`].
    pub fn await_shown(&self, fault: Fault, victim: i32, topics: &[&str]) {
        let states = || topics.iter().map(|topic| self.brokers.state_of(topic));
        if Self::takes_leaders(fault) {
            return eventually("every partition has another leader", SOON, || {
                states().all(|state| ![-1, victim].contains(&state.leader)).then_some(())
            });
        }
        // A broker that neither leads nor reaches a controller elsewhere has no effect.
        let unreached = matches!(fault, Fault::Cut | Fault::Silence);
        let leads = unreached && states().any(|state| state.leader == victim);
        if leads && self.brokers.controller().is_some_and(|id| id != victim) {
            let shrunk = || states().any(|state| state.isr.len() < 3).then_some(());
            return eventually("the ISR shrinks", SOON, shrunk);
        }
        std::thread::sleep(UNSEEN);
    }

    /// Waits until the topics of the coordinators are there.
    pub fn await_coordinators(&self, topics: &[&str]) {
        eventually("there are coordinators", SOON, || {
            topics.iter().all(|topic| self.brokers.has_partition(topic)).then_some(())
        });
        self.await_whole(topics);
    }

    /// Waits until all are in sync again.
    pub fn await_whole(&self, topics: &[&str]) {
        eventually("all are in sync again", SOON, || {
            topics.iter().all(|topic| self.brokers.state_of(topic).isr.len() == 3).then_some(())
        });
    }
}

fn index(number: i32) -> usize {
    usize::try_from(number - 1).unwrap()
}
