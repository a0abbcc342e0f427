//! `passerelle establishment …`: what becomes of one after it was made.

use serde_json::json;

use super::Shell;

#[test]
fn an_establishment_is_edited_blocked_listed_and_opened_again() {
    let shell = Shell::new();
    shell.says(&["establishment", "zone", "--set", "caen=Académie de Caen"]);
    shell.says(&["establishment", "create", "Lycée Ampère", "--contact-email", "elodie@acad-test.fr"]);
    shell.says(&["establishment", "create", "École Curie"]);
    let edited = shell.json(&[
        "establishment",
        "edit",
        "lycee-ampere",
        "--name=Lycée André-Marie Ampère",
        "--zone=caen",
        "--locality=14000 Caen",
        "--contact-family-name=Martin",
        "--contact-given-name=Zoé",
        "--contact-email=zoe@acad-test.fr",
    ]);
    assert_eq!(edited["name"], "Lycée André-Marie Ampère");
    assert_eq!(edited["contact"], json!({ "family_name": "Martin", "given_name": "Zoé", "email": "zoe@acad-test.fr" }));
    let emptied = shell.json(&["establishment", "edit", "lycee-ampere", "--locality="]);
    assert_eq!(json!([emptied["locality"], emptied["zone"]]), json!([null, "caen"]), "an empty text empties, what is left out stays");
    let (code, told) = shell.fails(&["establishment", "edit", "lycee-ampere", "--zone", "manche"]);
    assert_eq!(code, 2);
    assert!(told.contains("--zone: ") && told.contains("manche") && told.contains("caen") && !told.contains("/api"), "{told}");
    let listed = shell.says(&["establishment", "list", "--zone", "caen"]);
    assert!(listed.contains("André-Marie") && !listed.contains("Curie"), "{listed}");
    assert!(listed.contains("caen") && listed.contains("default"), "its zone and its placement are listed: {listed}");
    let (code, told) = shell.fails(&["establishment", "zone", "--set", "nonsense"]);
    assert!(code == 2 && told.contains("NAME=TITLE"), "{told}");
    assert!(shell.says(&["establishment", "show", "lycee-ampere"]).contains("emplacement"));
    let blocked = shell.says(&["establishment", "block", "lycee-ampere"]);
    assert!(blocked.contains("Lycée André-Marie Ampère est bloqué"), "{blocked}");
    let listed = shell.json(&["establishment", "list", "--status", "blocked"]);
    assert_eq!(json!([listed[0]["slug"], listed[1]]), json!(["lycee-ampere", null]));
    let table = shell.says(&["establishment", "list"]);
    assert!(table.contains("blocked") && table.contains("active"), "{table}");
    shell.says(&["user", "list", "lycee-ampere"]);
    let opened = shell.json(&["establishment", "unblock", "lycee-ampere"]);
    assert_eq!(opened["status"], "active");
}

#[test]
fn an_administrator_s_access_is_given_back_by_a_link_on_the_terminal() {
    let shell = Shell::new();
    shell.says(&["establishment", "create", "Lycée Ampère", "--contact-email", "elodie@acad-test.fr"]);
    let listed = shell.json(&["establishment", "administrators", "lycee-ampere"]);
    assert_eq!(listed[0]["username"], "elodie@acad-test.fr");
    let said = shell.says(&["establishment", "reset", "lycee-ampere", "--no-mail"]);
    assert!(said.contains("/e/lycee-ampere/invitation/"), "{said}");
    let made = shell.json(&["establishment", "reset", "lycee-ampere", "--no-mail", "--administrator", "elodie@acad-test.fr"]);
    assert_eq!((&made["mailed_to"], made["link"]["url"].is_string()), (&json!(null), true));
    let (code, told) = shell.fails(&["establishment", "reset", "lycee-ampere", "--no-mail", "--administrator", "zoé"]);
    assert_eq!(code, 2);
    assert!(told.contains("elodie@acad-test.fr"), "{told}");
}

#[test]
fn an_establishment_is_deleted_once_its_slug_is_typed_again() {
    let shell = Shell::new();
    shell.says(&["establishment", "create", "Lycée Ampère"]);
    for arguments in [&["establishment", "delete", "lycee-ampere"][..], &["establishment", "delete", "lycee-ampere", "--confirm=oui"]] {
        let (code, told) = shell.fails(arguments);
        assert_eq!(code, 2);
        assert!(told.contains("--confirm: ") && told.contains("«lycee-ampere»"), "{told}");
    }
    let delete = ["establishment", "delete", "lycee-ampere", "--confirm", "lycee-ampere", "--archive"];
    let recipient = ["--recipient", "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"];
    let (_, told) = shell.fails(&[&delete[..], &["/nowhere/last.age"], &recipient].concat());
    assert!(told.contains("/nowhere"), "{told}");
    shell.says(&["establishment", "show", "lycee-ampere"]);
    let folder = tempfile::tempdir().unwrap();
    let last = folder.path().join("last.age");
    let there = folder.path().join("there.age");
    std::fs::write(&there, "kept").unwrap();
    let (_, told) = shell.fails(&[&delete[..], &[there.to_str().unwrap()], &recipient].concat());
    assert!(told.contains("another file") && !told.contains("--force"), "{told}");
    let deleted = shell.says(&[&delete[..], &[last.to_str().unwrap()], &recipient].concat());
    assert!(deleted.contains("last.age") && deleted.contains("supprimé"), "{deleted}");
    assert!(std::fs::read(&last).unwrap().starts_with(b"age-encryption.org/v1"));
    assert_eq!(shell.json(&["establishment", "list"]), json!([]));
    assert_eq!(shell.fails(&["establishment", "show", "lycee-ampere"]).0, 1);
    shell.says(&["establishment", "create", "Lycée Ampère"]);
}
