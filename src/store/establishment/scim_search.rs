//! Which resources of a feed a filter names: a closed condition, written as constant texts with every value bound. It reads no filter's text.

mod wanted;

use sqlx::QueryBuilder;
use uuid::Uuid;

pub use wanted::{NumberColumn, Order, Slice, SortKey, Test, TextColumn, Where};

use super::scim_resource::{Kind, Resource, Row};
use crate::store::narrow::Narrow;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::SourceId;

/// Where a condition stands: what it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The resource.
    Resource,
    /// One element of it.
    Element,
    /// Another resource: a member of it, or a group that it is in.
    Related,
}

/// How many resources of a kind a condition names.
pub async fn count(tx: &mut Tx, source: SourceId, kind: Kind, wanted: &Where) -> Result<i64, Error> {
    Ok(on!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT count(*) FROM scim_resources r");
        put_where(&mut query, source, kind, wanted);
        query.build_query_scalar().fetch_one(c).await
    })?)
}

/// The resources of a kind that a condition names, in order.
pub async fn list(tx: &mut Tx, source: SourceId, kind: Kind, wanted: &Where, slice: &Slice) -> Result<Vec<Resource>, Error> {
    let mut ids: Vec<Uuid> = on!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT r.id FROM scim_resources r");
        put_where(&mut query, source, kind, wanted);
        if let Some(after) = slice.after {
            query.text(" AND r.id > ").value(after);
        }
        // One needs no order: PostgreSQL, before it has counted a table, would rather walk through all of it than look one up.
        if !wanted.names_one() {
            put_order(&mut query, slice.sort.as_ref());
            query.text(if slice.from_end { " DESC" } else { "" });
        }
        query.text(" LIMIT ").value(slice.limit).text(" OFFSET ").value(slice.offset);
        query.build_query_scalar().fetch_all(c).await
    })?;
    if slice.from_end {
        ids.reverse();
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = on!(tx, |c| {
        let mut query = QueryBuilder::new(
            "SELECT source_id, id, kind, external_id, name, active, body, rev, created_at, updated_at, deleted_at FROM scim_resources \
             WHERE source_id = ",
        );
        query.value(source).text(" AND id IN (");
        for (at, id) in ids.iter().enumerate() {
            query.text(if at == 0 { "" } else { ", " }).value(*id);
        }
        query.text(")");
        query.build_query_as().fetch_all(c).await
    })?;
    let mut rows: Vec<Resource> = rows.into_iter().map(Resource::from).collect();
    let place: std::collections::HashMap<Uuid, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    rows.sort_by_key(|row| place.get(&row.id).copied());
    Ok(rows)
}

fn put_where(query: &mut impl Narrow, source: SourceId, kind: Kind, wanted: &Where) {
    query.text(" WHERE r.source_id = ").value(source).text(" AND r.kind = ").value(kind);
    query.text(" AND r.deleted_at IS NULL AND ");
    put(query, source, wanted, Place::Resource);
}

/// Writes one condition, in brackets. Within an element, values are looked for in that element.
fn put(query: &mut impl Narrow, source: SourceId, wanted: &Where, place: Place) {
    query.text("(");
    match wanted {
        Where::All(all) => put_joined(query, source, all, (" AND ", "1 = 1"), place),
        Where::Any(any) => put_joined(query, source, any, (" OR ", "1 = 0"), place),
        Where::Not(one) => {
            query.text("NOT ");
            put(query, source, one, place);
        }
        Where::Element(attribute, inside) => {
            query.text("EXISTS (SELECT 1 FROM scim_values e WHERE e.source_id = r.source_id AND e.id = r.id AND e.attribute = ");
            query.value(attribute.clone()).text(" AND ");
            put(query, source, inside, Place::Element);
            query.text(")");
        }
        Where::MemberWith(person, group) => {
            query.text(ONE_PERSON);
            put(query, source, person, Place::Related);
            query.text(") OR ").text(ONE_INSIDE);
            put(query, source, group, Place::Related);
            query.text(")");
        }
        Where::GroupWith(group) => {
            query.text(IN_ONE_GROUP).value(source).text(" AND s.kind = 'group' AND s.deleted_at IS NULL AND ");
            put(query, source, group, Place::Related);
            query.text(")");
        }
        Where::Value(..) | Where::Indexed { .. } | Where::ValueNumber(..) | Where::HasValue(_) => put_value(query, source, wanted, place),
        Where::Member(_) | Where::HasMembers | Where::InGroup(_) | Where::HasGroups => put_membership(query, source, wanted),
        Where::Constant(_) | Where::Key(_) | Where::Text(..) | Where::HasExternalId | Where::Active(_) | Where::Number(..) => {
            put_column(query, wanted, place);
        }
    }
    query.text(")");
}

