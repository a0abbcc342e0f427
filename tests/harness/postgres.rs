//! A PostgreSQL server of the tests' own: one for the whole process, started when first wanted, and others for tests that stop them.
//!
//! It is gone when the test process is, however that one ends: `postgres.sh` watches over it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, OnceLock};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};

use super::daemon::missing;

/// Where Debian keeps the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";
const INSTALL: &str = "postgresql";
const WATCHER: &str = include_str!("postgres.sh");
/// The password of every login of a server that listens on loopback.
const PASSWORD: &str = "correct-horse";
/// A port picked by the system may be taken by another program before the server binds it; then the next one is tried.
const PORTS_TRIED_MAX: usize = 5;

/// The server that tests share.
static SHARED: OnceLock<Server> = OnceLock::new();

/// A fresh database on the server that tests share.
pub fn database() -> Database {
    SHARED.get_or_init(|| Server::start(None).unwrap_or_else(|said| panic!("{said}"))).database()
}

/// A running server; dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Server {
    watcher: Mutex<Watcher>,
    folder: PathBuf,
    port: Option<u16>,
    queue: Sender<Work>,
    databases: AtomicUsize,
}

impl Server {
    /// A server of one test, which also listens on a loopback port and asks there for a password.
    pub fn start_own() -> Self {
        let mut refusals = String::new();
        for _ in 0..PORTS_TRIED_MAX {
            let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
            match Self::start(Some(port)) {
                Ok(server) => return server,
                Err(said) => refusals = said,
            }
        }
        panic!("{refusals}");
    }

    fn start(port: Option<u16>) -> Result<Self, String> {
        let (watcher, folder) = Watcher::start(&programs(), port)?;
        let (queue, wanted) = mpsc::channel();
        let url = url_of("postgres", None, &folder, port, "postgres");
        std::thread::spawn(move || work_through(&url, &wanted));
        Ok(Self { watcher: Mutex::new(watcher), folder, port, queue, databases: AtomicUsize::new(0) })
    }

    /// Stops as an administrator would: connections are cut, nothing is lost.
    pub fn stop(&self) {
        self.obey("stop");
    }

    /// Starts again after [`Self::stop`] or [`Self::kill`], at the same place.
    pub fn start_again(&self) {
        self.obey("start");
    }

    /// Stops and starts.
    pub fn restart(&self) {
        self.stop();
        self.start_again();
    }

    /// Ends every process of the server at once, as when the machine loses power.
    pub fn kill(&self) {
        self.obey("kill");
    }

    /// Its folder, gone with it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The port on loopback of a server of a test's own.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// A fresh database and its owner, the gateway's login, made as the documentation for administrators says.
    pub fn database(&self) -> Database {
        let number = self.databases.fetch_add(1, Ordering::Relaxed) + 1;
        let (name, login) = (format!("gateway_{number}"), format!("gw_{number}"));
        let (answer, made) = mpsc::channel();
        let statements = vec![
            format!("CREATE ROLE {login} LOGIN NOINHERIT CREATEROLE NOSUPERUSER PASSWORD '{PASSWORD}'"),
            format!("CREATE DATABASE {name} OWNER {login} TEMPLATE template0"),
            format!("REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC"),
        ];
        self.queue.send(Work { statements, answer: Some(answer) }).unwrap();
        made.recv().unwrap().unwrap_or_else(|error| panic!("no database could be made: {error}"));
        let password = self.port.map(|_| PASSWORD);
        Database {
            url: url_of(&login, password, &self.folder, self.port, &name),
            admin_url: url_of("postgres", None, &self.folder, self.port, &name),
            name,
            login,
            queue: self.queue.clone(),
        }
    }

    fn obey(&self, word: &str) {
        let answer = self.watcher.lock().unwrap().obey(word);
        answer.unwrap_or_else(|said| panic!("{said}"));
    }
}

/// A database of one test, with a login that owns it; dropping it drops both, without waiting for it.
#[derive(Debug)]
pub struct Database {
    name: String,
    login: String,
    url: String,
    admin_url: String,
    queue: Sender<Work>,
}

impl Database {
    /// How the gateway reaches it: over the socket without a password, or over loopback with one on a server of a test's own.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The gateway's login.
    pub fn login(&self) -> &str {
        &self.login
    }

