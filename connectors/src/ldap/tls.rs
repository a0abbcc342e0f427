//! The TLS client: which authorities are trusted, which certificate is shown, and what a failed handshake means.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use super::error::Cause;
use super::settings::Tls;

/// Certificates read from one file.
const CERTIFICATES_MAX: usize = 1000;
/// Bytes of one file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// How long reading the files may take: they may lie on a disk of another machine.
const FILES_DEADLINE: Duration = Duration::from_secs(10);

/// Reads the files and builds the client's configuration, once a directory.
pub(crate) async fn client(tls: &Tls) -> Result<Arc<ClientConfig>, Cause> {
    let named = tls.clone();
    match timeout(FILES_DEADLINE, spawn_blocking(move || configure(&named))).await {
        Ok(Ok(made)) => made,
        Ok(Err(_)) => Err(Cause::GivenUp),
        Err(_) => {
            let first = tls.ca_file.as_ref().or(tls.client.as_ref().map(|(certificate, _)| certificate));
            Err(first.map_or(Cause::NoAuthorities, |path| refuse(path, "it was not read in time")))
        }
    }
}

fn configure(tls: &Tls) -> Result<Arc<ClientConfig>, Cause> {
    let roots = match &tls.ca_file {
        Some(path) => authorities(path)?,
        None => system_authorities()?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Cause::Handshake(error.to_string()))?
        .with_root_certificates(roots);
    let config = match &tls.client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let secret = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| refuse(key, "it holds no PEM private key"))?;
            builder
                .with_client_auth_cert(certificates(certificate)?, secret)
                .map_err(|_| refuse(certificate, "the certificate and its key do not go together"))?
        }
    };
    Ok(Arc::new(config))
}

/// Makes a plain connection a TLS one.
pub(super) async fn handshake(config: Arc<ClientConfig>, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, Cause> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Cause::CertificateName(host.to_owned()))?;
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| failure(host, &error))
}

/// One text for every reason, which only the log tells: whoever may name a file must not learn from the answer what lies there.
fn refuse(path: &Path, reason: &'static str) -> Cause {
    tracing::warn!(path = %path.display(), reason, "TLS file refused");
    Cause::TlsFile { path: path.display().to_string() }
}

/// A regular file of a size that certificates have.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Cause> {
    let fits = |found: &Metadata| found.is_file() && found.len() <= FILE_BYTES_MAX;
    let unfit = "it is not a regular file, or too large";
    let unread = |_: io::Error| refuse(path, "it is not there, or cannot be read");
    // Looked at before it is opened, because opening a pipe waits for its writer; and after, because it may be another by then.
    if !fits(&fs::metadata(path).map_err(unread)?) {
        return Err(refuse(path, unfit));
    }
    let file = File::open(path).map_err(unread)?;
    let found = file.metadata().map_err(unread)?;
    if !fits(&found) {
        return Err(refuse(path, unfit));
    }
    // Room for all of it at once, so that no key stays behind in a buffer that grew.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(found.len()).unwrap_or_default() + 1));
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unread)?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size <= FILE_BYTES_MAX) { Ok(bytes) } else { Err(refuse(path, unfit)) }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Cause> {
    let bytes = read(path)?;
    match CertificateDer::pem_slice_iter(&bytes).take(CERTIFICATES_MAX).collect::<Result<Vec<_>, _>>() {
        Ok(found) if found.is_empty() => Err(refuse(path, "it holds no PEM certificate")),
        Ok(found) => Ok(found),
        Err(_) => Err(refuse(path, "a certificate in it is not PEM")),
    }
}

fn authorities(path: &Path) -> Result<RootCertStore, Cause> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|_| refuse(path, "a certificate in it cannot be trusted"))?;
    }
    Ok(roots)
}

/// The system's store; a certificate that cannot be read is left out, and the others kept.
fn system_authorities() -> Result<RootCertStore, Cause> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    if ignored > 0 || !found.errors.is_empty() {
        tracing::debug!(added, ignored, errors = found.errors.len(), "system certificates left out");
    }
    if roots.is_empty() { Err(Cause::NoAuthorities) } else { Ok(roots) }
}

fn failure(host: &str, error: &io::Error) -> Cause {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(wrong)) => match wrong {
            // An authority of the same name with another key gives a bad signature.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Cause::UnknownAuthority,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Cause::CertificateExpired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Cause::CertificateNotYetValid,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Cause::CertificateName(host.to_owned()),
            // What `openssl req -x509` makes: its own authority, which no client may take for a server's certificate (RFC 5280 §4.2.1.9).
            CertificateError::Other(inner) if inner.0.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity) => {
                Cause::CertificateIsAuthority
            }
            other => Cause::Handshake(other.to_string()),
        },
        Some(rustls::Error::InvalidMessage(_)) => Cause::NotTls,
        Some(other) => Cause::Handshake(other.to_string()),
        None if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            Cause::NotTls
        }
        None => Cause::Handshake(error.to_string()),
    }
}
