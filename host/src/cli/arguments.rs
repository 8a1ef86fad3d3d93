//! Arguments, configuration, and one function per command.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{
    apply, archive, backup, binding, cards, demo, init, migrate, plugin, serve, settle, staff,
    start_logging, status, terminal, verify,
};
use crate::config::Config;
use clap::{Args, Parser, Subcommand};

/// The membership host of a retail chain.
#[derive(Parser)]
#[command(name = "tessera", version, about)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// Which chain a command means.
#[derive(Args)]
struct Place {
    /// The host's own settings, a TOML file such as `config/tessera.toml`; or a folder that `serve` watches: its
    /// `tessera.toml` are the host's own settings, every other `.toml` declares the chain, a `.wasm` is installed.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// The data folder.
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    /// A PostgreSQL URL instead of the embedded database.
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Where to listen (`serve`, `demo`).
    #[arg(long, global = true)]
    listen: Option<SocketAddr>,
}

#[derive(Subcommand)]
enum Command {
    /// Creates a chain: its first store, first administrator and a pairing code for the first till.
    Init(init::Init),
    /// Runs the host.
    Serve,
    /// Fills a fresh data folder with a sample chain and serves it.
    Demo(demo::Demo),
    /// Builds, checks and installs rule plugins.
    #[command(subcommand)]
    Plugin(plugin::Plugin),
    /// Says which plugin runs where, with which configuration.
    #[command(subcommand)]
    Binding(binding::Binding),
    /// Makes the chain what TOML files declare, after showing the difference.
    Apply(apply::Apply),
    /// Says how the chain stands: version, configuration in force and what is wrong with it, bindings, queue.
    Status,
    /// Pairs and revokes tills.
    #[command(subcommand)]
    Terminal(terminal::Terminal),
    /// Takes people on, gives them PINs, and defines roles.
    #[command(subcommand)]
    Staff(staff::Staff),
    /// Defines types of cards and makes blank ones for whoever prints them.
    #[command(subcommand)]
    Cards(cards::Cards),
    /// Settles with the stores of others, shows what is open, or takes a settlement back.
    Settle(settle::Settle),
    /// Checks the ledger's invariants on live data; exit status 1 when something is off.
    Verify(verify::Verify),
    /// Takes what rules were told and answered for old orders out of the database into a file.
    Archive(archive::Archive),
    /// Moves a chain nobody serves into another database, SQLite or PostgreSQL, and checks that it is the same there.
    Migrate(migrate::Migrate),
    /// Writes the chain into one file while it is served; the file fits both databases.
    Backup(backup::Backup),
    /// Puts a backup into an empty database, or with --check only shows that it could be.
    Restore(backup::Restore),
}

/// Runs the command the process was started with.
pub fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    end_when_nobody_reads();
    start_logging(matches!(
        arguments.command,
        Command::Serve | Command::Demo(_)
    ));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let outcome = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(arguments)));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tessera: {error:#}");
            std::process::ExitCode::from(2)
        }
    }
}

/// Who reads a command's output may stop reading, as `head` does. That ends the command as it ends any other, without
/// the report of a panic.
fn end_when_nobody_reads() {
    /// What a shell sees of a process that SIGPIPE ended.
    const ENDED_BY_SIGPIPE: i32 = 141;
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let printing = panic
            .payload_as_str()
            .is_some_and(|text| text.starts_with("failed printing to stdout"));
        if printing {
            std::process::exit(ENDED_BY_SIGPIPE);
        }
        report(panic);
    }));
}

async fn run(arguments: Arguments) -> anyhow::Result<std::process::ExitCode> {
    let config = config(arguments.place)?;
    match arguments.command {
        Command::Init(command) => command.run(&config).await?,
        Command::Serve => serve::run(&config).await?,
        Command::Demo(command) => command.run(config).await?,
        Command::Plugin(command) => command.run(&config).await?,
        Command::Binding(command) => command.run(&config).await?,
        Command::Apply(command) => command.run(&config).await?,
        Command::Status => status::run(&config).await?,
        Command::Terminal(command) => command.run(&config).await?,
        Command::Staff(command) => command.run(&config).await?,
        Command::Cards(command) => command.run(&config).await?,
        Command::Settle(command) => command.run(&config).await?,
        Command::Archive(command) => command.run(&config).await?,
        Command::Migrate(command) => command.run(&config).await?,
        Command::Backup(command) => command.run(&config).await?,
        Command::Restore(command) => command.run(&config).await?,
        Command::Verify(command) => return command.run(&config).await,
    }
    Ok(std::process::ExitCode::SUCCESS)
}

fn config(place: Place) -> anyhow::Result<Config> {
    let mut config = match &place.config {
        Some(path) => Config::given(path)?,
        None => Config::default(),
    };
    if let Some(data) = place.data {
        config.data = data;
    }
    if let Some(listen) = place.listen {
        config.listen = listen;
    }
    if place.database_url.is_some() {
        config.database = place.database_url;
    }
    Ok(config)
}
