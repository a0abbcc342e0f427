//! Authorization requests carried through (OpenID Connect Core §3.1.2): every step of a sign-in comes back here, and here alone is decided
//! what comes next, from what is stored and who is signed in.

use super::authorize::next_step::{self, ConsentAnswer, InteractionState, SignedIn, Step};
use super::authorize::{self, AuthorizationError, AuthorizationRequest, PageError, Prompt, StoredRequest, response};
use super::client_policy::{ClientPolicy, ConsentRule};
use super::facts;
use super::id_token;
use super::issue;
use super::parameters::Parameters;
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::login::browser::Browser;
use crate::services::login::interaction;
use crate::services::login::session::{self, Live};
use crate::store::Tx;
use crate::store::establishment::client::{self, Client};
use crate::store::establishment::consent;
use crate::store::establishment::interaction::{Answer, Interaction};
use crate::types::oauth_scope::OauthScope;
use crate::types::secret::Secret;

/// Who asks: a browser, and the session it may have.
#[derive(Clone, Copy, Debug)]
pub struct Visitor<'a> {
    /// The browser.
    pub browser: &'a Browser,
    /// The session's cookie.
    pub session: Option<&'a str>,
}

/// What to do with the browser.
#[derive(Debug)]
pub enum Decision {
    /// Send it to the client, with a code or an error.
    Return(String),
    /// Show the sign-in page for this interaction.
    SignIn(Secret),
    /// Show the consent page for this interaction.
    Consent(Secret),
    /// Show that the person has no role in this application.
    RoleMissing(String),
    /// Show an error that no client is told.
    Refuse(PageError),
    /// The interaction has ended, or is another browser's.
    Expired,
}

/// An interaction that goes on.
pub(super) struct Kept<'a> {
    /// Its handle.
    pub handle: &'a str,
    /// What was stored.
    pub stored: Interaction,
}

/// A request with everything the decision rests on.
pub(super) struct Case<'a> {
    pub client: Client,
    pub policy: ClientPolicy,
    pub request: AuthorizationRequest,
    pub live: Option<Live>,
    pub kept: Option<Kept<'a>>,
    pub granted: OauthScope,
    pub answer: ConsentAnswer,
}

/// Takes a new request.
pub async fn begin(ctx: &Context, parameters: &Parameters, visitor: Visitor<'_>) -> Result<Decision, Error> {
    go_on(ctx, parameters, visitor, None).await
}

/// Goes on with an interaction, after one of its pages.
pub async fn resume(ctx: &Context, handle: &str, visitor: Visitor<'_>) -> Result<Decision, Error> {
    let Some(stored) = interaction::find(ctx, handle, Some(visitor.browser)).await? else { return Ok(Decision::Expired) };
    // Read again, because the client may have been changed or disabled meanwhile (SECURITY 27).
    let parameters = Parameters::new(stored.request.iter().cloned());
    go_on(ctx, &parameters, visitor, Some(Kept { handle, stored })).await
}

async fn go_on(ctx: &Context, parameters: &Parameters, visitor: Visitor<'_>, kept: Option<Kept<'_>>) -> Result<Decision, Error> {
    let mut tx = ctx.store.read().await?;
    let (client, policy, request) = match read_in(&mut tx, parameters).await? {
        Ok(read) => read,
        Err(AuthorizationError::Page(error)) => return Ok(Decision::Refuse(error)),
        Err(AuthorizationError::Redirect(error)) => return Ok(Decision::Return(response::failure(&error, &ctx.issuer()))),
    };
    let live = session::find_in(&mut tx, ctx, visitor.session).await?;
    let granted = granted_in(&mut tx, &policy, live.as_ref()).await?;
    let answer = answer_of(kept.as_ref(), live.as_ref());
    let case = Case { client, policy, request, live, kept, granted, answer };
    let has_role = match &case.live {
        Some(live) if case.policy.require_role => {
            !facts::roles_in(&mut tx, ctx, &live.user, case.client.application_id).await?.is_empty()
        }
        _ => false,
    };
    drop(tx);
    let step = case.next_step(ctx, has_role).await?;
    take(ctx, case, step, visitor).await
}

