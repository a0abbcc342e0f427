//! Sources that are files: the file given last, kept compressed and sealed, or one of the gateway's machine. Makes connectors of them; reads no record.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use connectors::csv::{self, Csv, Logins};
use connectors::ldif::{self, Ldif};
use connectors::{CheckStep, Connector, Content};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use uuid::Uuid;

use super::audit;
use super::context::{Context, Gateway};
use super::error::Error;
use super::vault::Place;
use crate::store::Tx;
use crate::store::establishment::source::{self, Source, SourceKind};
use crate::store::establishment::source_file::{self, Part, SourceFile};
use crate::store::establishment::{link, user};
use crate::types::Invalid;
use crate::types::id::{SourceId, UserId};
use crate::types::nul;
use crate::types::permission::{GatewayRole, Permission};

/// Longest name of a file, in characters.
const NAME_LENGTH_MAX: usize = 200;
/// Bytes of a part, compressed: with its seal it fits into a line of an archive.
const PART_BYTES: usize = 512 * 1024;
/// Where settings name files of the gateway's machine (RFC 6901).
const FILES: [&str; 4] = ["/tls/ca_file", "/tls/client_cert_file", "/tls/client_key_file", "/path"];
/// What stands in a login name that someone else took over.
const RELEASED_MARK: char = '~';
/// Links read at a time.
const ROWS_AT_ONCE: i64 = 4000;

/// The settings of a source that is a file.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it does not stay")]
enum Settings {
    Csv(csv::Settings),
    Ldif(ldif::Settings),
}

impl Settings {
    fn parse(kind: SourceKind, settings: &Value) -> Result<Self, Error> {
        let read = match kind {
            SourceKind::Csv => csv::Settings::parse(settings).map(Self::Csv),
            SourceKind::Ldif => ldif::Settings::parse(settings).map(Self::Ldif),
            SourceKind::Ldap | SourceKind::Scim => return Err(Error::Conflict(NO_FILES.to_owned())),
        };
        Ok(read.map_err(|refused| Invalid::new(format!("settings.{}", refused.key), refused.reason))?)
    }

    fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Csv(settings) => settings.path.as_ref(),
            Self::Ldif(settings) => settings.path.as_ref(),
        }
    }
}

const NO_FILES: &str = "this source reads no files: only those of the kinds `csv` and `ldif` do";

/// What does not fit in the settings of a source of files.
pub fn wrong_settings(kind: SourceKind, settings: &Value) -> Vec<Invalid> {
    if let Err(Error::Invalid(wrong)) = Settings::parse(kind, settings) { wrong } else { Vec::new() }
}

/// Whether a source may be given a file.
///
/// # Errors
/// `NotFound`, `Conflict` when it reads no file or one of the machine.
pub async fn may_be_given(ctx: &Context, source: &str) -> Result<(), Error> {
    ctx.require(Permission::ManageSources)?;
    takes_files_in(&mut ctx.store.read().await?, source).await.map(drop)
}

/// Gives a source its file, in the place of the one before. Nothing is read of it before the next run.
///
/// # Errors
/// `NotFound`, `Conflict` when the source reads no file or one of the machine, `Invalid` for a file that is too large or has no fit name.
pub async fn give(ctx: &Context, source: &str, content: Content) -> Result<SourceFile, Error> {
    ctx.require(Permission::ManageSources)?;
    let of = takes_files_in(&mut ctx.store.read().await?, source).await?;
    let name = file_name(&content.name)?;
    let size = fitting(ctx, content.bytes.len())?;
    let kept = pack(ctx, content.bytes).await?;
    let file = SourceFile { source_id: of.id, name, size, digest: kept.digest, given_by: ctx.actor.label(), given_at: ctx.now };
    let mut tx = ctx.store.begin().await?;
    // It may have been removed or changed meanwhile.
    takes_files_in(&mut tx, source).await?;
    source_file::keep(&mut tx, &file, &kept.parts).await?;
    let detail = json!({ "file": file.name, "size": file.size, "sha256": sha256(&file) });
    audit::record_in(&mut tx, ctx, "source.file_given", ("source", source), detail).await?;
    tx.commit().await?;
    Ok(file)
}

/// What is known of the file a source was given last. Its content is shown to nobody.
///
/// # Errors
/// `NotFound`.
pub async fn given(ctx: &Context, source: &str) -> Result<SourceFile, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    let found = find_in(&mut tx, source).await?;
    source_file::find(&mut tx, found.id).await?.ok_or_else(|| Error::not_found("file: none was given to this source"))
}

