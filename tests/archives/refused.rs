//! What is not a whole archive is refused, each for its reason, and nothing is written.

use std::path::Path;

use passerelle::services::archives::{self, Key, Lock};
use passerelle::services::error::Error;
use passerelle::services::users;

use super::school::{School, key_pair, unwatched};

async fn reason(school: &School, file: &Path, key: &Key) -> &'static str {
    match archives::verify(&school.ctx.gateway, file, key, &unwatched()).await {
        Err(Error::Archive { reason, detail }) => {
            assert!(detail.len() > 30, "{detail}");
            reason
        }
        other => panic!("had to be refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_flipped_bit_anywhere_is_noticed_and_nothing_is_written() {
    let school = School::start().await;
    let (lock, key) = key_pair();
    let whole = std::fs::read(school.save("galois.age", &lock).await).unwrap();
    let stores = || school.ctx.gateway.stores.opened().len();
    let before = stores();
    let platform = school.test.platform().await;
    let places = [0, 25, 60, 120, 190, 215, 300, whole.len() / 4, whole.len() / 2, whole.len() - 2000, whole.len() - 17, whole.len() - 1];
    for at in places {
        let mut damaged = whole.clone();
        damaged[at] ^= 4;
        let file = school.file("damaged.age");
        std::fs::write(&file, damaged).unwrap();
        reason(&school, &file, &key).await;
        assert!(archives::import(&platform, &file, &key, Some("copie"), &unwatched()).await.is_err(), "byte {at}");
        assert!(archives::restore(&school.ctx, &file, &key, &unwatched()).await.is_err(), "byte {at}");
    }
    assert_eq!(stores(), before, "no store was made");
    assert!(users::resolve(&school.ctx, "elodie").await.is_ok());
}

#[tokio::test]
async fn an_archive_that_was_cut_short_is_told() {
    let school = School::start().await;
    let (lock, key) = key_pair();
    let whole = std::fs::read(school.save("galois.age", &lock).await).unwrap();
    for length in [0, 10, 100, 200, 230, 1000, whole.len() / 2, whole.len() - 16, whole.len() - 1] {
        let file = school.file("short.age");
        std::fs::write(&file, &whole[..length]).unwrap();
        let reason = reason(&school, &file, &key).await;
        assert!(["archive-damaged", "archive-foreign"].contains(&reason), "{length} bytes: {reason}");
        assert!(length < 230 || reason == "archive-damaged", "{length} bytes: {reason}");
    }
    let longer = school.file("longer.age");
    std::fs::write(&longer, [whole.as_slice(), b"more"].concat()).unwrap();
    assert_eq!(reason(&school, &longer, &key).await, "archive-damaged");
}

#[tokio::test]
async fn another_key_or_passphrase_opens_nothing() {
    let school = School::start().await;
    let ((lock, _), (_, other)) = (key_pair(), key_pair());
    let by_key = school.save("by-key.age", &lock).await;
    let by_passphrase = school.save("by-passphrase.age", &Lock::passphrase("correct horse battery".to_owned()).unwrap()).await;
    let passphrase = |text: &str| Key::passphrase(text.to_owned()).unwrap();
    assert_eq!(reason(&school, &by_key, &other).await, "archive-key");
    assert_eq!(reason(&school, &by_key, &passphrase("correct horse battery")).await, "archive-key");
    assert_eq!(reason(&school, &by_passphrase, &other).await, "archive-key");
    assert_eq!(reason(&school, &by_passphrase, &passphrase("correct horse batterie")).await, "archive-key");
    let opened = archives::verify(&school.ctx.gateway, &by_passphrase, &passphrase("correct horse battery"), &unwatched()).await.unwrap();
    assert_eq!(opened.header.establishment.slug, school.ctx.slug());
    assert!(
        Lock::passphrase("too short".to_owned()).is_err() && Lock::recipient("age1nobody").is_err() && Key::identities("# none").is_err()
    );
}

#[tokio::test]
async fn other_files_and_newer_archives_are_told_apart() {
    let school = School::start().await;
    let (lock, key) = key_pair();
    let write = |name: &str, inside: &[u8]| {
        let file = school.file(name);
        write(&file, &lock, inside);
        file
    };
    let plain = school.file("plain.tar");
    std::fs::write(&plain, b"age-encryption.org/v2\n").unwrap();
    assert_eq!(reason(&school, &plain, &key).await, "archive-foreign");
    assert_eq!(reason(&school, &write("text.age", b"a letter to someone"), &key).await, "archive-foreign");
    assert_eq!(reason(&school, &write("other.age", &packed("photo.jpg", b"...")), &key).await, "archive-foreign");
    assert_eq!(reason(&school, &write("note.age", &packed("archive.json", b"{\"format\":\"another\"}")), &key).await, "archive-foreign");
    let newer = br#"{"format":"passerelle-archive","version":2,"program":"9.0.0","schema_version":1}"#;
    assert_eq!(reason(&school, &write("newer.age", &packed("archive.json", newer)), &key).await, "archive-newer");
    let schema = br#"{"format":"passerelle-archive","version":1,"program":"0.9.0","schema_version":99}"#;
    assert_eq!(reason(&school, &write("schema.age", &packed("archive.json", schema)), &key).await, "archive-newer");
}

#[tokio::test]
async fn more_stretching_than_an_archive_needs_is_not_done() {
    let school = School::start().await;
    let file = school.file("slow.age");
    let stanza = "age-encryption.org/v1\n-> scrypt bJfKXhfMpbaPVuVkZYVzRw 40\n\
        gUjEymFKMVXQEKdMMHL24oYexjE3TIC0O0zGSqJ2aUY\n--- bJfKXhfMpbaPVuVkZYVzRwbJfKXhfMpbaPVuVkZYVzU\n0123456789abcdef";
    std::fs::write(&file, stanza).unwrap();
    assert_eq!(reason(&school, &file, &Key::passphrase("whatever it is".to_owned()).unwrap()).await, "archive-excessive");
}

#[tokio::test]
async fn an_entry_that_would_be_held_in_memory_is_refused_at_sight() {
    let school = School::start().await;
    let (lock, key) = key_pair();
    let newer = br#"{"format":"passerelle-archive","version":2,"program":"9.0.0","schema_version":1}"#;
    // What comes after the entry is not looked at: it would be refused for another reason.
    for (kind, content) in [
        (tar::EntryType::GNULongName, b"archive.json\0".to_vec()),
        (tar::EntryType::GNULongName, [b"archive.json\0".to_vec(), vec![0; 32 * 1024 * 1024]].concat()),
        (tar::EntryType::GNULongLink, vec![b'a'; 32 * 1024 * 1024]),
        (tar::EntryType::XHeader, b"15 comment=abcd\n".to_vec()),
        (tar::EntryType::Symlink, Vec::new()),
    ] {
        let file = school.file("bomb.age");
        let inside = entries(&[(kind, "archive.json", &content), (tar::EntryType::Regular, "archive.json", newer)]);
        write(&file, &lock, &inside);
        assert_eq!(reason(&school, &file, &key).await, "archive-foreign", "{kind:?}");
    }
}

#[tokio::test]
async fn a_line_longer_than_any_row_is_not_looked_at() {
    let school = School::start().await;
    let (lock, key) = key_pair();
    let whole = school.save("galois.age", &lock).await;
    let checked = archives::verify(&school.ctx.gateway, &whole, &key, &unwatched()).await.unwrap();
    let header = serde_json::to_vec(&checked.header).unwrap();
    let mut line = vec![b' '; 5 * 1024 * 1024];
    line.push(b'\n');
    let file = school.file("long.age");
    let plain = tar::EntryType::Regular;
    write(&file, &lock, &entries(&[(plain, "archive.json", &header), (plain, "users/000001.jsonl", &line)]));
    let refused = archives::verify(&school.ctx.gateway, &file, &key, &unwatched()).await;
    let Err(Error::Archive { reason: "archive-damaged", detail }) = refused else { panic!("had to be refused: {refused:?}") };
    assert!(detail.contains("longer than any row"), "{detail}");
}

/// Closes what is inside an archive.
fn write(file: &Path, lock: &Lock, inside: &[u8]) {
    let mut out = lock.close(std::fs::File::create(file).unwrap()).unwrap();
    std::io::Write::write_all(&mut out, inside).unwrap();
    out.finish().unwrap();
}

/// One entry, packed as an archive's are.
fn packed(name: &str, content: &[u8]) -> Vec<u8> {
    entries(&[(tar::EntryType::Regular, name, content)])
}

/// Entries of any kind, packed as an archive's are.
fn entries(wanted: &[(tar::EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut entries = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (kind, name, content) in wanted {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(*kind);
        header.set_size(u64::try_from(content.len()).unwrap());
        entries.append_data(&mut header, name, *content).unwrap();
    }
    entries.into_inner().unwrap().finish().unwrap()
}
