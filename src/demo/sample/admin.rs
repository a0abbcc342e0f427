//! What the sample application asks the admin API: why someone has a role, and to read the directory again.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::outside::{self, OutsideError};
use super::{Place, Sample};

/// Pause between two looks at a run.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Most looks at a run: half a minute.
const LOOKS_MAX: usize = 300;
/// Changes of a run shown at most.
const CHANGES_MAX: usize = 50;

/// Why the admin API did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// It does not answer.
    #[error(transparent)]
    Outside(#[from] OutsideError),
    /// It refused, and says why (RFC 9457).
    #[error("{0}")]
    Refused(String),
    /// It answered something that is not in its description.
    #[error("the admin API answers what its description does not say: {0}")]
    Irregular(String),
    /// The person is not known there.
    #[error("the gateway knows nobody named «{0}» there")]
    Unknown(String),
    /// The run takes longer than anyone waits.
    #[error("the run is still under way after half a minute: look at it again in a moment")]
    Slow,
}

/// One step from an entry to a role.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    /// `entry`, `group`, `rule`, `capture`, `role` or `claim`.
    pub kind: String,
    /// What people read of it.
    pub name: String,
}

/// One role with its reason.
#[derive(Clone, Debug, Deserialize)]
pub struct Explained {
    /// The application's name.
    pub application: String,
    /// The role.
    pub role: String,
    /// Where it holds.
    #[serde(default)]
    pub scope: Option<String>,
    /// The way to it.
    pub path: Vec<Step>,
    /// Whether it counts today.
    #[serde(default = "yes")]
    pub counts: bool,
}

const fn yes() -> bool {
    true
}

/// One role that was not given, and for want of what.
#[derive(Clone, Debug, Deserialize)]
pub struct Missed {
    /// The application's name.
    #[serde(default)]
    pub application: String,
    /// The role the rule gives.
    #[serde(default)]
    pub role: String,
    /// What did not hold.
    pub failed_condition: String,
    /// The closest value seen.
    #[serde(default)]
    pub value: Option<String>,
}

/// Why, and why not.
#[derive(Clone, Debug, Deserialize)]
pub struct Explanation {
    /// Roles with their reasons.
    pub assignments: Vec<Explained>,
    /// Roles that were nearly given.
    pub nearest_misses: Vec<Missed>,
}

/// A run of a source.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    /// Its key.
    pub id: String,
    /// How far it came.
    pub state: String,
    /// People and groups read.
    pub read: u64,
    /// New ones.
    pub created: u64,
    /// Changed ones.
    pub updated: u64,
    /// People disabled.
    pub disabled: u64,
    /// Memberships added.
    pub memberships_added: u64,
    /// Memberships removed.
    pub memberships_removed: u64,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// Why it was held or failed.
    pub error: Option<String>,
}

/// One named change of a run.
#[derive(Clone, Debug, Deserialize)]
pub struct Change {
    /// What happened.
    pub operation: String,
    /// To what.
    pub name: String,
    /// More about it.
    #[serde(default)]
    pub detail: Option<Value>,
}

#[derive(Deserialize)]
struct Listed<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Person {
    id: String,
}

impl Sample {
    /// Why someone has the roles they have, in every application of the establishment.
    pub(super) async fn explain(&self, place: &Place, username: &str) -> Result<Explanation, AdminError> {
        let mut people = self.api(place, &["users"])?;
        people.query_pairs_mut().append_pair("username", username);
        let found: Listed<Person> = self.ask(self.outside.client().get(people)).await?;
        let person = found.items.into_iter().next().ok_or_else(|| AdminError::Unknown(username.to_owned()))?;
        let address = self.api(place, &["users", &person.id, "explain"])?;
        self.ask(self.outside.client().get(address)).await
    }

    /// Reads the directory again, whole, and waits for the end of it.
    pub(super) async fn sync_now(&self, place: &Place) -> Result<Run, AdminError> {
        let address = self.api(place, &["sources", &place.source, "sync"])?;
        let mut run: Run = self.ask(self.outside.client().post(address).json(&json!({ "mode": "full" }))).await?;
        for _ in 0..LOOKS_MAX {
            if !matches!(run.state.as_str(), "queued" | "running") {
                return Ok(run);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            run = self.run(place, &run.id).await?;
        }
        Err(AdminError::Slow)
    }

    /// A run as it is now.
    pub(super) async fn run(&self, place: &Place, id: &str) -> Result<Run, AdminError> {
        let address = self.api(place, &["runs", id])?;
        self.ask(self.outside.client().get(address)).await
    }

    /// The first named changes of a run.
    pub(super) async fn changes(&self, place: &Place, id: &str) -> Result<Vec<Change>, AdminError> {
        let mut address = self.api(place, &["runs", id, "changes"])?;
        address.query_pairs_mut().append_pair("limit", &CHANGES_MAX.to_string());
        let listed: Listed<Change> = self.ask(self.outside.client().get(address)).await?;
        Ok(listed.items)
    }

    /// An address below an establishment. Each part is escaped.
    fn api(&self, place: &Place, parts: &[&str]) -> Result<Url, AdminError> {
        let irregular = |what: String| AdminError::Irregular(what);
        let mut url = Url::parse(&self.settings.gateway_url).map_err(|e| irregular(e.to_string()))?;
        let mut path = url.path_segments_mut().map_err(|()| irregular("the gateway's address has no path".to_owned()))?;
        path.extend(["api", "v1", "establishments", place.slug.as_str()]).extend(parts);
        drop(path);
        Ok(url)
    }

    async fn ask<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, AdminError> {
        // The token goes to the gateway of this process and nowhere else.
        let request = request.bearer_auth(self.settings.api_token.expose());
        let answer = request.send().await.map_err(OutsideError::from)?;
        let status = answer.status();
        let body = outside::read(answer).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|e| AdminError::Irregular(e.to_string()));
        }
        let problem: Option<Value> = serde_json::from_slice(&body).ok();
        let detail = problem.as_ref().and_then(|p| p.get("detail").or_else(|| p.get("title"))).and_then(Value::as_str);
        Err(AdminError::Refused(detail.map_or_else(|| format!("HTTP {status}"), str::to_owned)))
    }
}