/// Forgets the file a source was given. People and groups stay as they are.
///
/// # Errors
/// `NotFound`.
pub async fn forget(ctx: &Context, source: &str) -> Result<(), Error> {
    ctx.require(Permission::ManageSources)?;
    let mut tx = ctx.store.begin().await?;
    let found = find_in(&mut tx, source).await?;
    if !source_file::delete(&mut tx, found.id).await? {
        return Err(Error::not_found("file: none was given to this source"));
    }
    audit::record_in(&mut tx, ctx, "source.file_forgotten", ("source", source), json!({})).await?;
    Ok(tx.commit().await?)
}

/// Tries a source with a file it was not given, which is not kept: encoding, delimiter, columns, people and groups.
///
/// # Errors
/// `NotFound`, `Invalid` when its settings or the file's size do not fit, `Conflict` when it reads no files.
pub async fn check(ctx: &Context, source: &str, content: Content) -> Result<Vec<CheckStep>, Error> {
    ctx.require(Permission::ManageSources)?;
    let found = find_in(&mut ctx.store.read().await?, source).await?;
    let connector = connector(ctx, &found, Some(content)).await?;
    connector.check(ctx.now.seconds()).await.map_err(|failed| Error::Outside(failed.to_string()))
}

/// The digest of a file, as people compare it.
pub fn sha256(file: &SourceFile) -> String {
    file.digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The source ready to be read: with this content, or else its own.
///
/// # Errors
/// `Invalid` when its settings do not fit, `Conflict` when no file was given, `Outside` when the machine's file cannot be read.
pub(in crate::services) async fn connector(ctx: &Context, source: &Source, candidate: Option<Content>) -> Result<Connector, Error> {
    let settings = Settings::parse(source.kind, &source.settings)?;
    let content = match (candidate, settings.path()) {
        (Some(content), _) => {
            fitting(ctx, content.bytes.len())?;
            content
        }
        (None, Some(path)) => of_the_machine(path.clone(), ctx.gateway.limits.source_file_max_bytes.into()).await?,
        (None, None) => kept(ctx, source).await?,
    };
    Ok(match settings {
        Settings::Csv(settings) => {
            let logins = if settings.builds_logins() { logins(ctx, source.id).await? } else { Logins::default() };
            Connector::Csv(Csv::new(settings, content, logins))
        }
        Settings::Ldif(settings) => Connector::Ldif(Ldif::new(settings, content)),
    })
}

/// The files of the machine that this change names or leaves, unless whoever runs the gateway makes it: an establishment's administrator
/// has no say in what the gateway opens.
pub(in crate::services) fn files_of_others(ctx: &Context, before: &Value, after: &Value) -> Vec<Invalid> {
    if ctx.actor.may_act_as(GatewayRole::Operator) {
        return Vec::new();
    }
    let named = |settings: &Value, key: &str| settings.pointer(key).filter(|path| !path.is_null()).cloned();
    let changed = FILES.iter().filter(|key| named(before, key) != named(after, key));
    changed
        .map(|key| {
            let message = "names a file of the gateway's machine, which only an operator may choose: ask an operator, or leave it as it is";
            Invalid::new(format!("settings{}", key.replace('/', ".")), message)
        })
        .collect()
}

async fn find_in(tx: &mut Tx, name: &str) -> Result<Source, Error> {
    source::find_by_name(tx, name).await?.ok_or_else(|| Error::not_found(format!("source «{name}»")))
}

async fn takes_files_in(tx: &mut Tx, name: &str) -> Result<Source, Error> {
    let found = find_in(tx, name).await?;
    match Settings::parse(found.kind, &found.settings)?.path() {
        None => Ok(found),
        Some(path) => {
            let message =
                format!("this source reads the file {} of the gateway's machine: have an operator take `path` away first", path.display());
            Err(Error::Conflict(message))
        }
    }
}

fn file_name(raw: &str) -> Result<String, Error> {
    // Whatever folders stood before it are nobody's business.
    let name = raw.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    if name.is_empty() || name.chars().count() > NAME_LENGTH_MAX || name.chars().any(char::is_control) {
        return Err(Error::invalid(
            "name",
            format!("a file's name has 1 to {NAME_LENGTH_MAX} characters, none of them a control character"),
        ));
    }
    nul::refuse("name", &Value::from(name))?;
    Ok(name.to_owned())
}

fn fitting(ctx: &Context, size: usize) -> Result<i64, Error> {
    let most = ctx.gateway.limits.source_file_max_bytes;
    let fits = i64::try_from(size).ok().filter(|size| *size <= i64::from(most));
    fits.ok_or_else(|| Error::invalid("file", format!("a file of {size} bytes is larger than {most} (`limits.source_file_max_bytes`)")))
}

/// A file as it is kept.
struct Packed {
    digest: Vec<u8>,
    parts: Vec<Part>,
}

/// Compresses and seals a file, on a thread of its own.
async fn pack(ctx: &Context, bytes: Arc<[u8]>) -> Result<Packed, Error> {
    let (gateway, slug) = (Arc::clone(&ctx.gateway), ctx.slug().to_owned());
    let work = tokio::task::spawn_blocking(move || {
        let failed = |error: std::io::Error| Error::Internal(format!("a file cannot be compressed in memory: {error}"));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&bytes).map_err(failed)?;
        let compressed = encoder.finish().map_err(failed)?;
        let sealed = compressed.chunks(PART_BYTES).zip(0..).map(|(chunk, part)| {
            let id = Uuid::now_v7();
            let content_sealed = gateway.vault.seal(place(&slug, &id.to_string()), chunk).map_err(|e| Error::Internal(e.to_string()))?;
            Ok(Part { id, part, content_sealed })
        });
        Ok(Packed { digest: digest(&SHA256, &bytes).as_ref().to_vec(), parts: sealed.collect::<Result<_, Error>>()? })
    });
    work.await.map_err(|ended| Error::Internal(format!("packing a file broke off: {ended}")))?
}

