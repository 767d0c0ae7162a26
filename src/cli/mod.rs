//! The command-line family: one file a tool.

/// Runs the tool that the first argument names.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}
