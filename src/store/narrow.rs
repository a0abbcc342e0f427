//! Lists that are narrowed to what someone may see: conditions put together from constant texts, with every value bound. It knows no table.

use sqlx::{Postgres, QueryBuilder, Sqlite};

use super::bulk::Value;

/// A query that takes further conditions, whatever the engine.
pub trait Narrow {
    /// Adds constant text.
    fn text(&mut self, constant: &'static str) -> &mut Self;

    /// Adds a value.
    fn value<'t>(&mut self, value: impl Value<'t>) -> &mut Self;

    /// `AND column = value`, when there is a value.
    fn is<'t>(&mut self, column: &'static str, value: Option<impl Value<'t>>) -> &mut Self {
        match value {
            Some(value) => self.text(" AND ").text(column).text(" = ").value(value),
            None => self,
        }
    }

    /// `column IN (…)`; with nothing to be among, nothing is.
    fn among(&mut self, column: &'static str, values: &[String]) -> &mut Self {
        if values.is_empty() {
            return self.text("1 = 0");
        }
        self.text(column).text(" IN (");
        for (at, value) in values.iter().enumerate() {
            self.text(if at == 0 { "" } else { ", " }).value(value.clone());
        }
        self.text(")")
    }
}

impl Narrow for QueryBuilder<Sqlite> {
    fn text(&mut self, constant: &'static str) -> &mut Self {
        self.push(constant)
    }

    fn value<'t>(&mut self, value: impl Value<'t>) -> &mut Self {
        self.push_bind(value)
    }
}

impl Narrow for QueryBuilder<Postgres> {
    fn text(&mut self, constant: &'static str) -> &mut Self {
        self.push(constant)
    }

    fn value<'t>(&mut self, value: impl Value<'t>) -> &mut Self {
        self.push_bind(value)
    }
}
