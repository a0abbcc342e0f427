//! SQLite files: how one is opened, and what every connection is set to.

use std::fs::Permissions;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Pool, Sqlite, Transaction};
use tokio::sync::Mutex;

use super::reading::Reading;
use super::{Error, Tx, dialect, migrate};

/// How long a statement waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Reading connections of one file; each is a thread of its own, so they come only when wanted and go when idle.
const READERS_MAX: u32 = 4;
/// How often opening a file is tried while another program opens it for the first time.
const OPEN_TRIES_MAX: u32 = 100;
/// Pause between the tries.
const OPEN_PAUSE: Duration = Duration::from_millis(50);
/// Length of the log from which on its pages are brought into the file beside the writers, and to which it is cut once it begins anew, in bytes.
const LOG_LONG_BYTES: u64 = 4 * 1024 * 1024;
/// Length from which on the next writer brings them into the file itself, before it begins: nothing is added to the log meanwhile, so that it can
/// begin anew. A log is longer only by what one transaction writes, and while someone reads on in what it held.
pub const LOG_MAX_BYTES: u64 = 32 * 1024 * 1024;
/// From one such time to the next, at least.
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(100);
/// Brings into the file what nobody reads in the log any more; waits for nobody.
const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";
/// An idle reader is closed after this.
const READER_IDLE: Duration = Duration::from_mins(1);

/// One SQLite file: one writer and a few readers that come when wanted.
#[derive(Debug)]
pub struct SqliteFile {
    writer: Pool<Sqlite>,
    readers: Pool<Sqlite>,
    path: PathBuf,
    log: PathBuf,
    waiting: AtomicUsize,
    /// Whether a checkpoint beside the writers is going on, or was a moment ago.
    resting: Arc<AtomicBool>,
    /// Held by whoever brings the log into the file: the engine lets one do so.
    checkpoint: Arc<Mutex<()>>,
}

/// One who waits for the writing transaction, until it has it or gives up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn among(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What changes with every commit to a file.
pub type Stamp = [Option<(u64, SystemTime)>; 2];

