//! One server: how it is reached, and the conversation with it (RFC 5321), step by step, so that a failure tells how far it came.

use std::time::Duration;

use lettre::Message;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::time::timeout;

use super::judgement::{Sending, Stage, said};
use super::{MailerError, address, word};
use crate::config::{Mail, Security};
use crate::types::mailbox;
use crate::types::secret::Secret;

/// Longest wait for the server's farewell, once everything is said.
const FAREWELL: Duration = Duration::from_secs(2);

/// How a certificate begins in PEM (RFC 7468 §5).
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// One server.
pub(super) struct Relay {
    pub(super) host: String,
    port: u16,
    security: Security,
    tls: Option<TlsParameters>,
    credentials: Option<(String, Secret)>,
    /// Whom letters are from.
    pub(super) from: Mailbox,
    /// Where answers go.
    pub(super) reply_to: Option<Mailbox>,
    own_name: ClientId,
    timeout: Duration,
}

impl Relay {
    pub(super) fn new(settings: &Mail, public_url: &str) -> Result<Self, MailerError> {
        let reply_to = if settings.reply_to.is_empty() { None } else { Some(mailbox_of("mail.reply_to", &settings.reply_to)?) };
        Ok(Self {
            host: settings.host.clone(),
            port: settings.port,
            security: settings.security,
            tls: if settings.security == Security::None { None } else { Some(tls(settings)?) },
            credentials: credentials(settings)?,
            from: mailbox_of("mail.from", &settings.from)?,
            reply_to,
            own_name: own_name(public_url),
            timeout: Duration::from_secs(u64::from(settings.timeout_s)),
        })
    }

    /// Connects, signs in, and says farewell.
    pub(super) async fn check(&self) -> Result<String, String> {
        let mut stage = Stage::Connect;
        match timeout(self.timeout, self.greet(&mut stage)).await {
            Err(_) => Err(stage.silent(self)),
            Ok(Err(error)) => Err(stage.failed(self, &error)),
            Ok(Ok(connection)) => {
                end(connection).await;
                let who = self.credentials.as_ref().map(|(name, _)| format!(", signed in as {name}")).unwrap_or_default();
                Ok(format!("{} takes letters ({}{who})", self.place(), word(self.security)))
            }
        }
    }

    /// Hands one letter over. Until the server was told that a letter comes, everything may be tried again; once its bytes are under way, only
    /// the server's answer tells whether it has them.
    pub(super) async fn send(&self, letter: &Message) -> Sending {
        let bytes = letter.formatted();
        let mut stage = Stage::Connect;
        let announced = timeout(self.timeout, self.announce(letter, &bytes, &mut stage)).await;
        let mut connection = match announced {
            Err(_) => return Sending::Later(stage.silent(self)),
            Ok(Err(refusal)) => return refusal,
            Ok(Ok(connection)) => connection,
        };
        match timeout(self.timeout, connection.message(&bytes)).await {
            Err(_) => Sending::Uncertain(Stage::Letter.silent(self)),
            Ok(Err(error)) => Stage::Letter.judged(self, &error),
            Ok(Ok(_)) => {
                end(connection).await;
                Sending::Sent
            }
        }
    }

