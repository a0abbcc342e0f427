//! Tests of: changes to the directory, from inside the process and over the wire.

use anyhow::Result;
use ldap3_proto::proto::{
    LdapAddRequest, LdapModify, LdapModifyDNRequest, LdapModifyRequest, LdapModifyType, LdapOp, LdapPartialAttribute, LdapResult,
    LdapResultCode as Code,
};
use passerelle::demo::directory::{Directory, Entry, Error};
use passerelle::demo::people::{ESTABLISHMENTS, Establishment};

use super::wire::{Client, generated, values};

const IUT: &Establishment = &ESTABLISHMENTS[2];

fn group_names(groups: &[Entry]) -> Vec<&str> {
    groups.iter().filter_map(|g| g.first("cn")).collect()
}

fn attribute(name: &str, vals: &[&str]) -> LdapPartialAttribute {
    LdapPartialAttribute { atype: name.to_owned(), vals: vals.iter().map(|v| v.as_bytes().to_vec()).collect() }
}

async fn modify(client: &mut Client, dn: &str, changes: Vec<(LdapModifyType, LdapPartialAttribute)>) -> Result<LdapResult> {
    let changes = changes.into_iter().map(|(operation, modification)| LdapModify { operation, modification }).collect();
    match client.ask(LdapOp::ModifyRequest(LdapModifyRequest { dn: dn.to_owned(), changes })).await? {
        LdapOp::ModifyResponse(result) => Ok(result),
        other => anyhow::bail!("not the answer to a modification: {other:?}"),
    }
}

async fn stamp(client: &mut Client, dn: &str) -> Result<(String, String)> {
    let found = client.search(dn, "(objectClass=*)", &["entryCSN", "entryUUID"]).await?;
    Ok((values(&found.entries[0], "entryCSN").concat(), values(&found.entries[0], "entryUUID").concat()))
}

#[tokio::test]
async fn moved_member_changes_groups_at_once() -> Result<()> {
    let directory = generated().await?;
    let mut client = Client::service(&directory).await?;
    for establishment in &ESTABLISHMENTS {
        let teacher = establishment.person_dn(establishment.teacher.uid);
        let (from, to) = establishment.teacher_groups;
        let (from_dn, to_dn) = (establishment.group_dn(from), establishment.group_dn(to));
        assert!(group_names(&directory.groups_of(&teacher)?).contains(&from));
        let before = (stamp(&mut client, &from_dn).await?, stamp(&mut client, &to_dn).await?);
        directory.move_member(&teacher, &from_dn, &to_dn)?;
        let after = (stamp(&mut client, &from_dn).await?, stamp(&mut client, &to_dn).await?);
        assert!(before.0.0 != after.0.0 && before.1.0 != after.1.0 && before.0.1 == after.0.1);
        let groups = directory.groups_of(&teacher)?;
        assert!(group_names(&groups).contains(&to) && !group_names(&groups).contains(&from));
        let refused = directory.move_member(&teacher, &from_dn, &to_dn);
        assert!(matches!(refused, Err(Error::NotMember { .. })), "{refused:?}");
        assert!(matches!(directory.move_member(&teacher, &to_dn, &establishment.group_dn("aucun")), Err(Error::Missing { .. })));
        assert!(group_names(&directory.groups_of(&teacher)?).contains(&to));
    }
    Ok(())
}

#[tokio::test]
async fn members_by_user_name_move_too() -> Result<()> {
    let directory = generated().await?;
    let teacher = IUT.person_dn(IUT.teacher.uid);
    directory.move_member(&teacher, &IUT.group_dn("unix-rt"), &IUT.group_dn("unix-info"))?;
    let groups = directory.groups_of(&teacher)?;
    assert!(group_names(&groups).contains(&"unix-info") && !group_names(&groups).contains(&"unix-rt"));
    Ok(())
}

#[tokio::test]
async fn people_are_found_by_parts_of_their_names() -> Result<()> {
    let directory = generated().await?;
    let school = &ESTABLISHMENTS[0];
    let found = directory.people(&school.base_dn(), "LEFEVRE hél", 10)?;
    assert!(found.iter().any(|p| p.first("uid") == Some("hlefevre")), "{found:?}");
    assert!(directory.people(&IUT.base_dn(), "hlefevre", 10)?.is_empty());
    assert_eq!(directory.people(&school.base_dn(), "", 5)?.len(), 5);
    assert!(directory.people("no name", "", 5).is_err());
    let entry = directory.entry(&school.person_dn("hlefevre"))?;
    assert!(entry.is_some_and(|e| e.first("userPassword").is_none() && e.first("sn") == Some("Lefèvre")));
    Ok(())
}

