//! What the gateway calls of what clients name (SECURITY 8): a corpus of hostile addresses, and an application that misbehaves.

use std::sync::Arc;
use std::time::Duration;

use passerelle::services::egress::{CallError, Carried, Egress, Refusal, Verb};
use passerelle::types::network::Hosts;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::harness::listener::{Answer, Listener};

const FORM: &[(&str, &str)] = &[("logout_token", "a.b.c")];

fn strict() -> Egress {
    Egress::new(Hosts::default(), false)
}

fn with(allowed: &str) -> Egress {
    Egress::new(Hosts::parse(allowed).unwrap(), false)
}

#[test]
fn ordinary_addresses_are_accepted() {
    for raw in ["https://app.example.fr/bye", "https://app.example.fr", "https://app.example.fr:8443/a?b=c&d=%C3%A9", "https://1.1.1.1/"] {
        assert!(strict().check(raw).is_ok(), "{raw}");
    }
    for raw in ["http://scodoc.lycee.lan/bye", "https://10.20.1.1/", "http://10.20.1.1:8080/", "https://[fd00::1]/"] {
        assert!(with("scodoc.lycee.lan, 10.20.0.0/16, fd00::/8").check(raw).is_ok(), "{raw}");
    }
    let here = Egress::new(Hosts::default(), true);
    for raw in ["http://127.0.0.1:9000/bye", "http://localhost:9000/", "http://[::1]:9000/", "https://localhost/"] {
        assert!(here.check(raw).is_ok() && strict().check(raw).is_err(), "{raw}");
    }
}

#[test]
fn hostile_addresses_are_refused() {
    let long = format!("https://app.example.fr/{}", "a".repeat(2000));
    for raw in [
        "",
        "/bye",
        "app.example.fr/bye",
        "//app.example.fr/bye",
        "https:app.example.fr/bye",
        "https:///app.example.fr/bye",
        "https://",
        long.as_str(),
        "http://app.example.fr/bye",
        "ftp://app.example.fr/",
        "file:///etc/passwd",
        "gopher://app.example.fr/",
        "javascript:alert(1)",
        "https://app.example.fr/bye#top",
        "https://app.example.fr/bye#",
        "https://user:password@app.example.fr/",
        "https://app.example.fr@10.0.0.1/",
        "https://app.example.fr/ bye",
        "https://app.example.fr\\@10.0.0.1/",
        "https://app.example.fr/\r\nHost: a",
        "https://café.example/",
        // This machine and private networks, in every way of writing them.
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://0/",
        "https://0.0.0.0/",
        "https://%31%32%37.0.0.1/",
        "https://localhost/",
        "https://LOCALHOST/",
        "https://a.localhost/",
        "https://localhost./",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.1.1:8443/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:a00:1]/",
        "https://[fc00::1]/",
        "https://[fe80::1]/",
        "https://[ff02::1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:db8::1]/",
        // Plain http to the Internet, by address.
        "http://1.1.1.1/",
    ] {
        assert!(strict().check(raw).is_err(), "{raw:?}");
    }
    let allowing = with("10.20.0.0/16");
    for raw in ["https://10.21.0.1/", "https://127.0.0.1/", "http://1.1.1.1/"] {
        assert!(allowing.check(raw).is_err(), "{raw}");
    }
}

#[tokio::test]
async fn a_name_is_judged_by_the_address_behind_it() {
    let mut listener = Listener::start(&[]).await;
    let port = listener.origin.rsplit(':').next().unwrap().to_owned();
    let named = format!("http://localhost:{port}/bye");
    assert!(matches!(strict().post_form(&named, FORM).await, Err(CallError::Refused(Refusal::Private(_)))));
    let told = Refusal::Private("10.2.3.4".to_owned()).to_string();
    assert!(told.contains("private") && !told.contains("10.2.3.4"), "nobody reads here what names lead to within: {told}");
    // The machine's own name is in the public form, and leads to this machine.
    let allowed_by_name = with("localhost");
    assert_eq!(allowed_by_name.post_form(&named, FORM).await, Ok(200));
    assert_eq!(listener.rest().len(), 1);
    let unknown = strict().post_form("https://nothing.invalid/bye", FORM).await;
    assert!(matches!(unknown, Err(CallError::Failed(_))), "{unknown:?}");
}