    /// Everything up to the server's word that the letter may come.
    async fn announce(&self, letter: &Message, bytes: &[u8], stage: &mut Stage) -> Result<AsyncSmtpConnection, Sending> {
        let mut connection = self.greet(stage).await.map_err(|error| stage.judged(self, &error))?;
        let can = |extension| connection.server_info().supports_feature(extension);
        let mut parameters = Vec::new();
        let envelope = letter.envelope();
        if envelope.from().into_iter().chain(envelope.to()).any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
            if !can(Extension::SmtpUtfEight) {
                end(connection).await;
                return Err(Sending::Refused("the server takes no address with accents (SMTPUTF8, RFC 6531): use one without".to_owned()));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !bytes.is_ascii() && can(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        match say(&mut connection, letter, parameters, stage).await {
            Ok(()) => Ok(connection),
            Err(error) => {
                end(connection).await;
                Err(stage.judged(self, &error))
            }
        }
    }

    /// Connected, protected, signed in.
    async fn greet(&self, stage: &mut Stage) -> Result<AsyncSmtpConnection, Error> {
        let at_once = self.tls.clone().filter(|_| self.security == Security::Tls);
        let server = (self.host.trim_start_matches('[').trim_end_matches(']'), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(server, None, &self.own_name, at_once, None).await?;
        if let Some(tls) = self.tls.clone().filter(|_| self.security == Security::Starttls) {
            *stage = Stage::Protect;
            connection.starttls(tls, &self.own_name).await?;
        }
        if let Some((name, password)) = &self.credentials {
            *stage = Stage::SignIn;
            // The password goes to the server it is for, over TLS or within this machine.
            let credentials = Credentials::new(name.clone(), password.expose().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(connection)
    }

    pub(super) const fn security(&self) -> Security {
        self.security
    }

    /// The server as messages name it.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

async fn say(
    connection: &mut AsyncSmtpConnection,
    letter: &Message,
    parameters: Vec<MailParameter>,
    stage: &mut Stage,
) -> Result<(), Error> {
    *stage = Stage::Sender;
    connection.command(MailFrom::new(letter.envelope().from().cloned(), parameters)).await?;
    *stage = Stage::Recipient;
    for to in letter.envelope().to() {
        connection.command(Rcpt::new(to.clone(), Vec::new())).await?;
    }
    *stage = Stage::Announcement;
    connection.command(Data).await.map(drop)
}

/// Says farewell, and waits a little for the answer: whatever comes changes nothing any more.
async fn end(mut connection: AsyncSmtpConnection) {
    let _ = timeout(FAREWELL, connection.abort()).await;
}

fn tls(settings: &Mail) -> Result<TlsParameters, MailerError> {
    let domain = settings.host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let mut builder = TlsParameters::builder(domain);
    if !settings.ca_file.is_empty() {
        let unusable = |reason: &str| MailerError::Setting { setting: "mail.ca_file", reason: reason.to_owned() };
        let pem = std::fs::read(&settings.ca_file).map_err(|source| unreadable("mail.ca_file", &settings.ca_file, source))?;
        // A file without any would trust nobody, and say so at the first letter only.
        if !pem.windows(CERTIFICATE.len()).any(|window| window == CERTIFICATE) {
            return Err(unusable("holds no certificates in PEM"));
        }
        let found = Certificate::from_pem(&pem).map_err(|_| unusable("holds a certificate that is none"))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(found);
    }
    builder.build().map_err(|error| {
        let setting = if settings.ca_file.is_empty() { "mail.security" } else { "mail.ca_file" };
        MailerError::Setting { setting, reason: format!("cannot be used: {}. Certificates to trust are missing", said(&error)) }
    })
}

fn credentials(settings: &Mail) -> Result<Option<(String, Secret)>, MailerError> {
    let password = match (&settings.password, &settings.password_file) {
        (Some(password), _) => password.clone(),
        (None, Some(path)) => {
            let text =
                std::fs::read_to_string(path).map_err(|source| unreadable("mail.password_file", &path.display().to_string(), source))?;
            let text = zeroize::Zeroizing::new(text);
            let line = text.lines().next().unwrap_or_default().to_owned();
            let unusable = |reason| MailerError::Setting { setting: "mail.password_file", reason };
            Secret::parse("password", line).map_err(|invalid| unusable(format!("has a first line that {}", invalid.message)))?
        }
        (None, None) => return Ok(None),
    };
    Ok(Some((settings.username.clone(), password)))
}

fn unreadable(setting: &'static str, path: &str, source: std::io::Error) -> MailerError {
    MailerError::File { setting, path: path.to_owned(), source }
}

fn mailbox_of(setting: &'static str, raw: &str) -> Result<Mailbox, MailerError> {
    let unusable = |reason: String| MailerError::Setting { setting, reason };
    let parsed = mailbox::Mailbox::parse(raw).map_err(|invalid| unusable(invalid.message))?;
    let email = address(parsed.email.as_str()).ok_or_else(|| unusable("is an address that SMTP does not carry".to_owned()))?;
    Ok(Mailbox::new(parsed.name, email))
}

/// What the gateway calls itself to the server: the name of its public address, which is one that the world knows.
fn own_name(public_url: &str) -> ClientId {
    let host = url::Url::parse(public_url).ok().and_then(|url| url.host().map(|host| host.to_owned()));
    match host {
        Some(url::Host::Domain(name)) => ClientId::Domain(name),
        Some(url::Host::Ipv4(ip)) => ClientId::Ipv4(ip),
        Some(url::Host::Ipv6(ip)) => ClientId::Ipv6(ip),
        None => ClientId::default(),
    }
}
