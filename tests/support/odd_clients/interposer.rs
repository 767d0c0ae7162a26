//! A proxy before a broker that decodes what it carries: it records requests and answers, and answers some itself.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use barnabas::wire::Reader;
use barnabas::wire::api_key::ApiKey;
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::frame;
use barnabas::wire::header::RequestHeader;
use barnabas::wire::message::add_offsets_to_txn::AddOffsetsToTxnRequest;
use barnabas::wire::message::add_partitions_to_txn::AddPartitionsToTxnRequest;
use barnabas::wire::message::end_txn::EndTxnRequest;
use barnabas::wire::message::fetch::FetchRequest;
use barnabas::wire::message::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use barnabas::wire::message::heartbeat::HeartbeatRequest;
use barnabas::wire::message::init_producer_id::InitProducerIdRequest;
use barnabas::wire::message::join_group::JoinGroupRequest;
use barnabas::wire::message::leave_group::LeaveGroupRequest;
use barnabas::wire::message::list_offsets::ListOffsetRequest;
use barnabas::wire::message::metadata::{MetadataRequest, MetadataResponse};
use barnabas::wire::message::offset_commit::OffsetCommitRequest;
use barnabas::wire::message::offset_fetch::OffsetFetchRequest;
use barnabas::wire::message::offset_for_leader_epoch::OffsetForLeaderEpochRequest;
use barnabas::wire::message::produce::ProduceRequest;
use barnabas::wire::message::sync_group::SyncGroupRequest;
use barnabas::wire::message::txn_offset_commit::TxnOffsetCommitRequest;
use barnabas::wire::message::{Message, Request};
use bytes::Bytes;

use super::recorded::{MadeUp, Recorded};

/// Requests whose number and time are chance: they are recorded only where they are treated in their own way.
const UNRECORDED: [ApiKey; 3] = [ApiKey::Fetch, ApiKey::FindCoordinator, ApiKey::Heartbeat];

/// What becomes of one request.
#[derive(Clone, Debug)]
pub enum Treatment {
    /// The broker does not see it, and this is answered.
    Answer(MadeUp),
    /// The broker's answer waits until more releases were made than these.
    Hold(usize),
    /// The broker does it, and the connection ends instead of the answer.
    Lose,
    /// The broker does not see it, nor what comes after it on its connection.
    Swallow,
}

/// What metadata has of a topic, against the truth.
#[derive(Clone, Debug, Default)]
pub struct MetadataLie {
    /// The leader of its partitions.
    pub leader: Option<i32>,
    /// The leader epoch of its partitions.
    pub epoch: Option<i32>,
    /// The error of the topic.
    pub error: Option<i16>,
}

/// What all interposers of a scenario share.
#[derive(Default)]
pub struct Interposition {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Default)]
struct State {
    /// The ports of the interposers, by those of the brokers.
    ports: BTreeMap<u16, u16>,
    /// What becomes of the next request of a client and an API.
    treatments: Vec<(String, ApiKey, Treatment)>,
    lies: BTreeMap<String, MetadataLie>,
    /// The other cluster whose metadata comes in place of the brokers' own: it has none of their topics.
    foreign: Option<String>,
    releases: usize,
    lines: Vec<String>,
}

