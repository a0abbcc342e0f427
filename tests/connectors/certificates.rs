//! LDAPS and StartTLS against a real slapd: what is trusted is read, and each reason not to trust has its own words.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use connectors::{Cause, Directory, Error};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use super::{DEADLINE, failure, read, settings};
use crate::harness::generator::generate;
use crate::harness::slapd::{ADMIN_PASSWORD, Setup, Slapd, Tls};

/// An authority of the test's own.
struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A server whose certificate is for these names, until that year.
    fn slapd(&self, names: &[&str], until: i32) -> Slapd {
        self.slapd_with(names, until, "")
    }

    /// A certificate and key for a client of this name.
    fn client(&self, name: &str) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let (certificate, secret) = (self.folder.path().join("client.pem"), self.folder.path().join("client.key"));
        std::fs::write(&certificate, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(&secret, key.serialize_pem()).unwrap();
        (certificate, secret)
    }

    fn slapd_with(&self, names: &[&str], until: i32, directives: &str) -> Slapd {
        let mut params = CertificateParams::new(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).unwrap();
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let (certificate, secret) = (self.folder.path().join("cert.pem"), self.folder.path().join("key.pem"));
        std::fs::write(&certificate, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(&secret, key.serialize_pem()).unwrap();
        let generated = generate(2, 100, 7);
        Slapd::start_with(&Setup {
            ldif: Some(&generated.ldif),
            tls: Some(Tls { certificate: &certificate, key: &secret }),
            directives,
            ..Setup::default()
        })
    }
}

async fn source(url: &str, tls: &Value) -> Result<Directory, Error> {
    Directory::new(settings(url, json!({"tls": tls})), Some(ADMIN_PASSWORD.into())).await
}

#[tokio::test]
async fn an_own_authority_is_trusted_by_ldaps_and_starttls() {
    let authority = Authority::new("Essai");
    let slapd = authority.slapd(&["localhost", "127.0.0.1"], 4000);
    for (url, mode) in [(slapd.ldaps_url("localhost"), "ldaps"), (slapd.ldaps_url("127.0.0.1"), "ldaps"), (slapd.url(), "starttls")] {
        let (_, outcome) = read(&source(&url, &json!({"mode": mode, "ca_file": authority.file()})).await.unwrap(), DEADLINE).await;
        assert_eq!(outcome.unwrap().people, 100, "{url}");
    }
}

#[tokio::test]
async fn an_unknown_authority_an_end_and_a_wrong_name_each_have_their_words() {
    let authority = Authority::new("Essai");
    // The same name with another key, and another name.
    let strangers = [Authority::new("Essai"), Authority::new("Autre")];
    let trusted = async |url: &str| source(url, &json!({"ca_file": authority.file()})).await.unwrap();

    let sound = authority.slapd(&["127.0.0.1"], 4000);
    for stranger in strangers {
        let error = failure(&source(&sound.ldaps_url("127.0.0.1"), &json!({"ca_file": stranger.file()})).await.unwrap()).await;
        assert!(matches!(&error.cause, Cause::UnknownAuthority), "{error:?}");
    }
    let error = failure(&trusted(&sound.ldaps_url("localhost")).await).await;
    assert!(matches!(&error.cause, Cause::CertificateName(name) if name == "localhost"), "{error:?}");

    let expired = authority.slapd(&["127.0.0.1"], 2001);
    for tls in [
        trusted(&expired.ldaps_url("127.0.0.1")).await,
        source(&expired.url(), &json!({"mode": "starttls", "ca_file": authority.file()})).await.unwrap(),
    ] {
        let error = failure(&tls).await;
        assert!(matches!(&error.cause, Cause::CertificateExpired), "{error:?}");
    }
}

#[tokio::test]
async fn a_self_signed_authority_as_the_servers_certificate_has_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let (certificate, secret) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&secret, key.serialize_pem()).unwrap();
    let generated = generate(2, 100, 7);
    let tls = Some(Tls { certificate: &certificate, key: &secret });
    let slapd = Slapd::start_with(&Setup { ldif: Some(&generated.ldif), tls, ..Setup::default() });
    let error = failure(&source(&slapd.ldaps_url("127.0.0.1"), &json!({"ca_file": certificate})).await.unwrap()).await;
    assert!(matches!(&error.cause, Cause::CertificateIsAuthority), "{error:?}");
}

