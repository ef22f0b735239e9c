//! The program: hands its arguments to the library and returns the exit code.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Tests and whoever uses the library keep their own.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    evals::cli::main(std::env::args_os())
}
