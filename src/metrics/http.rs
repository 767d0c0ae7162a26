//! The metrics over HTTP: `GET /metrics`.
//!
//! `?partitions=true` adds the series of each partition, `?rules=none` and `?rules=confluent` choose the names.

use std::sync::Arc;

use axum::Router;
use axum::extract::RawQuery;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::rules::Rules;
use super::{Registry, Series, exposition};

/// What a scrape asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Scrape {
    series: Series,
    rules: Rules,
}

impl Scrape {
    /// From the part of an address behind `?`.
    ///
    /// # Errors
    /// In words: there is no such parameter, or the parameter has no such value.
    fn parse(query: &str) -> Result<Self, ScrapeError> {
        let mut scrape = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let unknown = || ScrapeError(pair.to_owned());
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("partitions", "true") => scrape.series = Series::WithPartitions,
                ("partitions", "false") => scrape.series = Series::Totals,
                ("rules", name) => scrape.rules = Rules::named(name).ok_or_else(unknown)?,
                _ => return Err(unknown()),
            }
        }
        Ok(scrape)
    }
}

/// A parameter that is not known.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}: known are partitions=true, partitions=false, rules=usual, rules=confluent and rules=none\n")]
struct ScrapeError(String);

/// Serves requests on `listener` until `stop`.
///
/// # Errors
/// Those of accepting connections.
pub async fn serve(
    listener: TcpListener,
    registry: Arc<Registry>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let answer = move |RawQuery(query): RawQuery| scraped(registry, query.unwrap_or_default());
    let router = Router::new().route("/metrics", get(answer));
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn scraped(registry: Arc<Registry>, query: String) -> Response {
    let Scrape { series, rules } = match Scrape::parse(&query) {
        Ok(scrape) => scrape,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    // A scrape of many partitions takes a while, in which this thread serves clients.
    let text = tokio::task::spawn_blocking(move || exposition::text(&registry.read(series), rules)).await;
    match text {
        Ok(text) => ([(header::CONTENT_TYPE, exposition::CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_scraped() {
        assert_eq!(Scrape::parse(""), Ok(Scrape::default()));
        let all = Scrape { series: Series::WithPartitions, rules: Rules::None };
        assert_eq!(Scrape::parse("rules=none&partitions=true"), Ok(all));
        for wrong in ["rules=mine", "partitions", "partitions=1", "topics=true"] {
            assert_eq!(Scrape::parse(wrong), Err(ScrapeError(wrong.to_owned())));
        }
    }
}
