//! People as those may list them who do not see everyone, or not everything: of some units, by their names alone.

use sqlx::QueryBuilder;

use super::{Filter, User};
use crate::store::dialect::like_part;
use crate::store::narrow::Narrow;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::fold_case;
use crate::types::page::{Page, PageRequest};

/// A page of the people whose home unit is one of those of the filter, if it has any.
pub(super) async fn list(tx: &mut Tx, page: &PageRequest, filter: &Filter) -> Result<Page<User>, Error> {
    const ROWS: &str = "SELECT id, username, given_name, family_name, display_name, email, locale, status, disabled_by, home_unit, \
         units, attributes, last_sign_in_at, created_at, updated_at, erased_at FROM users WHERE ";
    let rows = on!(tx, |c| {
        let mut query = QueryBuilder::new(ROWS);
        narrow(&mut query, page, filter);
        if let Some(after) = page.after {
            query.text(" AND id > ").value(after);
        }
        query.text(" ORDER BY id LIMIT ").value(page.limit + 1);
        query.build_query_as().persistent(false).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT count(*) FROM users WHERE ");
        narrow(&mut query, page, filter);
        query.build_query_scalar().persistent(false).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |u: &User| u.id.uuid()))
}

fn narrow(query: &mut impl Narrow, page: &PageRequest, f: &Filter) {
    // What is searched ends with the address, which is as long folded as it is written but for letters that no address has.
    const NAMES: &str = "CASE WHEN email IS NULL OR length(email) >= length(search) THEN search \
         ELSE substr(search, 1, length(search) - length(email)) END";
    match &f.within {
        Some(units) => query.among("home_unit", units),
        None => query.text("1 = 1"),
    };
    if let Some(words) = &page.query {
        query.text(" AND ").text(if f.by_name { NAMES } else { "search" }).text(" LIKE ").value(like_part(words)).text(" ESCAPE '\\'");
    }
    query.is("username_folded", f.username.as_deref().map(fold_case)).is("email", f.email.clone()).is("status", f.status.clone());
    query.is("home_unit", f.home_unit.clone()).is("given_name", f.given_name.clone()).is("family_name", f.family_name.clone());
    query.is("display_name", f.display_name.clone()).is("locale", f.locale.clone()).is("disabled_by", f.disabled_by.clone());
}
