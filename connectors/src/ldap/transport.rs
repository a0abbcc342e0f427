//! The socket: resolved, connected, encrypted, each step with its deadline. What goes through it is the guard's business.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::ber::{self, Outcome, op};
use super::error::Cause;
use super::guard::Frames;
use super::settings::{Limits, TlsMode, Url};
use super::tls;

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;
/// The StartTLS request (RFC 4511 §4.14.1): message 1, extended request 1.3.6.1.4.1.1466.20037.
const STARTTLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// A connection to a directory, in clear or not.
pub(crate) enum Stream {
    /// In clear.
    Plain(TcpStream),
    /// Encrypted.
    Tls(Box<TlsStream<TcpStream>>),
}

/// The addresses of a server.
pub(crate) async fn resolve(url: &Url, limits: &Limits) -> Result<Vec<SocketAddr>, Cause> {
    let found = timeout(limits.connect, tokio::net::lookup_host((url.host.as_str(), url.port))).await;
    let found = found.map_err(|_| Cause::Silent { what: "get its name resolved", within: limits.connect })?;
    let addresses: Vec<_> = found.map_err(Cause::UnknownHost)?.take(ADDRESSES_MAX).collect();
    if addresses.is_empty() { Err(Cause::UnknownHost(io::Error::other("no address"))) } else { Ok(addresses) }
}

/// Connects to the first address that answers.
pub(crate) async fn dial(addresses: &[SocketAddr], limits: &Limits) -> Result<(SocketAddr, TcpStream), Cause> {
    let mut failed = Cause::UnknownHost(io::Error::other("no address"));
    for address in addresses {
        match timeout(limits.connect, connect(*address)).await {
            Ok(Ok(stream)) => return Ok((*address, stream)),
            Ok(Err(source)) => failed = Cause::Unreachable { address: address.to_string(), source },
            Err(_) => {
                let source = io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {:?}", limits.connect));
                failed = Cause::Unreachable { address: address.to_string(), source };
            }
        }
    }
    Err(failed)
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_keepalive(true)?;
    // Requests are small and each waits for its answer: Nagle's delay costs 40 ms a bind.
    socket.set_nodelay(true)?;
    socket.connect(address).await
}

/// Encrypts the connection as the settings say.
pub(crate) async fn secure(
    stream: TcpStream,
    host: &str,
    mode: TlsMode,
    config: Option<Arc<ClientConfig>>,
    limits: &Limits,
) -> Result<Stream, Cause> {
    let Some(config) = config.filter(|_| mode != TlsMode::None) else { return Ok(Stream::Plain(stream)) };
    let encrypted = timeout(limits.handshake, async {
        let mut stream = stream;
        if mode == TlsMode::StartTls {
            start_tls(&mut stream).await?;
        }
        tls::handshake(config, host, stream).await
    });
    let what = if mode == TlsMode::StartTls { "finish StartTLS" } else { "finish the TLS handshake" };
    let encrypted = encrypted.await.map_err(|_| Cause::Silent { what, within: limits.handshake })??;
    Ok(Stream::Tls(Box::new(encrypted)))
}

/// Asks for TLS and reads the one answer; whatever else arrived in clear is an injection (RFC 4513 §3.1.1).
async fn start_tls(stream: &mut TcpStream) -> Result<(), Cause> {
    stream.write_all(STARTTLS).await.map_err(|_| Cause::ClosedAtOnce)?;
    let mut frames = Frames::default();
    let frame = loop {
        if let Some(frame) = frames.first().map_err(malformed)? {
            break frame;
        }
        if !matches!(frames.fill(stream).await, Ok(true)) {
            return Err(Cause::ClosedAtOnce);
        }
    };
    let answer = ber::message(frame).map_err(malformed)?;
    let outcome = Outcome::read(answer.content).map_err(malformed)?;
    if answer.id == 0 {
        return Err(Cause::Notice { code: outcome.code, text: outcome.text.to_owned() });
    }
    if answer.id != 1 || answer.op != op::EXTENDED_RESPONSE {
        return Err(Cause::Malformed(ber::Malformed::Shape("the answer to StartTLS is something else")));
    }
    if outcome.code != 0 {
        return Err(Cause::StartTlsRefused { code: outcome.code, text: outcome.text.to_owned() });
    }
    if frames.more_than(frame.len()) { Err(Cause::ClearTextInjected) } else { Ok(()) }
}

/// A malformed message, told as the misconfiguration it often is.
pub(super) fn malformed(malformed: ber::Malformed) -> Cause {
    if malformed == ber::Malformed::Tls { Cause::TlsPort } else { Cause::Malformed(malformed) }
}

impl Stream {
    /// The certificate that the server showed, in its DER bytes.
    pub(crate) fn certificate(&self) -> Option<&[u8]> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => stream.get_ref().1.peer_certificates()?.first().map(AsRef::as_ref),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
