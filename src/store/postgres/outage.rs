//! Whether a server answers at all. While it does not, whoever wants it is refused at once instead of waiting in turn, and one task looks out for
//! its return; then all goes on without anybody's doing.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Pool, Postgres};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::store::Error;

/// How long a caller waits before the server itself is looked at: it may just be busy.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long the server may take to let a connection in, before it counts as gone.
const LOOK_DEADLINE: Duration = Duration::from_secs(2);
/// How long one that was gone may take: when it comes back, everybody wants it at once, and this machine may be busy with telling so.
const RETURN_DEADLINE: Duration = Duration::from_secs(10);
/// Pause between two looks at a server that is gone.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// What is known of one server's outages.
#[derive(Clone, Debug)]
pub struct Outage {
    gone: Arc<watch::Sender<bool>>,
    looking: Arc<AtomicBool>,
    pool: Pool<Postgres>,
    label: String,
}

impl Outage {
    /// Of the server that a pool's connections go to, which is taken to be there.
    pub fn new(pool: &Pool<Postgres>, label: &str) -> Self {
        Self { gone: Arc::new(watch::Sender::new(false)), looking: Arc::default(), pool: pool.clone(), label: label.to_owned() }
    }

    /// Does what needs the server, and gives up as soon as the server is known to be gone.
    ///
    /// # Errors
    /// `Unreachable`, or those of the work.
    pub async fn guard<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut told = self.gone.subscribe();
        let gone = async {
            if timeout(PATIENCE, told.wait_for(|gone| *gone)).await.is_err() {
                self.look();
                // It is told for as long as this value lives.
                told.wait_for(|gone| *gone).await.ok();
            }
        };
        tokio::select! {
            biased;
            () = gone => Err(Error::Unreachable { place: self.label.clone(), source: sqlx::Error::PoolTimedOut }),
            done = work => done,
        }
    }

    /// Looks whether the server answers, and goes on until it does. One look at a time is enough for everybody.
    pub fn look(&self) {
        if self.looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let this = self.clone();
        tokio::spawn(async move {
            while !this.pool.is_closed() && !this.answers().await {
                this.tell(true);
                sleep(LOOK_INTERVAL).await;
            }
            this.tell(false);
            this.looking.store(false, Ordering::Release);
        });
    }

    async fn answers(&self) -> bool {
        let options = self.pool.connect_options();
        let deadline = if *self.gone.borrow() { RETURN_DEADLINE } else { LOOK_DEADLINE };
        match timeout(deadline, PgConnection::connect_with(&options)).await {
            Ok(Ok(connection)) => {
                // It answers, whether it takes the farewell or not.
                timeout(LOOK_DEADLINE, connection.close()).await.ok();
                true
            }
            // It starts or ends (class 57P). Whatever else it says, it answers, and those who ask are told.
            Ok(Err(sqlx::Error::Database(said))) => !said.code().is_some_and(|code| code.starts_with("57P")),
            Ok(Err(_)) | Err(_) => false,
        }
    }

    fn tell(&self, gone: bool) {
        let changed = self.gone.send_if_modified(|known| std::mem::replace(known, gone) != gone);
        match (changed, gone) {
            (true, true) => tracing::error!(server = self.label, "the database does not answer: requests are refused until it does"),
            (true, false) => tracing::info!(server = self.label, "the database answers again"),
            (false, _) => {}
        }
    }
}
