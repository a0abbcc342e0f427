//! An installation of a benchmark: prepared with a person and two clients, served by a process of its own, signed in to, and measured.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use passerelle::config::Config;
use passerelle::services::context::{Actor, Context, Gateway, PlatformContext};
use passerelle::services::establishments::{self, NewEstablishment};
use passerelle::services::links;
use passerelle::store::establishment::client::{self, AuthMethod, Client, ConsentPolicy, Pkce, SigningAlgorithm};
use passerelle::types::secret::Secret;
use passerelle::types::time::Timestamp;

/// Browsers at once.
const BROWSERS: usize = 8;
/// Clock ticks of `/proc/PID/stat` in a second.
const TICKS: f64 = 100.0;
const PASSWORD: &str = "cheval pile agrafe correct";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-rfc-7636-0123456789";
const REDIRECT: &str = "http://127.0.0.1:9/callback";
const SECRET: &str = "a-secret-of-the-benchmark-0123456789";

/// Where an installation lies, and its address.
pub struct Installation {
    folder: PathBuf,
    database: Option<String>,
    port: u16,
    /// Its public address.
    pub url: String,
}

impl Installation {
    /// One in a folder, with its stores in a database when one is named.
    pub fn new(folder: &Path, database: Option<&str>) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}");
        Self { folder: folder.to_owned(), database: database.map(str::to_owned), port, url }
    }

    fn environment(&self) -> Vec<(String, String)> {
        let folder = self.folder.display().to_string();
        let (store, beside) = match &self.database {
            Some(database) => (database.clone(), Some(folder)),
            None => (format!("sqlite:{folder}"), None),
        };
        let beside = beside.map(|folder| ("PASSERELLE__STORE__FOLDER".to_owned(), folder));
        [("PASSERELLE__PUBLIC_URL".to_owned(), self.url.clone()), ("PASSERELLE__STORE__URL".to_owned(), store)]
            .into_iter()
            .chain(beside)
            .collect()
    }

    /// Opens it in this process.
    pub async fn open(&self) -> Arc<Gateway> {
        let config = Config::load(None, self.environment().into_iter(), None).unwrap();
        passerelle::app::open(&config).await.unwrap()
    }

    /// Starts `passerelle serve` on it; answers once it is ready, with the time that this took.
    pub async fn serve(&self) -> (Server, Duration) {
        let began = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_passerelle"))
            .arg("serve")
            .envs(self.environment())
            .env("PASSERELLE__LISTEN__ADDRESS", format!("127.0.0.1:{}", self.port))
            .env("PASSERELLE__LOG__LEVEL", "warn")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Server { child, url: self.url.clone() };
        let http = reqwest::Client::new();
        while !http.get(format!("{}/readyz", self.url)).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(began.elapsed() < Duration::from_mins(1), "the server did not answer");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        (server, began.elapsed())
    }
}

/// A running `passerelle serve`; dropping it ends it.
pub struct Server {
    child: Child,
    /// Its address.
    pub url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have gone already; then there is nothing to stop.
        let _stopped = self.child.kill();
        let _ended = self.child.wait();
    }
}