#[tokio::test]
async fn modifications_are_whole_or_not_at_all() -> Result<()> {
    use LdapModifyType::{Add, Delete, Replace};
    let directory = generated().await?;
    let mut client = Client::service(&directory).await?;
    let dn = IUT.person_dn(IUT.teacher.uid);
    let twice = vec![(Add, attribute("mail", &["autre@x.example"])), (Delete, attribute("telephoneNumber", &[]))];
    assert_eq!(modify(&mut client, &dn, twice).await?.code, Code::NoSuchAttribute);
    let mail = |found: super::wire::Found| values(&found.entries[0], "mail");
    assert_eq!(mail(client.search(&dn, "(uid=*)", &["mail"]).await?).len(), 1);
    for (change, expected) in [
        ((Add, attribute("mail", &["AUTRE@x.example"])), Code::Success),
        ((Add, attribute("mail", &["autre@X.example"])), Code::AttributeOrValueExists),
        ((Delete, attribute("mail", &["absent@x.example"])), Code::NoSuchAttribute),
        ((Replace, attribute("mail", &["neuf@x.example"])), Code::Success),
        ((Replace, attribute("title", &[])), Code::Success),
        ((Replace, attribute("uid", &["other"])), Code::NotALlowedOnRDN),
        ((Replace, attribute("entryUUID", &["x"])), Code::ConstraintViolation),
        ((LdapModifyType::Increment, attribute("uidNumber", &["1"])), Code::ProtocolError),
    ] {
        let answered = modify(&mut client, &dn, vec![change.clone()]).await?;
        assert_eq!(answered.code, expected, "{change:?}");
    }
    assert_eq!(mail(client.search(&dn, "(uid=*)", &["mail"]).await?), ["neuf@x.example"]);
    assert_eq!(modify(&mut client, &IUT.person_dn("nobody"), Vec::new()).await?.code, Code::NoSuchObject);
    let mut person = Client::connect(&directory).await?;
    person.bind(&dn, &IUT.teacher.password()).await?;
    let own = vec![(Replace, attribute("mail", &["mine@x.example"]))];
    assert_eq!(modify(&mut person, &dn, own).await?.code, Code::InsufficentAccessRights);
    Ok(())
}

#[tokio::test]
async fn changed_password_holds_for_the_next_bind() -> Result<()> {
    let directory = generated().await?;
    let mut client = Client::service(&directory).await?;
    let dn = IUT.person_dn(IUT.pupil.uid);
    let change = vec![(LdapModifyType::Replace, attribute("userPassword", &["{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="]))];
    assert_eq!(modify(&mut client, &dn, change).await?.code, Code::Success);
    assert_eq!(client.bind(&dn, "secret").await?, Code::Success);
    assert_eq!(client.bind(&dn, &IUT.pupil.password()).await?, Code::InvalidCredentials);
    Ok(())
}

async fn renamed(client: &mut Client, dn: &str, newrdn: &str, above: Option<String>) -> Result<Code> {
    let wanted = LdapModifyDNRequest { dn: dn.to_owned(), newrdn: newrdn.to_owned(), deleteoldrdn: true, new_superior: above };
    match client.ask(LdapOp::ModifyDNRequest(wanted)).await? {
        LdapOp::ModifyDNResponse(result) => Ok(result.code),
        other => anyhow::bail!("not the answer to a rename: {other:?}"),
    }
}

#[tokio::test]
async fn rename_and_move_keep_the_identifier() -> Result<()> {
    let directory = generated().await?;
    let mut client = Client::service(&directory).await?;
    let dn = IUT.person_dn(IUT.pupil.uid);
    let before = stamp(&mut client, &dn).await?;
    assert_eq!(renamed(&mut client, &dn, "uid=ines\\, b", None).await?, Code::Success);
    let now = format!("uid=ines\\, b,{}", IUT.people_dn());
    let found = client.search(&now, "(objectClass=*)", &["uid"]).await?;
    assert_eq!(values(&found.entries[0], "uid"), ["ines, b"]);
    assert_eq!(renamed(&mut client, &now, "uid=ines", Some(IUT.base_dn())).await?, Code::Success);
    assert_eq!(stamp(&mut client, &format!("uid=ines,{}", IUT.base_dn())).await?.1, before.1);
    assert_eq!(renamed(&mut client, &IUT.people_dn(), "ou=gens", None).await?, Code::NotAllowedOnNonLeaf);
    assert_eq!(renamed(&mut client, &IUT.person_dn("amuller"), "uid=bdupont", None).await?, Code::EntryAlreadyExists);
    Ok(())
}

#[tokio::test]
async fn deleted_entry_comes_back_as_someone_else() -> Result<()> {
    let directory = generated().await?;
    let mut client = Client::service(&directory).await?;
    let dn = IUT.person_dn(IUT.pupil.uid);
    let before = stamp(&mut client, &dn).await?;
    let deleted = |op| matches!(op, LdapOp::DelResponse(LdapResult { code: Code::Success, .. }));
    assert!(deleted(client.ask(LdapOp::DelRequest(dn.clone())).await?));
    assert!(!deleted(client.ask(LdapOp::DelRequest(dn.clone())).await?));
    assert!(!deleted(client.ask(LdapOp::DelRequest(IUT.people_dn())).await?));
    let attributes = vec![attribute("objectClass", &["inetOrgPerson"]), attribute("uid", &["ibensaid"]), attribute("sn", &["Ben Saïd"])];
    let add = || LdapOp::AddRequest(LdapAddRequest { dn: dn.clone(), attributes: attributes.clone() });
    let code = |op| match op {
        LdapOp::AddResponse(result) => result.code,
        _ => Code::Other,
    };
    assert_eq!(code(client.ask(add()).await?), Code::Success);
    assert_eq!(code(client.ask(add()).await?), Code::EntryAlreadyExists);
    assert_ne!(stamp(&mut client, &dn).await?.1, before.1);
    Ok(())
}

#[tokio::test]
async fn identifiers_outlive_the_process() -> Result<()> {
    let (one, other): (Directory, Directory) = (generated().await?, generated().await?);
    let dn = IUT.person_dn(IUT.teacher.uid);
    let first = stamp(&mut Client::service(&one).await?, &dn).await?.1;
    assert_eq!(first, stamp(&mut Client::service(&other).await?, &dn).await?.1);
    Ok(())
}
