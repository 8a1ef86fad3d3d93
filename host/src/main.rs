//! The host as a program.

fn main() -> std::process::ExitCode {
    tessera::cli::main()
}
