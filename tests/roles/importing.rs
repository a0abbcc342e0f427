//! Catalogues that are imported: what would change, what is refused, and what stays the establishment's own.

use passerelle::services::applications::{self, ApplicationFields};
use passerelle::services::error::Error;
use passerelle::services::roles::assignments;
use passerelle::store::establishment::application::Level;
use serde_json::json;

use super::assigning::new;
use super::catalogue::shipped;
use super::school::School;

fn fields(json: serde_json::Value) -> ApplicationFields {
    serde_json::from_value(json).unwrap()
}

#[tokio::test]
async fn a_new_edition_tells_what_it_changes_before_it_does() {
    let groups: [(&str, &[&str], &[&str]); 1] = [("ens", &["a"], &[])];
    let school = School::new(&["a", "b"], &groups).await;
    let first = fields(
        json!({ "name": "notes", "title": "Relevés", "policy": { "version": "1.9" }, "claim_shape": { "claims": { "email": null } },
        "roles": [{ "name": "chef", "privileges": { "marks": "yes" } }, { "name": "reader", "privileges": { "marks": "read" } }, { "name": "old" }] }),
    );
    let tried = applications::try_import(&school.ctx, &first).await.unwrap();
    assert!(tried.created && !tried.written && tried.difference.roles_added.len() == 3);
    assert!(applications::list(&school.ctx).await.unwrap().iter().all(|a| a.name != "notes"));
    assert!(applications::import(&school.ctx, &first, None).await.unwrap().written);
    school.rule("notes", "ens", "reader", None).await;
    let second = fields(json!({ "name": "notes", "policy": { "version": "1.10" }, "default_role": "guest",
        "roles": [{ "name": "reader", "privileges": { "marks": "own" } }, { "name": "chef", "privileges": { "marks": "yes" } }, { "name": "guest" }] }));
    let tried = applications::try_import(&school.ctx, &second).await.unwrap();
    assert_eq!((tried.version_before.as_deref(), tried.version.as_deref()), (Some("1.9"), Some("1.10")));
    assert_eq!((&tried.difference.roles_added, &tried.difference.roles_removed), (&vec!["guest".to_owned()], &vec!["old".to_owned()]));
    assert_eq!(tried.difference.order.as_deref().unwrap(), ["reader", "chef", "guest"]);
    let [change] = tried.difference.privileges.as_slice() else { panic!("one privilege changes") };
    assert_eq!((change.role.as_str(), change.before, change.after), ("reader", Level::Read, Level::Own));
    assert!(!tried.written && tried.in_the_way.is_empty());
    let people = tried.people.unwrap();
    let gained: Vec<_> = people.gained.iter().map(|row| (row.user.username.as_str(), row.role.as_str())).collect();
    assert!(gained.contains(&("b", "guest")) && people.lost_count == 0, "{gained:?}");
    assert!(applications::import(&school.ctx, &second, None).await.unwrap().written);
    let stands = applications::get(&school.ctx, "notes").await.unwrap();
    // What the catalogue does not state stays.
    assert_eq!((stands.title.as_str(), stands.claim_shape), ("Relevés", json!({ "claims": { "email": null } })));
    assert_eq!((school.held("a", "notes").await, school.held("b", "notes").await), (vec!["reader".to_owned()], vec!["guest".to_owned()]));
    let again = applications::import(&school.ctx, &second, None).await.unwrap();
    assert!(!again.written && again.difference.is_empty());
}

#[tokio::test]
async fn a_role_that_is_still_given_is_not_imported_away() {
    let groups: [(&str, &[&str], &[&str]); 1] = [("ens", &["a"], &[])];
    let school = School::new(&["a"], &groups).await;
    school.application(json!({ "name": "notes", "roles": [{ "name": "chef" }, { "name": "reader" }, { "name": "kept" }] })).await;
    let rule = school.rule("notes", "ens", "reader", None).await;
    assignments::add(&school.ctx, &new(school.people["a"], "notes", "chef")).await.unwrap();
    let smaller = fields(json!({ "name": "notes", "roles": [{ "name": "kept" }] }));
    let tried = applications::try_import(&school.ctx, &smaller).await.unwrap();
    assert_eq!(tried.in_the_way.len(), 2, "{:?}", tried.in_the_way);
    assert!(tried.in_the_way[0].contains(&rule.id.to_string()) && tried.in_the_way[1].contains("«chef»"));
    let Err(Error::Conflict(why)) = applications::import(&school.ctx, &smaller, None).await else { panic!("two roles are given") };
    assert!(why.contains(&rule.id.to_string()) && why.contains("«chef»"), "{why}");
    assert_eq!(applications::get(&school.ctx, "notes").await.unwrap().roles.len(), 3);
}

