//! A server that takes letters, in the process of the tests: in clear, by STARTTLS or under TLS, with an account or without, and with the
//! faults that servers have.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use passerelle::config::{Mail, Security};
use passerelle::demo::mail::Tray;
use passerelle::demo::mail::message::Message;
use passerelle::demo::mail::session::{Session, Step};
use passerelle::types::secret::Secret;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The account of a server that wants one.
pub const ACCOUNT: (&str, &str) = ("passerelle", "sésame ouvre-toi");

/// Where in a conversation a fault comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Connect,
    Ehlo,
    SignIn,
    Sender,
    Recipient,
    Announcement,
    Letter,
}

/// What goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It answers this instead.
    Answer(At, &'static str),
    /// It closes the connection instead of answering. After the letter's last dot, it has kept the letter.
    Close(At),
    /// It never answers.
    Silence(At),
}

impl Fault {
    const fn at(self) -> At {
        match self {
            Self::Answer(at, _) | Self::Close(at) | Self::Silence(at) => at,
        }
    }
}

/// How a mailbox is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    pub security: Security,
    /// The names in its certificate.
    pub names: Vec<String>,
    /// The mechanisms by which [`ACCOUNT`] signs in; without any, nobody needs to.
    pub mechanisms: &'static str,
    /// What it says it can do.
    pub extensions: &'static [&'static str],
}

impl Default for Setup {
    fn default() -> Self {
        Self { security: Security::None, names: vec!["localhost".to_owned()], mechanisms: "", extensions: &["8BITMIME", "SMTPUTF8"] }
    }
}

/// A running server; dropping it stops it.
pub struct Mailbox {
    shared: Arc<Shared>,
    address: SocketAddr,
    folder: TempDir,
    serving: JoinHandle<()>,
}

struct Shared {
    setup: Setup,
    tray: Tray,
    faults: Mutex<VecDeque<Fault>>,
    acceptor: TlsAcceptor,
}

impl Mailbox {
    pub async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    pub async fn start_with(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let acceptor = acceptor(&setup.names, &folder);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { setup, tray: Tray::default(), faults: Mutex::default(), acceptor });
        let serving = tokio::spawn(serve(shared.clone(), listener));
        Self { shared, address, folder, serving }
    }

    /// The settings of a gateway that sends here.
    pub fn settings(&self) -> Mail {
        let setup = &self.shared.setup;
        let encrypted = setup.security != Security::None;
        let signs_in = !setup.mechanisms.is_empty();
        Mail {
            host: "localhost".to_owned(),
            port: self.address.port(),
            security: setup.security,
            username: if signs_in { ACCOUNT.0.to_owned() } else { String::new() },
            password: signs_in.then(|| Secret::parse("password", ACCOUNT.1.to_owned()).unwrap()),
            from: "Académie d’essai <noreply@acad-test.fr>".to_owned(),
            ca_file: if encrypted { self.authority().display().to_string() } else { String::new() },
            ..Mail::default()
        }
    }

    /// The authority of its certificate.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// What goes wrong next, each once and in this order.
    pub fn will(&self, faults: &[Fault]) {
        self.shared.faults.lock().unwrap().extend(faults);
    }

    /// The letters it has.
    pub fn letters(&self) -> Vec<Message> {
        self.shared.tray.letters()
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn acceptor(names: &[String], folder: &TempDir) -> TlsAcceptor {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(authority, key);
    let own = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names.to_vec()).unwrap().signed_by(&own, &issuer).unwrap();
    let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], secret);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let shared = shared.clone();
        // A client that breaks off is what some tests are about.
        tokio::spawn(async move { drop(shared.answer(stream).await) });
    }
}

/// What comes after a conversation.
enum Next {
    End,
    Encrypt,
}

impl Shared {
    async fn answer(&self, stream: TcpStream) -> io::Result<()> {
        let mut session = self.session(self.setup.security == Security::Tls);
        if self.setup.security == Security::Tls {
            let mut stream = BufReader::new(self.acceptor.accept(stream).await?);
            return self.converse(&mut stream, &mut session, true).await.map(drop);
        }
        let mut plain = BufReader::new(stream);
        if matches!(self.converse(&mut plain, &mut session, true).await?, Next::Encrypt) {
            let mut stream = BufReader::new(self.acceptor.accept(plain.into_inner()).await?);
            self.converse(&mut stream, &mut self.session(true), false).await?;
        }
        Ok(())
    }

