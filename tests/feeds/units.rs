//! Departments that a feed states: units, as far as they can be, and what becomes of the others.

use passerelle::services::audit;
use passerelle::services::context::Context;
use passerelle::services::scim::feeds::Feed;
use passerelle::services::units::{self, UnitFields};
use passerelle::store::establishment::audit_event::{AuditEvent, Filter};
use passerelle::store::establishment::unit::{self, UNITS_MAX, Unit};
use passerelle::types::id::UnitId;
use passerelle::types::page::PageRequest;
use serde_json::{Value, json};

use super::{Fed, person};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn of(username: &str, department: &str) -> Value {
    let mut body = person(username);
    body[ENTERPRISE] = json!({ "department": department });
    body
}

async fn told(ctx: &Context) -> Vec<AuditEvent> {
    let filter = Filter { action: Some("units.left_out".to_owned()), ..Filter::default() };
    audit::list(ctx, &PageRequest::first(50), &filter).await.unwrap().items
}

fn later(fed: &Fed, seconds: i64) -> Feed {
    Feed { ctx: Context { now: fed.ctx.now.plus_s(seconds), ..fed.feed.ctx.clone() }, ..fed.feed.clone() }
}

#[tokio::test]
async fn a_department_that_is_no_name_of_a_unit_is_told_once_a_day_and_stops_nothing() {
    let mut fed = Fed::new().await;
    let long = "É".repeat(201);
    fed.user(of("a", "RT")).await.unwrap();
    assert!(told(&fed.ctx).await.is_empty());
    fed.user(of("b", &long)).await.unwrap();
    assert_eq!(fed.person("b").await.home_unit, Some(long), "the person is what the feed says");
    let events = told(&fed.ctx).await;
    assert_eq!((events.len(), &events[0].detail["unfit"], &events[0].detail["beyond"]), (1, &1.into(), &0.into()), "{events:?}");
    assert_eq!(events[0].detail["names_unfit"][0].as_str().unwrap().chars().count(), 80);
    assert!(units::named(&fed.ctx, "RT").await.is_ok());
    fed.user(of("c", &"Z".repeat(300))).await.unwrap();
    assert_eq!(told(&fed.ctx).await.len(), 1, "once a day");
    fed.feed = later(&fed, 25 * 3600);
    fed.user(of("d", &"Z".repeat(300))).await.unwrap();
    assert_eq!(told(&fed.ctx).await.len(), 2);
}

#[tokio::test]
async fn feeds_do_not_take_the_room_of_units_that_people_add() {
    let fed = Fed::new().await;
    let row = |n: usize| Unit {
        id: UnitId::new(),
        name: format!("u{n}"),
        title: format!("u{n}"),
        parent_id: None,
        parent: None,
        source_id: None,
        source: None,
        created_at: fed.ctx.now,
        updated_at: fed.ctx.now,
    };
    let mut tx = fed.ctx.store.begin().await.unwrap();
    unit::insert_all(&mut tx, &(0..UNITS_MAX - 501).map(row).collect::<Vec<_>>()).await.unwrap();
    tx.commit().await.unwrap();
    fed.user(of("a", "the last one")).await.unwrap();
    fed.user(of("b", "one too many")).await.unwrap();
    assert!(units::named(&fed.ctx, "the last one").await.is_ok());
    assert!(units::named(&fed.ctx, "one too many").await.is_err());
    let events = told(&fed.ctx).await;
    assert_eq!((events.len(), &events[0].detail["names_beyond"]), (1, &json!(["one too many"])), "{events:?}");
    units::create(&fed.ctx, &UnitFields { name: "by hand".to_owned(), ..UnitFields::default() }).await.unwrap();
}
