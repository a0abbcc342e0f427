//! A large establishment with many rules, written into its store for a benchmark.

use std::collections::BTreeMap;
use std::sync::Arc;

use passerelle::services::applications;
use passerelle::services::context::{Actor, Context, Gateway, PlatformContext};
use passerelle::services::establishments::{self, NewEstablishment};
use passerelle::services::roles::{self, RuleFields};
use passerelle::store::establishment::group::{self, Group};
use passerelle::store::establishment::rule::{self, Rule};
use passerelle::store::establishment::user::{self, User, UserStatus};
use passerelle::store::establishment::{application, membership};
use passerelle::types::id::{GroupId, RuleId, UserId};
use passerelle::types::time::Timestamp;
use serde_json::{Value, json};

/// The establishment.
pub const SLUG: &str = "academie";
/// Groups whose change is measured, with their members.
pub const MEASURED: [(&str, usize); 3] = [("mesure-200", 200), ("mesure-2000", 2_000), ("mesure-20000", 20_000)];
/// Departments, each with a group of every kind inside a group of its own.
const DEPARTMENTS: usize = 250;
/// Kinds of groups.
const KINDS: [&str; 19] = [
    "ens", "etu", "secr", "resp", "tut", "app", "dir", "vac", "doc", "bib", "tech", "rech", "post", "admin", "jury", "bde", "coop",
    "stage", "alumni",
];
/// Groups that each person is in.
const MEMBERSHIPS: usize = 4;
/// Applications, each with as many roles.
const APPLICATIONS: usize = 10;

/// Makes the establishment with so many people.
pub async fn fill(gateway: &Arc<Gateway>, people: usize) {
    let platform = PlatformContext::open(gateway, Actor::System, Timestamp::now()).await.unwrap();
    let new = NewEstablishment { name: "Académie".to_owned(), slug: Some(SLUG.to_owned()), ..NewEstablishment::default() };
    establishments::create(&platform, &new).await.unwrap();
    let ctx = platform.enter(SLUG).await.unwrap();
    for number in 0..APPLICATIONS {
        let roles: Vec<Value> = (0..10).map(|role| json!({ "name": format!("r{role}"), "title": format!("Role {role}") })).collect();
        let (cardinality, default) = if number == 0 { ("single", json!("r9")) } else { ("multi", Value::Null) };
        let fields =
            json!({ "name": format!("app{number}"), "title": "App", "roles": roles, "cardinality": cardinality, "default_role": default });
        applications::create(&ctx, &serde_json::from_value(fields).unwrap()).await.unwrap();
    }
    let mut tx = ctx.store.begin().await.unwrap();
    let people: Vec<User> = (0..people).map(|number| person(&ctx, number)).collect();
    user::insert_all(&mut tx, &people).await.unwrap();
    let groups = groups(&ctx);
    let rows: Vec<Group> = groups.values().cloned().collect();
    group::upsert_all(&mut tx, &rows).await.unwrap();
    for number in 0..DEPARTMENTS {
        let parent = groups[&format!("dept-D{number:03}")].id;
        for kind in KINDS {
            membership::insert_nesting(&mut tx, parent, groups[&format!("{kind}-D{number:03}")].id).await.unwrap();
        }
    }
    membership::insert_all(&mut tx, &memberships(&groups, &people)).await.unwrap();
    let applications = application::list(&mut tx).await.unwrap();
    for fields in rules() {
        let of = applications.iter().find(|application| application.name == fields.application).unwrap();
        let RuleFields { when: conditions, role, scope, priority, enabled, valid_from, valid_until, ends, application } = fields;
        let (id, created_at, updated_at) = (RuleId::new(), ctx.now, ctx.now);
        let row = Rule {
            id,
            application_id: of.id,
            application,
            conditions,
            role,
            scope,
            priority,
            enabled,
            valid_from,
            valid_until,
            ends,
            created_at,
            updated_at,
        };
        rule::insert(&mut tx, &row).await.unwrap();
    }
    roles::recompute_all_in(&mut tx, &ctx).await.unwrap();
    tx.commit().await.unwrap();
}

/// People spread over all.
pub async fn some_people(ctx: &Context, count: usize) -> Vec<UserId> {
    let all = user::list_after(&mut ctx.store.read().await.unwrap(), None, i64::MAX).await.unwrap();
    all.iter().step_by((all.len() / count).max(1)).take(count).map(|person| person.id).collect()
}

