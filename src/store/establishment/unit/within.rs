//! Some units, for those who administer no others.

use sqlx::QueryBuilder;

use super::{Filter, Unit};
use crate::store::dialect::like_part;
use crate::store::narrow::Narrow;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::page::{Page, PageRequest};

/// A page of the units of these names, oldest first.
pub(super) async fn list(tx: &mut Tx, page: &PageRequest, f: &Filter, names: &[String]) -> Result<Page<Unit>, Error> {
    const ROWS: &str = "SELECT u.id, u.name, u.title, u.parent_id, p.name AS parent, u.source_id, s.name AS source, u.created_at, \
         u.updated_at FROM units u LEFT JOIN units p ON p.id = u.parent_id LEFT JOIN sources s ON s.id = u.source_id WHERE ";
    const COUNT: &str =
        "SELECT count(*) FROM units u LEFT JOIN units p ON p.id = u.parent_id LEFT JOIN sources s ON s.id = u.source_id WHERE ";
    let rows = on!(tx, |c| {
        let mut query = QueryBuilder::new(ROWS);
        narrow(&mut query, page, f, names);
        if let Some(after) = page.after {
            query.text(" AND u.id > ").value(after);
        }
        query.text(" ORDER BY u.id LIMIT ").value(page.limit + 1);
        query.build_query_as().persistent(false).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let mut query = QueryBuilder::new(COUNT);
        narrow(&mut query, page, f, names);
        query.build_query_scalar().persistent(false).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |u: &Unit| u.id.uuid()))
}

fn narrow(query: &mut impl Narrow, page: &PageRequest, f: &Filter, names: &[String]) {
    query.among("u.name", names);
    if let Some(words) = &page.query {
        query.text(" AND u.search LIKE ").value(like_part(words)).text(" ESCAPE '\\'");
    }
    query.is("u.name", f.name.clone()).is("u.title", f.title.clone());
    query.is("coalesce(p.name, '')", f.parent.clone()).is("coalesce(s.name, '')", f.source.clone());
}