impl Interposition {
    /// An interposer in front of each of these brokers, by their ids and ports; what they share.
    pub fn before(brokers: impl Iterator<Item = (i32, u16)>) -> Arc<Self> {
        let all = Arc::new(Self::default());
        for (id, broker) in brokers {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            all.state().ports.insert(broker, listener.local_addr().unwrap().port());
            let shared = all.clone();
            std::thread::spawn(move || {
                for client in listener.incoming().flatten() {
                    let Ok(broker) = TcpStream::connect(("127.0.0.1", broker)) else { continue };
                    let shared = shared.clone();
                    // Either side may end the connection at any time.
                    std::thread::spawn(move || Carrier { id, client, broker, shared }.run());
                }
            });
        }
        all
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The bootstrap servers for the scenario's clients.
    pub fn bootstrap(&self) -> String {
        let state = self.state();
        state.ports.values().map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(",")
    }

    /// Treats the next request of a client and an API in its own way.
    pub fn treat(&self, client: &str, api: ApiKey, treatment: Treatment) {
        self.state().treatments.push((client.to_owned(), api, treatment));
    }

    /// Has the answer to the next request of a client and an API wait for a release.
    pub fn hold(&self, client: &str, api: ApiKey) {
        let releases = self.state().releases;
        self.treat(client, api, Treatment::Hold(releases));
    }

    /// Whether requests are still waited for that are to be treated in their own way.
    pub fn awaits_requests(&self) -> bool {
        !self.state().treatments.is_empty()
    }

    /// Lets the answers go that are held.
    pub fn release(&self) {
        self.state().releases += 1;
        self.released.notify_all();
    }

    /// From now on metadata has this of a topic; None for the truth.
    pub fn lie(&self, topic: &str, lie: Option<MetadataLie>) {
        let lies = &mut self.state().lies;
        match lie {
            Some(lie) => lies.insert(topic.to_owned(), lie),
            None => lies.remove(topic),
        };
    }

    /// From now on metadata is that of another cluster, which has none of these topics; None for the truth.
    pub fn set_foreign(&self, cluster: Option<String>) {
        self.state().foreign = cluster;
    }

    /// What was carried since this was asked for last.
    pub fn take_recorded(&self) -> Vec<String> {
        std::mem::take(&mut self.state().lines)
    }

    fn treatment(&self, header: &RequestHeader) -> Option<Treatment> {
        let treatments = &mut self.state().treatments;
        let client = header.client_id.as_deref().unwrap_or_default();
        let at = treatments.iter().position(|(of, api, _)| of == client && *api == header.api_key)?;
        Some(treatments.remove(at).2)
    }

    fn record(&self, line: String) {
        let lines = &mut self.state().lines;
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }

    fn await_release(&self, before: usize) {
        let state = self.state();
        drop(self.released.wait_while(state, |it| it.releases == before).unwrap());
    }

    /// The brokers are where their interposers are.
    fn redirect(&self, port: &mut i32) {
        let known = u16::try_from(*port).ok().and_then(|port| self.state().ports.get(&port).copied());
        *port = known.map_or(*port, i32::from);
    }

    fn rewrite(&self, answer: &mut MetadataResponse) {
        answer.brokers.iter_mut().for_each(|broker| self.redirect(&mut broker.port));
        let state = self.state();
        if let Some(cluster) = &state.foreign {
            answer.cluster_id = Some(cluster.clone());
            for topic in &mut answer.topics {
                topic.error_code = ErrorCode::UnknownTopicOrPartition.code();
                topic.partitions.clear();
            }
        }
        for topic in &mut answer.topics {
            let Some(lie) = state.lies.get(&topic.name) else { continue };
            if let Some(error) = lie.error {
                topic.error_code = error;
                topic.partitions.clear();
            }
            for partition in &mut topic.partitions {
                partition.leader_id = lie.leader.unwrap_or(partition.leader_id);
                partition.leader_epoch = lie.epoch.unwrap_or(partition.leader_epoch);
            }
        }
    }
}

/// A connection: one request after the other, as a broker takes them.
struct Carrier {
    /// The broker's id.
    id: i32,
    client: TcpStream,
    broker: TcpStream,
    shared: Arc<Interposition>,
}

impl Carrier {
    fn run(mut self) -> Option<()> {
        loop {
            let request = read_frame(&mut self.client)?;
            let mut body = Reader::new(request.clone());
            let header = RequestHeader::decode(&mut body).ok()?;
            match header.api_key {
                ApiKey::Produce => self.carry_recorded::<ProduceRequest>(&header, request, body)?,
                ApiKey::InitProducerId => {
                    self.carry_recorded::<InitProducerIdRequest>(&header, request, body)?
                }
                ApiKey::AddPartitionsToTxn => {
                    self.carry_recorded::<AddPartitionsToTxnRequest>(&header, request, body)?;
                }
                ApiKey::AddOffsetsToTxn => {
                    self.carry_recorded::<AddOffsetsToTxnRequest>(&header, request, body)?
                }
                ApiKey::EndTxn => self.carry_recorded::<EndTxnRequest>(&header, request, body)?,
                ApiKey::TxnOffsetCommit => {
                    self.carry_recorded::<TxnOffsetCommitRequest>(&header, request, body)?
                }
                ApiKey::FindCoordinator => {
                    self.carry_recorded::<FindCoordinatorRequest>(&header, request, body)?
                }
                ApiKey::JoinGroup => self.carry_recorded::<JoinGroupRequest>(&header, request, body)?,
                ApiKey::SyncGroup => self.carry_recorded::<SyncGroupRequest>(&header, request, body)?,
                ApiKey::Heartbeat => self.carry_recorded::<HeartbeatRequest>(&header, request, body)?,
                ApiKey::LeaveGroup => self.carry_recorded::<LeaveGroupRequest>(&header, request, body)?,
                ApiKey::OffsetCommit => self.carry_recorded::<OffsetCommitRequest>(&header, request, body)?,
                ApiKey::OffsetFetch => self.carry_recorded::<OffsetFetchRequest>(&header, request, body)?,
                ApiKey::Fetch => self.carry_recorded::<FetchRequest>(&header, request, body)?,
                ApiKey::ListOffsets => self.carry_recorded::<ListOffsetRequest>(&header, request, body)?,
                ApiKey::OffsetForLeaderEpoch => {
                    self.carry_recorded::<OffsetForLeaderEpochRequest>(&header, request, body)?;
                }
                ApiKey::Metadata => {
                    let mut answer = self.ask::<MetadataRequest>(&header, &request)?;
                    self.shared.rewrite(&mut answer);
                    self.give(&header, &answer)?;
                }
                _ => {
                    write_frame(&mut self.broker, &request)?;
                    let answer = read_frame(&mut self.broker)?;
                    write_frame(&mut self.client, &answer)?;
                }
            }
        }
    }

