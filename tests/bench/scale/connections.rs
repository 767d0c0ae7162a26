//! Many connections that do nothing after their first request.

use std::time::Instant;

use barnabas::wire::message::api_versions::ApiVersionsRequest;

use crate::Figures;
use crate::members::Members;
use crate::support::Connection;
use crate::table::Figure;

const CONNECTIONS: usize = 8000;

/// Rows of the time until all are open, and of the memory of each.
pub fn measure(figures: &mut Figures<'_>) {
    let members = Members::start_some(figures, 1);
    let before = members.resident_mebibytes(1);
    let begun = Instant::now();
    let mut open: Vec<_> = (0..CONNECTIONS).map(|_| Connection::to(members.port(1)).unwrap()).collect();
    figures
        .add(&format!("{CONNECTIONS} connections opened, s"), Figure::Seconds(begun.elapsed().as_secs_f64()));
    for connection in &mut open {
        connection.call(&ApiVersionsRequest::default(), 0).expect("an answer to ApiVersions");
    }
    let grown = (members.resident_mebibytes(1) - before) * 1024.0 / CONNECTIONS as f64;
    figures.add("memory of a connection after a request, KiB", Figure::Kibibytes(grown));
}
