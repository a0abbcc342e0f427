//! A bare LDAP client for the tests: one message out, its answers in. And the directories they ask.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::{SinkExt, StreamExt};
use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{
    LdapBindCred, LdapBindRequest, LdapDerefAliases, LdapMsg, LdapOp, LdapResult, LdapResultCode, LdapSearchRequest, LdapSearchResultEntry,
    LdapSearchScope,
};
use ldap3_proto::{LdapCodec, parse_ldap_filter_str};
use passerelle::demo::directory::{Directory, Entry, Limits, ServiceAccount};
use passerelle::demo::people::{self, BASE_DN};
use passerelle::types::secret::Secret;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::Framed;

/// Password of the service account in every test.
pub const SERVICE_PASSWORD: &str = "service-password";
/// Name of the service account that sees everything.
pub const SERVICE_DN: &str = "cn=passerelle,dc=demo,dc=fr";
const ANSWER_DEADLINE: Duration = Duration::from_secs(20);

pub fn account(dn: &str, base_dn: &str) -> Result<ServiceAccount> {
    let password = Secret::parse("bind_password", SERVICE_PASSWORD.to_owned())?;
    Ok(ServiceAccount { dn: dn.to_owned(), password, base_dn: base_dn.to_owned() })
}

pub async fn serve(entries: Vec<Entry>, base_dn: &str, limits: Limits) -> Result<Directory> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Ok(Directory::start(listener, entries, vec![account(SERVICE_DN, base_dn)?], limits)?)
}

/// The generated directory of 200 people.
pub async fn generated() -> Result<Directory> {
    serve(people::generate(200)?, BASE_DN, Limits::default()).await
}

pub struct Client {
    pub framed: Framed<TcpStream, LdapCodec>,
    msgid: i32,
}

/// What a search answered.
pub struct Found {
    pub entries: Vec<LdapSearchResultEntry>,
    pub result: LdapResult,
    pub cookie: Option<Vec<u8>>,
}

impl Found {
    pub fn names(&self) -> Vec<&str> {
        self.entries.iter().map(|e| e.dn.as_str()).collect()
    }
}

/// A search; the filter must do without spaces and escapes, which this parser does not read.
pub fn request(base: &str, scope: LdapSearchScope, filter: &str, attrs: &[&str]) -> Result<LdapSearchRequest> {
    Ok(LdapSearchRequest {
        base: base.to_owned(),
        scope,
        aliases: LdapDerefAliases::Never,
        sizelimit: 0,
        timelimit: 0,
        typesonly: false,
        filter: parse_ldap_filter_str(filter)?,
        attrs: attrs.iter().map(|a| (*a).to_owned()).collect(),
    })
}

pub fn page(size: i64, cookie: &[u8]) -> Vec<LdapControl> {
    vec![LdapControl::SimplePagedResults { size, cookie: cookie.to_vec() }]
}

impl Client {
    pub async fn connect(directory: &Directory) -> Result<Self> {
        let stream = TcpStream::connect(directory.address()).await?;
        Ok(Self { framed: Framed::new(stream, LdapCodec::new(Some(16 * 1024 * 1024), None)), msgid: 0 })
    }

    /// A client bound as the service account.
    pub async fn service(directory: &Directory) -> Result<Self> {
        let mut client = Self::connect(directory).await?;
        let code = client.bind(SERVICE_DN, SERVICE_PASSWORD).await?;
        if code != LdapResultCode::Success {
            bail!("the service account was refused: {code:?}");
        }
        Ok(client)
    }

    pub async fn write(&mut self, op: LdapOp, ctrl: Vec<LdapControl>) -> Result<i32> {
        self.msgid += 1;
        self.framed.send(LdapMsg::new_with_ctrls(self.msgid, op, ctrl)).await?;
        Ok(self.msgid)
    }

    /// The next message; the end of the connection is an error.
    pub async fn read(&mut self) -> Result<LdapMsg> {
        let read = tokio::time::timeout(ANSWER_DEADLINE, self.framed.next()).await.context("no answer in time")?;
        Ok(read.context("the connection ended")??)
    }

    pub async fn ask(&mut self, op: LdapOp) -> Result<LdapOp> {
        let id = self.write(op, Vec::new()).await?;
        let answer = self.read().await?;
        anyhow::ensure!(answer.msgid == id, "an answer to something else: {answer:?}");
        Ok(answer.op)
    }

    pub async fn bind_by(&mut self, version: i64, dn: &str, cred: LdapBindCred) -> Result<LdapResultCode> {
        match self.ask(LdapOp::BindRequest(LdapBindRequest { version, dn: dn.to_owned(), cred })).await? {
            LdapOp::BindResponse(answer) => Ok(answer.res.code),
            other => bail!("not the answer to a bind: {other:?}"),
        }
    }

    pub async fn bind(&mut self, dn: &str, password: &str) -> Result<LdapResultCode> {
        self.bind_by(3, dn, LdapBindCred::Simple(password.to_owned())).await
    }

    pub async fn search_with(&mut self, wanted: LdapSearchRequest, controls: Vec<LdapControl>) -> Result<Found> {
        self.write(LdapOp::SearchRequest(wanted), controls).await?;
        let mut entries = Vec::new();
        loop {
            let answer = self.read().await?;
            match answer.op {
                LdapOp::SearchResultEntry(entry) => entries.push(entry),
                LdapOp::SearchResultDone(result) => {
                    let cookie = answer.ctrl.into_iter().find_map(|control| match control {
                        LdapControl::SimplePagedResults { cookie, .. } => Some(cookie),
                        _ => None,
                    });
                    return Ok(Found { entries, result, cookie });
                }
                other => bail!("not the answer to a search: {other:?}"),
            }
        }
    }

    pub async fn search(&mut self, base: &str, filter: &str, attrs: &[&str]) -> Result<Found> {
        self.search_with(request(base, LdapSearchScope::Subtree, filter, attrs)?, Vec::new()).await
    }

    /// The code and text of the notice of disconnection that is to come, and that nothing follows it.
    pub async fn farewell(&mut self) -> Result<(LdapResultCode, String)> {
        let notice = self.read().await?;
        assert_eq!(notice.msgid, 0);
        let LdapOp::ExtendedResponse(said) = notice.op else { bail!("not a notice: {:?}", notice.op) };
        assert_eq!(said.name.as_deref(), Some("1.3.6.1.4.1.1466.20036"));
        assert!(tokio::time::timeout(ANSWER_DEADLINE, self.framed.next()).await?.is_none());
        Ok((said.res.code, said.res.message))
    }
}

/// The values of an attribute, as text.
pub fn values(entry: &LdapSearchResultEntry, name: &str) -> Vec<String> {
    let held = entry.attributes.iter().filter(|a| a.atype.eq_ignore_ascii_case(name)).flat_map(|a| &a.vals);
    held.map(|v| String::from_utf8_lossy(v).into_owned()).collect()
}
