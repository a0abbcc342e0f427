//! What applications' queues and comparisons tell of someone by name, wiped when they are erased. What stands there is made inactive or deleted by
//! the ordinary way, once the provisioning goes on.

use super::provisioned::Kind;
use crate::store::dialect::like_part;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{ProvisioningId, UserId};

/// What is known of someone in one application.
#[derive(sqlx::FromRow)]
struct Known {
    provisioning_id: ProvisioningId,
    name: String,
    remote_id: Option<String>,
}

/// Wipes names and errors from what is queued of someone in every application, written to or not, and the differences that name them. Keys stay:
/// by them, the account there is found.
pub async fn erase_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    const KNOWN: &str = "SELECT provisioning_id, name, remote_id FROM provisioned WHERE kind = $1 AND subject = $2";
    const WIPE: &str = "UPDATE provisioned SET name = '', search = '', error = NULL WHERE kind = $1 AND subject = $2";
    const DRIFTS: &str = "DELETE FROM provisioning_drifts WHERE provisioning_id = $1 \
         AND ((kind = $2 AND (name = $3 OR remote_id = $4)) OR CAST(fields AS TEXT) LIKE $5 ESCAPE '\\')";
    let subject = user.to_string();
    let known: Vec<Known> = on!(tx, |c| sqlx::query_as(KNOWN).bind(Kind::User).bind(&subject).fetch_all(c).await)?;
    for one in known.iter().filter(|one| !one.name.is_empty()) {
        // As it stands in a list of a group's members.
        let quoted = like_part(&serde_json::Value::from(one.name.as_str()).to_string());
        on!(tx, |c| {
            let row = sqlx::query(DRIFTS).bind(one.provisioning_id).bind(Kind::User).bind(&one.name).bind(&one.remote_id).bind(&quoted);
            row.execute(c).await.map(drop)
        })?;
    }
    on!(tx, |c| sqlx::query(WIPE).bind(Kind::User).bind(&subject).execute(c).await.map(drop))?;
    Ok(())
}
