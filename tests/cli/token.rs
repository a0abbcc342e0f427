//! `passerelle token …`: what is made is told, and what was not said is not passed over.

use super::Shell;

fn school() -> Shell {
    let shell = Shell::new();
    shell.says(&["establishment", "create", "Lycée Michel"]);
    shell.says(&["source", "add", "lycee-michel", "entra", "--kind", "scim"]);
    shell
}

#[test]
fn what_a_new_token_opens_is_told_and_listed() {
    let shell = school();
    let told = shell.says(&["token", "create", "lycee-michel", "outil"]);
    for part in ["administrator", "l’API d’administration", "toujours", "--scope", "--days"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let told = shell.says(&["token", "create", "lycee-michel", "lecture", "--scope", "auditor", "--days", "30"]);
    assert!(told.contains("auditor") && !told.contains("--scope") && !told.contains("toujours"), "{told}");
    let told = shell.says(&["token", "create", "lycee-michel", "Entra", "--kind", "scim", "--source", "entra"]);
    assert!(told.contains("SCIM, pour le flux entra") && !told.contains("administrator"), "{told}");
    let table = shell.says(&["token", "list", "lycee-michel"]);
    let row = |name: &str| table.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {table}")).to_owned();
    let head = table.lines().next().unwrap();
    assert!(["clé", "rôle", "source", "créé le", "dernier usage"].iter().all(|part| head.contains(part)), "{head}");
    assert!(row("Entra").contains("scim") && row("Entra").contains("entra"), "{table}");
    assert!(row("outil").contains("api") && row("outil").contains("administrator") && row("outil").contains("toujours"), "{table}");
    assert!(row("lecture").contains("auditor") && !row("lecture").contains("toujours"), "{table}");
    let listed = shell.json(&["token", "list", "lycee-michel"]);
    assert_eq!(listed.as_array().unwrap().len(), 3, "{listed}");
}

#[test]
fn a_token_of_a_feed_names_its_feed() {
    let shell = school();
    let (code, told) = shell.fails(&["token", "create", "lycee-michel", "Entra", "--kind", "scim"]);
    assert!(code == 2 && told.contains("--source") && told.contains("feed"), "{told}");
    let (code, told) = shell.fails(&["token", "create", "lycee-michel", "Entra", "--source", "entra"]);
    assert!(code == 2 && told.contains("--kind scim"), "{told}");
    assert_eq!(shell.json(&["token", "list", "lycee-michel"]).as_array().unwrap().len(), 0, "nothing was made by mistake");
    let help = shell.says(&["token", "create", "--help"]);
    assert!(help.contains("Left out, the strongest: administrator"), "{help}");
    assert!(shell.says(&["--help"]).contains("and of SCIM feeds"));
}
