//! A feed in an establishment of the demo, for whoever tries an identity provider or a SCIM client against it.

use serde_json::{Value, json};

use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::scim::change::With;
use crate::services::scim::error::ScimError;
use crate::services::scim::feeds;
use crate::services::scim::resources;
use crate::services::scim::schema::{Kind, USER_URN};
use crate::services::sources::{self, SourceFields};
use crate::services::tokens::{self, NewToken};
use crate::store::establishment::api_token::{Filter, TokenKind};
use crate::store::establishment::source::{Bound, Guard, SourceKind};
use crate::types::leaving::Leaving;
use crate::types::matching::Matching;
use crate::types::page::{LIMIT_MAX, PageRequest};
use crate::types::secret::Secret;

/// The name of the feed.
const FEED: &str = "scim";
/// The name of its token.
const TOKEN_NAME: &str = "demo: scim";
/// Whom it states from the beginning.
const PERSON: &str = "camille.exemple";
/// Tools that judge a service make and remove people by the dozen.
const TAKEN_MAX: u64 = 10_000;

/// A feed that can be pushed into.
#[derive(Debug)]
pub struct Feed {
    /// What every address of its resources begins with.
    pub base_url: String,
    /// Its token.
    pub token: Secret,
}

/// Makes the feed where it is missing, with a new token; the one of the demo before is revoked, for its secret is forgotten.
pub(super) async fn furnish(ctx: &Context) -> Result<Feed, Error> {
    let wide = Bound { max_count: TAKEN_MAX, max_percent: 100.0 };
    let fields = SourceFields {
        route: None,
        name: FEED.to_owned(),
        kind: SourceKind::Scim,
        settings: json!({}),
        schedule: None,
        guard: Guard { people: wide, groups: wide, memberships: wide, ..Guard::default() },
        leaving: Leaving::default(),
        matching: Matching::default(),
        enabled: true,
    };
    let source = match sources::get(ctx, FEED).await {
        Ok(standing) => standing,
        Err(Error::NotFound(_)) => sources::create(ctx, &fields).await?,
        Err(other) => return Err(other),
    };
    let filter = Filter { name: Some(TOKEN_NAME.to_owned()), ..Filter::default() };
    for old in tokens::list(ctx, &PageRequest::first(LIMIT_MAX), &filter).await?.items {
        tokens::revoke(ctx, old.id).await?;
    }
    let new = NewToken {
        name: TOKEN_NAME.to_owned(),
        kind: TokenKind::Scim,
        scope: String::new(),
        source: Some(FEED.to_owned()),
        within: None,
        expires_at: None,
    };
    let (made, token) = tokens::create(ctx, &new).await?;
    seed(&feeds::Feed::of(ctx, source, made.id)).await?;
    Ok(Feed { base_url: feeds::base_url(ctx), token })
}

/// Someone fictitious: Okta's test of a service looks at the first person there is.
async fn seed(feed: &feeds::Feed) -> Result<(), Error> {
    let person = json!({
        "schemas": [USER_URN],
        "userName": PERSON,
        "externalId": PERSON,
        "name": { "givenName": "Camille", "familyName": "Exemple" },
        "displayName": "Camille Exemple",
        "emails": [{ "value": format!("{PERSON}@{}.example", feed.ctx.slug()), "type": "work", "primary": true }],
    });
    let Value::Object(person) = person else { return Err(Error::Internal("an object is written as one".to_owned())) };
    match resources::create(feed, Kind::User, person, With::default()).await {
        // Perhaps from the demo before.
        Ok(_) | Err(ScimError { status: 409, .. }) => Ok(()),
        Err(refused) => Err(Error::Internal(refused.detail)),
    }
}