impl Case<'_> {
    async fn next_step(&self, ctx: &Context, has_role: bool) -> Result<Step, Error> {
        let hinted = match &self.request.id_token_hint {
            Some(token) => Some(id_token::verify_hint(token, &ctx.issuer(), ctx.ring().await?.verifying())),
            None => None,
        };
        let hinted_subject = match hinted {
            Some(Ok(hint)) => Some(hint.subject),
            // A hint that cannot be read names nobody; silently answering for somebody would be a guess.
            Some(Err(_)) if self.request.prompts.contains(Prompt::None) => {
                return Ok(Step::Error(authorize::AuthorizationErrorCode::LoginRequired));
            }
            Some(Err(_)) | None => None,
        };
        let session = self.live.as_ref().map(|live| SignedIn {
            subject: facts::subject(&live.user),
            auth_time: live.session.auth_time,
            in_this_interaction: self.kept.as_ref().is_some_and(|kept| kept.stored.signed_in_session == Some(live.session.id)),
        });
        Ok(next_step::next_step(&InteractionState {
            request: &self.request,
            client: &self.policy,
            session,
            hinted_subject: hinted_subject.as_deref(),
            granted: &self.granted,
            consent: self.answer,
            has_role,
            now: ctx.now,
        }))
    }
}

async fn take(ctx: &Context, case: Case<'_>, step: Step, visitor: Visitor<'_>) -> Result<Decision, Error> {
    match step {
        Step::Login => Ok(Decision::SignIn(handle_of(ctx, &case, visitor.browser).await?)),
        Step::Consent => Ok(Decision::Consent(handle_of(ctx, &case, visitor.browser).await?)),
        Step::RoleMissing => Ok(Decision::RoleMissing(case.client.name)),
        Step::Issue => issue::code(ctx, &case).await,
        Step::Error(code) => {
            if let Some(kept) = &case.kept
                && !issue::close(ctx, kept).await?
            {
                return Ok(Decision::Expired);
            }
            Ok(Decision::Return(response::failure(&case.request.refuse(code), &ctx.issuer())))
        }
    }
}

async fn handle_of(ctx: &Context, case: &Case<'_>, browser: &Browser) -> Result<Secret, Error> {
    match &case.kept {
        Some(kept) => Ok(Secret::parse("interaction", kept.handle.to_owned())?),
        None => interaction::begin(ctx, browser, StoredRequest::from(&case.request).into_pairs()).await,
    }
}

type Read = (Client, ClientPolicy, AuthorizationRequest);

async fn read_in(tx: &mut Tx, parameters: &Parameters) -> Result<Result<Read, AuthorizationError>, Error> {
    let named = match authorize::client_id(parameters) {
        Ok(named) => named,
        Err(error) => return Ok(Err(error.into())),
    };
    let Some(client) = client::find(tx, named).await? else { return Ok(Err(PageError::ClientUnknown.into())) };
    let policy = ClientPolicy::from(&client);
    Ok(authorize::read(parameters, &policy).map(|request| (client, policy, request)))
}

async fn granted_in(tx: &mut Tx, policy: &ClientPolicy, live: Option<&Live>) -> Result<OauthScope, Error> {
    let Some(live) = live.filter(|_| policy.consent == ConsentRule::Ask) else { return Ok(OauthScope::default()) };
    let scope = consent::find_scope(tx, live.user.id, &policy.client_id).await?;
    Ok(scope.map(|scope| OauthScope::parse(&scope)).unwrap_or_default())
}

/// An answer counts only in the session in which it was given.
fn answer_of(kept: Option<&Kept<'_>>, live: Option<&Live>) -> ConsentAnswer {
    let (Some(kept), Some(live)) = (kept, live) else { return ConsentAnswer::Pending };
    match kept.stored.consent.filter(|_| kept.stored.consent_session == Some(live.session.id)) {
        Some(Answer::Allowed) => ConsentAnswer::Allowed,
        Some(Answer::Denied) => ConsentAnswer::Denied,
        None => ConsentAnswer::Pending,
    }
}

/// What the pages of an interaction show.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The application's name.
    pub application: String,
    /// What was asked.
    pub request: AuthorizationRequest,
    /// Who is signed in in this browser.
    pub live: Option<Live>,
}

/// What the pages of an interaction show; none when it has ended, or is another browser's.
pub async fn shown(ctx: &Context, handle: &str, visitor: Visitor<'_>) -> Result<Option<Shown>, Error> {
    let mut tx = ctx.store.read().await?;
    let Some(stored) = interaction::find_in(&mut tx, ctx, handle, Some(visitor.browser)).await? else { return Ok(None) };
    let parameters = Parameters::new(stored.request);
    let Ok((client, _, request)) = read_in(&mut tx, &parameters).await? else { return Ok(None) };
    let live = session::find_in(&mut tx, ctx, visitor.session).await?;
    Ok(Some(Shown { application: client.name, request, live }))
}
