//! The TLS client: which authorities are trusted, which certificate is shown, and what a failed handshake means.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::Cause;
use super::settings::Tls;

/// Certificates read from one file.
const CERTIFICATES_MAX: usize = 1000;

/// Reads the files and builds the client's configuration, once a directory.
pub(super) fn client(tls: &Tls) -> Result<Arc<ClientConfig>, Cause> {
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
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| refuse(key, format!("no private key can be read ({error})")))?;
            builder
                .with_client_auth_cert(certificates(certificate)?, secret)
                .map_err(|error| refuse(certificate, format!("the certificate and its key do not go together ({error})")))?
        }
    };
    Ok(Arc::new(config))
}

/// Makes a plain connection a TLS one.
pub(super) async fn handshake(config: Arc<ClientConfig>, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, Cause> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Cause::CertificateName(host.to_owned()))?;
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| failure(host, &error))
}

fn refuse(path: &Path, reason: String) -> Cause {
    Cause::TlsFile { path: path.display().to_string(), reason }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Cause> {
    let read = CertificateDer::pem_file_iter(path).and_then(|found| found.take(CERTIFICATES_MAX).collect::<Result<Vec<_>, _>>());
    match read {
        Ok(found) if found.is_empty() => Err(refuse(path, "it holds no PEM certificate".to_owned())),
        Ok(found) => Ok(found),
        Err(error) => Err(refuse(path, format!("no certificate can be read ({error})"))),
    }
}

fn authorities(path: &Path) -> Result<RootCertStore, Cause> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| refuse(path, format!("a certificate cannot be trusted ({error})")))?;
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
