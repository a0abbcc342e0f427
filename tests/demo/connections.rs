//! Tests of: connections that end, and the bounds they meet.

use std::time::Duration;

use anyhow::Result;
use futures::SinkExt;
use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{LdapExtendedRequest, LdapMsg, LdapOp, LdapResultCode as Code, LdapSearchScope as Scope, OID_WHOAMI};
use passerelle::demo::directory::Limits;
use passerelle::demo::people::{self, BASE_DN};
use tokio::io::AsyncWriteExt;

use super::wire::{Client, SERVICE_DN, generated, request, serve};

fn who_am_i() -> LdapOp {
    LdapOp::ExtendedRequest(LdapExtendedRequest { name: OID_WHOAMI.to_owned(), value: None })
}

async fn bounded(limits: Limits) -> Result<passerelle::demo::directory::Directory> {
    serve(people::generate(60)?, BASE_DN, limits).await
}

#[tokio::test]
async fn stop_says_goodbye_to_every_client() -> Result<()> {
    let directory = generated().await?;
    let (mut one, mut other) = (Client::service(&directory).await?, Client::connect(&directory).await?);
    other.bind("", "").await?;
    directory.stop().await;
    for client in [&mut one, &mut other] {
        assert_eq!(client.farewell().await?, (Code::Unavailable, "the directory stops".to_owned()));
    }
    Ok(())
}

#[tokio::test]
async fn malformed_requests_end_the_connection_alone() -> Result<()> {
    let directory = generated().await?;
    let nested = [b"\x30\x84\x00\x00\x10\x00".repeat(200), vec![0; 8192]].concat();
    for bytes in [b"GET / HTTP/1.1\r\n\r\n".to_vec(), b"\x30\x03\x02\x01\x01".to_vec(), nested] {
        let mut client = Client::connect(&directory).await?;
        client.framed.get_mut().write_all(&bytes).await?;
        client.framed.get_mut().shutdown().await?;
        let farewell = client.farewell().await;
        // A request cut short ends without a word; one that is whole and wrong is told so.
        assert!(farewell.as_ref().map_or(true, |(code, _)| *code == Code::ProtocolError), "{farewell:?}");
    }
    let mut client = Client::service(&directory).await?;
    assert_eq!(client.search(BASE_DN, "(uid=hlefevre)", &[]).await?.entries.len(), 1);
    Ok(())
}

#[tokio::test]
async fn request_without_end_is_cut() -> Result<()> {
    let directory = bounded(Limits { message_max_bytes: 4096, ..Limits::default() }).await?;
    let mut client = Client::connect(&directory).await?;
    let header = b"\x30\x84\x7f\xff\xff\xff";
    client.framed.get_mut().write_all(&[header.as_slice(), &[0; 16_384]].concat()).await?;
    assert_eq!(client.farewell().await?.0, Code::ProtocolError);
    Ok(())
}

#[tokio::test]
async fn silent_clients_are_sent_away() -> Result<()> {
    let directory = bounded(Limits { idle_deadline: Duration::from_millis(50), ..Limits::default() }).await?;
    let mut client = Client::connect(&directory).await?;
    assert_eq!(client.farewell().await?, (Code::Unavailable, "nothing was asked for too long".to_owned()));
    Ok(())
}

#[tokio::test]
async fn client_that_reads_nothing_makes_room() -> Result<()> {
    let limits = Limits { connections_max: 1, write_deadline: Duration::from_millis(50), ..Limits::default() };
    let directory = serve(people::generate(1_000)?, BASE_DN, limits).await?;
    let mut deaf = Client::service(&directory).await?;
    // Far more answers than the buffers between the two hold.
    for _ in 0..12 {
        deaf.write(LdapOp::SearchRequest(request(BASE_DN, Scope::Subtree, "(objectClass=*)", &[])?), Vec::new()).await?;
    }
    let admitted = async {
        while Client::service(&directory).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), admitted).await?;
    Ok(())
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() -> Result<()> {
    let directory = bounded(Limits { connections_max: 1, ..Limits::default() }).await?;
    let mut first = Client::service(&directory).await?;
    let mut second = Client::connect(&directory).await?;
    assert_eq!(second.farewell().await?, (Code::Busy, "too many connections".to_owned()));
    assert!(
        matches!(first.ask(who_am_i()).await?, LdapOp::ExtendedResponse(said) if said.value == Some(format!("dn:{SERVICE_DN}").into_bytes()))
    );
    Ok(())
}

#[tokio::test]
async fn abandoned_search_goes_no_further() -> Result<()> {
    let directory = generated().await?;
    let mut client = Client::service(&directory).await?;
    let wanted = request(BASE_DN, Scope::Subtree, "(objectClass=*)", &[])?;
    // All three in one write: the server finds the second and third while it answers the first.
    for (id, op) in [(71, LdapOp::SearchRequest(wanted)), (72, LdapOp::AbandonRequest(71)), (73, who_am_i())] {
        client.framed.feed(LdapMsg::new(id, op)).await?;
    }
    client.framed.flush().await?;
    let mut entries = 0;
    loop {
        let answer = client.read().await?;
        match answer.op {
            LdapOp::SearchResultEntry(_) => entries += 1,
            LdapOp::ExtendedResponse(_) if answer.msgid == 73 => break,
            other => anyhow::bail!("the abandoned search was answered: {other:?}"),
        }
    }
    assert!(entries < directory.entry_count());
    Ok(())
}

#[tokio::test]
async fn critical_controls_that_are_not_known_refuse_the_request() -> Result<()> {
    let directory = generated().await?;
    let mut client = Client::service(&directory).await?;
    for (criticality, expected) in [(true, Code::UnavailableCriticalExtension), (false, Code::Success)] {
        let control = LdapControl::Unknown { oid: "1.2.3.4".to_owned(), criticality, value: None };
        let found = client.search_with(request(BASE_DN, Scope::Base, "(objectClass=*)", &[])?, vec![control]).await?;
        assert_eq!(found.result.code, expected);
    }
    Ok(())
}
