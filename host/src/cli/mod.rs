//! The commands of the `tessera` binary, one file each.

pub mod apply;
pub mod archive;
mod arguments;
pub mod backup;
pub mod binding;
mod cards;
pub mod client;
pub mod demo;
pub mod init;
mod master_key;
pub mod migrate;
pub mod plugin;
mod progress;
pub mod serve;
mod settle;
mod staff;
pub mod status;
pub mod terminal;
pub mod verify;

pub use arguments::main;

use tracing_subscriber::EnvFilter;

/// Sends log lines to standard error. A serving host says more than a command that ends.
/// `TESSERA_LOG` overrides the level, in the syntax of `tracing-subscriber`'s filters.
fn start_logging(serving: bool) {
    let default = if serving {
        "info,tessera=info,sqlx=warn"
    } else {
        "warn"
    };
    let filter = EnvFilter::try_from_env("TESSERA_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
