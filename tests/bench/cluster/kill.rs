//! A leader dies: how long no broker takes records.

use std::time::{Duration, Instant};

use crate::Figures;
use crate::members::{LIMIT, Members, SESSION_TIMEOUT, assigned};
use crate::table::Figure;

/// How many leaders are killed, one after the other.
const KILLS: usize = 3;
/// Between two tries to produce.
const PAUSE: Duration = Duration::from_millis(2);

/// Rows of the time until the next acknowledged produce.
pub fn measure(figures: &mut Figures<'_>) {
    let mut members = Members::start(figures);
    let (mut after_session, mut after_kill) = (Vec::new(), Vec::new());
    for at in 0..KILLS {
        let topic = format!("killed-{at}");
        let controller = members.controller();
        let mut replicas = members.alive();
        // The controller's own end is another row.
        let place = replicas.iter().position(|id| *id != controller).unwrap();
        replicas.swap(0, place);
        let victim = replicas[0];
        members.create(vec![assigned(&topic, &[replicas], &[("min.insync.replicas", "2")])]);
        members.await_partitions(&members.alive(), &topic, 1, |it| it.leader_id == victim);
        await_produce(&members, &topic);
        let session_end = members.session_end(victim);
        let killed = Instant::now();
        members.kill(victim);
        let produced = await_produce(&members, &topic);
        after_session.push(produced.duration_since(session_end()).as_secs_f64() * 1e3);
        after_kill.push(produced.duration_since(killed).as_secs_f64());
        members.launch(victim);
        members.await_all();
        members.await_partitions(&members.alive(), &topic, 1, |it| it.isr_nodes.len() == 3);
    }
    for values in [&mut after_session, &mut after_kill] {
        values.sort_by(f64::total_cmp);
    }
    let row = "leader killed: from the end of its session to the next acknowledged produce, ms";
    figures.add(row, Figure::Milliseconds(after_session[KILLS / 2]));
    let row = format!(
        "leader killed: from then to the next acknowledged produce, with the session timeout of {} s, s",
        SESSION_TIMEOUT.as_secs()
    );
    figures.add(&row, Figure::Seconds(after_kill[KILLS / 2]));
}

/// Tries every broker in turn until one has a record acknowledged by all in sync; when that was.
fn await_produce(members: &Members, topic: &str) -> Instant {
    let mut connections: Vec<_> = members.alive().into_iter().map(|id| members.connection(id)).collect();
    let end = Instant::now() + LIMIT;
    loop {
        for connection in &mut connections {
            if connection.produce(topic, "value", -1).expect("an answer to Produce").is_ok() {
                return Instant::now();
            }
        }
        assert!(Instant::now() < end, "no broker takes records");
        std::thread::sleep(PAUSE);
    }
}
