//! The program itself, built with the tests so that cargo names its path to them.

fn main() -> std::process::ExitCode {
    tessera::cli::main()
}
