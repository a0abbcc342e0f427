//! Whole spreadsheets, as people export them, and the records they become.
#![expect(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails, and says where")]

use serde_json::{Value, json};

use super::{Logins, Settings, read};
use crate::record::{Group, Member, Person, Record, Unreadable};

/// What a file becomes.
#[derive(Debug, Default)]
struct Outcome {
    people: Vec<Person>,
    groups: Vec<Group>,
    aside: Vec<Unreadable>,
}

impl Outcome {
    fn usernames(&self) -> Vec<(&str, &str)> {
        self.people.iter().map(|person| (person.external_id.as_str(), person.username.as_str())).collect()
    }

    fn group(&self, name: &str) -> Vec<String> {
        let group = self.groups.iter().find(|group| group.name == name).unwrap_or_else(|| panic!("no {name} in {:?}", self.groups));
        let members = group.members.iter().map(|member| match member {
            Member::Dn(dn) => dn.clone(),
            Member::Username(name) => panic!("{name}"),
        });
        members.collect()
    }

    fn reasons(&self) -> Vec<&str> {
        self.aside.iter().map(|entry| entry.reason.as_str()).collect()
    }
}

fn tried(bytes: &[u8], settings: &Value, logins: &Logins) -> Result<Outcome, String> {
    let mut out = Outcome::default();
    let settings = Settings::parse(settings).map_err(|refused| refused.to_string())?;
    let outcome = read(bytes, &settings, logins, &mut |record| {
        match record {
            Record::Person(person) => out.people.push(person),
            Record::Group(group) => out.groups.push(group),
            Record::Unreadable(entry) => out.aside.push(entry),
        }
        Ok(())
    });
    outcome.map_err(|cause| cause.to_string())?;
    Ok(out)
}

fn of(text: &str, settings: &Value) -> Outcome {
    tried(text.as_bytes(), settings, &Logins::default()).unwrap()
}

fn pupils() -> Value {
    json!({ "profile": "sacoche-pupils" })
}

const SACOCHE: &str = "numéro;genre;nom;prenom;date naiss.;courriel;classe;groupes\r\n\
    101;F;Lefèvre;Zoé;3/09/2011;zoe@acad-test.fr;3A;Latin|Chorale\r\n\
    102;1;Œuvrard;Jean-Noël;14/01/2011;;3B;Latin\r\n";

#[test]
fn sacoches_own_columns_need_nothing_said() {
    let read = of(SACOCHE, &pupils());
    let zoe = &read.people[0];
    assert_eq!((zoe.external_id.as_str(), zoe.username.as_str(), zoe.display_name.as_str()), ("101", "zoe.lefevre", "Zoé Lefèvre"));
    assert_eq!((zoe.email.as_deref(), zoe.active, zoe.dn.as_str()), (Some("zoe@acad-test.fr"), true, "uid=101"));
    assert_eq!((&zoe.attributes["birth_date"][0], &zoe.attributes["class"][0]), (&"2011-09-03".to_owned(), &"3A".to_owned()));
    assert_eq!((read.people[1].username.as_str(), read.people[1].email.as_deref()), ("jean-noel.oeuvrard", None));
    assert_eq!(read.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["3A", "3B", "Chorale", "Latin"]);
    assert_eq!(read.group("Latin"), ["uid=101", "uid=102"]);
    let class = read.groups.iter().find(|group| group.name == "3A").unwrap();
    assert_eq!((class.external_id.as_str(), class.dn.as_str()), ("classe=3a", "cn=3A,ou=classe"));
}

#[test]
fn a_portals_columns_are_understood_too_whatever_their_accents_and_encoding() {
    let text = "Nom;Prénom;Date de naissance;Sexe;Division;Login\nLefèvre;Zoé;03/09/2011;F;3A;zlefevre\n";
    let read = of(text, &pupils());
    assert_eq!(read.usernames(), [("lefevre|zoe|03/09/2011", "zlefevre")]);
    let windows: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let shouted = "NOM;PRENOM;DATE DE NAISSANCE;SEXE;DIVISION;LOGIN\nLEFEVRE;ZOE;03/09/2011;F;3A;zlefevre\n";
    assert_eq!(tried(&windows, &pupils(), &Logins::default()).unwrap().people, read.people);
    assert_eq!(of(shouted, &pupils()).usernames(), read.usernames(), "the key depends on no accent");
}

#[test]
fn declared_columns_templates_groups_and_states() {
    let settings = json!({
        "key": "Matricule", "delimiter": ",", "header_lines": 2,
        "mapping": { "username": "Identifiant|{Prénom}.{Nom}", "given_name": "Prénom", "family_name": "Nom", "office": "4", "units": "Service" },
        "groups": [{ "column": "Service", "name": "Service {value}" }, { "column": "Projets", "separator": "/" }],
        "active": { "column": "Parti", "closed_values": ["oui"] },
    });
    let text = "Agents au 1er septembre\nMatricule,Nom,Prénom,Bureau,Service,Projets,Parti,Identifiant\n\
        7,\"Durand, dit Dur\",Ève,B12,RH,x / y,,\n8,Petit,Paul,,Info,y,Oui,ppetit\n";
    let read = of(text, &settings);
    assert_eq!(read.usernames(), [("7", "eve.durand-dit-dur"), ("8", "ppetit")]);
    assert_eq!(
        (read.people[0].attributes["office"].as_slice(), read.people[0].units.as_slice()),
        (["B12".to_owned()].as_slice(), ["RH".to_owned()].as_slice())
    );
    assert_eq!((read.people[1].active, read.people[1].inactive_reason.as_deref()), (false, Some("Parti Oui")));
    assert_eq!((read.group("Service RH"), read.group("y")), (vec!["uid=7".to_owned()], vec!["uid=7".to_owned(), "uid=8".to_owned()]));
}

