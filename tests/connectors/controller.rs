//! A domain controller that plays what Samba cannot be made to do: another database behind the same name, pages smaller than asked for, and
//! every reason that Active Directory gives with a refused bind. In raw bytes, one connection after another.

use std::sync::{Arc, Mutex};

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::misbehaving::{attribute, frame, is_root_dse, message, paging, result, tlv};

/// The domain.
pub const BASE: &str = "DC=ad,DC=test";
/// Who reads it, by this password.
pub const READER: (&str, &str) = ("CN=reader,DC=ad,DC=test", "read everything");
/// Everybody's right password.
pub const RIGHT: &str = "the right one";

/// Someone, and the number of the change that made them what they are.
#[derive(Clone, Debug)]
pub struct Someone {
    pub name: String,
    pub key: u8,
    pub number: u64,
}

/// What a controller holds and says.
#[derive(Clone, Debug)]
pub struct Controller {
    /// Its database (invocationId), every byte the same.
    pub database: u8,
    /// How far it has come.
    pub number: u64,
    pub people: Vec<Someone>,
    /// Entries on one page, whatever is asked for.
    pub page_max: usize,
    /// What it says of a right password; empty when it lets people in.
    pub says: &'static str,
    /// What it says of a wrong one.
    pub says_of_wrong: &'static str,
}

impl Controller {
    /// One with this many people.
    pub fn with(people: u8) -> Self {
        let people: Vec<Someone> =
            (1..=people).map(|key| Someone { name: format!("p{key}"), key, number: 1000 + u64::from(key) }).collect();
        Self { database: 1, number: 2000, people, page_max: 1000, says: "", says_of_wrong: "52e" }
    }
}

/// A controller that listens, and may be changed.
#[derive(Clone, Debug)]
pub struct Running {
    pub url: String,
    controller: Arc<Mutex<Controller>>,
}

impl Running {
    pub async fn start(controller: Controller) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("ldap://{}", listener.local_addr().unwrap());
        let controller = Arc::new(Mutex::new(controller));
        let held = Arc::clone(&controller);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let held = Arc::clone(&held);
                tokio::spawn(async move {
                    // The client may leave first.
                    let _ = serve(stream, &held).await;
                });
            }
        });
        Self { url, controller }
    }

    pub fn change(&self, change: impl FnOnce(&mut Controller)) {
        change(&mut self.controller.lock().unwrap());
    }
}

async fn serve(mut stream: TcpStream, held: &Mutex<Controller>) -> std::io::Result<()> {
    loop {
        let request = frame(&mut stream).await?;
        let (id, op) = (request[2 + 2], request[2 + 3]);
        let controller = held.lock().unwrap().clone();
        let answer = match op {
            0x60 => message(id, &bind(&controller, &request), &[]),
            0x63 => search(&controller, id, &request),
            _ => return Ok(()),
        };
        stream.write_all(&answer).await?;
    }
}

fn holds(request: &[u8], wanted: &[u8]) -> bool {
    request.windows(wanted.len()).any(|window| window == wanted)
}

fn bind(controller: &Controller, request: &[u8]) -> Vec<u8> {
    let says = match () {
        () if holds(request, READER.1.as_bytes()) => "",
        () if holds(request, RIGHT.as_bytes()) => controller.says,
        () => controller.says_of_wrong,
    };
    if says.is_empty() {
        return result(0x61, 0, "");
    }
    result(0x61, 49, &format!("80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data {says}, v4563\0"))
}

fn search(controller: &Controller, id: u8, request: &[u8]) -> Vec<u8> {
    let entries = |entries: &[Vec<u8>], rc: u8, cookie: &[u8]| {
        let sent = entries.iter().map(|entry| message(id, entry, &[]));
        sent.chain([message(id, &result(0x65, rc, ""), &paging(cookie))]).collect::<Vec<_>>().concat()
    };
    let people = &controller.people;
    if is_root_dse(request) {
        return entries(&[root(controller)], 0, b"");
    }
    if holds(request, b"invocationId") {
        return entries(&[entry("CN=NTDS Settings", &[attribute("invocationId", &[controller.database; 16])])], 0, b"");
    }
    // The account that reads may neither replicate nor see what was deleted.
    if holds(request, b"1.2.840.113556.1.4.841") {
        return entries(&[], 50, b"");
    }
    if holds(request, b"CN=Deleted Objects") {
        return entries(&[], 32, b"");
    }
    if let Some(since) = number_after(request, b"uSNChanged") {
        let changed: Vec<_> = people.iter().filter(|one| one.number >= since).map(shown).collect();
        return entries(&changed, 0, b"");
    }
    if let Some(one) = people.iter().find(|one| holds(request, format!("CN={},{BASE}", one.name).as_bytes())) {
        return entries(&[shown(one)], 0, b"");
    }
    if !holds(request, b"objectCategory") {
        return entries(&[], 0, b"");
    }
    let asked: Vec<_> = people.iter().filter(|one| holds(request, &[one.key; 16])).map(shown).collect();
    if !asked.is_empty() {
        return entries(&asked, 0, b"");
    }
    let start = number_after(request, b"page").map_or(0, |at| usize::try_from(at).unwrap());
    let end = people.len().min(start + controller.page_max);
    let cookie = if end < people.len() { [b"page\x04\x02".as_slice(), format!("{end:02}").as_bytes()].concat() } else { Vec::new() };
    entries(&people[start..end].iter().map(shown).collect::<Vec<_>>(), 0, &cookie)
}

/// The number in the octets that follow a name.
fn number_after(request: &[u8], name: &[u8]) -> Option<u64> {
    let at = request.windows(name.len()).position(|window| window == name)? + name.len();
    let size = usize::from(*request.get(at + 1)?);
    std::str::from_utf8(request.get(at + 2..at + 2 + size)?).ok()?.parse().ok()
}

fn root(controller: &Controller) -> Vec<u8> {
    let number = controller.number.to_string();
    let texts = [
        ("namingContexts", BASE),
        ("defaultNamingContext", BASE),
        ("supportedCapabilities", "1.2.840.113556.1.4.800"),
        ("supportedControl", "1.2.840.113556.1.4.841"),
        ("dsServiceName", "CN=NTDS Settings,CN=DC1,CN=Configuration,DC=ad,DC=test"),
        ("highestCommittedUSN", &number),
    ];
    entry("", &texts.map(|(name, value)| attribute(name, value.as_bytes())))
}

fn shown(one: &Someone) -> Vec<u8> {
    let attributes = [attribute("sAMAccountName", one.name.as_bytes()), attribute("objectGUID", &[one.key; 16])];
    entry(&format!("CN={},{BASE}", one.name), &attributes)
}

fn entry(dn: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x64, &[tlv(4, dn.as_bytes()), tlv(0x30, &attributes.concat())].concat())
}
