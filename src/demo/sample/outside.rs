//! Requests that the sample application sends: bounded in time and size, following no redirect. Understands no answer.

use std::time::Duration;

use openidconnect::{HttpRequest, HttpResponse, http};

/// Longest wait for a whole answer.
const DEADLINE: Duration = Duration::from_secs(20);
/// Longest wait for a connection.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// Largest answer read.
const ANSWER_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// The other side could not be reached, or stopped in the middle.
    #[error("the gateway does not answer ({0})")]
    Unreachable(#[from] reqwest::Error),
    /// The answer is larger than is read.
    #[error("the gateway answers more than {ANSWER_MAX_BYTES} bytes")]
    TooLong,
    /// The answer has no regular form.
    #[error("the gateway's answer is not regular HTTP ({0})")]
    Irregular(#[from] http::Error),
}

/// The HTTP client of the application.
#[derive(Clone, Debug)]
pub struct Outside(reqwest::Client);

impl Outside {
    /// A client that follows no redirect: a provider that redirects its own endpoints is not believed (SSRF).
    pub fn new() -> Result<Self, OutsideError> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(DEADLINE);
        // The gateway runs in this process: a proxy of the environment must not stand between.
        Ok(Self(client.connect_timeout(CONNECT_DEADLINE).no_proxy().build()?))
    }

    /// The client itself, for requests written with it.
    pub fn client(&self) -> &reqwest::Client {
        &self.0
    }

    /// Sends a request of the protocol's library.
    pub async fn call(self, request: HttpRequest) -> Result<HttpResponse, OutsideError> {
        let answer = self.0.execute(reqwest::Request::try_from(request)?).await?;
        let mut regular = http::Response::builder().status(answer.status());
        if let Some(headers) = regular.headers_mut() {
            headers.clone_from(answer.headers());
        }
        Ok(regular.body(read(answer).await?)?)
    }
}

/// The body of an answer, up to a bound.
pub async fn read(mut answer: reqwest::Response) -> Result<Vec<u8>, OutsideError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > ANSWER_MAX_BYTES {
            return Err(OutsideError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
