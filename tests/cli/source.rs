//! `passerelle source …` with a spreadsheet: added, checked, previewed, synced.

use super::Shell;
use crate::harness::remote_scim::{LONG_AGO, ScimService, TOKEN};

const PUPILS: &str = "numéro;nom;prenom;classe\r\n1;Lefèvre;Zoé;3A\r\n2;Martin;Léa;3B\r\n";

#[test]
fn a_spreadsheet_is_added_checked_previewed_and_synced() {
    let shell = Shell::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pupils.csv");
    std::fs::write(&path, PUPILS).unwrap();
    let file = path.to_str().unwrap();
    shell.says(&["establishment", "create", "Collège Veil"]);
    let added = shell.json(&["source", "add", "college-veil", "pupils", "--kind", "csv", "--profile", "sacoche-pupils"]);
    assert_eq!((&added["kind"], &added["settings"]["profile"]), (&"csv".into(), &"sacoche-pupils".into()));
    let checked = shell.says(&["source", "check", "college-veil", "pupils", "--file", file]);
    assert!(checked.contains("« ; »") && checked.contains("personnes utilisables : 2") && checked.contains("zoe.lefevre"), "{checked}");
    let previewed = shell.json(&["source", "preview", "college-veil", "pupils", "--file", file]);
    assert_eq!((&previewed["run"]["mode"], &previewed["run"]["created"]), (&"preview".into(), &4.into()), "{previewed}");
    let (_, told) = shell.fails(&["source", "check", "college-veil", "pupils"]);
    assert!(told.contains("given no file yet"), "a preview keeps nothing: {told}");
    let synced = shell.json(&["source", "sync", "college-veil", "pupils", "--file", file]);
    assert_eq!((&synced["run"]["state"], &synced["run"]["created"]), (&"done".into(), &4.into()), "{synced}");
    let again = shell.json(&["source", "sync", "college-veil", "pupils"]);
    assert_eq!((&again["run"]["state"], &again["run"]["created"]), (&"done".into(), &0.into()), "{again}");
    assert!(shell.says(&["user", "list", "college-veil"]).contains("zoe.lefevre"));
    let listed = shell.json(&["group", "list", "college-veil", "--source", "pupils"]);
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");
    let name = listed[0]["name"].as_str().unwrap();
    let shown = shell.says(&["group", "show", "college-veil", name]);
    let members = shell.json(&["group", "show", "college-veil", name]);
    let member = members["members"][0]["username"].as_str().unwrap();
    assert!(shown.contains(member) && shown.contains("pupils") && members["members"].as_array().unwrap().len() == 1, "{shown}");
    assert!(shell.says(&["user", "show", "college-veil", member]).contains(name));
    let (code, told) = shell.fails(&["group", "show", "college-veil", "9Z"]);
    assert!(code == 1 && told.contains("no such group «9Z»"), "{told}");
}

/// What a feed does not use is refused rather than passed over, and nothing is made of it.
#[test]
fn a_secret_without_an_address_makes_no_feed() {
    let shell = Shell::new();
    shell.says(&["establishment", "create", "Lycée Michel"]);
    let token = shell.folder().join("token");
    std::fs::write(&token, "t").unwrap();
    let token = token.to_str().unwrap();
    let (code, told) = shell.fails(&["source", "add", "lycee-michel", "w4", "--kind", "scim", "--secret-file", token]);
    assert!(code == 2 && told.contains("--secret-file: needs --url"), "{told}");
    let (code, told) = shell.fails(&["source", "add", "lycee-michel", "w4", "--kind", "csv", "--secret-file", token]);
    assert!(code == 2 && told.contains("--kind scim"), "{told}");
    assert_eq!(shell.json(&["source", "list", "lycee-michel"]), serde_json::json!([]));
    let (code, told) =
        shell.fails(&["source", "add", "lycee-michel", "w4", "--kind", "csv", "--profile", "sacoche-pupils", "--schedule", "bad"]);
    assert!(code != 0 && told.contains("«bad»") && !told.contains(".."), "{told}");
}

