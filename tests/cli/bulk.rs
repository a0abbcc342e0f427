//! `passerelle establishment …` for several at once.

use serde_json::json;

use super::Shell;

const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

fn with_schools() -> Shell {
    let shell = Shell::new();
    shell.says(&["establishment", "zone", "--set", "caen=Académie de Caen"]);
    for (name, zone) in [("Lycée Ampère", "caen"), ("École Curie", "caen")] {
        shell.says(&["establishment", "create", name, "--zone", zone]);
    }
    shell.says(&["establishment", "create", "École Pasteur"]);
    shell
}

#[test]
fn several_are_counted_blocked_and_opened_and_what_fails_is_told_last() {
    let shell = with_schools();
    let counted = shell.json(&["establishment", "stats", "--all"]);
    assert_eq!(json!([counted["state"], counted["done"], counted["sums"]["people"]["pending"]]), json!(["done", 3, 3]));
    assert_eq!(counted["items"][0]["detail"]["clients"], 0);
    let table = shell.says(&["establishment", "stats", "lycee-ampere"]);
    assert!(table.contains("lycee-ampere") && table.contains("somme") && table.contains("synchronisation"), "{table}");
    let blocked = shell.json(&["establishment", "block", "--zone", "caen"]);
    assert_eq!(json!([blocked["verb"], blocked["total"]]), json!(["block", 2]));
    assert_eq!(shell.json(&["establishment", "list", "--status", "blocked"])[1]["slug"], "ecole-curie");
    shell.says(&["establishment", "unblock", "--status", "blocked"]);
    let done = shell.run("fr_FR.UTF-8", &["establishment", "block", "nulle-part", "lycee-ampere"]);
    let (told, table) = (String::from_utf8(done.stderr).unwrap(), String::from_utf8(done.stdout).unwrap());
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("1 établissements sur 2") && table.contains("échec") && table.contains("fait"), "{told}{table}");
    assert_eq!(shell.json(&["establishment", "show", "lycee-ampere"])["status"], "blocked", "the rest is done");
    for wrong in [&["establishment", "stats"][..], &["establishment", "stats", "--all", "ecole-curie"]] {
        assert_eq!(shell.fails(wrong).0, 2, "{wrong:?}");
    }
}

#[test]
fn several_are_archived_into_a_folder_and_deleted_once_their_number_is_confirmed() {
    let shell = with_schools();
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().to_str().unwrap();
    let exported = shell.json(&["establishment", "export", "--all", "--into", into, "--recipient", RECIPIENT]);
    assert_eq!((exported["done"].as_i64(), std::fs::read_dir(folder.path()).unwrap().count()), (Some(3), 3));
    let delete = ["establishment", "delete", "lycee-ampere", "ecole-curie"];
    let (code, told) = shell.fails(&delete);
    assert_eq!(code, 2);
    assert!(told.contains("«delete 2»"), "{told}");
    let archive = ["--confirm", "delete 2", "--archive-into", into, "--recipient", RECIPIENT];
    let deleted = shell.says(&[&delete[..], &archive].concat());
    assert!(deleted.contains("lycee-ampere") && deleted.contains(".age"), "{deleted}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 5);
    assert_eq!(shell.json(&["establishment", "list"])[0]["slug"], "ecole-pasteur");
    let (_, told) = shell.fails(&["establishment", "export", "a", "b", "-o", "one.age"]);
    assert!(told.contains("--into"), "{told}");
}

#[test]
fn a_letter_without_a_server_that_takes_mail_is_refused_before_anything_is_begun() {
    let shell = with_schools();
    let (code, told) = shell.fails(&["establishment", "mail", "--all", "--subject", "Rentrée", "--body", "Bonjour"]);
    assert_eq!(code, 2);
    assert!(told.contains("mail.host"), "{told}");
    assert_eq!(shell.fails(&["establishment", "mail", "--all", "--subject", "Rentrée"]).0, 2);
}