impl Server {
    /// CPU seconds so far: user and system.
    pub fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS
    }

    /// Resident memory, in MB: now or at its peak.
    pub fn memory_mb(&self, field: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|l| l.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

/// Repeats one thing, several at once: CPU milliseconds of the server for each, and how many a second.
pub async fn measure<F: Future<Output = ()> + Send + 'static>(server: &Server, flows: usize, one: impl Fn() -> F) -> (f64, f64) {
    let (cpu, clock) = (server.cpu_s(), Instant::now());
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..flows {
        while running.len() >= BROWSERS {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(one());
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    ((server.cpu_s() - cpu) * 1000.0 / flows as f64, flows as f64 / clock.elapsed().as_secs_f64())
}

/// A whole flow: authorization with a living session, token, userinfo.
pub async fn flow(http: Arc<reqwest::Client>, issuer: String, cookies: String, client_id: String) {
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
    let query = [
        ("client_id", client_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid profile email roles"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let answer = http.get(format!("{issuer}/authorize")).query(&query).header("cookie", &cookies).send().await.unwrap();
    let location = answer.headers().get("location").expect("a redirect").to_str().unwrap().to_owned();
    let code = url::Url::parse(&location).unwrap().query_pairs().find(|(k, _)| k == "code").expect(&location).1.into_owned();
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)];
    let answer = http.post(format!("{issuer}/token")).basic_auth(&client_id, Some(SECRET)).form(&form).send().await.unwrap();
    let tokens: serde_json::Value = answer.json().await.unwrap();
    let access = tokens["access_token"].as_str().expect("an access token");
    let answer = http.get(format!("{issuer}/userinfo")).bearer_auth(access).send().await.unwrap();
    assert!(answer.status().is_success());
}

/// Signs in once through the pages, and keeps the browser's cookies.
pub async fn sign_in(issuer: &str) -> String {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut jar: Vec<(String, String)> = Vec::new();
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
    let mut next = format!(
        "{issuer}/authorize?client_id=bench-ES256&response_type=code&scope=openid&redirect_uri={REDIRECT}&code_challenge={challenge}&code_challenge_method=S256"
    );
    for _ in 0..10 {
        let mut answer = http.get(&next).header("cookie", cookie_line(&jar)).send().await.unwrap();
        keep(&mut jar, &answer);
        if answer.status().is_success() {
            let page = answer.text().await.unwrap();
            let value = |name: &str| {
                let at = page.find(&format!("name=\"{name}\"")).expect(name);
                let rest = &page[at..];
                let start = rest.find("value=\"").unwrap() + 7;
                rest[start..].split('"').next().unwrap().to_owned()
            };
            let action = page.split("action=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
            let mut form = vec![("csrf", value("csrf")), ("username", "bench".to_owned()), ("password", PASSWORD.to_owned())];
            if page.contains("name=\"interaction\"") {
                form.push(("interaction", value("interaction")));
            }
            answer = http
                .post(absolute(&next, &action))
                .header("cookie", cookie_line(&jar))
                .header("origin", origin(issuer))
                .form(&form)
                .send()
                .await
                .unwrap();
            keep(&mut jar, &answer);
        }
        let location = answer.headers().get("location").expect("a redirect").to_str().unwrap().to_owned();
        if location.starts_with(REDIRECT) {
            return cookie_line(&jar);
        }
        next = absolute(&next, &location);
    }
    unreachable!("ten steps are enough to sign in")
}

fn origin(url: &str) -> String {
    url::Url::parse(url).unwrap().origin().ascii_serialization()
}

fn absolute(base: &str, reference: &str) -> String {
    url::Url::parse(base).unwrap().join(reference).unwrap().to_string()
}

fn keep(jar: &mut Vec<(String, String)>, answer: &reqwest::Response) {
    for header in answer.headers().get_all("set-cookie") {
        let pair = header.to_str().unwrap().split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        jar.retain(|(n, _)| n != name);
        jar.push((name.to_owned(), value.to_owned()));
    }
}

fn cookie_line(jar: &[(String, String)]) -> String {
    jar.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("; ")
}

/// Makes an establishment with a person and the two clients of [`flow`]; answers its slug.
pub async fn prepare(gateway: &Arc<Gateway>) -> String {
    let now = Timestamp::now();
    let platform = PlatformContext::open(gateway, Actor::System, now).await.unwrap();
    let new = NewEstablishment { name: "Banc d’essai".to_owned(), ..NewEstablishment::default() };
    let made = establishments::create(&platform, &new).await.unwrap();
    let ctx = Context::open(gateway, &made.establishment.slug, Actor::System, now).await.unwrap();
    let person = passerelle::services::users::NewUser {
        username: "bench".to_owned(),
        given_name: Some("Élodie".to_owned()),
        family_name: Some("Lefèvre".to_owned()),
        email: Some("elodie.lefevre@acad-test.fr".to_owned()),
        ..passerelle::services::users::NewUser::default()
    };
    let (_, link) = passerelle::services::users::create(&ctx, &person).await.unwrap();
    let token = link.url.expose().rsplit('/').next().unwrap().to_owned();
    links::choose_password(&ctx, &token, Secret::parse("password", PASSWORD.to_owned()).unwrap()).await.unwrap();
    let mut tx = ctx.store.begin().await.unwrap();
    for (name, algorithm) in [("ES256", SigningAlgorithm::Es256), ("RS256", SigningAlgorithm::Rs256)] {
        client::insert(&mut tx, &relying_party(&format!("bench-{name}"), algorithm, now)).await.unwrap();
    }
    tx.commit().await.unwrap();
    made.establishment.slug
}

fn relying_party(client_id: &str, algorithm: SigningAlgorithm, now: Timestamp) -> Client {
    Client {
        id: uuid::Uuid::now_v7(),
        client_id: client_id.to_owned(),
        name: client_id.to_owned(),
        application_id: None,
        application: None,
        secret_hash: Some(Secret::parse("secret", SECRET.to_owned()).unwrap().hash().as_bytes().to_vec()),
        redirect_uris: vec![REDIRECT.to_owned()],
        post_logout_redirect_uris: Vec::new(),
        backchannel_logout_uri: None,
        backchannel_logout_session_required: false,
        token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
        id_token_signed_response_alg: algorithm,
        scopes: ["openid", "profile", "email", "roles"].map(str::to_owned).to_vec(),
        pkce: Pkce::Required,
        consent: ConsentPolicy::Skip,
        claims_in_id_token: false,
        require_role: false,
        claim_shape: serde_json::json!({}),
        enabled: true,
        created_at: now,
        updated_at: now,
    }
}