    /// A superuser's connection, over the socket: for a test's looks behind the scenes.
    pub async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.admin_url).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Self { name, login, .. } = self;
        let statements = vec![
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            // The roles that the gateway made for its establishments; those under 16384 come with PostgreSQL.
            format!(
                "DO $$ DECLARE made regrole; BEGIN
                     FOR made IN SELECT roleid::regrole FROM pg_auth_members WHERE member = '{login}'::regrole AND roleid >= 16384 LOOP
                         EXECUTE 'DROP ROLE ' || made::text;
                     END LOOP;
                 END $$"
            ),
            format!("DROP ROLE {login}"),
        ];
        // Nobody works through it any more when the server is gone, and then there is nothing to drop.
        let _ = self.queue.send(Work { statements, answer: None });
    }
}

/// What a superuser is to do, and who waits for it.
#[derive(Debug)]
struct Work {
    statements: Vec<String>,
    answer: Option<Sender<Result<(), String>>>,
}

/// Works through what is wanted, in turn, until nobody can want anything any more.
fn work_through(url: &str, wanted: &Receiver<Work>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut connection = None;
    while let Ok(Work { statements, answer }) = wanted.recv() {
        let outcome = runtime.block_on(carry_out(url, &mut connection, statements));
        if let Some(answer) = answer {
            // Who waited may have given up.
            let _ = answer.send(outcome.map_err(|error| error.to_string()));
        }
    }
}

async fn carry_out(url: &str, kept: &mut Option<PgConnection>, statements: Vec<String>) -> Result<(), sqlx::Error> {
    // The server may have been stopped since.
    if let Some(connection) = kept
        && connection.ping().await.is_err()
    {
        *kept = None;
    }
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => PgConnection::connect(url).await?,
    };
    for statement in statements {
        connection.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await?;
    }
    *kept = Some(connection);
    Ok(())
}

/// The shell that runs `postgres.sh`.
#[derive(Debug)]
struct Watcher {
    shell: Child,
    // Taken when it must end.
    words: Option<ChildStdin>,
    said: BufReader<ChildStdout>,
}

impl Watcher {
    /// Starts a server, and answers its folder.
    fn start(programs: &Path, port: Option<u16>) -> Result<(Self, PathBuf), String> {
        let mut command = Command::new("sh");
        command.args(["-c", WATCHER, "postgres.sh"]).arg(programs);
        command.args([port.map(|port| port.to_string()).unwrap_or_default().as_str(), PASSWORD]);
        // A group of its own: what a terminal or a runner sends to the group of the tests must not end it before it has cleaned up.
        let mut shell = command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (words, said) = (shell.stdin.take(), BufReader::new(shell.stdout.take().unwrap()));
        let mut watcher = Self { shell, words, said };
        let line = watcher.line();
        match line.strip_prefix("ready ") {
            Some(folder) => Ok((watcher, folder.into())),
            None => Err(watcher.complaint(line)),
        }
    }

    fn obey(&mut self, word: &str) -> Result<(), String> {
        writeln!(self.words.as_mut().unwrap(), "{word}").map_err(|error| error.to_string())?;
        let line = self.line();
        if line == "done" { Ok(()) } else { Err(self.complaint(line)) }
    }

    /// One line of what it says; nothing once it has ended.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// All that it says before it ends.
    fn complaint(&mut self, mut said: String) -> String {
        loop {
            match self.line() {
                line if line.is_empty() => return said,
                line => said = format!("{said}\n{line}"),
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.words.take());
        // It ends by itself, after the server.
        let _ = self.shell.wait();
    }
}

/// The newest version's programs.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().map(|version| version.unwrap().path().join("bin"));
    let number = |programs: &PathBuf| programs.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.filter(|programs| programs.join("initdb").exists()).max_by_key(number);
    newest.unwrap_or_else(|| panic!("{}", missing("PostgreSQL's initdb", INSTALL)))
}

fn url_of(user: &str, password: Option<&str>, folder: &Path, port: Option<u16>, database: &str) -> String {
    match (password, port) {
        (Some(password), Some(port)) => format!("postgres://{user}:{password}@127.0.0.1:{port}/{database}"),
        (_, port) => format!("postgres://{user}@localhost:{}/{database}?host={}", port.unwrap_or(5432), folder.display()),
    }
}

