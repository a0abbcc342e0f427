//! Assignments of some people and of some applications, for those who answer for no others.

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{Assignment, Filter, find};
use crate::store::narrow::Narrow;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::fold;
use crate::types::id::AssignmentId;
use crate::types::page::{Page, PageRequest};

/// Whose assignments, or of what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Within {
    /// Those of people whose home unit is one of these.
    pub units: Vec<String>,
    /// Those of these applications.
    pub applications: Vec<String>,
    /// Those of these applications in this scope.
    pub services: Vec<(String, String)>,
}

impl Within {
    /// Whether it has a role of an application in a scope, whoever's it is.
    pub fn answers(&self, application: &str, scope: &str) -> bool {
        self.applications.iter().any(|own| own == application)
            || self.services.iter().any(|(own, service)| own == application && service == scope)
    }

    /// Whether it has people of a home unit, whatever they hold.
    pub fn administers(&self, home: Option<&str>) -> bool {
        home.is_some_and(|home| self.units.iter().any(|unit| unit == home))
    }
}

/// One assignment as a search reads it: key, application, role and scope.
type Text = (AssignmentId, String, String, String);

/// A page of what lies within, oldest first.
pub(super) async fn list(tx: &mut Tx, page: &PageRequest, f: &Filter, within: &Within) -> Result<Page<Assignment>, Error> {
    let (found, total) = match &page.query {
        None => (texts(tx, page.after, Some(page.limit + 1), f, within).await?, count(tx, f, within).await?),
        // Words are looked for in folded texts, which no column keeps.
        Some(words) => {
            let mut all = texts(tx, None, None, f, within).await?;
            all.retain(|(_, name, role, scope)| fold(&format!("{name} {role} {scope}")).contains(words));
            let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
            all.retain(|(id, ..)| page.after.is_none_or(|after| id.uuid() > after));
            all.truncate(usize::try_from(page.limit + 1).unwrap_or_default());
            (all, total)
        }
    };
    let mut rows = Vec::with_capacity(found.len());
    for (id, ..) in found {
        rows.extend(find(tx, id).await?);
    }
    Ok(Page::cut(rows, page.limit, total, |x: &Assignment| x.id.uuid()))
}

async fn texts(tx: &mut Tx, after: Option<Uuid>, limit: Option<i64>, f: &Filter, within: &Within) -> Result<Vec<Text>, Error> {
    const ROWS: &str = "SELECT x.id, a.name, x.role, x.scope FROM assignments x JOIN applications a ON a.id = x.application_id WHERE ";
    Ok(on!(tx, |c| {
        let mut query = QueryBuilder::new(ROWS);
        narrow(&mut query, f, within);
        if let Some(after) = after {
            query.text(" AND x.id > ").value(after);
        }
        query.text(" ORDER BY x.id");
        if let Some(limit) = limit {
            query.text(" LIMIT ").value(limit);
        }
        query.build_query_as().persistent(false).fetch_all(c).await
    })?)
}

async fn count(tx: &mut Tx, f: &Filter, within: &Within) -> Result<i64, Error> {
    const COUNT: &str = "SELECT count(*) FROM assignments x JOIN applications a ON a.id = x.application_id WHERE ";
    Ok(on!(tx, |c| {
        let mut query = QueryBuilder::new(COUNT);
        narrow(&mut query, f, within);
        query.build_query_scalar().persistent(false).fetch_one(c).await
    })?)
}

fn narrow(query: &mut impl Narrow, f: &Filter, within: &Within) {
    query.text("(x.user_id IN (SELECT id FROM users WHERE ").among("home_unit", &within.units).text(") OR ");
    query.among("a.name", &within.applications);
    for (application, scope) in &within.services {
        query.text(" OR (a.name = ").value(application.clone()).text(" AND x.scope = ").value(scope.clone()).text(")");
    }
    query.text(")").is("x.user_id", f.user).is("a.name", f.application.clone()).is("x.role", f.role.clone());
    query.is("x.scope", f.scope.clone()).is("x.origin", f.origin.clone()).is("x.rule_id", f.rule);
}
