//! An application that listens: it hears of sign-outs on a socket of its own, and answers what the test wants.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use passerelle::store::establishment::client::Client;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What it answers.
#[derive(Clone, Debug)]
pub enum Answer {
    Status(u16),
    /// A redirect to this address.
    Redirect(String),
    /// Nothing, as long as the connection lasts.
    Never,
    /// A status, and a body that never ends.
    Endless,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Heard {
    /// The logout token, which must be all that was sent.
    pub fn token(&self) -> String {
        let sent: Vec<(String, String)> = url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect();
        assert_eq!(sent.len(), 1, "{}", self.body);
        assert_eq!(sent[0].0, "logout_token");
        sent[0].1.clone()
    }
}

type Shared = (UnboundedSender<Heard>, Arc<Mutex<VecDeque<Answer>>>);

/// A listening application; dropping it stops it.
pub struct Listener {
    pub origin: String,
    heard: UnboundedReceiver<Heard>,
    serving: tokio::task::JoinHandle<()>,
}

impl Listener {
    /// One that gives these answers in turn, and 200 afterwards.
    pub async fn start(answers: &[Answer]) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", socket.local_addr().unwrap());
        let (said, heard) = unbounded_channel();
        let answers = Arc::new(Mutex::new(VecDeque::from(answers.to_vec())));
        let router = Router::new().fallback(hear).with_state((said, answers));
        let serving = tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        Self { origin, heard, serving }
    }

    /// Where it hears of sign-outs.
    pub fn uri(&self) -> String {
        format!("{}/oidc/backchannel-logout?from=passerelle", self.origin)
    }

    /// Makes a client one that hears of sign-outs here.
    pub fn registered(&self) -> impl FnOnce(&mut Client) + use<> {
        let uri = self.uri();
        move |client| client.backchannel_logout_uri = Some(uri)
    }

    /// The next request; waits for it.
    pub async fn hear(&mut self) -> Heard {
        self.heard.recv().await.unwrap()
    }

    /// What came and was not asked for yet.
    pub fn rest(&mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn hear(State((said, answers)): State<Shared>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    said.send(Heard { method, path: uri.to_string(), headers, body }).unwrap();
    let answer = answers.lock().unwrap().pop_front().unwrap_or(Answer::Status(200));
    match answer {
        Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Answer::Redirect(to) => (StatusCode::FOUND, [(LOCATION, to)]).into_response(),
        Answer::Never => std::future::pending().await,
        Answer::Endless => {
            let blanks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 4096])));
            axum::body::Body::from_stream(blanks).into_response()
        }
    }
}
