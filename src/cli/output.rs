//! What a tool prints. When the reader of the output is gone, as with `| head`, the tool ends quietly.
//!
//! The macros replace the standard library's of the same names in every tool. The standard macros panic
//! without a reader, because a Rust process ignores SIGPIPE. Java's streams swallow the error as well.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

/// Writes text to standard output, and ends the process with exit code 0 if the reader is gone.
pub fn write(text: Arguments<'_>) {
    let mut out = std::io::stdout();
    let written = out.write_fmt(text).and_then(|()| out.flush());
    if written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        std::process::exit(0);
    }
}

/// Writes text to standard error; a tool goes on if that cannot be written.
pub fn write_error(text: Arguments<'_>) {
    let _ = std::io::stderr().write_fmt(text);
}

/// Prints to standard output.
macro_rules! print {
    ($($text:tt)*) => { $crate::cli::output::write(format_args!($($text)*)) };
}

/// Prints a line to standard output.
macro_rules! println {
    () => { print!("\n") };
    ($($text:tt)*) => { $crate::cli::output::write(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints to standard error.
macro_rules! eprint {
    ($($text:tt)*) => { $crate::cli::output::write_error(format_args!($($text)*)) };
}

/// Prints a line to standard error.
macro_rules! eprintln {
    () => { eprint!("\n") };
    ($($text:tt)*) => { $crate::cli::output::write_error(format_args!("{}\n", format_args!($($text)*))) };
}
