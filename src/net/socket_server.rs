//! The listeners of a broker, which may change while it runs.
//!
//! New listeners are bound before old ones are closed, so that a port that is taken changes nothing. Never
//! decides which listeners a broker has. Kafka: `SocketServer`.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Dispatch;
use super::limits::SocketLimits;
use super::listener::{BindError, Listener, ListenerEnds};
use crate::base::Endpoint;
use crate::security::listeners::SecuredEndpoint;

/// The listeners of a broker.
pub struct SocketServer {
    limits: Arc<SocketLimits>,
    /// The runtime that accepts and serves connections.
    runtime: Handle,
    tasks: TaskTracker,
    /// Closes all listeners.
    stop: CancellationToken,
    state: Mutex<SocketServerState>,
}

#[derive(Default)]
struct SocketServerState {
    /// None until requests are served.
    dispatch: Option<Arc<dyn Dispatch>>,
    /// In the order of the settings, their names all different.
    listeners: Vec<ServingListener>,
}

struct ServingListener {
    listener: Listener,
    /// None until requests are served.
    serving: Option<Serving>,
}

struct Serving {
    closed: CancellationToken,
    /// Resolves once no further connection is accepted.
    accepting: oneshot::Receiver<()>,
}

impl SocketServer {
    /// A server without listeners, whose tasks run on the present runtime and are among `tasks`.
    pub fn new(limits: Arc<SocketLimits>, tasks: TaskTracker) -> Self {
        Self {
            limits,
            runtime: Handle::current(),
            tasks,
            stop: CancellationToken::new(),
            state: Mutex::default(),
        }
    }

    /// The limits of its sockets.
    pub fn limits(&self) -> &Arc<SocketLimits> {
        &self.limits
    }

    /// The endpoints of its listeners, with the ports that were bound.
    pub fn bound(&self) -> Vec<Endpoint> {
        self.state.lock().listeners.iter().map(|it| it.listener.endpoint()).collect()
    }

    /// Binds these endpoints; a socket that already listens at such an address is taken over. Nothing changes until
    /// [`SocketServer::replace`] is called with the result.
    ///
    /// # Errors
    /// [`BindError`] of the first endpoint that cannot be bound.
    pub async fn bind(&self, endpoints: Vec<SecuredEndpoint>) -> Result<Vec<Listener>, BindError> {
        let mut listeners = Vec::with_capacity(endpoints.len());
        for endpoint in endpoints {
            let listener = match self.at_same_address(&endpoint) {
                Some(listener) => listener,
                None => self.bind_anew(endpoint).await?,
            };
            listeners.push(listener);
        }
        Ok(listeners)
    }

    fn at_same_address(&self, secured: &SecuredEndpoint) -> Option<Listener> {
        let endpoint = &secured.endpoint;
        let state = self.state.lock();
        let present = state.listeners.iter().map(|it| &it.listener).find(|it| {
            let at = it.configured();
            at.host == endpoint.host
                && at.port == endpoint.port
                && (at.port != 0 || at.listener == endpoint.listener)
        })?;
        Some(present.renamed(secured.clone()))
    }

    /// The socket belongs to the runtime that serves it, whichever runtime the caller is on.
    async fn bind_anew(&self, endpoint: SecuredEndpoint) -> Result<Listener, BindError> {
        let limits = self.limits.clone();
        let wanted = endpoint.clone();
        let binding = self.runtime.spawn(async move { Listener::bind(&wanted, &limits).await });
        binding.await.unwrap_or_else(|error| Err(BindError::new(&endpoint.endpoint, error.to_string())))
    }

    /// Closes the listeners that are not among these, with their connections, and serves those that are new.
    pub async fn replace(&self, listeners: Vec<Listener>) {
        for accepting in self.close_all_but(&listeners) {
            // Its sender is dropped, never used.
            let _ = accepting.await;
        }
        let mut state = self.state.lock();
        let mut present = std::mem::take(&mut state.listeners);
        let dispatch = state.dispatch.clone();
        state.listeners = listeners
            .into_iter()
            .map(|listener| match present.iter().position(|it| it.listener.is_same(&listener)) {
                Some(at) => present.swap_remove(at),
                None => {
                    let serving = dispatch.as_ref().map(|dispatch| self.serve_one(&listener, dispatch));
                    ServingListener { listener, serving }
                }
            })
            .collect();
    }

    fn close_all_but(&self, listeners: &[Listener]) -> Vec<oneshot::Receiver<()>> {
        let mut state = self.state.lock();
        let is_kept = |it: &ServingListener| listeners.iter().any(|listener| listener.is_same(&it.listener));
        let (kept, closed) = std::mem::take(&mut state.listeners).into_iter().partition(is_kept);
        state.listeners = kept;
        let closed: Vec<ServingListener> = closed;
        let closing = closed.into_iter().filter_map(|ServingListener { listener, serving }| {
            log::info!(target: "kafka.network.SocketServer", "Closing the listener {}", listener.endpoint());
            let Serving { closed, accepting } = serving?;
            closed.cancel();
            Some(accepting)
        });
        closing.collect()
    }

    /// Serves the requests that come in, by the listeners that are there and by those that follow.
    pub fn serve(&self, dispatch: &Arc<dyn Dispatch>) {
        let mut state = self.state.lock();
        state.dispatch = Some(dispatch.clone());
        for it in &mut state.listeners {
            it.serving = Some(self.serve_one(&it.listener, dispatch));
        }
    }

    fn serve_one(&self, listener: &Listener, dispatch: &Arc<dyn Dispatch>) -> Serving {
        log::info!(target: "kafka.network.Acceptor", "Awaiting socket connections on {}.", listener.endpoint());
        let closed = self.stop.child_token();
        let (ends, accepting) = ListenerEnds::new(closed.clone(), self.stop.clone());
        let serving = listener.clone().serve(dispatch.clone(), self.limits.clone(), ends);
        self.tasks.spawn_on(serving, &self.runtime);
        Serving { closed, accepting }
    }

    /// Closes all listeners for good, and lets go of what serves requests.
    pub fn close(&self) {
        self.stop.cancel();
        *self.state.lock() = SocketServerState::default();
    }
}

impl std::fmt::Debug for SocketServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.bound()).finish()
    }
}
