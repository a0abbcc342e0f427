//! Logs and metrics: what the gateway says of its own work. It decides where events go, never which events there are.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{Format, Level, Log};

/// Bounds of the histograms, in seconds: from a page without a database to a directory that does not answer.
const BUCKETS_S: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// How often measures are folded into the histograms, so that they do not pile up when nobody reads them.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Logs or metrics that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something else in this program already receives the events.
    #[error("the log is already started: start it once")]
    Log(#[source] TryInitError),
    /// Something else in this program already receives the measures.
    #[error("the metrics cannot be recorded: install them once")]
    Metrics(#[source] &'static BuildError),
}

/// Sends events to standard error, in the form and from the level that the configuration asks for.
///
/// # Errors
/// `Log` when it was started before.
pub fn start(log: &Log) -> Result<(), Error> {
    subscriber(log, io::stderr).try_init().map_err(Error::Log)
}

/// The receiver of events that [`start`] installs, on a writer of one's choice.
pub fn subscriber<W>(log: &Log, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt().with_env_filter(filter(log.level)).with_writer(writer);
    match log.format {
        Format::Text => Box::new(builder.with_ansi(false).finish()),
        Format::Json => Box::new(builder.json().flatten_event(true).finish()),
    }
}

/// The gateway's own events from `level` on; those of libraries at most at `info`, because below it some write what they carry
/// (an LDAP client its messages, passwords included).
fn filter(level: Level) -> EnvFilter {
    let own = name(level);
    let libraries = name(level.min(Level::Info));
    EnvFilter::new(format!("{libraries},passerelle={own},connectors={own}"))
}

const fn name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

/// The metrics of this process: installed by the first call, the same ones ever after. `render()` gives the page for Prometheus.
///
/// # Errors
/// `Metrics` when another recorder was installed before.
pub fn metrics() -> Result<PrometheusHandle, Error> {
    static METRICS: OnceLock<Result<PrometheusHandle, BuildError>> = OnceLock::new();
    let installed = METRICS.get_or_init(|| PrometheusBuilder::new().set_buckets(&BUCKETS_S)?.install_recorder());
    installed.as_ref().cloned().map_err(Error::Metrics)
}

/// Keeps the metrics small until the task is dropped. To be spawned once, beside the server.
pub async fn keep_metrics(metrics: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails")]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(log: &Log, events: impl FnOnce()) -> String {
        let memory = Memory::default();
        let writer = memory.clone();
        tracing::subscriber::with_default(subscriber(log, move || writer.clone()), events);
        let bytes = memory.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn own_events_follow_the_level_and_libraries_stay_at_info() {
        let log = Log { level: Level::Debug, format: Format::Text };
        let text = written(&log, || {
            tracing::debug!(user.id = 7, "user disabled");
            tracing::trace!("too fine");
            tracing::debug!(target: "ldap3", "bind with a password");
        });
        assert!(text.contains("user disabled") && text.contains("user.id=7"), "{text}");
        assert!(!text.contains("too fine") && !text.contains("bind with"), "{text}");
    }

    #[test]
    fn json_is_one_object_a_line() {
        let log = Log { level: Level::Warn, format: Format::Json };
        let text = written(&log, || {
            tracing::info!("not important enough");
            tracing::warn!(run.id = 3, "run held");
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        let event: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&event["message"], &event["run.id"], &event["level"]), (&"run held".into(), &3.into(), &"WARN".into()));
    }

    #[test]
    fn metrics_are_installed_once_and_shared() {
        let first = metrics().unwrap();
        metrics::counter!("telemetry_test_total").increment(2);
        assert!(metrics().unwrap().render().contains("telemetry_test_total 2"));
        assert!(first.render().contains("telemetry_test_total 2"));
    }
}
