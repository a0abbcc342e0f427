//! A directory server that misbehaves in one chosen way, written in raw bytes because no library would send them.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How a server misbehaves; the faults of a search strike on its second page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not at all, but that it keeps one cookie for the whole search, as 389 Directory Server does.
    ConstantCookie,
    /// Not at all, but that it cuts a group's members into ranges, as Active Directory does.
    Ranges,
    /// The same, and it gives no more than the first range.
    RangesLost,
    /// Closes in the middle of an entry.
    DropMid,
    /// Says nothing any more.
    Silent,
    /// Sends an entry one byte at a time.
    Drip,
    /// Never answers the bind.
    BindSilent,
    /// Closes when asked for TLS.
    StartTlsDrop,
    /// Refuses TLS.
    StartTlsRefused,
    /// Grants TLS and adds something in clear.
    StartTlsInjected,
    /// Says goodbye.
    Notice,
    /// An element longer than the one that holds it.
    InnerLength,
    /// A message announced at four gigabytes.
    HugeLength,
    /// A hundred thousand sequences within one another.
    Nest,
    /// An answer of another kind than the question.
    BadOperation,
    /// A control that is none.
    BadControl,
    /// A DN that is not UTF-8.
    BadDn,
    /// Entries that are not built as entries.
    BadEntry,
    /// Stops at its size limit.
    SizeLimit,
    /// Is busy.
    Busy,
    /// Ignores the paging control.
    NoPageControl,
    /// Gives the first page for ever.
    SameCookie,
    /// Gives new pages for ever.
    Endless,
    /// Refers to another server.
    Referral,
    /// Is no directory.
    NotLdap,
    /// Is a TLS port.
    TlsAlert,
}

/// Where it listens.
pub async fn start(fault: Fault) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                // The client may leave first: that is what the tests are about.
                let _ = serve(stream, fault).await;
            });
        }
    });
    url
}

async fn serve(mut stream: TcpStream, fault: Fault) -> std::io::Result<()> {
    match fault {
        Fault::NotLdap => stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await?,
        Fault::TlsAlert => stream.write_all(&[0x15, 3, 1, 0, 2, 2, 10]).await?,
        _ => {}
    }
    let mut pages = 0;
    loop {
        let request = frame(&mut stream).await?;
        let (id, op) = (request[2 + 2], request[2 + 3]);
        match (op, fault) {
            (0x60, Fault::BindSilent) | (0x77, Fault::Silent) => std::future::pending::<()>().await,
            (0x60, _) => stream.write_all(&message(id, &result(0x61, 0, ""), &[])).await?,
            (0x77, Fault::StartTlsRefused) => stream.write_all(&message(id, &result(0x78, 2, "no TLS here"), &[])).await?,
            (0x77, Fault::StartTlsInjected) => {
                let granted = message(id, &result(0x78, 0, ""), &[]);
                stream.write_all(&[granted, message(1, &result(0x61, 0, ""), &[])].concat()).await?;
            }
            (0x63, Fault::Ranges | Fault::RangesLost) if range_start(&request).is_some() => {
                let next = if fault == Fault::RangesLost { None } else { range_start(&request) };
                let rest = next.map_or_else(|| group(0, false), |start| group(start, start >= 6));
                stream.write_all(&[message(id, &rest, &[]), message(id, &result(0x65, 0, ""), &[])].concat()).await?;
            }
            // It says nothing of itself.
            (0x63, _) if is_root_dse(&request) => stream.write_all(&message(id, &result(0x65, 32, ""), &[])).await?,
            (0x63, _) => {
                pages += 1;
                page(&mut stream, id, pages, fault).await?;
            }
            _ => return Ok(()),
        }
    }
}

/// One request, as its bytes; requests are short enough for one byte or two of length.
pub async fn frame(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    let size = match head[1] {
        0x81 => usize::from(stream.read_u8().await?),
        0x82 => usize::from(stream.read_u16().await?),
        short => usize::from(short),
    };
    let mut frame = head.to_vec();
    frame.resize(2 + size, 0);
    stream.read_exact(&mut frame[2..]).await?;
    Ok(frame)
}

/// True for a search whose base is empty.
pub fn is_root_dse(request: &[u8]) -> bool {
    let after_length = match request[2 + 4] {
        0x81 => 2 + 6,
        0x82 => 2 + 7,
        _ => 2 + 5,
    };
    request[after_length..].starts_with(&[4, 0])
}

async fn page(stream: &mut TcpStream, id: u8, number: usize, fault: Fault) -> std::io::Result<()> {
    let shown = if fault == Fault::SameCookie { 1 } else { number };
    for at in 0..10 {
        stream.write_all(&message(id, &person(format!("uid=u{shown}-{at},dc=x").as_bytes()), &[])).await?;
    }
    let lasting = matches!(fault, Fault::SameCookie | Fault::Endless);
    let cookie: &[u8] = if lasting || !number.is_multiple_of(3) { b"next" } else { b"" };
    // Pages 1 to 3 are of people, 4 to 6 of groups.
    if number == 2 || (number == 5 && matches!(fault, Fault::Ranges | Fault::RangesLost)) {
        strike(stream, id, fault).await?;
    }
    let done = result(0x65, 0, "");
    match fault {
        Fault::NoPageControl => stream.write_all(&message(id, &done, &[])).await,
        _ => stream.write_all(&message(id, &done, &paging(cookie))).await,
    }
}

