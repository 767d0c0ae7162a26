//! `barnabas ready HOST:PORT`: whether a broker answers at this address. Scripts and containers use it
//! instead of waiting for a log line; Kafka has no such tool.

use std::process::ExitCode;
use std::time::Duration;

use super::block_on;
use crate::net::peer::{Peer, PeerOptions};
use crate::wire::message::api_versions::ApiVersionsRequest;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Asks once; exit code 0 where the broker answers, else 1 with the reason.
pub fn run(arguments: Vec<String>) -> ExitCode {
    let address = match arguments.as_slice() {
        [address] if !address.starts_with('-') => address,
        _ => {
            eprintln!("USAGE: barnabas ready HOST:PORT");
            return ExitCode::FAILURE;
        }
    };
    match block_on(ask(address)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The broker at {address} does not answer: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn ask(address: &str) -> anyhow::Result<()> {
    let (host, port) = address.rsplit_once(':').ok_or_else(|| anyhow::anyhow!("it is no HOST:PORT"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let options = PeerOptions { client_id: "ready".to_owned(), ..PeerOptions::default() };
    let peer = Peer::connect(host, port.parse()?, options, LIMIT).await?;
    let request = ApiVersionsRequest {
        client_software_name: "barnabas".to_owned(),
        client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let answer = peer.call(&request, 0, LIMIT).await?;
    anyhow::ensure!(answer.error_code == 0, "error {}", answer.error_code);
    Ok(())
}
