//! Every config key as a row of a table.
