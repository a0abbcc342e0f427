//! `passerelle unit|relation …`, and roles given by hand from a file.

use serde_json::json;

use super::Shell;

fn school() -> Shell {
    let shell = Shell::new();
    shell.says(&["establishment", "create", "École Curie"]);
    for name in ["tuteur", "apprenti"] {
        shell.says(&["user", "create", "ecole-curie", name]);
    }
    shell
}

#[test]
fn units_are_added_renamed_moved_and_removed() {
    let shell = school();
    shell.says(&["unit", "add", "ecole-curie", "IUT"]);
    let added = shell.says(&["unit", "add", "ecole-curie", "RT", "--title", "Réseaux", "--parent", "IUT"]);
    assert!(added.contains("L’unité RT est ajoutée"), "{added}");
    let table = shell.says(&["unit", "list", "ecole-curie"]);
    assert!(table.contains("au-dessus") && table.contains("Réseaux"), "{table}");
    let (code, told) = shell.fails(&["unit", "edit", "ecole-curie", "IUT", "--parent", "RT"]);
    assert!(code == 2 && told.contains("parent"), "{told}");
    shell.says(&["user", "create", "ecole-curie", "chef", "--home-unit", "RT", "--unit", "IUT"]);
    let (code, told) = shell.fails(&["unit", "delete", "ecole-curie", "RT"]);
    assert!(code == 1 && told.contains("people: 1"), "{told}");
    let edited = shell.json(&["unit", "edit", "ecole-curie", "RT", "--rename", "R&T", "--top"]);
    assert_eq!(json!([edited["name"], edited["parent"], edited["people"]]), json!(["R&T", null, 1]));
    assert_eq!(shell.json(&["user", "show", "ecole-curie", "chef"])["home_unit"], "R&T");
    let removed = shell.json(&["unit", "delete", "ecole-curie", "R&T", "--move-to", "IUT"]);
    assert_eq!(removed["people"], 1);
    assert_eq!(shell.json(&["unit", "list", "ecole-curie", "--parent", ""]).as_array().unwrap().len(), 1);
}

#[test]
fn relations_and_roles_are_taken_from_files() {
    let shell = school();
    let said = shell.says(&["relation", "add", "ecole-curie", "tutor", "tuteur", "apprenti", "--until", "2999-08-31"]);
    assert!(said.contains("tuteur est tutor de apprenti"), "{said}");
    assert!(shell.says(&["relation", "list", "ecole-curie", "--user", "tuteur"]).contains("2999-09-01"));
    shell.says(&["relation", "end", "ecole-curie", "tutor", "tuteur", "apprenti"]);
    let (code, told) = shell.fails(&["relation", "end", "ecole-curie", "tutor", "tuteur", "apprenti"]);
    assert!(code == 1 && told.contains("tuteur is not tutor of apprenti"), "{told}");
    let file = shell.folder().join("relations.json");
    std::fs::write(&file, r#"[{"kind":"tutor","username":"tuteur","other_username":"apprenti"}]"#).unwrap();
    let imported = shell.json(&["relation", "import", "ecole-curie", file.to_str().unwrap()]);
    assert_eq!(imported["added"], 1);
    let file = shell.folder().join("roles.csv");
    std::fs::write(&file, "username;application;role;until\ntuteur;passerelle;auditor;\npersonne;passerelle;auditor;\n").unwrap();
    let tried = shell.says(&["assignment", "import", "ecole-curie", file.to_str().unwrap(), "--dry-run"]);
    assert!(tried.contains("Rien n’est écrit") && tried.contains("personne") && tried.contains("ligne"), "{tried}");
    assert_eq!(shell.json(&["assignment", "import", "ecole-curie", file.to_str().unwrap()])["added"], 1);
    let held = shell.json(&["assignment", "list", "ecole-curie", "--user", "tuteur"]);
    let id = held[0]["id"].as_str().unwrap();
    let edited = shell.json(&["assignment", "edit", "ecole-curie", id, "--until", "2999-08-31", "--reason", "stage"]);
    assert_eq!(json!([edited["valid_until"], edited["given_by"]]), json!(["2999-09-01T00:00:00Z", "system"]));
    assert_eq!(shell.json(&["assignment", "end", "ecole-curie", id])["id"], id);
}