#[tokio::test]
async fn a_slow_an_endless_and_a_redirecting_answer_hold_nothing() {
    let elsewhere = Listener::start(&[]).await;
    let mut listener = Listener::start(&[Answer::Never, Answer::Endless, Answer::Redirect(elsewhere.uri())]).await;
    let egress = with("127.0.0.1").with_deadline(Duration::from_millis(200));
    let slow = egress.post_form(&listener.uri(), FORM).await;
    assert!(matches!(slow, Err(CallError::Failed(_))), "{slow:?}");
    let egress = with("127.0.0.1");
    assert_eq!(egress.post_form(&listener.uri(), FORM).await, Ok(200));
    assert_eq!(egress.post_form(&listener.uri(), FORM).await, Ok(302));
    assert_eq!(listener.rest().len(), 3);
    let mut elsewhere = elsewhere;
    assert!(elsewhere.rest().is_empty());
}

#[tokio::test]
async fn a_line_asks_again_and_again_follows_nothing_and_reads_no_endless_answer() {
    let elsewhere = Listener::start(&[]).await;
    let mut listener = Listener::start(&[Answer::Status(201), Answer::Redirect(elsewhere.uri()), Answer::Endless, Answer::Never]).await;
    assert!(matches!(strict().line(&listener.uri()), Err(Refusal::Private(_))));
    let egress = with("127.0.0.1").with_deadline(Duration::from_secs(5));
    let mut line = egress.line(&listener.uri()).unwrap();
    let carried =
        || Carried { authorization: Some("Bearer jeton"), accept: "*/*", body: Some(("text/plain", "élodie")), if_match: Some("\"1\"") };
    assert_eq!(line.send(Verb::Post, "/a?b=c", carried()).await.unwrap().status, 201);
    let first = listener.hear().await;
    assert_eq!((first.path.as_str(), first.body.as_str(), &first.headers["if-match"]), ("/a?b=c", "élodie", &"\"1\"".parse().unwrap()));
    assert_eq!(line.send(Verb::Get, "/a", Carried::default()).await.unwrap().status, 302);
    let endless = line.send(Verb::Get, "/a", Carried::default()).await.unwrap_err();
    assert!(endless.to_string().contains("longer than") || endless.to_string().contains("no answer within"), "{endless}");
    let egress = with("127.0.0.1").with_deadline(Duration::from_millis(200));
    assert!(egress.line(&listener.uri()).unwrap().send(Verb::Get, "/a", Carried::default()).await.is_err());
    let mut elsewhere = elsewhere;
    assert!(elsewhere.rest().is_empty());
}

#[tokio::test]
async fn what_is_no_http_or_has_no_end_of_headers_is_no_answer() {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", socket.local_addr().unwrap());
    let answers: [Vec<u8>; 3] = [b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), vec![b'a'; 64 * 1024], Vec::new()];
    let serving = tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = socket.accept().await.unwrap();
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked).await.unwrap();
            drop(stream.write_all(&answer).await);
        }
    });
    for _ in 0..3 {
        let answer = with("127.0.0.1").post_form(&address, FORM).await;
        assert!(matches!(answer, Err(CallError::Failed(_))), "{answer:?}");
    }
    serving.await.unwrap();
}

#[tokio::test]
async fn certificates_are_checked_for_the_name_and_the_authority() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().der().clone();
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&own, &issuer).unwrap().der().clone();
    let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], secret).unwrap()));
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = socket.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked).await.unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    });
    let mut roots = RootCertStore::empty();
    roots.add(authority).unwrap();
    let trusting = || with("127.0.0.1, localhost").with_authorities(roots.clone()).unwrap();
    assert_eq!(trusting().post_form(&format!("https://127.0.0.1:{port}/"), FORM).await, Ok(204));
    let other_name = trusting().post_form(&format!("https://localhost:{port}/"), FORM).await;
    assert!(matches!(&other_name, Err(CallError::Failed(why)) if why.contains("TLS")), "{other_name:?}");
    let unknown = with("127.0.0.1").post_form(&format!("https://127.0.0.1:{port}/"), FORM).await;
    assert!(matches!(&unknown, Err(CallError::Failed(_))), "{unknown:?}");
    serving.abort();
}
