//! The listening socket: takes connections as long as there is room. What a connection says is not its concern.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Shared;
use super::connection::{Connection, Farewell};

/// Pause after a failed accept: out of descriptors, most of the time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until the stop.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken, tasks: TaskTracker) {
    let room = Arc::new(Semaphore::new(shared.limits.connections_max));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "demo directory could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are small and each waits for the one before: without this every page costs a delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, %peer, "no TCP_NODELAY");
        }
        let connection = Connection::new(stream, Arc::clone(&shared), stop.clone());
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            tracing::warn!(%peer, "demo directory has no room for a connection");
            connection.end(Farewell::Busy).await;
            continue;
        };
        tasks.spawn(async move {
            connection.serve().await;
            drop(permit);
        });
    }
}