impl SqliteFile {
    /// Opens a file and brings it to the newest version.
    ///
    /// # Errors
    /// `Missing` when it is not there and must not be made; `Newer` or `Migration` when its version does not fit; `Unusable`.
    pub async fn open(path: &Path, kind: migrate::Kind, create: bool) -> Result<Self, Error> {
        if !create && !path.exists() {
            return Err(Error::Missing(path.display().to_string()));
        }
        if create {
            keep_private(path)?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            // Credentials and tokens are written through every connection: a commit is on the disk before it is answered.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .pragma("temp_store", "MEMORY")
            // Whoever writes does not wait until a log that is merely long is brought into the file: another connection does that beside them.
            .pragma("wal_autocheckpoint", "0")
            .pragma("journal_size_limit", LOG_LONG_BYTES.to_string())
            .statement_cache_capacity(128);
        let pool = SqlitePoolOptions::new().test_before_acquire(false).acquire_timeout(ACQUIRE_TIMEOUT).max_lifetime(None);
        let writer = pool.clone().max_connections(1).idle_timeout(None).connect_lazy_with(options.clone());
        let readers = pool.max_connections(READERS_MAX).idle_timeout(READER_IDLE).connect_lazy_with(options.create_if_missing(false));
        bring_up(&writer, kind, path).await.map_err(|error| match error {
            Error::Engine(source) => Error::Unusable { path: path.to_owned(), source },
            other => other,
        })?;
        Ok(Self {
            writer,
            readers,
            log: beside(path, "-wal"),
            path: path.to_owned(),
            waiting: AtomicUsize::new(0),
            resting: Arc::default(),
            checkpoint: Arc::default(),
        })
    }

    /// A reading connection.
    pub async fn read(&self) -> Result<Tx, Error> {
        Ok(Tx::SqliteRead(Reading::new(self.readers.acquire().await?)))
    }

    /// The writing transaction; waits for the one before.
    pub async fn begin(&self) -> Result<Tx, Error> {
        let _waiting = Waiting::among(&self.waiting);
        match std::fs::metadata(&self.log).map_or(0, |log| log.len()) {
            LOG_MAX_BYTES.. => self.bound_log().await?,
            LOG_LONG_BYTES.. => self.shorten_log(),
            _ => {}
        }
        Ok(Tx::SqliteTransaction { transaction: self.writer.begin_with("BEGIN IMMEDIATE").await?, failed: false })
    }

    /// Has a long log brought into the file by a reading connection, which keeps no writer waiting. Where writers leave a pause, the next of them
    /// finds all of the log done with, begins it anew and cuts it; where they follow each other closely, there is always a page more, and the log
    /// grows.
    fn shorten_log(&self) {
        if self.resting.swap(true, Ordering::Relaxed) {
            return;
        }
        let (readers, resting, checkpoint) = (self.readers.clone(), self.resting.clone(), self.checkpoint.clone());
        tokio::spawn(async move {
            {
                let _alone = checkpoint.lock().await;
                // What fails is tried again with the next write.
                if let Err(error) = sqlx::query(CHECKPOINT).persistent(false).execute(&readers).await {
                    tracing::debug!(%error, "a log was not brought into its file");
                }
            }
            tokio::time::sleep(CHECKPOINT_PAUSE).await;
            resting.store(false, Ordering::Relaxed);
        });
    }

    /// Brings a log that is too long into the file by the writing connection itself, before the next transaction, which then begins the log anew.
    /// Waits for a checkpoint that is going on; never for readers: what they still read stays in the log, and the transaction after tries again.
    async fn bound_log(&self) -> Result<(), Error> {
        let mut writer = self.writer.acquire().await?;
        let _alone = self.checkpoint.lock().await;
        sqlx::query(CHECKPOINT).execute(&mut *writer).await?;
        Ok(())
    }

    /// Whether someone of this process waits for the writing transaction.
    pub fn others_wait(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// A reading transaction in which every statement sees the same moment.
    pub async fn snapshot(&self) -> Result<Tx, Error> {
        let mut transaction = self.readers.begin().await?;
        // The moment is that of the first statement.
        sqlx::query("SELECT 1 FROM sqlite_schema LIMIT 1").fetch_optional(&mut *transaction).await?;
        Ok(Tx::SqliteTransaction { transaction, failed: false })
    }

    /// Ends the writing transaction by putting every table out of reach: a program that still has the file open writes nothing into nowhere.
    pub async fn retire(transaction: Transaction<'static, Sqlite>) -> Result<(), Error> {
        const TABLES: &str =
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'gone_%' LIMIT 1000";
        let mut transaction = transaction;
        let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut *transaction).await?;
        for table in &tables {
            sqlx::query(dialect::retire_table(table)).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// What changes with every commit of any program: length and time of the file and of its log.
    pub fn stamp(&self) -> Stamp {
        let of = |path: &Path| std::fs::metadata(path).ok().and_then(|found| Some((found.len(), found.modified().ok()?)));
        [of(&self.path), of(&self.log)]
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes the file, for its owner alone, before the engine does: it gives its log the same rights. One that is there keeps its content.
fn keep_private(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Folder { path: path.to_owned(), source };
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(failed)?;
    for path in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        match std::fs::set_permissions(&path, Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Brings a new file up even when several programs start on it together: changing it to write-ahead logging takes a lock that SQLite does
/// not wait for.
async fn bring_up(writer: &Pool<Sqlite>, kind: migrate::Kind, path: &Path) -> Result<(), Error> {
    for _ in 1..OPEN_TRIES_MAX {
        match migrate::bring_up(writer, kind, path).await {
            Err(Error::Busy) => tokio::time::sleep(OPEN_PAUSE).await,
            ended => return ended,
        }
    }
    migrate::bring_up(writer, kind, path).await
}
