//! Which resources of a feed a filter names: a closed condition, written as constant texts with every value bound. It reads no filter's text.

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::scim_resource::{Kind, Resource, Row};
use crate::store::narrow::Narrow;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::SourceId;

/// A column that holds text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextColumn {
    /// The feed's own key.
    ExternalId,
    /// `userName` or `displayName` without letter case.
    Name,
}

/// A column that holds a whole number or an instant, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberColumn {
    /// `meta.created`.
    CreatedAt,
    /// `meta.lastModified`.
    UpdatedAt,
    /// The revision.
    Rev,
}

/// How a text is compared, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// The same.
    Is(String),
    /// Contains it. Never empty.
    Contains(String),
    /// Begins with it.
    Begins(String),
    /// Ends with it.
    Ends(String),
    /// Sorts before it.
    Below(String),
    /// Sorts before it, or is the same.
    AtMost(String),
    /// Sorts after it.
    Above(String),
    /// Sorts after it, or is the same.
    AtLeast(String),
}

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The same.
    Is,
    /// Less.
    Below,
    /// Less, or the same.
    AtMost,
    /// More.
    Above,
    /// More, or the same.
    AtLeast,
}

/// A condition on a resource, or within [`Where::Element`] on one element of it. Each is true or false, never unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// All of them.
    All(Vec<Where>),
    /// One of them.
    Any(Vec<Where>),
    /// Not this.
    Not(Box<Where>),
    /// Yes or no.
    Constant(bool),
    /// The key.
    Key(Uuid),
    /// A column of text.
    Text(TextColumn, Test),
    /// There is an external id.
    HasExternalId,
    /// Whether the feed lets the person in.
    Active(bool),
    /// A column of a number.
    Number(NumberColumn, Order, i64),
    /// A text of an attribute.
    Value(String, Test),
    /// A text of an attribute that begins like this, found by the index of beginnings. Not for elements.
    Indexed {
        /// The attribute's path.
        attribute: String,
        /// The beginning of the text: all of it, where it is shorter than beginnings are.
        head: String,
    },
    /// A number of an attribute.
    ValueNumber(String, Order, i64),
    /// A value of an attribute.
    HasValue(String),
    /// One element of a multi-valued attribute for which all that stands inside holds.
    Element(String, Box<Where>),
    /// A member of the group: a person or a group.
    Member(Uuid),
    /// The group has members.
    HasMembers,
    /// A group of the feed that the person is in directly.
    InGroup(Uuid),
    /// The person is in a group of the feed.
    HasGroups,
}

impl Where {
    /// Whether an index leads to what it names, so that not everything of a feed is looked through.
    pub fn is_looked_up(&self) -> bool {
        match self {
            Self::Constant(_) | Self::Key(_) | Self::Indexed { .. } | Self::Member(_) | Self::InGroup(_) | Self::Text(_, Test::Is(_)) => {
                true
            }
            Self::All(all) => all.iter().any(|one| !matches!(one, Self::Constant(_)) && one.is_looked_up()),
            Self::Any(any) => any.iter().all(Self::is_looked_up),
            Self::Not(_)
            | Self::Text(..)
            | Self::HasExternalId
            | Self::Active(_)
            | Self::Number(..)
            | Self::Value(..)
            | Self::ValueNumber(..)
            | Self::HasValue(_)
            | Self::Element(..)
            | Self::HasMembers
            | Self::HasGroups => false,
        }
    }
}

/// What a list is ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// `userName` or `displayName`.
    Name,
    /// The feed's own key.
    ExternalId,
    /// When it was made.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
    /// The leading text of an attribute.
    Text(String),
    /// The leading number of an attribute.
    Number(String),
}

/// Which part of a list.
#[derive(Clone, Debug, Default)]
pub struct Slice {
    /// The order; by key when none.
    pub sort: Option<(SortKey, bool)>,
    /// Only keys after this one, where the order is by key.
    pub after: Option<Uuid>,
    /// How many are left out at the beginning.
    pub offset: i64,
    /// How many.
    pub limit: i64,
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
    let ids: Vec<Uuid> = on!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT r.id FROM scim_resources r");
        put_where(&mut query, source, kind, wanted);
        if let Some(after) = slice.after {
            query.text(" AND r.id > ").value(after);
        }
        put_order(&mut query, slice.sort.as_ref());
        query.text(" LIMIT ").value(slice.limit).text(" OFFSET ").value(slice.offset);
        query.build_query_scalar().fetch_all(c).await
    })?;
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
    put(query, source, wanted, false);
}

/// Writes one condition, in brackets. Within an element, values are looked for in that element.
fn put(query: &mut impl Narrow, source: SourceId, wanted: &Where, within: bool) {
    query.text("(");
    match wanted {
        Where::All(all) => put_joined(query, source, all, (" AND ", "1 = 1"), within),
        Where::Any(any) => put_joined(query, source, any, (" OR ", "1 = 0"), within),
        Where::Not(one) => {
            query.text("NOT ");
            put(query, source, one, within);
        }
        Where::Element(attribute, inside) => {
            query.text("EXISTS (SELECT 1 FROM scim_values e WHERE e.source_id = r.source_id AND e.id = r.id AND e.attribute = ");
            query.value(attribute.clone()).text(" AND ");
            put(query, source, inside, true);
            query.text(")");
        }
        Where::Value(..) | Where::Indexed { .. } | Where::ValueNumber(..) | Where::HasValue(_) => put_value(query, source, wanted, within),
        Where::Member(_) | Where::HasMembers | Where::InGroup(_) | Where::HasGroups => put_membership(query, source, wanted),
        Where::Constant(_) | Where::Key(_) | Where::Text(..) | Where::HasExternalId | Where::Active(_) | Where::Number(..) => {
            put_column(query, wanted);
        }
    }
    query.text(")");
}

/// A condition on the resource's own row.
fn put_column(query: &mut impl Narrow, wanted: &Where) {
    match wanted {
        Where::Key(id) => {
            query.text("r.id = ").value(*id);
        }
        Where::Text(TextColumn::Name, test) => put_test(query, "r.name_folded", test),
        Where::Text(TextColumn::ExternalId, test) => {
            query.text("r.external_id IS NOT NULL AND ");
            put_test(query, "r.external_id", test);
        }
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
fn put_value(query: &mut impl Narrow, source: SourceId, wanted: &Where, within: bool) {
    let place = if within { IN_ELEMENT } else { IN_RESOURCE };
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

fn put_joined(query: &mut impl Narrow, source: SourceId, all: &[Where], (joint, empty): (&'static str, &'static str), within: bool) {
    if all.is_empty() {
        query.text(empty);
    }
    for (at, one) in all.iter().enumerate() {
        query.text(if at == 0 { "" } else { joint });
        put(query, source, one, within);
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
            query.text("r.name_folded");
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
        SortKey::Text(attribute) => leading_value(query, "v.text", attribute),
        SortKey::Number(attribute) => leading_value(query, "v.number", attribute),
    }
}

fn leading_value(query: &mut impl Narrow, column: &'static str, attribute: &str) {
    query.text("(SELECT ").text(column).text(" FROM scim_values v WHERE v.source_id = r.source_id AND v.id = r.id AND v.attribute = ");
    query.value(attribute.to_owned()).text(" AND v.leads = ").value(true).text(" ORDER BY v.seq LIMIT 1)");
}