/// OME-72: custom roles are impossible, and a newer edition from Omenori's makers is not.
#[tokio::test]
async fn roles_that_are_their_makers_change_by_a_newer_edition_alone() {
    let school = School::new(&["a"], &[]).await;
    school.install("omenori").await;
    let stands = applications::get(&school.ctx, "omenori").await.unwrap();
    let editable = |change: &dyn Fn(&mut ApplicationFields)| {
        let mut fields = ApplicationFields::from(&stands);
        change(&mut fields);
        fields
    };
    let fixed: [&dyn Fn(&mut ApplicationFields); 5] = [
        &|fields| fields.roles[5].privileges.extend([("calendar".to_owned(), Level::Yes)]),
        &|fields| drop(fields.roles.remove(0)),
        &|fields| fields.default_role = Some("APPRENTICE".to_owned()),
        &|fields| fields.policy.roles_editable = true,
        &|fields| fields.policy.version = Some("99".to_owned()),
    ];
    for (at, change) in fixed.iter().enumerate() {
        let refused = applications::update(&school.ctx, &stands, &editable(change)).await;
        let Err(Error::Conflict(why)) = refused else { panic!("change {at} is no edit's to make") };
        assert!(why.contains("import"), "{why}");
    }
    let told = editable(&|fields| {
        fields.title = "Alternance".to_owned();
        fields.policy.notify = passerelle::store::establishment::application::Notify::All;
    });
    applications::update(&school.ctx, &stands, &told).await.unwrap();
    let mut edition = shipped("omenori");
    edition.roles[5].privileges.insert("calendar".to_owned(), Level::Read);
    let same = applications::import(&school.ctx, &edition, None).await;
    assert!(matches!(&same, Err(Error::Conflict(why)) if why.contains("newer edition")), "{same:?}");
    edition.policy.version = Some("2".to_owned());
    let imported = applications::import(&school.ctx, &edition, None).await.unwrap();
    assert_eq!((imported.written, imported.difference.privileges.len()), (true, 1));
}

#[tokio::test]
async fn the_gateway_s_own_catalogue_is_nobodys_to_import() {
    let school = School::new(&[], &[]).await;
    let own = applications::export(&school.ctx, "passerelle").await.unwrap();
    assert!(applications::import(&school.ctx, &own, None).await.unwrap().difference.is_empty());
    let mut more = own;
    more.roles[0].privileges.insert("everything".to_owned(), Level::Yes);
    assert!(matches!(applications::import(&school.ctx, &more, None).await, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn an_edition_that_takes_many_roles_away_waits_for_a_persons_word() {
    let names: Vec<String> = (0..12).map(|n| format!("p{n}")).collect();
    let people: Vec<&str> = names.iter().map(String::as_str).collect();
    let groups: [(&str, &[&str], &[&str]); 1] = [("ens", &people, &[])];
    let school = School::new(&people, &groups).await;
    school.application(json!({ "name": "notes", "roles": [{ "name": "chef" }, { "name": "reader" }] })).await;
    school.rule("notes", "ens", "reader", None).await;
    // Bound to a scope, the role that the rule gives everywhere is nobody's any more.
    let bound = fields(json!({ "name": "notes", "roles": [{ "name": "chef" }, { "name": "reader", "scope": "required" }] }));
    assert_eq!(applications::try_import(&school.ctx, &bound).await.unwrap().people.unwrap().lost_count, 12);
    for confirmed in [None, Some(11)] {
        let held = applications::import(&school.ctx, &bound, confirmed).await;
        assert!(matches!(&held, Err(Error::Held(why)) if why.contains("confirm_losses = 12")), "{held:?}");
    }
    assert_eq!(school.held("p0", "notes").await, ["reader"]);
    assert!(applications::import(&school.ctx, &bound, Some(12)).await.unwrap().written);
    assert!(school.held("p0", "notes").await.is_empty());
}
