//! `tessera serve`: opens the chain and answers until told to stop.

use std::sync::Arc;

use anyhow::Context;

use super::client::existing_data_folder;
use crate::config::Config;
use crate::host::Host;
use crate::running::Running;

pub async fn run(config: &Config) -> anyhow::Result<()> {
    existing_data_folder(&config.data)?;
    let host = Host::open(config).await?;
    serve(host, config, |address| {
        println!("listening on http://{address}")
    })
    .await
}

/// Serves an opened host; `ready` is told the address once requests are answered.
pub async fn serve(
    host: Arc<Host>,
    config: &Config,
    ready: impl FnOnce(std::net::SocketAddr),
) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .with_context(|| {
            format!(
                "cannot listen on {}; choose another address with --listen",
                config.listen
            )
        })?;
    let address = listener.local_addr()?;
    let note = Running {
        address,
        key: host.operator_key(),
        process: std::process::id(),
    }
    .announce(&config.data)?;
    let jobs = crate::jobs::start(Arc::clone(&host));
    let watching = match &config.watch {
        Some(folder) => Some(
            crate::declaration::watch::start(&host, folder)
                .await
                .with_context(|| format!("cannot watch `{}`", folder.display()))?,
        ),
        None => None,
    };
    ready(address);
    let router = crate::http::router(Arc::clone(&host));
    axum::serve(listener, router)
        .with_graceful_shutdown(stop_signal(Arc::clone(&host)))
        .await?;
    drop(note);
    jobs.abort();
    if let Some(watching) = watching {
        watching.abort();
    }
    host.close().await;
    Ok(())
}

/// Ends on SIGINT or SIGTERM; event streams are told to end, so that draining does not wait for them.
async fn stop_signal(host: Arc<Host>) {
    let mut terminate =
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(signal) => signal,
            Err(error) => {
                tracing::warn!("cannot listen for SIGTERM: {error}");
                return std::future::pending().await;
            }
        };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping: answering what is under way");
    host.begin_stop();
}
