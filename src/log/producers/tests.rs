//! Producers and transactions.