#[test]
fn how_people_are_matched_and_what_is_guarded_is_said_by_options() {
    let shell = Shell::new();
    shell.says(&["establishment", "create", "Lycée Michel"]);
    let add = ["source", "add", "lycee-michel", "entra", "--kind", "scim", "--matching", r#"{"anchor":{"username":"username"}}"#];
    let more = ["--authority", "email,active", "--priority", "-1", "--guard", r#"{"people":{"max_count":5}}"#];
    let added = shell.json(&[&add[..], &more].concat());
    assert_eq!(added["matching"]["anchor"], serde_json::json!({ "username": "username" }));
    assert_eq!((&added["matching"]["authority"], &added["matching"]["priority"]), (&serde_json::json!(["active", "email"]), &(-1).into()));
    assert_eq!((&added["guard"]["people"]["max_count"], &added["guard"]["groups"]["max_count"]), (&5.into(), &200.into()));
    let file = shell.folder().join("matching.json");
    std::fs::write(&file, r#"{"anchor":{"number":["employee_number"],"username":null}}"#).unwrap();
    let edited = shell.json(&["source", "edit", "lycee-michel", "entra", "--matching", file.to_str().unwrap(), "--authority", ""]);
    assert_eq!(edited["matching"]["anchor"], serde_json::json!({ "number": ["employee_number"] }), "a merge patch");
    assert_eq!((&edited["matching"]["authority"], &edited["matching"]["priority"]), (&serde_json::json!([]), &(-1).into()));
    for (option, given) in [("--matching", r#"{"anchors":{}}"#), ("--guard", "{"), ("--matching", "/nowhere.json")] {
        let (_, told) = shell.fails(&["source", "edit", "lycee-michel", "entra", option, given]);
        assert!(told.contains(option), "{option} {given}: {told}");
    }
    let table = shell.says(&["source", "list", "lycee-michel"]);
    assert!(table.contains("scim, poussé vers nous") && table.contains("dernière requête") && table.contains("oui"), "{table}");
    let shown = shell.says(&["source", "show", "lycee-michel", "entra"]);
    assert!(shown.contains("/e/lycee-michel/scim/v2") && shown.contains("employee_number"), "{shown}");
    let off = shell.says(&["source", "enable", "lycee-michel", "entra", "--off"]);
    assert!(off.contains("est arrêtée") && !off.contains('{'), "{off}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scim_service_is_added_with_its_token_checked_and_synced() {
    let service = ScimService::start().await;
    service.users(12);
    service.group("g1", "ens", LONG_AGO, &[("User", "u00001")]);
    let base = service.base.clone();
    // The shell waits for each command, and the service answers meanwhile.
    let commands = tokio::task::spawn_blocking(move || {
        let shell = Shell::new();
        let token = shell.folder().join("token");
        std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
        shell.says(&["establishment", "create", "Lycée Michel"]);
        let add = ["source", "add", "lycee-michel", "idp", "--kind", "scim", "--url", &base, "--secret-file", token.to_str().unwrap()];
        let added = shell.json(&add);
        assert_eq!((&added["settings"]["url"], &added["has_secret"]), (&base.as_str().into(), &true.into()), "{added}");
        let checked = shell.says(&["source", "check", "lycee-michel", "idp"]);
        assert!(checked.contains("il dit savoir : filter, sort, etag") && checked.contains("user00001"), "{checked}");
        let edited = shell.json(&["source", "edit", "lycee-michel", "idp", "--groups", "none", "--map", "email=userName"]);
        assert_eq!((&edited["settings"]["groups"], &edited["settings"]["mapping"]["email"]), (&"none".into(), &"userName".into()));
        let synced = shell.json(&["source", "sync", "lycee-michel", "idp"]);
        assert_eq!((&synced["run"]["state"], &synced["run"]["created"]), (&"done".into(), &12.into()), "{synced}");
        let table = shell.says(&["source", "list", "lycee-michel"]);
        assert!(table.contains(&base) && !table.contains(&format!("\"{base}")) && table.contains("scim, lu"), "{table}");
        let variable = ("PASSERELLE_SCIM_SECRET", "another");
        let renewed = shell.run_with("fr_FR.UTF-8", variable, &["source", "edit", "lycee-michel", "idp"]);
        assert!(renewed.status.success(), "{renewed:?}");
        let (code, told) = shell.fails(&["source", "sync", "lycee-michel", "idp"]);
        assert!(code == 1 && told.contains("401") && told.contains("--secret-file"), "{code} {told}");
        let checked = shell.run("fr_FR.UTF-8", &["source", "check", "lycee-michel", "idp"]);
        let checked = String::from_utf8(checked.stdout).unwrap();
        assert!(checked.contains("(statut 401) :") || checked.contains("(statut 401) →"), "{checked}");
        assert!(checked.contains("--secret-file"), "{checked}");
    });
    commands.await.unwrap();
}

/// What is not told stays as it is; nothing but the policies that there are is taken.
#[test]
fn what_becomes_of_people_who_leave_is_told_on_the_command_line() {
    let shell = Shell::new();
    shell.says(&["establishment", "create", "Collège Veil"]);
    let policy = |source: &serde_json::Value| (source["leaving"]["grace_days"].clone(), source["leaving"]["then"].clone());
    let added =
        shell.json(&["source", "add", "college-veil", "pupils", "--kind", "csv", "--profile", "sacoche-pupils", "--leaving", "anonymise"]);
    assert_eq!(policy(&added), (180.into(), "anonymise".into()));
    let edited = shell.json(&["source", "edit", "college-veil", "pupils", "--grace-days", "365"]);
    assert_eq!(policy(&edited), (365.into(), "anonymise".into()));
    let edited = shell.json(&["source", "edit", "college-veil", "pupils", "--leaving", "keep"]);
    assert_eq!(policy(&edited), (365.into(), "keep".into()));
    let renamed = shell.json(&["source", "edit", "college-veil", "pupils", "--rename", "eleves"]);
    assert_eq!(policy(&renamed), (365.into(), "keep".into()));
    let (_, told) = shell.fails(&["source", "edit", "college-veil", "eleves", "--grace-days", "0"]);
    assert!(told.contains("1 to 3650"), "{told}");
    shell.fails(&["source", "edit", "college-veil", "eleves", "--leaving", "forget"]);
}