/// The file given last.
async fn kept(ctx: &Context, source: &Source) -> Result<Content, Error> {
    let mut tx = ctx.store.read().await?;
    let Some(file) = source_file::find(&mut tx, source.id).await? else {
        return Err(Error::Conflict(format!("the source «{}» was given no file yet: give it one first", source.name)));
    };
    let parts = source_file::list_parts(&mut tx, source.id).await?;
    drop(tx);
    let (gateway, slug) = (Arc::clone(&ctx.gateway), ctx.slug().to_owned());
    let work = tokio::task::spawn_blocking(move || unpack(&gateway, &slug, &file, &parts));
    work.await.map_err(|ended| Error::Internal(format!("unpacking a file broke off: {ended}")))?
}

fn unpack(gateway: &Gateway, slug: &str, file: &SourceFile, parts: &[Part]) -> Result<Content, Error> {
    let mut compressed = Vec::new();
    for part in parts {
        let row = part.id.to_string();
        let place = place(slug, &row);
        compressed.extend_from_slice(&gateway.vault.open_sealed(place, &part.content_sealed).map_err(|e| Error::Internal(e.to_string()))?);
    }
    let size = u64::try_from(file.size).unwrap_or_default();
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    let read = GzDecoder::new(compressed.as_slice()).take(size + 1).read_to_end(&mut bytes);
    if read.is_err() || digest(&SHA256, &bytes).as_ref() != file.digest {
        return Err(Error::Internal("a file that was kept is not as it was given: give it again".to_owned()));
    }
    Ok(Content { name: file.name.clone(), bytes: bytes.into() })
}

fn place<'a>(slug: &'a str, row: &'a str) -> Place<'a> {
    Place { establishment: slug, table: "source_file_parts", column: "content_sealed", row }
}

/// A file of the gateway's machine, whole.
async fn of_the_machine(path: PathBuf, most: u64) -> Result<Content, Error> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let shown = path.display().to_string();
    let read = tokio::task::spawn_blocking(move || regular_file(&path, most));
    let read = read.await.map_err(|ended| Error::Internal(format!("reading a file broke off: {ended}")))?;
    match read {
        Ok(bytes) => Ok(Content { name, bytes: bytes.into() }),
        Err(reason) => {
            // One text for every reason: an administrator of an establishment must not learn what lies on the machine.
            tracing::warn!(path = shown, reason, "source file refused");
            Err(Error::Outside(format!(
                "{shown} cannot be read: the gateway's log says why; it must be a regular file of at most {most} bytes. Nothing was changed"
            )))
        }
    }
}

fn regular_file(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let fits = |found: &std::fs::Metadata| found.is_file() && found.len() <= most;
    let failed = |error: std::io::Error| error.to_string();
    // Looked at before it is opened, because opening a pipe waits for its writer; and bounded while it is read, because it may grow.
    if !fits(&std::fs::metadata(path).map_err(failed)?) {
        return Err("it is no regular file, or too large".to_owned());
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size <= most) {
        Ok(bytes)
    } else {
        Err("it grew too large while it was read".to_owned())
    }
}

/// The login names in use, and which of them this source's own people have.
async fn logins(ctx: &Context, source: SourceId) -> Result<Logins, Error> {
    let mut tx = ctx.store.read().await?;
    let names: HashMap<UserId, String> = user::usernames(&mut tx).await?.into_iter().collect();
    let mut logins = Logins { given: HashMap::new(), taken: names.values().cloned().collect::<HashSet<_>>() };
    let mut after = String::new();
    loop {
        let known = link::list_known_after(&mut tx, source, &after, ROWS_AT_ONCE).await?;
        let Some(last) = known.last() else { break };
        after.clone_from(&last.external_id);
        for one in known {
            // Someone who came back after another took the name over gets a new one.
            if let Some(name) = names.get(&one.user_id).filter(|name| !name.contains(RELEASED_MARK)) {
                logins.given.insert(one.external_id, name.clone());
            }
        }
    }
    Ok(logins)
}