    fn carry_recorded<R: Recorded>(
        &mut self,
        header: &RequestHeader,
        request: Bytes,
        mut body: Reader,
    ) -> Option<()> {
        let asked = R::decode(&mut body, header.api_version).ok()?;
        let treatment = self.shared.treatment(header);
        let is_recorded = treatment.is_some() || !UNRECORDED.contains(&header.api_key);
        let answer = match &treatment {
            Some(Treatment::Answer(made_up)) => asked.make_up(made_up),
            Some(Treatment::Swallow) => {
                self.record(header, &asked, "(nothing)");
                while read_frame(&mut self.client).is_some() {}
                return None;
            }
            Some(Treatment::Hold(_) | Treatment::Lose) | None => self.ask::<R>(header, &request)?,
        };
        match treatment {
            Some(Treatment::Hold(before)) => self.shared.await_release(before),
            Some(Treatment::Lose) => {
                self.record(header, &asked, "(lost)");
                return None;
            }
            _ => {}
        }
        let answered = R::answered(&answer);
        // How often one transaction has to wait for the end of another is chance.
        if is_recorded && answered != ErrorCode::ConcurrentTransactions.name() {
            self.record(header, &asked, &answered);
        }
        self.give(header, &answer)
    }

    fn record<R: Recorded>(&self, header: &RequestHeader, asked: &R, answered: &str) {
        let client = header.client_id.as_deref().unwrap_or_default();
        let (asked, api) = (asked.asked(), header.api_key);
        // Any broker may be asked for these.
        let is_to_any = matches!(api, ApiKey::FindCoordinator | ApiKey::InitProducerId);
        let to = if is_to_any { String::new() } else { format!(" to {}", self.id) };
        self.shared.record(format!("{client} {}{to}: {asked} -> {answered}", api.name()));
    }

    /// The broker's answer to a request.
    fn ask<R: Request>(&mut self, header: &RequestHeader, request: &Bytes) -> Option<R::Response> {
        write_frame(&mut self.broker, request)?;
        let answer = read_frame(&mut self.broker)?;
        let (_, mut answer) = frame::read_response::<R>(answer, header.api_version).ok()?;
        if let Some(found) = (&mut answer as &mut dyn std::any::Any).downcast_mut::<FindCoordinatorResponse>()
        {
            self.shared.redirect(&mut found.port);
        }
        Some(answer)
    }

    fn give(&mut self, header: &RequestHeader, answer: &impl Message) -> Option<()> {
        for piece in frame::response(header, answer).ok()? {
            self.client.write_all(&piece.read().ok()?).ok()?;
        }
        Some(())
    }
}

fn read_frame(stream: &mut TcpStream) -> Option<Bytes> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame).ok()?;
    Some(frame.into())
}

fn write_frame(stream: &mut TcpStream, frame: &[u8]) -> Option<()> {
    let length = u32::try_from(frame.len()).ok()?.to_be_bytes();
    stream.write_all(&[&length[..], frame].concat()).ok()
}
