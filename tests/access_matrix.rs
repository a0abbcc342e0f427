//! Who may call what: every operation of the API's description, which is made of the router itself, with every kind of caller. An operation
//! that is not in the table fails, and so does a row that names no operation.

mod callers;
mod table;
mod targets;

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::api::kit::Served;
use callers::Callers;
use table::{Reach, Row, TABLE};
use targets::Targets;

/// Every operation of the description.
fn operations() -> BTreeSet<(String, String)> {
    let document = serde_json::to_value(passerelle::fronts::api::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().clone();
    let all = paths.into_iter().flat_map(|(path, operations)| {
        let methods: Vec<String> = operations.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        methods.into_iter().map(move |method| (method, path.clone()))
    });
    all.collect()
}

#[test]
fn the_table_names_every_operation_and_no_other() {
    let described = operations();
    let named: BTreeSet<(String, String)> = TABLE.iter().map(|row| (row.method.to_owned(), format!("/api/v1{}", row.path))).collect();
    assert_eq!(named.len(), TABLE.len(), "a row stands twice in the table");
    let missing: Vec<_> = described.difference(&named).collect();
    assert!(missing.is_empty(), "these operations are not in the access matrix: say who may call them\n{missing:#?}");
    let gone: Vec<_> = named.difference(&described).collect();
    assert!(gone.is_empty(), "the access matrix names operations that are not there\n{gone:#?}");
}

/// What an access token gets where nobody knows it.
const ACCESS_TOKEN_OF_ANOTHER: u16 = 401;

/// What a caller of a kind gets: the operation's own answer, or a refusal.
fn expected(row: &Row, caller: &str) -> u16 {
    // The unit that is asked for is new, and nobody of the caller's is at home there.
    let elsewhere = caller == "unit admin" && row.path.ends_with("/units/{id}") && row.method != "DELETE";
    let served = match row.reach {
        Reach::Units if elsewhere => false,
        Reach::Platform | Reach::Operate => caller == "operator",
        Reach::Manage | Reach::Hidden => matches!(caller, "operator" | "administrator"),
        Reach::Read => matches!(caller, "operator" | "administrator" | "auditor"),
        Reach::People | Reach::Units => {
            matches!(caller, "operator" | "administrator" | "auditor" | "unit admin" | "help desk" | "responsible")
        }
        Reach::Unit => matches!(caller, "operator" | "administrator" | "unit admin"),
        Reach::Links => matches!(caller, "operator" | "administrator" | "unit admin" | "help desk"),
        Reach::Held => matches!(caller, "operator" | "administrator" | "auditor" | "unit admin" | "responsible"),
        Reach::Given | Reach::Laid => matches!(caller, "operator" | "administrator" | "auditor"),
        Reach::Access => matches!(caller, "operator" | "administrator" | "responsible"),
    };
    match caller {
        _ if served => row.answer,
        "anonymous" => 401,
        "stranger" if row.reach != Reach::Platform => 404,
        "unit admin" | "responsible" if matches!(row.reach, Reach::Given | Reach::Hidden) => 404,
        "unit admin" | "help desk" | "responsible" if row.reach == Reach::Laid => 404,
        "unit admin" if elsewhere => 404,
        // An access token says nothing of its home: the platform does not know those of an establishment.
        "person" if row.reach == Reach::Platform => ACCESS_TOKEN_OF_ANOTHER,
        _ => 403,
    }
}

#[tokio::test]
async fn every_operation_answers_every_caller_as_the_table_says() {
    let api = Served::start().await;
    let (here, there) = (api.establishment("Lycée Ampère").await, api.establishment("École Curie").await);
    let targets = Targets::prepare(&api, &here).await;
    let callers = Callers::make(&api, &here, &there).await;
    let mut wrong = Vec::new();
    for row in TABLE {
        for (caller, token) in callers.all() {
            let target = targets.fresh(row).await;
            let path = format!("/api/v1{}", target.path(row.path, &here));
            let body: Option<Value> = target.body(row);
            let answer = api.send(row.method.parse::<Method>().unwrap(), &path, token, body.as_ref()).await;
            let wanted = expected(row, caller);
            if answer.status.as_u16() != wanted {
                wrong.push(format!("{} {} by {caller}: {} and not {wanted}: {}", row.method, row.path, answer.status, answer.body));
            }
            if !answer.status.is_success() && answer.header("content-type") != "application/problem+json" {
                wrong.push(format!("{} {} by {caller}: the refusal is no problem+json", row.method, row.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn one_establishments_administrator_reaches_nothing_of_another_by_its_keys() {
    let api = Served::start().await;
    let (here, there) = (api.establishment("Lycée Ampère").await, api.establishment("École Curie").await);
    let administrator = api.token(&here, "administrator").await;
    // The things are of the other establishment; the path and the token are of one's own.
    let targets = Targets::prepare(&api, &there).await;
    for row in TABLE.iter().filter(|row| row.path.starts_with("/establishments/{slug}/") && row.path.matches('{').count() == 2) {
        let target = targets.fresh(row).await;
        let path = format!("/api/v1{}", target.path(row.path, &here));
        let answer = api.send(row.method.parse::<Method>().unwrap(), &path, Some(&administrator), target.body(row).as_ref()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{} {}: {}", row.method, row.path, answer.body);
    }
}

#[tokio::test]
async fn a_units_administrator_reaches_nobody_of_another_unit() {
    let api = Served::start().await;
    let here = api.establishment("Lycée Ampère").await;
    let targets = Targets::prepare(&api, &here).await;
    // Everyone of this test is at home elsewhere.
    targets.unit("geii").await;
    let other = api.token_within(&here, "unit_administrator", Some("geii")).await;
    let by_person = |row: &&Row| {
        matches!(row.reach, Reach::People | Reach::Unit | Reach::Links | Reach::Held | Reach::Access) && !row.path.contains("/applications")
    };
    let (one, many): (Vec<&Row>, Vec<&Row>) = TABLE.iter().filter(by_person).partition(|row| row.path.contains("{id}"));
    assert!(one.len() >= 8 && many.len() >= 2, "the rows are found");
    for row in one {
        let target = targets.fresh(row).await;
        let path = format!("/api/v1{}", target.path(row.path, &here));
        let answer = api.send(row.method.parse::<Method>().unwrap(), &path, Some(&other), target.body(row).as_ref()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{} {}: {}", row.method, row.path, answer.body);
    }
    for row in many.into_iter().filter(|row| row.method == "GET") {
        let answer = api.get(&format!("/api/v1{}", row.path.replace("{slug}", &here)), &other).await;
        assert_eq!((answer.status, &answer.body["total"]), (StatusCode::OK, &Value::from(0)), "{}: {}", row.path, answer.body);
    }
}

#[tokio::test]
async fn what_describes_the_api_is_public_and_nothing_else_below_it_is() {
    let api = Served::start().await;
    for path in ["/api/openapi.json", "/api/docs/"] {
        assert_eq!(api.send(Method::GET, path, None, None).await.status, StatusCode::OK, "{path}");
    }
    for (method, path) in operations() {
        let plain = path.replace("{slug}", "platform").replace(['{', '}'], "");
        let answer = api.send(method.parse::<Method>().unwrap(), &plain, None, None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
}

#[tokio::test]
async fn only_operators_of_the_platform_reach_other_establishments() {
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    for (role, status) in [("operator", 200), ("administrator", 404), ("auditor", 404)] {
        let token = api.token("platform", role).await;
        assert_eq!(api.get(&format!("/api/v1/establishments/{slug}/users"), &token).await.status, status, "{role}");
        assert_eq!(api.get("/api/v1/establishments/platform/users", &token).await.status, StatusCode::OK, "{role}");
    }
    let administrator = api.token(&slug, "administrator").await;
    assert_eq!(api.get("/api/v1/establishments/platform/users", &administrator).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_access_token_acts_with_what_its_person_may_do_now() {
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    let (person, token) = callers::access_token(&api.test.context(&slug).await).await;
    let administrator = api.token(&slug, "administrator").await;
    let base = format!("/api/v1/establishments/{slug}");
    let status = async || api.get(&format!("{base}/users"), &token).await.status;
    assert_eq!(status().await, StatusCode::FORBIDDEN);
    let role = serde_json::json!({ "user": person, "application": "passerelle", "role": "auditor" });
    assert_eq!(api.post(&format!("{base}/assignments"), &administrator, &role).await.status, StatusCode::CREATED);
    assert_eq!(status().await, StatusCode::OK);
    // Nobody gives a role to themselves, nor disables or removes themselves.
    let own = serde_json::json!({ "user": person, "application": "passerelle", "role": "administrator" });
    assert_eq!(api.post(&format!("{base}/assignments"), &token, &own).await.status, StatusCode::FORBIDDEN);
    api.post(&format!("{base}/users/{person}/disable"), &administrator, &serde_json::json!({})).await;
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
}