/// In the process that a test below starts of itself, which is killed: says that it must start a server and wait.
const KILLED: &str = "PASSERELLE_TEST_POSTGRES_KILLED";
/// That test, as the test binary names it.
const KILLED_TEST: &str = "harness::postgres::server_goes_with_the_process_that_started_it_however_that_ends";

#[tokio::test]
async fn databases_are_fresh_and_leave_nothing_behind() {
    let (first, other) = (database(), database());
    let mut gateway = PgConnection::connect(first.url()).await.unwrap();
    let who = "SELECT current_database()::text, current_user::text, rolinherit, rolcreaterole, rolsuper FROM pg_roles WHERE rolname = current_user";
    let found: (String, String, bool, bool, bool) = sqlx::query_as(who).fetch_one(&mut gateway).await.unwrap();
    assert_eq!(found, (first.name().to_owned(), first.login().to_owned(), false, true, false));
    let role = format!("made_by_{}", first.login());
    for made in [format!("CREATE ROLE {role}"), format!("GRANT {role} TO {}", first.login()), "CREATE SCHEMA own".to_owned()] {
        gateway.execute(AssertSqlSafe(made)).await.unwrap();
    }
    gateway.execute(AssertSqlSafe(format!("SET ROLE {role}"))).await.unwrap();
    let refused = gateway.execute("CREATE TEMPORARY TABLE passing (id BIGINT)").await.unwrap_err();
    assert!(refused.to_string().contains("temporary"), "{refused}");

    let names = [first.name().to_owned(), first.login().to_owned(), role];
    let mut admin = other.admin().await;
    let look = "SELECT count(*) FROM (SELECT datname AS name FROM pg_database UNION ALL SELECT rolname FROM pg_roles) all_names WHERE name = ANY($1)";
    assert_eq!(sqlx::query_scalar::<_, i64>(look).bind(&names).fetch_one(&mut admin).await.unwrap(), 3);
    // Its connection is still open. What is wanted is done in turn: once another database is there, this one is gone.
    drop(first);
    drop(database());
    assert_eq!(sqlx::query_scalar::<_, i64>(look).bind(&names).fetch_one(&mut admin).await.unwrap(), 0);
}

#[tokio::test]
async fn server_of_a_test_can_be_stopped_killed_and_started_again() {
    let server = Server::start_own();
    let database = server.database();
    let mut gateway = PgConnection::connect(database.url()).await.unwrap();
    gateway.execute(sqlx::raw_sql("CREATE SCHEMA own; CREATE TABLE own.kept AS SELECT 1 AS one")).await.unwrap();
    PgConnection::connect(&database.url().replace(PASSWORD, "wrong")).await.unwrap_err();
    for stop in [Server::stop, Server::kill] {
        stop(&server);
        gateway.execute("SELECT one FROM own.kept").await.unwrap_err();
        PgConnection::connect(database.url()).await.unwrap_err();
        server.start_again();
        gateway = PgConnection::connect(database.url()).await.unwrap();
        gateway.execute("SELECT one FROM own.kept").await.unwrap();
    }
    server.restart();
    drop(server.database());
    let folder = server.folder().to_owned();
    assert!(folder.join(format!(".s.PGSQL.{}", server.port().unwrap())).exists());
    drop((database, server));
    assert!(!folder.exists());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the other process is this binary, which takes no argument but a test's name")]
fn server_goes_with_the_process_that_started_it_however_that_ends() {
    if std::env::var_os(KILLED).is_some() {
        let server = Server::start(None).unwrap();
        println!("started {}", server.folder().display());
        // Nothing is written there: it waits until it is killed.
        let _ = std::io::stdin().read_line(&mut String::new());
        return;
    }
    let mut started = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", KILLED_TEST, "--nocapture", "--test-threads", "1"])
        .env(KILLED, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(started.stdout.take().unwrap()).lines().map_while(Result::ok);
    let folder = said.find_map(|line| line.split_once("started ").map(|(_, folder)| PathBuf::from(folder))).unwrap();
    assert!(folder.join(".s.PGSQL.5432").exists());
    started.kill().unwrap();
    // The shell that watches has this output too: it ends when that shell has.
    BufReader::new(started.stderr.take().unwrap()).lines().map_while(Result::ok).for_each(drop);
    started.wait().unwrap();
    assert!(!folder.exists());
}
