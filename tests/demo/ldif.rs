//! Tests of: one's own LDIF served instead of the generated people.

use anyhow::{Context, Result};
use base64::Engine;
use ldap3_proto::proto::LdapResultCode as Code;
use passerelle::demo::directory::{Directory, Limits, ldif, naming_contexts};
use proptest::collection::vec;
use proptest::prelude::*;

use super::wire::{Client, serve};
use crate::harness::generator::generate;

/// Names with escapes, base64, folds, salted passwords: what `slapcat` writes.
const EXPORT: &str = "version: 1

# an export
dn: dc=ecole,dc=test
objectClass: dcObject
dc: ecole

dn:: dWlkPWjDqWzDqG5lLG91PXBlb3BsZSxkYz1lY29sZSxkYz10ZXN0
objectClass: inetOrgPerson
uid:: aMOpbMOobmU=
cn: Hel
 ene
userPassword:: e1NTSEF9Z1ZLOFdDOVl5RlQxZ01zUUhUR0NnVDNzU3Y1elpXeDA=
entryUUID: 6f1c1a2e-0000-4000-8000-0123456789ab
creatorsName: cn=admin
";

async fn served(text: &str) -> Result<Directory> {
    let entries = ldif::read(text.as_bytes())?;
    serve(entries, "dc=ecole,dc=test", Limits::default()).await
}

#[tokio::test]
async fn export_is_served_with_its_identifiers_and_passwords() -> Result<()> {
    let directory = served(EXPORT).await?;
    assert_eq!(directory.naming_contexts(), ["dc=ecole,dc=test"]);
    let mut client = Client::service(&directory).await?;
    // The entry above is missing from the file, and the base below it answers all the same.
    let found = client.search("ou=people,dc=ecole,dc=test", "(uid=HÉLÈNE)", &["*", "+"]).await?;
    let uuid = super::wire::values(&found.entries[0], "entryUUID");
    assert_eq!(uuid, ["6f1c1a2e-0000-4000-8000-0123456789ab"]);
    assert!(super::wire::values(&found.entries[0], "creatorsName").is_empty());
    let dn = found.entries[0].dn.clone();
    assert_eq!(client.bind(&dn, "wrong").await?, Code::InvalidCredentials);
    Ok(())
}

#[test]
fn base_is_found_from_the_entries() -> Result<()> {
    let contexts = |text: &str| -> Result<Vec<String>> { Ok(naming_contexts(&ldif::read(text.as_bytes())?)?) };
    assert_eq!(contexts(EXPORT)?, ["dc=ecole,dc=test"]);
    assert_eq!(contexts("dn: ou=a,DC=x\n\ndn: ou=b,dc=X\n")?, ["dc=x"]);
    assert_eq!(contexts("dn: ou=c,dc=b\n\ndn: dc=a\n\ndn: dc=b\n")?, ["dc=a", "dc=b"]);
    assert!(contexts("")?.is_empty());
    Ok(())
}

#[tokio::test]
async fn file_that_names_an_entry_twice_is_refused() {
    let refused = served("dn: dc=ecole,dc=test\ndc: ecole\n\ndn: DC=Ecole, dc=test\ndc: x\n").await.map(|_| ()).unwrap_err().to_string();
    assert!(refused.starts_with("line 4: ") && refused.contains("line 1 already"), "{refused}");
}

#[tokio::test]
async fn realistic_directory_is_served_whole() -> Result<()> {
    let text = std::fs::read_to_string(generate(5, 500, 1).ldif)?;
    let entries = ldif::read(text.as_bytes())?;
    let count = entries.len();
    assert_eq!(count, text.lines().filter(|line| line.starts_with("dn:")).count());
    let directory = serve(entries, "dc=acad-test,dc=fr", Limits::default()).await?;
    let mut client = Client::service(&directory).await?;
    let found = client.search("dc=acad-test,dc=fr", "(objectClass=*)", &["uid"]).await?;
    assert_eq!((found.result.code, found.entries.len()), (Code::Success, count));
    let person = found.entries.iter().find(|e| e.dn.starts_with("uid=")).context("a person")?;
    let uid = super::wire::values(person, "uid").concat();
    assert_eq!(client.bind(&person.dn, &format!("Essai-{uid}")).await?, Code::Success);
    Ok(())
}

/// One line of LDIF, in base64 or plain where the value allows, folded after so many bytes.
fn line(name: &str, value: &[u8], plain: bool, fold: usize) -> Vec<u8> {
    let simple =
        value.iter().all(|b| (32..127).contains(b)) && !value.starts_with(b" ") && !value.starts_with(b":") && !value.starts_with(b"<");
    let text = if plain && simple {
        [name.as_bytes(), b": ", value].concat()
    } else {
        format!("{name}:: {}", base64::prelude::BASE64_STANDARD.encode(value)).into_bytes()
    };
    text.chunks(fold).collect::<Vec<_>>().join(b"\n ".as_slice())
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(values in vec((any::<bool>(), vec(any::<u8>(), 0..40)), 1..8), fold in 1usize..20) {
        let mut text = b"dn: dc=x\n".to_vec();
        for (plain, value) in &values {
            text.extend(line("description", value, *plain, fold));
            text.push(b'\n');
        }
        let entries = ldif::read(text.as_slice()).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let expected: Vec<Vec<u8>> = values.into_iter().map(|(_, value)| value).collect();
        prop_assert_eq!(&entries[0].attributes()[0].values, &expected);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..400), text in "(dn|cn|#|version|changetype|-)?[ :\n<a-z=,]{0,80}") {
        let _ = ldif::read(bytes.as_slice());
        let _ = ldif::read(text.as_bytes());
    }
}
