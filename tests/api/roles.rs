//! Applications, rules and assignments over HTTP.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use passerelle::services::users::{self, NewUser};
use passerelle::store::establishment::group::{self, Group};
use passerelle::store::establishment::membership;
use passerelle::store::establishment::user::{self, UserStatus};
use passerelle::types::id::{GroupId, UserId};

use super::kit::Served;

/// A school with one teacher of 3B, active, and its administrator's token.
async fn school() -> (Served, String, String, UserId) {
    let api = Served::start().await;
    let slug = api.establishment("Collège Zola").await;
    let token = api.token(&slug, "administrator").await;
    let ctx = api.test.context(&slug).await;
    let (mut teacher, _) = users::create(&ctx, &NewUser { username: "zola".to_owned(), ..NewUser::default() }).await.unwrap();
    teacher.status = UserStatus::Active;
    let group = Group {
        id: GroupId::new(),
        source_id: None,
        external_id: None,
        name: "Profs-3B".to_owned(),
        display_name: None,
        dn: None,
        dn_key: None,
        place: None,
        dangling: None,
        content_hash: Vec::new(),
        members_hash: Vec::new(),
        member_count: 1,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let mut tx = ctx.store.begin().await.unwrap();
    user::update(&mut tx, &teacher).await.unwrap();
    group::upsert_all(&mut tx, std::slice::from_ref(&group)).await.unwrap();
    membership::insert_all(&mut tx, &[(group.id, teacher.id)]).await.unwrap();
    tx.commit().await.unwrap();
    (api, format!("/api/v1/establishments/{slug}"), token, teacher.id)
}

fn rule(role: &str) -> Value {
    json!({ "application": "notes", "when": [{ "group": "profs-(?<class>.+)" }], "role": role, "scope": "{class}" })
}

const NOTES: &str = r#"{"name":"notes","title":"Notes","scope_kind":"unit","roles":[{"name":"principal"},{"name":"teacher"}]}"#;

#[tokio::test]
async fn a_rule_is_tried_added_explained_and_taken_away() {
    let (api, base, token, teacher) = school().await;
    let notes: Value = serde_json::from_str(NOTES).unwrap();
    assert_eq!(api.post(&format!("{base}/applications"), &token, &notes).await.status, StatusCode::CREATED);

    let simulated = api.post(&format!("{base}/rules/simulate"), &token, &json!({ "rules": [rule("teacher")] })).await;
    assert_eq!((simulated.status, simulated.body["gained"].as_array().unwrap().len()), (StatusCode::OK, 1), "{:?}", simulated.body);
    let gained = &simulated.body["gained"][0];
    assert_eq!((&gained["user"]["username"], &gained["role"], &gained["scope"]), (&json!("zola"), &json!("teacher"), &json!("3B")));
    let tried = api.post(&format!("{base}/rules?dry_run=true"), &token, &rule("teacher")).await;
    assert_eq!((tried.status, &tried.body["gained"]), (StatusCode::OK, &simulated.body["gained"]));
    let wrong = api.post(&format!("{base}/rules?dry_run=true"), &token, &rule("nobody")).await;
    assert_eq!((wrong.status, wrong.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["role"]), "{:?}", wrong.body);
    assert_eq!(api.get(&format!("{base}/rules"), &token).await.body["total"], 0);
    let misshapen = api.post(&format!("{base}/rules/simulate"), &token, &json!({ "rules": [{ "application": 3 }] })).await;
    assert_eq!((misshapen.status, misshapen.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["rules[0].application"]));

    let added = api.post(&format!("{base}/rules"), &token, &rule("teacher")).await;
    assert_eq!(added.status, StatusCode::CREATED, "{:?}", added.body);
    let path = added.header("location").to_owned();
    let held = api.get(&format!("{base}/assignments?user={teacher}&application=notes&origin=rule"), &token).await;
    assert_eq!((&held.body["total"], &held.body["items"][0]["rule"]), (&json!(1), &added.body["id"]), "{:?}", held.body);
    let explained = api.get(&format!("{base}/users/{teacher}/explain?application=notes&role=teacher"), &token).await;
    let kinds: Vec<&str> =
        explained.body["assignments"][0]["path"].as_array().unwrap().iter().map(|s| s["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"group") && kinds.contains(&"rule") && kinds.contains(&"capture"), "{:?}", explained.body);

    let as_shown = api.get(&path, &token).await.body;
    let same = api.post(&format!("{base}/rules/simulate"), &token, &json!({ "rules": [as_shown] })).await;
    assert_eq!((&same.body["gained"], &same.body["lost"]), (&json!([]), &json!([])), "{:?}", same.body);
    let changed = api.patch(&path, &token, &json!({ "role": "principal" })).await;
    assert_eq!((changed.status, &changed.body["role"]), (StatusCode::OK, &json!("principal")));
    assert_eq!(api.send(Method::DELETE, &path, Some(&token), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(api.get(&format!("{base}/assignments?application=notes"), &token).await.body["total"], 0);
}

#[tokio::test]
async fn roles_are_given_by_hand_and_ended_and_the_gateways_own_no_further_than_one_holds() {
    let (api, base, token, teacher) = school().await;
    let notes: Value = serde_json::from_str(NOTES).unwrap();
    api.post(&format!("{base}/applications"), &token, &notes).await;
    let new = json!({ "user": teacher, "application": "notes", "role": "principal", "scope": "3b", "reason": "remplacement" });
    let given = api.post(&format!("{base}/assignments"), &token, &new).await;
    assert_eq!((given.status, &given.body["origin"]), (StatusCode::CREATED, &json!("manual")), "{:?}", given.body);
    assert_eq!(api.post(&format!("{base}/assignments"), &token, &new).await.status, StatusCode::CONFLICT);
    let used = api.send(Method::DELETE, &format!("{base}/applications/notes"), Some(&token), None).await;
    assert_eq!(used.status, StatusCode::CONFLICT);
    let ended = api.post(&format!("{}/end", given.header("location")), &token, &json!({})).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let wrong = json!({ "user": UserId::new(), "application": "notes", "role": "king" });
    assert_eq!(api.post(&format!("{base}/assignments"), &token, &wrong).await.fields(), ["user", "role"]);

    let administrator = json!({ "user": teacher, "application": "passerelle", "role": "administrator" });
    assert_eq!(api.post(&format!("{base}/assignments"), &token, &administrator).await.status, StatusCode::CREATED);
    let listed = api.get(&format!("{base}/applications?q=passer&limit=1"), &token).await;
    assert_eq!((&listed.body["total"], &listed.body["items"][0]["name"]), (&json!(1), &json!("passerelle")));
    let pages = api.get(&format!("{base}/applications?limit=1"), &token).await;
    let next = api.get(&format!("{base}/applications?limit=1&cursor={}", pages.body["next_cursor"].as_str().unwrap()), &token).await;
    assert_eq!((&next.body["items"][0]["name"], &next.body["next_cursor"]), (&json!("passerelle"), &Value::Null));
}

#[tokio::test]
async fn a_claim_shape_that_could_not_be_followed_is_refused_when_written() {
    let api = Served::start().await;
    let slug = api.establishment("Lycée des Revendications").await;
    let token = api.token(&slug, "administrator").await;
    let base = format!("/api/v1/establishments/{slug}/applications");
    let wrong = json!({ "claims": { "sub": { "from": "username" } } });
    let refused = api.post(&base, &token, &json!({ "name": "intranet", "claim_shape": wrong })).await;
    assert_eq!((refused.status, refused.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["claim_shape.claims.sub"]));
    assert_eq!(api.post(&base, &token, &json!({ "name": "intranet" })).await.status, StatusCode::CREATED);
    let patched = api.patch(&format!("{base}/intranet"), &token, &json!({ "claim_shape": wrong })).await;
    assert_eq!((patched.status, patched.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["claim_shape.claims.sub"]));
}

#[tokio::test]
async fn a_rule_for_a_time_is_written_filtered_and_remarked_on() {
    let (api, base, token, teacher) = school().await;
    let notes: Value = serde_json::from_str(NOTES).unwrap();
    api.post(&format!("{base}/applications"), &token, &notes).await;
    let any = json!([{ "any": [{ "group": "profs-(?<class>.+)" }, { "unit": "(?<class>Z.+)" }] }]);
    let new = json!({ "application": "notes", "when": any, "role": "teacher", "scope": "{class}", "ends": "08-31" });
    let added = api.post(&format!("{base}/rules"), &token, &new).await;
    assert_eq!((added.status, &added.body["when"], &added.body["ends"]), (StatusCode::CREATED, &any, &json!("08-31")), "{:?}", added.body);
    let remarks: Vec<_> = added.body["warnings"].as_array().unwrap().iter().map(|w| (&w["kind"], &w["place"])).collect();
    assert_eq!(remarks, [(&json!("no_value"), &json!("when[0].any[1]"))]);
    let held = api.get(&format!("{base}/assignments?user={teacher}&application=notes"), &token).await.body;
    assert!(held["items"][0]["valid_until"].is_string(), "{held:?}");

    let path = added.header("location").to_owned();
    let shown = api.get(&path, &token).await;
    assert_eq!(shown.body["warnings"], Value::Null, "what is remarkable is asked for where it is wanted");
    let wrong = api.patch(&path, &token, &json!({ "valid_from": "2026-09-01T00:00:00Z", "valid_until": "2026-09-01T00:00:00Z" })).await;
    assert_eq!((wrong.status, wrong.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["valid_until"]), "{:?}", wrong.body);
    let closed = api.patch(&path, &token, &json!({ "ends": null, "valid_until": "2020-01-01T01:00:00+01:00" })).await;
    assert_eq!((closed.status, &closed.body["warnings"][0]["kind"]), (StatusCode::OK, &json!("ended")), "{:?}", closed.body);
    for (filter, total) in
        [("valid_until=2020-01-01T00:00:00Z", 1), ("valid_until=2021-01-01T00:00:00Z", 0), ("ends=08-31", 0), ("q=Z.%2B", 1)]
    {
        assert_eq!(api.get(&format!("{base}/rules?{filter}"), &token).await.body["total"], total, "{filter}");
    }
    let lint = api.get(&format!("{base}/rules/lint"), &token).await;
    assert_eq!((lint.status, &lint.body["findings"][0]["rule"]), (StatusCode::OK, &added.body["id"]), "{:?}", lint.body);
    let twin = api
        .post(
            &format!("{base}/rules"),
            &token,
            &json!({ "application": "notes", "when": any, "role": "teacher", "scope": "{class}",
        "valid_until": "2019-01-01T00:00:00Z" }),
        )
        .await;
    assert_eq!((twin.status, twin.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["valid_until"]), "{:?}", twin.body);
}

#[tokio::test]
async fn rules_and_assignments_are_found_by_words() {
    let api = Served::start().await;
    let slug = api.establishment("Lycée des Mots").await;
    let token = api.token(&slug, "administrator").await;
    let base = format!("/api/v1/establishments/{slug}");
    let roles = json!([{ "name": "Élève" }, { "name": "Enseignant" }]);
    assert_eq!(
        api.post(&format!("{base}/applications"), &token, &json!({ "name": "notes", "roles": roles })).await.status,
        StatusCode::CREATED
    );
    for (group, role) in [("classe-*", "Élève"), ("salle-des-profs", "Enseignant")] {
        let rule = json!({ "application": "notes", "role": role, "when": [{ "group": group }] });
        let made = api.post(&format!("{base}/rules"), &token, &rule).await;
        assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    }
    for (words, total) in [("eleve", 1), ("SALLE", 1), ("notes", 2), ("cantine", 0)] {
        let found = api.get(&format!("{base}/rules?q={words}"), &token).await;
        assert_eq!((found.status, &found.body["total"]), (StatusCode::OK, &json!(total)), "{words}");
    }
    for list in ["assignments", "runs"] {
        let found = api.get(&format!("{base}/{list}?q=cantine"), &token).await;
        assert_eq!((found.status, &found.body["total"]), (StatusCode::OK, &json!(0)), "{list}");
    }
    let trail = api.get(&format!("{base}/audit?q=Rule"), &token).await;
    assert!(trail.body["total"].as_i64().is_some_and(|total| total >= 2), "{:?}", trail.body);
}

#[tokio::test]
async fn a_simulation_is_saved_a_rule_set_scheduled_and_two_dates_compared() {
    let (api, base, token, teacher) = school().await;
    let notes: Value = serde_json::from_str(NOTES).unwrap();
    api.post(&format!("{base}/applications"), &token, &notes).await;
    let rules = json!([rule("teacher"), rule("principal")]);
    let page = api.post(&format!("{base}/rules/simulate?limit=1&role=teacher"), &token, &json!({ "rules": rules })).await;
    assert_eq!((&page.body["gained_count"], page.body["gained"].as_array().unwrap().len()), (&json!(2), 1), "{:?}", page.body);
    let odd = api.post(&format!("{base}/rules/simulate?cursor=x"), &token, &json!({ "rules": rules })).await;
    assert_eq!((odd.status, odd.fields()), (StatusCode::BAD_REQUEST, vec!["cursor"]));
    let order = |simulation: &Value| json!({ "rules": rules, "simulation": simulation });
    let applied = api.post(&format!("{base}/rules/apply"), &token, &order(&page.body["simulation"])).await;
    assert_eq!(
        (applied.status, &applied.body["added"], &applied.body["gained"]),
        (StatusCode::OK, &json!(2), &json!(2)),
        "{:?}",
        applied.body
    );
    let again = api.post(&format!("{base}/rules/apply"), &token, &order(&page.body["simulation"])).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "the rules are others by now: {:?}", again.body);

    let tried = api.post(&format!("{base}/applications/notes/simulate"), &token, &json!({ "cardinality": "single" })).await;
    assert_eq!((&tried.body["lost_count"], &tried.body["lost"][0]["role"]), (&json!(1), &json!("teacher")), "{:?}", tried.body);
    let explained = api.get(&format!("{base}/users/{teacher}/explain?client=nobody"), &token).await;
    assert_eq!(explained.status, StatusCode::NOT_FOUND);

    let set = api.post(&format!("{base}/rule-sets"), &token, &json!({ "name": "rentree", "rules": [rule("teacher")] })).await;
    assert_eq!((set.status, &set.body["state"]), (StatusCode::CREATED, &json!("prepared")), "{:?}", set.body);
    let past = api.post(&format!("{base}/rule-sets/rentree/schedule"), &token, &json!({ "apply_at": "2020-01-01T00:00:00Z" })).await;
    assert_eq!((past.status, past.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["apply_at"]));
    let renamed = api.patch(&format!("{base}/rule-sets/rentree"), &token, &json!({ "title": "Rentrée" })).await;
    assert_eq!((renamed.status, &renamed.body["title"]), (StatusCode::OK, &json!("Rentrée")));
    let done = api.post(&format!("{base}/rule-sets/rentree/apply"), &token, &json!({})).await;
    assert_eq!(
        (done.status, &done.body["state"], &done.body["changes"]["lost"]),
        (StatusCode::OK, &json!("applied"), &json!(1)),
        "{:?}",
        done.body
    );
    let back = api.post(&format!("{base}/rule-sets/rentree/rollback"), &token, &json!({})).await;
    assert_eq!((&back.body["state"], &back.body["changes"]["gained"]), (&json!("rolled_back"), &json!(1)), "{:?}", back.body);
    assert_eq!(api.get(&format!("{base}/rule-sets?state=rolled_back"), &token).await.body["total"], 1);

    let compared = api.get(&format!("{base}/assignments/compare?application=notes&change=gained"), &token).await;
    assert_eq!(
        (compared.status, &compared.body["total"], &compared.body["items"][0]["username"]),
        (StatusCode::OK, &json!(2), &json!("zola"))
    );
    let turned = api.get(&format!("{base}/assignments/compare?from=2400-01-01T00:00:00Z"), &token).await;
    assert_eq!((turned.status, turned.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["from"]));
}
