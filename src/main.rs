//! One binary behind every script: the first argument names the tool.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    barnabas::cli::main()
}