async fn strike(stream: &mut TcpStream, id: u8, fault: Fault) -> std::io::Result<()> {
    let whole = message(id, &person(b"uid=struck,dc=x"), &[]);
    let bytes = match fault {
        Fault::DropMid => {
            stream.write_all(&whole[..whole.len() / 2]).await?;
            return stream.shutdown().await;
        }
        Fault::Silent => return std::future::pending().await,
        Fault::Drip => {
            let mut beat = tokio::time::interval(Duration::from_millis(20));
            for byte in std::iter::repeat_n(whole, 100).flatten() {
                beat.tick().await;
                stream.write_all(&[byte]).await?;
            }
            return Ok(());
        }
        Fault::Notice => {
            let name = tlv(0x8a, b"1.3.6.1.4.1.1466.20036");
            message(0, &tlv(0x78, &[&[0x0a, 1, 52, 4, 0], tlv(4, b"shutting down").as_slice(), &name].concat()), &[])
        }
        Fault::InnerLength => tlv(0x30, &[2, 1, id, 0x64, 0x82, 0x7f, 0xff, 4, 1, b'x']),
        Fault::HugeLength => vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1, id],
        Fault::Nest => nest(id),
        Fault::BadOperation => message(id, &result(0x78, 0, ""), &[]),
        Fault::BadControl => message(id, &result(0x65, 0, ""), &tlv(0x30, &[1, 0])),
        Fault::Ranges | Fault::RangesLost => message(id, &group(0, false), &[]),
        Fault::BadDn => message(id, &person(b"uid=\xff\xfe,dc=x"), &[]),
        Fault::BadEntry => [
            message(id, &tlv(0x64, &[4, 0]), &[]),
            message(id, &tlv(0x64, &[4, 1, b'x', 0x30, 2, 4, 0]), &[]),
            message(id, &tlv(0x64, &[0x30, 0, 0x30, 0]), &[]),
        ]
        .concat(),
        Fault::SizeLimit => message(id, &result(0x65, 4, ""), &paging(b"")),
        Fault::Busy => message(id, &result(0x65, 51, "come back later"), &paging(b"")),
        Fault::Referral => message(id, &tlv(0x73, &tlv(4, b"ldap://elsewhere.example.fr/dc=x")), &[]),
        _ => Vec::new(),
    };
    stream.write_all(&bytes).await
}

fn nest(id: u8) -> Vec<u8> {
    let mut reversed = vec![0, 4];
    for _ in 0..100_000 {
        let size = u32::try_from(reversed.len()).unwrap();
        reversed.extend(size.to_be_bytes().iter().rev());
        reversed.extend([0x84, 0x30]);
    }
    reversed.reverse();
    tlv(0x30, &[&[2, 1, id], tlv(0x64, &reversed).as_slice()].concat())
}

pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84], size.as_slice(), content].concat()
}

pub fn message(id: u8, operation: &[u8], controls: &[u8]) -> Vec<u8> {
    let controls = if controls.is_empty() { Vec::new() } else { tlv(0xa0, controls) };
    tlv(0x30, &[&[2, 1, id], operation, &controls].concat())
}

pub fn result(tag: u8, code: u8, text: &str) -> Vec<u8> {
    tlv(tag, &[&[0x0a, 1, code, 4, 0], tlv(4, text.as_bytes()).as_slice()].concat())
}

pub fn paging(cookie: &[u8]) -> Vec<u8> {
    let value = tlv(0x30, &[&[2, 1, 0], tlv(4, cookie).as_slice()].concat());
    tlv(0x30, &[tlv(4, b"1.2.840.113556.1.4.319"), tlv(4, &value)].concat())
}

/// An attribute with one value.
pub fn attribute(name: &str, value: &[u8]) -> Vec<u8> {
    tlv(0x30, &[tlv(4, name.as_bytes()), tlv(0x31, &tlv(4, value))].concat())
}

/// A person whose login name and key are the DN itself.
pub fn person(dn: &[u8]) -> Vec<u8> {
    let name = dn.strip_prefix(b"uid=").and_then(|rest| rest.strip_suffix(b",dc=x")).unwrap();
    let login = if name.is_ascii() { attribute("uid", name) } else { Vec::new() };
    let attributes = [login, attribute("entryUUID", if name.is_ascii() { name } else { b"struck" })].concat();
    tlv(0x64, &[tlv(4, dn), tlv(0x30, &attributes)].concat())
}

/// Where the range asked for starts.
fn range_start(request: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(request).into_owned();
    text.split_once(";range=")?.1.split_once('-')?.0.parse().ok()
}

/// Three members of a group of nine, or of eight at its end.
fn group(start: u32, last: bool) -> Vec<u8> {
    let set = |values: &[String]| tlv(0x31, &values.iter().map(|value| tlv(4, value.as_bytes())).collect::<Vec<_>>().concat());
    let attribute = |name: &str, values: &[String]| tlv(0x30, &[tlv(4, name.as_bytes()), set(values)].concat());
    let members: Vec<String> = (start..start + if last { 2 } else { 3 }).map(|at| format!("uid=u1-{at},dc=x")).collect();
    let end = if last { "*".to_owned() } else { (start + 2).to_string() };
    let attributes = [
        attribute("cn", &["big".to_owned()]),
        attribute("entryUUID", &["big".to_owned()]),
        attribute("member", &[]),
        attribute(&format!("member;range={start}-{end}"), &members),
    ];
    tlv(0x64, &[tlv(4, b"cn=big,dc=x"), tlv(0x30, &attributes.concat())].concat())
}