#[test]
fn rows_that_cannot_be_used_are_set_aside_and_stop_nobody() {
    let text =
        "numero;nom;prenom;classe\n1;Un;Ada;3A\n2;Deux\n;Trois;Cléo;3A\n4;;;3A\n5;Cinq;N\0l;3A\n6;Six;Eve;3A;et plus\n7;Sept;Guy;3A\n";
    let read = of(text, &pupils());
    assert_eq!(read.usernames(), [("1", "ada.un"), ("7", "guy.sept")]);
    let expected = [
        "line 3: the row has 2 cells, and there are 4 titles",
        "line 4: column «numero»: no key",
        "line 5: no login name: the columns that make it are empty",
        "line 6: column «prenom»: it holds the NUL character (U+0000)",
        "line 7: the row has 5 cells, and there are 4 titles",
    ];
    assert_eq!(read.reasons(), expected);
    let keys: Vec<_> = read.aside.iter().map(|entry| entry.external_id.as_deref()).collect();
    assert_eq!(keys, [Some("2"), None, Some("4"), Some("5"), Some("6")], "whoever is known by a key is not taken for gone");
    assert_eq!(read.group("3A"), ["uid=1", "uid=4", "uid=5", "uid=6", "uid=7"], "and stays in the groups of others");
}

#[test]
fn a_key_said_twice_is_one_person_when_all_else_agrees_and_nobody_when_not() {
    let text = "numero;nom;prenom;groupes\n1;Un;Ada;Latin\n2;Deux;Bob;Latin\n1;Un;Ada;Chorale\n3;Trois;Cleo;Latin\n3;Quatre;Dan;Latin\n";
    let read = of(text, &pupils());
    assert_eq!(read.usernames(), [("1", "ada.un"), ("2", "bob.deux")]);
    assert_eq!(read.group("Chorale"), ["uid=1"]);
    let expected = [
        "line 5: line 6 says something else of the key «3»: correct or remove one of them",
        "line 6: line 5 says something else of the key «3»: correct or remove one of them",
    ];
    assert_eq!(read.reasons(), expected);
}

#[test]
fn homonyms_get_numbers_that_stay_theirs() {
    let first = of("numero;nom;prenom\n20;Martin;Léa\n10;Martin;Lea\n", &pupils());
    assert_eq!(first.usernames(), [("20", "lea.martin2"), ("10", "lea.martin")]);
    let given = first.people.iter().map(|person| (person.external_id.clone(), person.username.clone()));
    let logins = Logins { given: given.collect(), taken: first.people.iter().map(|person| person.username.clone()).collect() };
    let later = tried(b"numero;nom;prenom\n5;Martin;LEA\n20;Martin;Lea\n", &pupils(), &logins).unwrap();
    assert_eq!(later.usernames(), [("5", "lea.martin3"), ("20", "lea.martin2")]);
    let married = tried(b"numero;nom;prenom\n20;Dupont;Lea\n", &pupils(), &logins).unwrap();
    assert_eq!(married.usernames(), [("20", "lea.martin2")], "a login name is kept for good");
}

#[test]
fn a_column_that_is_gone_fails_the_reading_instead_of_emptying_everyone() {
    let refused = |text: &str, settings: &Value| tried(text.as_bytes(), settings, &Logins::default()).unwrap_err();
    let settings = json!({ "key": "n", "mapping": { "username": "login", "email": "Courriel" } });
    assert_eq!(refused("n;login\n1;a\n", &settings), "`mapping.email` names «Courriel», and the file has no such column, but «n», «login»");
    assert!(refused("login;courriel\na;b\n", &settings).starts_with("`key` names «n»"));
    assert!(refused("Nom;Prénom\nA;B\n", &pupils()).starts_with("`key` names «numero|n_sconet"));
    assert!(refused("n;n;login;courriel\n1;2;a;b\n", &settings).starts_with("columns 1 and 2 both bear the title «n»"));
    assert!(refused("", &pupils()).contains("the file is empty"));
}

#[test]
fn titles_alone_state_nobody() {
    let read = of("numero;nom;prenom;classe\n", &pupils());
    assert_eq!((read.people.len(), read.groups.len(), read.aside.len()), (0, 0, 0));
}

#[test]
fn one_group_has_one_name_whatever_the_order_of_the_rows() {
    let read = |text: &str| of(text, &pupils()).groups;
    let (one, other) = (read("numero;nom;prenom;classe\n1;A;B;3a\n2;C;D;3A \n"), read("numero;nom;prenom;classe\n2;C;D;3A\n1;A;B;3a\n"));
    assert_eq!((one.len(), one[0].name.as_str()), (1, "3A"));
    assert_eq!(one, other);
}