fn person(ctx: &Context, number: usize) -> User {
    let one = |text: String| vec![text];
    let attributes = BTreeMap::from([
        ("eduPersonPrimaryAffiliation".to_owned(), one(["student", "faculty", "staff", "affiliate"][number % 4].to_owned())),
        ("supannEmpId".to_owned(), one(format!("E{number:06}"))),
        ("supannEtablissement".to_owned(), one("{UAI}0990001X".to_owned())),
        ("corps".to_owned(), one(format!("C{}", number % 40))),
        ("telephoneNumber".to_owned(), one(format!("+33 1 00 00 {:02} {:02}", number / 100 % 100, number % 100))),
        ("title".to_owned(), one(format!("Titre {}", number % 300))),
        ("ou".to_owned(), one(format!("Service {}", number % 90))),
    ]);
    User {
        id: UserId::new(),
        username: format!("u{number:06}"),
        given_name: Some(format!("Prénom{}", number % 977)),
        family_name: Some(format!("Nom{number}")),
        display_name: format!("Prénom{} Nom{number}", number % 977),
        email: Some(format!("u{number:06}@acad-test.fr")),
        locale: Some("fr".to_owned()),
        status: if number % 50 == 49 { UserStatus::Disabled } else { UserStatus::Active },
        disabled_by: None,
        home_unit: Some(format!("D{:03}", number % DEPARTMENTS)),
        units: vec![format!("D{:03}", number % DEPARTMENTS), format!("U{:02}", number % 37)],
        attributes,
        last_sign_in_at: None,
        created_at: ctx.now,
        updated_at: ctx.now,
        erased_at: None,
    }
}

fn groups(ctx: &Context) -> BTreeMap<String, Group> {
    let of_departments = (0..DEPARTMENTS).flat_map(|number| KINDS.iter().chain(&["dept"]).map(move |kind| format!("{kind}-D{number:03}")));
    let names: Vec<String> = of_departments.chain(MEASURED.iter().map(|(name, _)| (*name).to_owned())).collect();
    let row = |name: String| {
        let dn = format!("cn={name},ou=0990001X,ou=groups,dc=acad-test,dc=fr");
        let made = Group {
            id: GroupId::new(),
            source_id: None,
            external_id: None,
            name: name.clone(),
            display_name: None,
            dn_key: Some(dn.to_lowercase()),
            dn: Some(dn),
            place: None,
            dangling: None,
            content_hash: Vec::new(),
            members_hash: Vec::new(),
            member_count: 0,
            created_at: ctx.now,
            updated_at: ctx.now,
        };
        (name, made)
    };
    names.into_iter().map(row).collect()
}

fn memberships(groups: &BTreeMap<String, Group>, people: &[User]) -> Vec<(GroupId, UserId)> {
    let mut pairs = Vec::with_capacity(people.len() * MEMBERSHIPS);
    for (number, person) in people.iter().enumerate() {
        let mut own: Vec<GroupId> = Vec::new();
        for turn in 0..MEMBERSHIPS {
            // Multiplicative steps spread people over everything.
            let at = (number * 7_919 + turn * 104_729) % (DEPARTMENTS * KINDS.len());
            let name = format!("{}-D{:03}", KINDS[at % KINDS.len()], at / KINDS.len());
            own.push(groups[&name].id);
        }
        own.sort_unstable();
        own.dedup();
        pairs.extend(own.into_iter().map(|group| (group, person.id)));
    }
    for (name, members) in MEASURED {
        let spread = (people.len() / members).max(1);
        pairs.extend(people.iter().step_by(spread).take(members).map(|person| (groups[name].id, person.id)));
    }
    pairs
}

/// Two hundred rules of every sort.
fn rules() -> Vec<RuleFields> {
    let mut written: Vec<Value> = Vec::new();
    let mut add = |when: Value, role: usize, scope: Option<&str>| {
        let application = format!("app{}", written.len() % APPLICATIONS);
        written.push(json!({ "application": application, "when": when, "role": format!("r{}", role % 9), "scope": scope }));
    };
    for (at, kind) in KINDS.iter().enumerate() {
        add(json!([{ "group": format!("{kind}-(?<unit>D[0-9]+)") }]), at, Some("{unit}"));
    }
    for number in 0..80 {
        add(json!([{ "group": format!("{}-D{:03}", KINDS[number % KINDS.len()], number * 3) }]), number, None);
    }
    for number in 0..30 {
        add(json!([{ "attribute": "corps", "matches": format!("C{number}") }, { "group": "dept-.+" }]), number, None);
    }
    for number in 0..20 {
        add(json!([{ "unit": format!("U{number:02}|X-(?<x>.+)") }]), number, None);
    }
    for number in 0..30 {
        let kind = KINDS[number % KINDS.len()];
        let any = json!([{ "any": [
            { "group": format!("{kind}-(?<unit>D{}[0-9]+)", number % 3) },
            { "all": [{ "unit": format!("(?<unit>D2{:02})", number) }, { "attribute": "title", "matches": "Titre 1.*" }] },
        ] }]);
        add(any, number, Some("{unit}"));
    }
    for (number, (name, _)) in MEASURED.iter().enumerate() {
        add(json!([{ "group": name }]), number, None);
    }
    while written.len() < 200 {
        let number = written.len();
        let affiliation = ["student", "faculty", "staff"][number % 3];
        let when = json!([
            { "attribute": "eduPersonPrimaryAffiliation", "matches": affiliation },
            { "group": format!("cn={}-(?<unit>D1[0-9]+),ou=.*", KINDS[number % KINDS.len()]) },
            { "group": "mesure-.+", "not": true },
        ]);
        let application = format!("app{}", number % APPLICATIONS);
        written.push(json!({ "application": application, "when": when, "role": format!("r{}", number % 9), "scope": "{unit}" }));
    }
    written.into_iter().map(|rule| serde_json::from_value(rule).unwrap()).collect()
}
