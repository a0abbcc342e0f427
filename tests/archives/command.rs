//! The commands as scripts run them: files, exit codes, JSON.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(data: &Path, passphrase: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
    command.args(arguments).arg("--data").arg(data).env_remove("PASSERELLE_PASSPHRASE").env("LC_ALL", "C");
    if let Some(passphrase) = passphrase {
        command.env("PASSERELLE_PASSPHRASE", passphrase);
    }
    command.stdin(std::process::Stdio::null()).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_establishment_is_exported_imported_rehearsed_and_restored_by_command() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("galois.age"));
    let (path, secret) = (file.to_str().unwrap(), Some("correct horse battery"));
    assert!(run(&data, None, &["establishment", "create", "Lycée Galois", "--slug", "galois"]).status.success());

    let saved = run(&data, secret, &["establishment", "export", "galois", "-o", path, "--json"]);
    assert!(saved.status.success(), "{}", told(&saved));
    let document: Value = serde_json::from_slice(&saved.stdout).unwrap();
    assert_eq!(document["slug"], "galois");
    assert_eq!(document["size_bytes"], std::fs::metadata(&file).unwrap().len());
    let before = std::fs::read(&file).unwrap();
    let again = run(&data, secret, &["establishment", "export", "galois", "-o", path]);
    assert_eq!((again.status.code(), std::fs::read(&file).unwrap() == before), (Some(1), true), "{}", told(&again));
    assert!(run(&data, secret, &["establishment", "export", "galois", "-o", path, "--force"]).status.success());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing but the stores and the archive");

    let copied = run(&data, secret, &["establishment", "import", path, "--slug", "copie", "--json"]);
    assert!(copied.status.success(), "{}", told(&copied));
    assert_eq!(serde_json::from_slice::<Value>(&copied.stdout).unwrap()["establishment"]["slug"], "copie");
    let tried = run(&data, secret, &["establishment", "import", path, "--rehearse"]);
    assert!(tried.status.success() && String::from_utf8_lossy(&tried.stdout).contains("users"), "{}", told(&tried));
    for confirm in [&["establishment", "restore", "galois", path][..], &["establishment", "restore", "galois", path, "--confirm=oui"]] {
        let unconfirmed = run(&data, secret, confirm);
        assert_eq!((unconfirmed.status.code(), told(&unconfirmed).contains("--confirm")), (Some(2), true), "{}", told(&unconfirmed));
    }
    let back = run(&data, secret, &["establishment", "restore", "galois", path, "--confirm", "galois"]);
    let said = String::from_utf8_lossy(&back.stdout).into_owned();
    assert!(back.status.success() && said.contains("Everyone signs in again"), "{said}{}", told(&back));
    let batch = said.trim_end().rsplit_once("receipt galois ").unwrap().1;
    assert!(run(&data, None, &["establishment", "receipt", "galois", batch]).status.success(), "{said}");

    // On another machine the archive begins an installation.
    assert!(run(&folder.path().join("other"), secret, &["establishment", "import", path]).status.success());
    for (passphrase, arguments, code) in [
        (secret, vec!["establishment", "restore", "copie", path, "--confirm", "copie"], 1),
        (Some("another passphrase"), vec!["establishment", "import", path, "--slug", "x"], 1),
        (None, vec!["establishment", "import", path, "--slug", "x"], 1),
        (Some("short"), vec!["establishment", "export", "galois", "-o", "never.age"], 2),
        (secret, vec!["establishment", "export", "galois", "-o", "never.age", "--recipient", "nobody"], 2),
        (secret, vec!["establishment", "export", "galois"], 2),
        (secret, vec!["establishment", "export", "nobody", "-o", "never.age"], 1),
        (secret, vec!["establishment", "import", "nothing-there.age"], 1),
    ] {
        let refused = run(&data, passphrase, &arguments);
        assert_eq!(refused.status.code(), Some(code), "{arguments:?}: {}", told(&refused));
    }
}

#[test]
fn a_key_pair_of_age_keygen_serves_instead_of_a_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file, key) = (folder.path().join("data"), folder.path().join("a.age"), folder.path().join("key.txt"));
    let identity = age::x25519::Identity::generate();
    let private = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    std::fs::write(&key, format!("# created: today\n# public key: {}\n{private}\n", identity.to_public())).unwrap();
    assert!(run(&data, None, &["establishment", "create", "Lycée Galois", "--slug", "galois"]).status.success());
    let path = file.to_str().unwrap();
    let public = identity.to_public().to_string();
    let saved = run(&data, None, &["establishment", "export", "galois", "-o", path, "--recipient", &public]);
    assert!(saved.status.success(), "{}", told(&saved));
    let back = ["establishment", "restore", "galois", path, "--confirm", "galois", "--identity-file", key.to_str().unwrap()];
    let back = run(&data, None, &back);
    assert!(back.status.success(), "{}", told(&back));
}
