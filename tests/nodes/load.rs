//! Many people signed in to an application that keeps asking: refreshes their tokens and reads who they are, in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::{Client as Http, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::harness::relying_party::{Agent, Callback, RelyingParty, VERIFIER, text};
use crate::harness::server::{CALLBACK, Place};

/// People at once.
const PEOPLE: usize = 12;
/// No answer may take longer, whatever happens to the stores.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// Longest wait for the load to get so far.
const DEADLINE: Duration = Duration::from_mins(2);
/// Refusals after which a person waits until the service is back, as people do.
const PATIENCE: usize = 6;
const SCOPE: &str = "openid offline_access";

/// What became of requests that were not simply answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Cut off without an answer, and sent again.
    pub cut: usize,
    /// Answered 503, and sent again.
    pub refused: usize,
    /// Refresh tokens that were exchanged without the application hearing of it: the person's session gave new ones, without a password.
    pub unheard: usize,
}

/// The load under way.
pub struct Load {
    people: JoinSet<Tally>,
    progress: Arc<Progress>,
}

#[derive(Default)]
struct Progress {
    ended: AtomicBool,
    rounds: AtomicUsize,
    refused: AtomicUsize,
    moved: Notify,
    back: watch::Sender<bool>,
}

impl Load {
    /// Signs everybody in, and lets them go on until the load is ended.
    pub async fn start(place: &Place) -> Self {
        let (_, secret) = place.client("notes", |_| {}).await;
        let party = RelyingParty::new(place, "notes", secret);
        let user = place.user().await;
        let mut load = Self { people: JoinSet::new(), progress: Arc::default() };
        for _ in 0..PEOPLE {
            let (cookie, _) = place.session(&user, 10).await;
            let agent = Agent::new(place).with_session(place, &cookie);
            let http = Http::builder().no_proxy().timeout(ANSWER_DEADLINE).build().unwrap();
            let mut person =
                Person { agent, http, party: party.clone(), tokens: Value::Null, tally: Tally::default(), progress: load.progress.clone() };
            person.begin().await;
            load.people.spawn(person.go_on());
        }
        load
    }

    /// Waits until so many more rounds went well.
    pub async fn rounds(&self, more: usize) {
        self.wait(&self.progress.rounds, more).await;
    }

    /// Waits until so many more requests were refused.
    pub async fn refusals(&self, more: usize) {
        self.wait(&self.progress.refused, more).await;
    }

    /// Says to those who wait that the service is back.
    pub fn go_on(&self) {
        self.progress.back.send_replace(true);
    }

    async fn wait(&self, counter: &AtomicUsize, more: usize) {
        let wanted = counter.load(Ordering::SeqCst) + more;
        let waiting = async {
            loop {
                let moved = self.progress.moved.notified();
                if counter.load(Ordering::SeqCst) >= wanted {
                    return;
                }
                moved.await;
            }
        };
        timeout(DEADLINE, waiting).await.expect("the load goes on");
    }

    /// Ends it. Everybody is still signed in then, and their tokens serve.
    pub async fn end(self) -> Tally {
        self.progress.ended.store(true, Ordering::SeqCst);
        let tallies = self.people.join_all().await;
        tallies.into_iter().fold(Tally::default(), |all, one| Tally {
            cut: all.cut + one.cut,
            refused: all.refused + one.refused,
            unheard: all.unheard + one.unheard,
        })
    }
}

/// One person, in one browser, signed in to one application.
struct Person {
    agent: Agent,
    http: Http,
    party: RelyingParty,
    tokens: Value,
    tally: Tally,
    progress: Arc<Progress>,
}

impl Person {
    async fn go_on(mut self) -> Tally {
        while !self.progress.ended.load(Ordering::SeqCst) {
            self.round().await;
            self.progress.rounds.fetch_add(1, Ordering::SeqCst);
            self.progress.moved.notify_waiters();
        }
        // In the calm afterwards nothing may be lost any more.
        let before = self.tally;
        self.round().await;
        assert_eq!(self.tally.unheard, before.unheard);
        self.begin().await;
        self.tally
    }

    /// Their tokens by their session: no password is asked for, or there is no way to the application.
    async fn begin(&mut self) {
        let wish = self.party.authorize(&[("scope", SCOPE)]);
        loop {
            let reply = self.agent.open(&wish).await;
            if self.is_refused(reply.status).await {
                continue;
            }
            let code = Callback::of(&reply).code().to_owned();
            let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
            if let Some((StatusCode::OK, tokens)) = self.ask(self.token(&form)).await {
                self.tokens = tokens;
                return;
            }
        }
    }

    async fn round(&mut self) {
        self.refresh().await;
        loop {
            let request = self.http.get(format!("{}/userinfo", self.party.issuer)).bearer_auth(text(&self.tokens, "access_token"));
            match self.ask(request).await {
                Some((StatusCode::OK, _)) => return,
                Some((status, said)) => panic!("userinfo: {status} {said}"),
                None => {}
            }
        }
    }

    async fn refresh(&mut self) {
        let token = text(&self.tokens, "refresh_token");
        let mut in_doubt = false;
        loop {
            match self.ask(self.token(&[("grant_type", "refresh_token"), ("refresh_token", &token)])).await {
                Some((StatusCode::OK, tokens)) => {
                    self.tokens = tokens;
                    return;
                }
                Some((StatusCode::BAD_REQUEST, said)) if in_doubt && said["error"] == "invalid_grant" => {
                    self.tally.unheard += 1;
                    return self.begin().await;
                }
                Some((status, said)) => panic!("refresh: {status} {said}"),
                None => in_doubt = true,
            }
        }
    }

    fn token(&self, form: &[(&str, &str)]) -> RequestBuilder {
        let request = self.http.post(format!("{}/token", self.party.issuer));
        request.basic_auth(&self.party.client_id, Some(self.party.secret.expose())).form(form)
    }

    /// An answer; none when the request was cut off or refused for the moment, to be sent again.
    async fn ask(&mut self, request: RequestBuilder) -> Option<(StatusCode, Value)> {
        let Ok(response) = request.send().await else {
            self.tally.cut += 1;
            return None;
        };
        let (status, waits) = (response.status(), response.headers().contains_key("retry-after"));
        let Ok(body) = response.text().await else {
            self.tally.cut += 1;
            return None;
        };
        let said = serde_json::from_str(&body).unwrap_or_else(|_| panic!("not JSON: {status} {body}"));
        if self.is_refused(status).await {
            assert!(waits && said == *UNAVAILABLE, "{said}");
            return None;
        }
        Some((status, said))
    }

    async fn is_refused(&mut self, status: StatusCode) -> bool {
        let refused = status == StatusCode::SERVICE_UNAVAILABLE;
        if refused {
            self.tally.refused += 1;
            self.progress.refused.fetch_add(1, Ordering::SeqCst);
            self.progress.moved.notify_waiters();
            if self.tally.refused >= PATIENCE {
                self.progress.back.subscribe().wait_for(|back| *back).await.unwrap();
            }
        }
        refused
    }
}

/// What applications are told while the stores are away.
static UNAVAILABLE: std::sync::LazyLock<Value> = std::sync::LazyLock::new(
    || serde_json::json!({ "error": "temporarily_unavailable", "error_description": "the gateway cannot answer at the moment; try again" }),
);