/// A condition on the resource's own row, or that of another beside it.
fn put_column(query: &mut impl Narrow, wanted: &Where, place: Place) {
    match wanted {
        Where::Key(id) => {
            query.text(if place == Place::Related { "s.id = " } else { "r.id = " }).value(*id);
        }
        Where::Text(TextColumn::ExternalId, test) => {
            query.text("r.external_id IS NOT NULL AND ");
            put_test(query, "r.external_id", test);
        }
        Where::Text(column, test) => put_test(query, text_column(*column, place), test),
        Where::HasExternalId => {
            query.text("r.external_id IS NOT NULL");
        }
        Where::Active(active) => {
            query.text("r.active = ").value(*active);
        }
        Where::Number(column, order, number) => {
            query.text(number_column(*column)).text(sign(*order)).value(*number);
        }
        Where::Constant(true) => {
            query.text("1 = 1");
        }
        _ => {
            query.text("1 = 0");
        }
    }
}

/// A condition on the resource's values.
fn put_value(query: &mut impl Narrow, source: SourceId, wanted: &Where, place: Place) {
    let place = if place == Place::Element { IN_ELEMENT } else { IN_RESOURCE };
    match wanted {
        // Nothing but what the index holds is looked at, or SQLite would rather look at every value.
        Where::Indexed { attribute, head } => {
            query.text("r.id IN (SELECT v.id FROM scim_values v WHERE v.source_id = ").value(source);
            query.text(" AND v.attribute = ").value(attribute.clone()).text(" AND v.head = ").value(head.clone());
        }
        Where::Value(attribute, test) => {
            query.text(place).value(attribute.clone()).text(" AND ");
            put_test(query, "v.text", test);
        }
        Where::ValueNumber(attribute, order, number) => {
            query.text(place).value(attribute.clone()).text(" AND v.number").text(sign(*order)).value(*number);
        }
        Where::HasValue(attribute) => {
            query.text(place).value(attribute.clone());
        }
        _ => {
            query.text("EXISTS (SELECT 1 WHERE 1 = 0");
        }
    }
    query.text(")");
}

/// A condition on memberships.
fn put_membership(query: &mut impl Narrow, source: SourceId, wanted: &Where) {
    match wanted {
        Where::Member(id) => {
            query.text("r.id IN (SELECT m.group_id FROM memberships m WHERE m.user_id = ").value(*id);
            query.text(" UNION ALL SELECT n.parent_id FROM nestings n WHERE n.child_id = ").value(*id).text(")");
        }
        Where::InGroup(id) => {
            query.text("r.id IN (SELECT m.user_id FROM memberships m JOIN groups g ON g.id = m.group_id WHERE m.group_id = ").value(*id);
            query.text(" AND g.source_id = ").value(source).text(")");
        }
        Where::HasGroups => {
            query.text("EXISTS (SELECT 1 FROM memberships m JOIN groups g ON g.id = m.group_id WHERE m.user_id = r.id AND g.source_id = ");
            query.value(source).text(")");
        }
        _ => {
            query.text("EXISTS (SELECT 1 FROM memberships m WHERE m.group_id = r.id) OR EXISTS (SELECT 1 FROM nestings n WHERE n.parent_id = r.id)");
        }
    }
}

const IN_RESOURCE: &str = "EXISTS (SELECT 1 FROM scim_values v WHERE v.source_id = r.source_id AND v.id = r.id AND v.attribute = ";
const IN_ELEMENT: &str =
    "EXISTS (SELECT 1 FROM scim_values v WHERE v.source_id = e.source_id AND v.id = e.id AND v.element = e.element AND v.attribute = ";

/// What is in a group is of its feed: begun, and to be closed.
const ONE_PERSON: &str = "EXISTS (SELECT 1 FROM memberships m JOIN scim_resources s ON s.source_id = r.source_id AND s.id = m.user_id \
     WHERE m.group_id = r.id AND ";
const ONE_INSIDE: &str = "EXISTS (SELECT 1 FROM nestings n JOIN scim_resources s ON s.source_id = r.source_id AND s.id = n.child_id \
     WHERE n.parent_id = r.id AND ";
