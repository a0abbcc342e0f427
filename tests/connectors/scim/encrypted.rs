//! HTTPS: what is trusted is read, and each reason not to trust has its own words.

use std::path::PathBuf;
use std::sync::Arc;

use connectors::Cause;
use connectors::scim::Fault as Told;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{fault, read, settings, source_of, whole};
use crate::harness::remote_scim::{ScimService, TOKEN};

/// A socket that speaks TLS.
struct Encrypted {
    socket: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, from) = self.socket.accept().await.unwrap();
            // Whoever does not trust it goes away.
            if let Ok(encrypted) = self.acceptor.accept(stream).await {
                return (encrypted, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.socket.local_addr()
    }
}

/// A service under TLS with a certificate for this name, and the authority that vouches for it.
async fn encrypted(service: &ScimService, name: &str) -> (String, PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let (key, own) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(authority, key);
    let shown = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(vec![shown.der().clone()], PrivateKeyDer::try_from(own.serialize_der()).unwrap()).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}/scim/v2", socket.local_addr().unwrap());
    let listener = Encrypted { socket, acceptor: TlsAcceptor::from(Arc::new(config)) };
    let router = service.router();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (base, file, folder)
}

#[tokio::test]
async fn an_own_authority_is_trusted_and_the_certificate_is_told() {
    let service = ScimService::start().await;
    service.users(12);
    let (base, authority, _folder) = encrypted(&service, "127.0.0.1").await;
    let scim = source_of(settings(&base, &json!({"tls": {"ca_file": authority}})), TOKEN).await;
    assert_eq!(whole(&scim).await.0.len(), 12);
    let steps = scim.check(0).await;
    let tls = steps.iter().find(|step| step.name == "tls").unwrap();
    assert_eq!((tls.code, tls.facts[0].clone()), ("encrypted", ("mode", "HTTPS".to_owned())));
}

#[tokio::test]
async fn an_unknown_authority_a_wrong_name_and_no_tls_at_all_each_have_their_words() {
    let service = ScimService::start().await;
    service.users(1);
    let (base, authority, _folder) = encrypted(&service, "127.0.0.1").await;
    let (_, stranger, _other) = encrypted(&service, "127.0.0.1").await;
    let cause = async |base: &str, authority: &PathBuf| {
        read(&source_of(settings(base, &json!({"tls": {"ca_file": authority}})), TOKEN).await).await.1.unwrap_err().cause
    };
    assert!(matches!(cause(&base, &stranger).await, Cause::UnknownAuthority));
    let (named, vouched, _third) = encrypted(&service, "scim.test").await;
    assert!(matches!(cause(&named, &vouched).await, Cause::CertificateName(name) if name == "127.0.0.1"));
    let plain = service.base.replace("http://", "https://");
    let told = fault(&source_of(settings(&plain, &json!({"tls": {"ca_file": authority}})), TOKEN).await).await;
    assert!(matches!(told, Told::NotHttps), "{told:?}");
    // In clear, a TLS port gives no HTTP.
    let clear = base.replace("https://", "http://");
    assert!(matches!(fault(&source_of(settings(&clear, &json!({})), TOKEN).await).await, Told::AnswerBroken(_)));
    assert!(service.heard().is_empty());
}
