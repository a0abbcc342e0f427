//! `passerelle check`: what is wrong is told with what to do, and what is down keeps nothing else from being looked at.

use std::process::{Command, Stdio};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor};
use tempfile::TempDir;

use super::Shell;
use crate::harness::postgres::{self, Database};

/// An installation in a database, with the folder beside it.
struct Base {
    database: Database,
    folder: TempDir,
}

impl Base {
    fn new(server: &postgres::Server) -> Self {
        Self { database: server.database(), folder: tempfile::tempdir().unwrap() }
    }

    /// Runs a command; answers whether it went well, and what it printed on either way.
    fn run(&self, url: &str, language: &str, arguments: &[&str]) -> (bool, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
        command.env("LC_ALL", language).env("PASSERELLE__STORE__URL", url).env("PASSERELLE__STORE__FOLDER", self.folder.path());
        let done = command.args(arguments).stdin(Stdio::null()).output().unwrap();
        (done.status.success(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    }

    fn check(&self, url: &str) -> (bool, Vec<Value>) {
        let (well, out, _) = self.run(url, "en_US.UTF-8", &["check", "--json"]);
        (well, serde_json::from_str(&out).unwrap())
    }
}

fn about<'a>(findings: &'a [Value], what: &str) -> &'a Value {
    findings.iter().find(|found| found["what"] == what).unwrap_or_else(|| panic!("nothing about {what}: {findings:#?}"))
}

