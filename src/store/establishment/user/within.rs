//! People of some units, for those who administer no others.

use sqlx::QueryBuilder;

use super::{Filter, User};
use crate::store::dialect::like_part;
use crate::store::narrow::Narrow;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::fold_case;
use crate::types::page::{Page, PageRequest};

/// A page of the people whose home unit is one of these.
pub(super) async fn list(tx: &mut Tx, page: &PageRequest, filter: &Filter, units: &[String]) -> Result<Page<User>, Error> {
    const ROWS: &str = "SELECT id, username, given_name, family_name, display_name, email, locale, status, disabled_by, home_unit, \
         units, attributes, last_sign_in_at, created_at, updated_at, erased_at FROM users WHERE ";
    let rows = on!(tx, |c| {
        let mut query = QueryBuilder::new(ROWS);
        narrow(&mut query, page, filter, units);
        if let Some(after) = page.after {
            query.text(" AND id > ").value(after);
        }
        query.text(" ORDER BY id LIMIT ").value(page.limit + 1);
        query.build_query_as().persistent(false).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT count(*) FROM users WHERE ");
        narrow(&mut query, page, filter, units);
        query.build_query_scalar().persistent(false).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |u: &User| u.id.uuid()))
}

fn narrow(query: &mut impl Narrow, page: &PageRequest, f: &Filter, units: &[String]) {
    query.among("home_unit", units);
    if let Some(words) = &page.query {
        query.text(" AND search LIKE ").value(like_part(words)).text(" ESCAPE '\\'");
    }
    query.is("username_folded", f.username.as_deref().map(fold_case)).is("email", f.email.clone()).is("status", f.status.clone());
    query.is("home_unit", f.home_unit.clone()).is("given_name", f.given_name.clone()).is("family_name", f.family_name.clone());
    query.is("display_name", f.display_name.clone()).is("locale", f.locale.clone()).is("disabled_by", f.disabled_by.clone());
}
