//! Exclusions of some people and of some applications, for those who answer for no others.

use sqlx::QueryBuilder;

use super::{Exclusion, Filter};
use crate::store::dialect::like_part;
use crate::store::establishment::assignment::Within;
use crate::store::narrow::Narrow;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::page::{Page, PageRequest};

/// What is searched of a person, without the address that it ends with.
const NAMES: &str = "CASE WHEN u.email IS NULL OR length(u.email) >= length(u.search) THEN u.search \
     ELSE substr(u.search, 1, length(u.search) - length(u.email)) END";

/// A page of what lies within, oldest first; words are looked for in the person's names, and not in addresses.
pub(super) async fn list(tx: &mut Tx, page: &PageRequest, f: &Filter, within: &Within) -> Result<Page<Exclusion>, Error> {
    const ROWS: &str = "SELECT x.id, x.user_id, u.username, x.application_id, a.name AS application, x.role, x.scope, x.reason, \
         x.given_by, x.valid_until, x.created_at FROM exclusions x JOIN applications a ON a.id = x.application_id \
         JOIN users u ON u.id = x.user_id WHERE ";
    const COUNT: &str = "SELECT count(*) FROM exclusions x JOIN applications a ON a.id = x.application_id \
         JOIN users u ON u.id = x.user_id WHERE ";
    let rows = on!(tx, |c| {
        let mut query = QueryBuilder::new(ROWS);
        narrow(&mut query, page, f, within);
        if let Some(after) = page.after {
            query.text(" AND x.id > ").value(after);
        }
        query.text(" ORDER BY x.id LIMIT ").value(page.limit + 1);
        query.build_query_as().persistent(false).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let mut query = QueryBuilder::new(COUNT);
        narrow(&mut query, page, f, within);
        query.build_query_scalar().persistent(false).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |x: &Exclusion| x.id.uuid()))
}

fn narrow(query: &mut impl Narrow, page: &PageRequest, f: &Filter, within: &Within) {
    query.text("(").among("u.home_unit", &within.units).text(" OR ").among("a.name", &within.applications);
    for (application, scope) in &within.services {
        query.text(" OR (a.name = ").value(application.clone()).text(" AND x.scope = ").value(scope.clone()).text(")");
    }
    query.text(")");
    if let Some(words) = &page.query {
        query.text(" AND ").text(NAMES).text(" LIKE ").value(like_part(words)).text(" ESCAPE '\\'");
    }
    query.is("x.user_id", f.user).is("a.name", f.application.clone()).is("x.role", f.role.clone()).is("x.scope", f.scope.clone());
}