#[tokio::test]
async fn a_database_is_looked_at_with_its_login_its_clock_and_what_nobody_knows_there() {
    let server = postgres::Server::start_own();
    let base = Base::new(&server);
    let url = base.database.url();
    assert!(base.run(url, "C", &["establishment", "create", "Lycée Ampère"]).0);
    let (well, findings) = base.check(url);
    assert!(well, "{findings:#?}");
    assert!(about(&findings, "database")["detail"].as_str().unwrap().contains("UTF8"), "{findings:#?}");
    for what in ["clock", "connections", "room", "versions", "jobs", "keys"] {
        assert_eq!(about(&findings, what)["ok"], true, "{findings:#?}");
    }
    assert!(!findings.iter().any(|found| found["what"] == "stranger" || found["what"] == "temporary"), "{findings:#?}");

    let mut admin = base.database.admin().await;
    let role = "est_0123456789abcdef0123456789abcdef";
    for statement in [
        format!("CREATE ROLE {role}"),
        format!("GRANT {role} TO {}", base.database.login()),
        "CREATE SCHEMA est_00000000000000000000000000000000".to_owned(),
        format!("GRANT TEMPORARY ON DATABASE {} TO PUBLIC", base.database.name()),
    ] {
        admin.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    let (well, findings) = base.check(url);
    assert!(well, "they are notices: {findings:#?}");
    assert!(about(&findings, "temporary")["detail"].as_str().unwrap().contains("REVOKE TEMPORARY ON DATABASE"), "{findings:#?}");
    let strangers: Vec<&str> = findings.iter().filter(|f| f["what"] == "stranger").map(|f| f["detail"].as_str().unwrap()).collect();
    assert_eq!(strangers.len(), 2, "{strangers:?}");
    assert!(strangers.iter().any(|said| said.contains("est_00000000000000000000000000000000")), "{strangers:?}");
    assert!(strangers.iter().any(|said| said.contains(&format!("DROP ROLE \"{role}\""))), "{strangers:?}");

    admin.execute(AssertSqlSafe(format!("ALTER ROLE {} INHERIT NOCREATEROLE", base.database.login()))).await.unwrap();
    let (well, findings) = base.check(url);
    let rights: Vec<&Value> = findings.iter().filter(|found| found["what"] == "rights").collect();
    assert_eq!((well, rights.len()), (false, 2), "every fault at once: {findings:#?}");
    assert!(rights.iter().all(|found| found["detail"].as_str().unwrap().contains("ALTER ROLE")), "{findings:#?}");
}

#[tokio::test]
async fn a_database_that_is_down_or_refuses_the_password_is_told_and_the_machine_is_looked_at() {
    let server = postgres::Server::start_own();
    let base = Base::new(&server);
    let url = base.database.url().to_owned();
    assert!(base.run(&url, "C", &["operator", "create", "anne"]).0);
    let (well, findings) = base.check(&url.replace("correct-horse", "wrong"));
    assert!(!well);
    let said = about(&findings, "database")["detail"].as_str().unwrap();
    assert!(said.contains("store.url") && said.contains("password"), "{said}");
    assert_eq!(about(&findings, "room")["ok"], true);
    assert!(!findings.iter().any(|found| found["detail"].as_str().unwrap().contains("wrong@")), "no password is shown");

    server.stop();
    let (well, out, err) = base.run(&url, "fr_FR.UTF-8", &["check"]);
    assert!(!well && err.contains('1'), "{err}");
    assert!(out.contains("Mio libres") && out.contains("does not answer"), "{out}");
    let (_, _, err) = base.run(&url, "fr_FR.UTF-8", &["user", "list", "platform"]);
    assert!(err.contains("does not answer") && !err.contains("correct-horse"), "{err}");
}

#[test]
fn files_that_nobody_knows_are_listed_and_a_quick_look_looks_into_no_establishment() {
    let shell = Shell::new();
    shell.says(&["establishment", "create", "Lycée Ampère"]);
    let folder = shell.folder().join("establishments");
    for name in ["ecole-curie", "lycee-ampere.set-aside-0198", "scratch-0198"] {
        std::fs::write(folder.join(format!("{name}.sqlite")), "").unwrap();
    }
    let said = shell.says(&["check"]);
    for told in ["ecole-curie n’est", "mis de côté", "essai de restauration", "examinés : 1 sur 1", "clés de signature", "Mio libres"]
    {
        assert!(said.contains(told), "{told}: {said}");
    }
    let quick = shell.json(&["check", "--quick"]);
    let quick = quick.as_array().unwrap();
    assert!(quick.iter().all(|found| found["place"] != "lycee-ampere"), "{quick:#?}");
    assert!(about(quick, "establishments")["detail"].as_str().unwrap().contains("0 sur 1"), "{quick:#?}");
    assert!(quick.iter().filter(|found| found["what"] == "stranger").all(|found| found["level"] == "notice"));
}

#[test]
fn a_store_that_is_missing_broken_or_newer_is_told_and_the_others_are_looked_into() {
    let shell = Shell::new();
    for name in ["Absent", "Cassé", "Sain"] {
        shell.says(&["establishment", "create", name]);
    }
    let folder = shell.folder().join("establishments");
    std::fs::remove_file(folder.join("absent.sqlite")).unwrap();
    // A log beside it would mend the file.
    let _gone = std::fs::remove_file(folder.join("casse.sqlite-wal"));
    std::fs::write(folder.join("casse.sqlite"), "this is no store, whatever its name says").unwrap();
    let failed = shell.run("en_US.UTF-8", &["check", "--json"]);
    assert_eq!(failed.status.code(), Some(1));
    let findings: Vec<Value> = serde_json::from_slice(&failed.stdout).unwrap();
    let of = |place: &str| findings.iter().filter(|f| f["place"] == place).collect::<Vec<_>>();
    for (place, told) in [("absent", "missing"), ("casse", "cannot be opened")] {
        let said = of(place)[0]["detail"].as_str().unwrap().to_owned();
        assert!(said.contains(told) && said.contains("backup"), "{said}");
    }
    assert!(of("sain").len() > 1 && of("sain").iter().all(|found| found["ok"] == true), "{findings:#?}");
}

#[test]
fn a_slug_that_is_taken_and_a_wrong_passphrase_are_told_with_what_to_do() {
    let shell = Shell::new();
    shell.says(&["establishment", "create", "Lycée Ampère"]);
    let (code, told) = shell.fails(&["establishment", "create", "Lycée Ampère"]);
    assert!(code != 0 && told.contains("lycee-ampere") && told.contains("--slug"), "{told}");
    let file = shell.folder().join("ampere.age");
    let file = file.to_str().unwrap();
    let export = ["establishment", "export", "lycee-ampere", "-o", file];
    assert!(shell.run_with("fr_FR.UTF-8", ("PASSERELLE_PASSPHRASE", "une phrase assez longue"), &export).status.success());
    let import = ["establishment", "import", file];
    let taken = shell.run_with("fr_FR.UTF-8", ("PASSERELLE_PASSPHRASE", "une phrase assez longue"), &import);
    let told = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert!(!taken.status.success() && told.contains("--slug"), "{told}");
    let wrong = shell.run_with("fr_FR.UTF-8", ("PASSERELLE_PASSPHRASE", "une autre phrase longue"), &import);
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(!wrong.status.success() && told.contains("passphrase"), "{told}");
    shell.says(&["user", "list", "lycee-ampere"]);
}