/// Groups are few, and people many: whoever is in one of these is found from there.
const IN_ONE_GROUP: &str =
    "r.id IN (SELECT m.user_id FROM scim_resources s JOIN memberships m ON m.group_id = s.group_id WHERE s.source_id = ";

fn put_joined(query: &mut impl Narrow, source: SourceId, all: &[Where], (joint, empty): (&'static str, &'static str), place: Place) {
    if all.is_empty() {
        query.text(empty);
    }
    for (at, one) in all.iter().enumerate() {
        query.text(if at == 0 { "" } else { joint });
        put(query, source, one, place);
    }
}

fn text_column(column: TextColumn, place: Place) -> &'static str {
    match (column, place) {
        (TextColumn::ExternalId, _) => "r.external_id",
        (TextColumn::Name, Place::Related) => "s.name_folded",
        (TextColumn::Name, _) => "r.name_folded",
        // A feed's links and groups have the key itself as their external id.
        (TextColumn::PersonKey, Place::Related) => "s.link",
        (TextColumn::PersonKey, _) => "r.link",
        (TextColumn::GroupKey, Place::Related) => "(SELECT g.external_id FROM groups g WHERE g.id = s.group_id)",
        (TextColumn::GroupKey, _) => "(SELECT g.external_id FROM groups g WHERE g.id = r.group_id)",
    }
}

/// `LIKE` would pass over letter case on one of the engines.
fn put_test(query: &mut impl Narrow, column: &'static str, how: &Test) {
    let length = |text: &str| i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    match how {
        Test::Is(text) => query.text(column).text(" = ").value(text.clone()),
        Test::Below(text) => query.text(column).text(" < ").value(text.clone()),
        Test::AtMost(text) => query.text(column).text(" <= ").value(text.clone()),
        Test::Above(text) => query.text(column).text(" > ").value(text.clone()),
        Test::AtLeast(text) => query.text(column).text(" >= ").value(text.clone()),
        Test::Contains(text) => query.text("replace(").text(column).text(", ").value(text.clone()).text(", '') <> ").text(column),
        Test::Begins(text) => {
            query.text("substr(").text(column).text(", 1, CAST(").value(length(text)).text(" AS INTEGER)) = ").value(text.clone())
        }
        Test::Ends(text) => {
            query.text("length(").text(column).text(") >= CAST(").value(length(text)).text(" AS INTEGER) AND substr(").text(column);
            query.text(", length(").text(column).text(") - CAST(").value(length(text)).text(" AS INTEGER) + 1) = ").value(text.clone())
        }
    };
}

fn number_column(column: NumberColumn) -> &'static str {
    match column {
        NumberColumn::CreatedAt => "r.created_at",
        NumberColumn::UpdatedAt => "r.updated_at",
        NumberColumn::Rev => "r.rev",
    }
}

fn sign(order: Order) -> &'static str {
    match order {
        Order::Is => " = ",
        Order::Below => " < ",
        Order::AtMost => " <= ",
        Order::Above => " > ",
        Order::AtLeast => " >= ",
    }
}

/// What has no value comes last in ascending order, and first in descending order (RFC 7644 §3.4.2.3).
fn put_order(query: &mut impl Narrow, sort: Option<&(SortKey, bool)>) {
    query.text(" ORDER BY ");
    if let Some((key, descending)) = sort {
        let (first, then) = if *descending { (" IS NULL) DESC, ", " DESC, ") } else { (" IS NULL) ASC, ", " ASC, ") };
        query.text("(");
        put_key(query, key);
        query.text(first);
        put_key(query, key);
        query.text(then);
    }
    query.text("r.id");
}

fn put_key(query: &mut impl Narrow, key: &SortKey) {
    match key {
        SortKey::Name => {
            query.text("COALESCE(r.name_sorted, r.name_folded)");
        }
        SortKey::ExternalId => {
            query.text("r.external_id");
        }
        SortKey::CreatedAt => {
            query.text("r.created_at");
        }
        SortKey::UpdatedAt => {
            query.text("r.updated_at");
        }
        SortKey::Text(attribute) => leading_value(query, "COALESCE(v.sorted, v.text)", attribute),
        SortKey::Number(attribute) => leading_value(query, "v.number", attribute),
    }
}

fn leading_value(query: &mut impl Narrow, column: &'static str, attribute: &str) {
    query.text("(SELECT ").text(column).text(" FROM scim_values v WHERE v.source_id = r.source_id AND v.id = r.id AND v.attribute = ");
    query.value(attribute.to_owned()).text(" AND v.leads = ").value(true).text(" ORDER BY v.seq LIMIT 1)");
}
