//! `passerelle application …`: catalogues in and out, tables, and questions.

use serde_json::{Value, json};

use super::Shell;

fn school() -> Shell {
    let shell = Shell::new();
    shell.says(&["establishment", "create", "Lycée Ampère", "--contact-email", "elodie@acad-test.fr"]);
    shell
}

#[test]
fn a_catalogue_is_tried_imported_written_out_and_imported_from_its_file() {
    let shell = school();
    assert!(shell.says(&["application", "catalogue"]).contains("espace-securise"));
    let tried = shell.says(&["application", "import", "lycee-ampere", "omenori", "--dry-run"]);
    assert!(tried.contains("omenori n’existe pas encore") || tried.contains("6 rôles"), "{tried}");
    assert!(!shell.says(&["application", "list", "lycee-ampere"]).contains("omenori"));
    assert!(shell.says(&["application", "import", "lycee-ampere", "omenori"]).contains("6 rôles"));
    let installed = shell.json(&["application", "catalogue", "lycee-ampere"]);
    let omenori = installed.as_array().unwrap().iter().find(|shipped| shipped["name"] == "omenori").unwrap();
    assert_eq!(omenori["installed"], true);
    let file = shell.folder().join("omenori.toml");
    let path = file.to_str().unwrap();
    assert!(shell.says(&["application", "export", "lycee-ampere", "omenori", "-o", path]).contains(path));
    let same = shell.says(&["application", "import", "lycee-ampere", path]);
    assert!(same.contains("rien ne change"), "{same}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(shell.says(&["application", "export", "lycee-ampere", "omenori"]), text);
    std::fs::write(&file, text.replace("version = \"1\"", "version = \"2\"").replace("Tuteur pédagogique", "Tuteur")).unwrap();
    let tried = shell.says(&["application", "import", "lycee-ampere", path, "--dry-run"]);
    assert!(tried.contains("policy.version") && tried.contains("roles.PT.title") && tried.contains("Tuteur"), "{tried}");
    let imported = shell.json(&["application", "import", "lycee-ampere", path]);
    assert_eq!((&imported["written"], &imported["version"]), (&json!(true), &json!("2")));
    let (code, told) = shell.fails(&["application", "import", "lycee-ampere", "nothing"]);
    assert!(code == 1 && told.contains("scodoc"), "{told}");
    let (code, told) = shell.fails(&["application", "edit", "lycee-ampere", "omenori", "{\"policy\":{\"roles_editable\":true}}"]);
    assert!(code == 1 && told.contains("import a newer edition"), "{told}");
}

#[test]
fn the_matrix_those_who_wait_and_an_answer_are_printed() {
    let shell = school();
    shell.says(&["application", "import", "lycee-ampere", "omenori"]);
    let table = shell.says(&["application", "matrix", "lycee-ampere", "omenori"]);
    let head = table.lines().next().unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(head, ["privilège", "ADMIN", "RC", "PT", "MA", "APPRENTICE", "USER"]);
    let list = table.lines().find(|line| line.starts_with("apprentices.list")).unwrap();
    assert_eq!(list.split_whitespace().collect::<Vec<_>>(), ["apprentices.list", "yes", "yes", "own", "own", "no", "no"]);
    // The first administrator has not chosen a password yet, and so is not active: nobody waits.
    assert_eq!(shell.json(&["application", "pending", "lycee-ampere", "omenori"]), json!([]));
    let asked = ["application", "check", "lycee-ampere", "omenori", "elodie@acad-test.fr", "calendar"];
    let told = shell.says(&asked);
    assert!(told.contains("non autorisé") && told.contains("la personne n’est pas active"), "{told}");
    let answer: Value = shell.json(&asked);
    assert_eq!((&answer["allowed"], &answer["reason"]["because"]), (&json!(false), &json!("inactive")));
    let (code, told) = shell.fails(&["application", "check", "lycee-ampere", "nothing", "elodie@acad-test.fr", "calendar"]);
    assert!(code == 2 && told.contains("nothing"), "{told}");
}
