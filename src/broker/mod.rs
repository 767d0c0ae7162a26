//! The boot and the stop of a broker.
