//! The metrics over HTTP: `GET /metrics`.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Registry, exposition};

/// Serves requests on `listener` until `stop`.
///
/// # Errors
/// Those of accepting connections.
pub async fn serve(
    listener: TcpListener,
    registry: Arc<Registry>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let rendered = move || async move {
        ([(header::CONTENT_TYPE, exposition::CONTENT_TYPE)], exposition::text(&registry.read()))
    };
    let router = Router::new().route("/metrics", get(rendered));
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
}
