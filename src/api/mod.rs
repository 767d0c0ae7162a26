//! One handler an API.
