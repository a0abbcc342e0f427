//! `passerelle rule …` with files: simulated, applied, held, prepared for a date; and what explains it.

use super::Shell;

const NOTES: &str = r#"
name = "notes"
title = "Notes"
cardinality = "single"
[[roles]]
name = "chef"
title = "Chef"
[[roles]]
name = "prof"
title = "Prof"
"#;

const RULES: &str = r#"
[[rules]]
application = "notes"
when = [{ source = "pupils" }]
role = "prof"

[[rules]]
application = "notes"
when = [{ attribute = "username", matches = "p1\\..*" }]
role = "chef"
"#;

/// Twenty people from a spreadsheet, and an application.
fn school(shell: &Shell) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let people: String = (0..20).map(|n| format!("{n};Nom{n};P{n};3A\r\n")).collect();
    std::fs::write(folder.path().join("pupils.csv"), format!("numéro;nom;prenom;classe\r\n{people}")).unwrap();
    std::fs::write(folder.path().join("notes.toml"), NOTES).unwrap();
    std::fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    std::fs::write(folder.path().join("none.json"), r#"{"rules":[]}"#).unwrap();
    shell.says(&["establishment", "create", "Collège Veil"]);
    shell.says(&["source", "add", "college-veil", "pupils", "--kind", "csv", "--profile", "sacoche-pupils"]);
    shell.says(&["source", "sync", "college-veil", "pupils", "--file", folder.path().join("pupils.csv").to_str().unwrap()]);
    shell.says(&["application", "import", "college-veil", folder.path().join("notes.toml").to_str().unwrap()]);
    folder
}

#[test]
fn a_file_of_rules_is_simulated_and_applied_and_a_large_loss_is_held() {
    let shell = Shell::new();
    let folder = school(&shell);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (rules, none) = (path("rules.toml"), path("none.json"));
    let told = shell.says(&["rule", "simulate", "college-veil", "--file", &rules]);
    assert!(told.contains('+') && told.contains("p1.nom1") && told.contains("inchangés"), "{told}");
    let simulated = shell.json(&["rule", "simulate", "college-veil", "--file", &rules]);
    assert_eq!((&simulated["gained_count"], &simulated["by_role"]["chef"]), (&20.into(), &1.into()), "{simulated}");
    let applied = shell.says(&["rule", "apply", "college-veil", &rules]);
    assert!(applied.contains("nouvelles") && applied.contains("20"), "{applied}");
    let (code, why) = shell.fails(&["rule", "apply", "college-veil", &none]);
    assert!(code == 3 && why.contains("20 of 20 roles"), "{code}: {why}");
    // What is listed can be applied again as it is.
    std::fs::write(path("listed.json"), shell.json(&["rule", "list", "college-veil"]).to_string()).unwrap();
    assert_eq!(shell.json(&["rule", "apply", "college-veil", &path("listed.json")])["kept"], 2);
    let explained = shell.says(&["user", "explain", "college-veil", "p1.nom1"]);
    assert!(explained.contains("prof") && explained.contains("chef le précède dans le catalogue"), "{explained}");
    let english = shell.run("en_GB.UTF-8", &["user", "explain", "college-veil", "p1.nom1"]);
    assert!(String::from_utf8(english.stdout).unwrap().contains("chef stands before it in the catalogue"));
    assert_eq!(shell.json(&["rule", "apply", "college-veil", &none, "--confirm-losses", "20"])["lost"], 20);
    let compared = shell.json(&["assignment", "compare", "college-veil", "--from", "2020-01-01T00:00:00Z"]);
    assert_eq!(compared.as_array().unwrap().iter().filter(|row| row["application"] == "notes").count(), 0, "{compared}");
}

#[test]
fn a_rule_of_the_gateway_names_the_source_of_its_groups() {
    let shell = Shell::new();
    let _folder = school(&shell);
    let add = ["rule", "add", "college-veil", "passerelle", "auditor", "--group", "dsi", "--any-group", "a", "--any-group", "b"];
    let (code, why) = shell.fails(&add);
    assert!(code != 0 && why.contains("when[0].source") && why.contains("when[1].any[1].source"), "{code}: {why}");
    let (_, why) = shell.fails(&["rule", "add", "college-veil", "notes", "prof", "--unit", "3A", "--group-source", "pupils"]);
    assert!(why.contains("--group-source"), "{why}");
    let made = shell.json(&[&add[..], &["--group-source", "pupils"]].concat());
    assert_eq!(made["when"][0], serde_json::json!({ "group": "dsi", "source": "pupils" }), "{made}");
    assert_eq!(made["when"][1]["any"][1], serde_json::json!({ "group": "b", "source": "pupils" }), "{made}");
    let lint = shell.says(&["rule", "lint", "college-veil"]);
    assert!(lint.contains("Aucun groupe de la source « pupils »"), "{lint}");
    let (code, why) = shell.fails(&["source", "delete", "college-veil", "pupils", "--people", "disable"]);
    assert!(code != 0 && why.contains("1 rules name the source"), "{code}: {why}");
}

#[test]
fn a_rule_set_is_prepared_scheduled_cancelled_applied_and_rolled_back() {
    let shell = Shell::new();
    let folder = school(&shell);
    let rules = folder.path().join("rules.toml").to_str().unwrap().to_owned();
    shell.says(&["rule", "set", "add", "college-veil", "rentree", &rules, "--title", "Rentrée 2027"]);
    assert!(shell.says(&["rule", "set", "list", "college-veil"]).contains("Rentrée 2027"));
    assert_eq!(shell.json(&["rule", "set", "simulate", "college-veil", "rentree"])["gained_count"], 20);
    let set = shell.json(&["rule", "set", "schedule", "college-veil", "rentree", "2400-09-01T04:00:00Z"]);
    assert_eq!((&set["state"], &set["expected"]["gained"]), (&"scheduled".into(), &20.into()), "{set}");
    assert_eq!(shell.json(&["rule", "set", "cancel", "college-veil", "rentree"])["state"], "cancelled");
    assert_eq!(shell.json(&["rule", "set", "apply", "college-veil", "rentree"])["changes"]["gained"], 20);
    let (code, why) = shell.fails(&["rule", "set", "rollback", "college-veil", "rentree"]);
    assert!(code == 3 && why.contains("confirm_losses = 20"), "{code}: {why}");
    let back = shell.json(&["rule", "set", "rollback", "college-veil", "rentree", "--confirm-losses", "20"]);
    assert_eq!((&back["state"], &back["changes"]["lost"]), (&"rolled_back".into(), &20.into()), "{back}");
    shell.says(&["rule", "set", "delete", "college-veil", "rentree"]);
    assert_eq!(shell.json(&["rule", "set", "list", "college-veil"]), serde_json::json!([]));
}
