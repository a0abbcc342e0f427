//! Which rows of a simulation are listed, as the query says.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::fronts::http::problem::Problem;
use crate::fronts::http::query;
use crate::services::roles::View;
use crate::store::establishment::ended_assignment::Way;
use crate::types::id::UserId;

/// Which rows of a simulation are listed; its counts are always of everything.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Seen {
    /// Rows of each list, a person's together: 1 to 500. Up to 10,000 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only this application's rows.
    application: Option<String>,
    /// Only this role's rows.
    role: Option<String>,
    /// Only what is gained, or only what is lost.
    #[param(inline)]
    change: Option<Way>,
}

impl Seen {
    /// As services have it.
    ///
    /// # Errors
    /// A 400 that names the parameter.
    pub fn view(self) -> Result<View, Problem> {
        let page = query::page(self.limit, self.cursor.as_deref(), None)?;
        let limit = self.limit.and_then(|limit| usize::try_from(limit).ok());
        Ok(View { after: page.after.map(UserId::from), limit, application: self.application, role: self.role, change: self.change })
    }
}

/// What a change may be told that takes roles away.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Losing {
    /// How many roles may be taken away: exactly so many, when they are more than the guard lets go.
    pub confirm_losses: Option<u64>,
}
