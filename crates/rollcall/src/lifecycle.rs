//! Life and death of the daemon: one type that every long-lived task is handed.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long the daemon drains after the first signal before it leaves anyway.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Told to everybody: when to stop taking work, when to leave at once, and who is still running.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// Stop accepting and drain.
    pub soft: CancellationToken,
    /// Leave now.
    pub hard: CancellationToken,
    /// Every long-lived task.
    pub tasks: TaskTracker,
    failure: Arc<Mutex<Option<anyhow::Error>>>,
}

impl Lifecycle {
    /// Runs a task that the daemon cannot live without: if it ends with an error, the daemon ends with that error.
    pub fn spawn_vital<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let lifecycle = self.clone();
        // The inner task is awaited so that a panic ends the daemon too, instead of leaving it limping.
        let inner = self.tasks.spawn(task);
        self.tasks.spawn(async move {
            let outcome: anyhow::Result<()> = match inner.await {
                Ok(Ok(())) if lifecycle.soft.is_cancelled() => return,
                Ok(Ok(())) => Err(anyhow::anyhow!("{name} ended by itself")),
                Ok(Err(error)) => Err(error.context(name)),
                Err(panicked) => Err(anyhow::anyhow!("{name} died: {panicked}")),
            };
            if let Err(error) = outcome {
                lifecycle.fail(error);
            }
        });
    }

    /// Ends the daemon with an error; the first one counts.
    pub fn fail(&self, error: anyhow::Error) {
        tracing::error!(event = "daemon.failed", error = format!("{error:#}"));
        if let Ok(mut failure) = self.failure.lock() {
            failure.get_or_insert(error);
        }
        self.soft.cancel();
    }

    /// Waits until somebody asks to stop, then until the tasks have drained or [`DRAIN_TIMEOUT`] has passed.
    pub async fn run_to_end(&self) -> anyhow::Result<()> {
        self.soft.cancelled().await;
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            () = self.hard.cancelled() => tracing::warn!(event = "daemon.left_at_once"),
            () = tokio::time::sleep(DRAIN_TIMEOUT) => {
                tracing::warn!(event = "daemon.drain_timeout", seconds = DRAIN_TIMEOUT.as_secs());
                self.hard.cancel();
            }
        }
        match self.failure.lock().ok().and_then(|mut failure| failure.take()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// First SIGTERM or SIGINT drains, the second leaves at once.
    pub fn listen_for_signals(&self) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let lifecycle = self.clone();
        tokio::spawn(async move {
            for token in [&lifecycle.soft, &lifecycle.hard] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                token.cancel();
            }
        });
        Ok(())
    }
}