#[tokio::test]
async fn the_wrong_kind_of_port_is_told() {
    let authority = Authority::new("Essai");
    let slapd = authority.slapd(&["127.0.0.1"], 4000);
    let to_plain = slapd.url().replace("ldap://", "ldaps://");
    let error = failure(&source(&to_plain, &json!({"ca_file": authority.file()})).await.unwrap()).await;
    assert!(matches!(&error.cause, Cause::NotTls), "{error:?}");
    let to_tls = slapd.ldaps_url("127.0.0.1").replace("ldaps://", "ldap://");
    let error = failure(&source(&to_tls, &json!({"mode": "none"})).await.unwrap()).await;
    assert!(matches!(&error.cause, Cause::TlsPort | Cause::ClosedAtOnce), "{error:?}");
    assert!(error.cause.advice().contains("ldaps://"));
}

#[tokio::test]
async fn a_server_without_tls_refuses_starttls_in_its_own_words() {
    let slapd = Slapd::start(&generate(2, 100, 7).ldif);
    let authority = Authority::new("Essai");
    let error = failure(&source(&slapd.url(), &json!({"mode": "starttls", "ca_file": authority.file()})).await.unwrap()).await;
    assert!(matches!(&error.cause, Cause::StartTlsRefused { .. }), "{error:?}");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_and_nothing_of_them_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("empty.pem"), "nothing\n").unwrap();
    std::fs::write(file("broken.pem"), "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
    std::fs::write(file("large.pem"), vec![b'\n'; 1024 * 1024 + 1]).unwrap();
    let made = std::process::Command::new("mkfifo").arg(file("pipe")).status().unwrap();
    assert!(made.success());
    let authority = Authority::new("Essai");
    let (certificate, _) = authority.client("passerelle");
    let paths = [
        file("empty.pem"),
        file("broken.pem"),
        file("large.pem"),
        file("pipe"),
        file("absent.pem"),
        folder.path().to_owned(),
        "/dev/zero".into(),
        "/dev/null".into(),
    ];
    let mut texts = BTreeSet::new();
    let started = Instant::now();
    for path in &paths {
        for tls in [
            json!({"ca_file": path}),
            json!({"ca_file": authority.file(), "client_cert_file": path, "client_key_file": path}),
            json!({"ca_file": authority.file(), "client_cert_file": certificate, "client_key_file": path}),
        ] {
            let error = source("ldaps://ldap.example.fr", &tls).await.unwrap_err();
            assert!(matches!(&error.cause, Cause::TlsFile { path: named } if *named == path.display().to_string()), "{error:?}");
            texts.insert(error.to_string().replace(&path.display().to_string(), "…"));
        }
    }
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_stands_for_the_account() {
    let authority = Authority::new("Essai");
    let (certificate, key) = authority.client("passerelle");
    let wanted = format!(
        "TLSCACertificateFile {}\nTLSVerifyClient demand\naccess to * by dn.exact=\"cn=passerelle\" read by * none",
        authority.file().display()
    );
    let slapd = authority.slapd_with(&["127.0.0.1"], 4000, &wanted);
    let url = slapd.ldaps_url("127.0.0.1");
    let tls = json!({"ca_file": authority.file(), "client_cert_file": certificate, "client_key_file": key});
    let with = Directory::new(settings(&url, json!({"bind_dn": null, "tls": tls})), None).await.unwrap();
    assert_eq!(read(&with, DEADLINE).await.1.unwrap().people, 100);

    let without = Directory::new(settings(&url, json!({"bind_dn": null, "tls": {"ca_file": authority.file()}})), None).await.unwrap();
    let error = failure(&without).await;
    assert!(matches!(&error.cause, Cause::Handshake(_) | Cause::ClosedAtOnce), "{error:?}");
    assert!(error.cause.advice().contains("client_cert_file"));
}