    fn session(&self, encrypted: bool) -> Session {
        let mut extensions = self.setup.extensions.to_vec();
        let starttls = self.setup.security == Security::Starttls && !encrypted;
        if starttls {
            extensions.push("STARTTLS");
        }
        let sign_in = format!("AUTH {}", self.setup.mechanisms);
        if !starttls && !self.setup.mechanisms.is_empty() {
            extensions.push(&sign_in);
        }
        Session::new(&extensions)
    }

    /// The next fault, when it comes here.
    fn fault(&self, at: At) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        if faults.front().is_some_and(|fault| fault.at() == at) { faults.pop_front() } else { None }
    }

    /// Says an answer, or does what goes wrong instead. Answers whether to go on.
    async fn say<S: AsyncWrite + Unpin>(&self, stream: &mut S, at: Option<At>, answer: &str) -> io::Result<bool> {
        let said = match at.and_then(|at| self.fault(at)) {
            None => answer,
            Some(Fault::Answer(_, instead)) => instead,
            Some(Fault::Close(_)) => return Ok(false),
            Some(Fault::Silence(_)) => std::future::pending().await,
        };
        stream.write_all(format!("{said}\r\n").as_bytes()).await?;
        stream.flush().await?;
        Ok(said == answer || at != Some(At::Connect))
    }

    async fn converse<S>(&self, stream: &mut BufReader<S>, session: &mut Session, greet: bool) -> io::Result<Next>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if greet && !self.say(stream, Some(At::Connect), Session::greeting()).await? {
            return Ok(Next::End);
        }
        let mut signed_in = self.setup.mechanisms.is_empty();
        loop {
            let Some(line) = read_line(stream).await? else { return Ok(Next::End) };
            let verb = String::from_utf8_lossy(&line).trim().to_ascii_uppercase();
            let reading = session.is_reading_letter();
            if !reading && verb == "STARTTLS" {
                self.say(stream, None, "220 go ahead").await?;
                return Ok(Next::Encrypt);
            }
            let at = if reading { At::Letter } else { stage(&verb) };
            let go_on = if !reading && verb.starts_with("AUTH ") {
                signed_in = self.sign_in(stream, &line).await?;
                self.say(stream, Some(at), if signed_in { "235 welcome" } else { "535 5.7.8 who are you" }).await?
            } else if !reading && verb.starts_with("MAIL ") && !signed_in {
                self.say(stream, Some(at), "530 5.7.0 sign in first").await?
            } else {
                match session.hear(&line) {
                    Step::Silence => true,
                    Step::Answer(answer) => self.say(stream, Some(at), &answer).await?,
                    Step::Farewell(answer) => {
                        self.say(stream, None, &answer).await?;
                        false
                    }
                    Step::Keep(letter, answer) => {
                        // Whoever answers otherwise has not kept it; whoever breaks off has.
                        if !matches!(self.faults.lock().unwrap().front(), Some(Fault::Answer(At::Letter, _))) {
                            self.tray.keep(Message::read(&letter));
                        }
                        self.say(stream, Some(at), &answer).await?
                    }
                }
            };
            if !go_on {
                return Ok(Next::End);
            }
        }
    }

    /// SASL PLAIN (RFC 4616) with its first answer, or LOGIN.
    async fn sign_in<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut BufReader<S>, line: &[u8]) -> io::Result<bool> {
        let line = String::from_utf8_lossy(line).trim().to_owned();
        let decoded = |text: &str| String::from_utf8(BASE64_STANDARD.decode(text.trim()).unwrap()).unwrap();
        if let Some(first) = line.strip_prefix("AUTH PLAIN ") {
            return Ok(decoded(first) == format!("\0{}\0{}", ACCOUNT.0, ACCOUNT.1));
        }
        let mut given = Vec::new();
        for asked in ["Username:", "Password:"] {
            stream.write_all(format!("334 {}\r\n", BASE64_STANDARD.encode(asked)).as_bytes()).await?;
            stream.flush().await?;
            let Some(answer) = read_line(stream).await? else { return Ok(false) };
            given.push(decoded(&String::from_utf8_lossy(&answer)));
        }
        Ok(given == [ACCOUNT.0, ACCOUNT.1])
    }
}

fn stage(line: &str) -> At {
    match line.split(' ').next().unwrap_or_default() {
        "EHLO" | "HELO" => At::Ehlo,
        "AUTH" => At::SignIn,
        "MAIL" => At::Sender,
        "RCPT" => At::Recipient,
        "DATA" => At::Announcement,
        _ => At::Connect,
    }
}

async fn read_line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = stream.read_until(b'\n', &mut line).await?;
    Ok((read > 0).then(|| line.trim_ascii_end().to_vec()))
}
