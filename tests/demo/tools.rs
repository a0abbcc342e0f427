//! Tests of: the directory asked by OpenLDAP's command-line tools, as a stranger to the demo would.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use passerelle::demo::directory::Directory;
use passerelle::demo::people::{BASE_DN, ESTABLISHMENTS, Establishment};

use crate::harness::daemon::missing;

use super::wire::{SERVICE_DN, SERVICE_PASSWORD, generated};

const IUT: &Establishment = &ESTABLISHMENTS[2];

/// Exit code and what was printed; the code is the LDAP result's.
async fn tool(
    directory: &Directory,
    name: &'static str,
    dn: &str,
    password: &str,
    arguments: &[&str],
    input: &str,
) -> Result<(i32, String)> {
    let fixed = ["-x", "-H", &directory.url(), "-D", dn, "-w", password].map(str::to_owned);
    let all: Vec<String> = fixed.into_iter().chain(arguments.iter().map(|a| (*a).to_owned())).collect();
    let input = input.to_owned();
    let output = tokio::task::spawn_blocking(move || -> Result<std::process::Output> {
        let mut child = Command::new(name)
            .args(all)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| missing(name, "ldap-utils"))?;
        child.stdin.take().context("no input")?.write_all(input.as_bytes())?;
        Ok(child.wait_with_output()?)
    })
    .await??;
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    Ok((output.status.code().unwrap_or(-1), said))
}

/// The same as the service account.
pub async fn as_service(directory: &Directory, name: &'static str, arguments: &[&str], input: &str) -> Result<(i32, String)> {
    tool(directory, name, SERVICE_DN, SERVICE_PASSWORD, arguments, input).await
}

fn count(said: &str, start: &str) -> usize {
    said.lines().filter(|line| line.starts_with(start)).count()
}

#[tokio::test]
async fn ldapsearch_reads_pages_and_filters() -> Result<()> {
    let directory = generated().await?;
    let people = ["-LLL", "-o", "ldif-wrap=no", "-b", BASE_DN, "-E", "pr=33/noprompt", "(objectClass=inetOrgPerson)", "uid", "entryUUID"];
    let (code, said) = as_service(&directory, "ldapsearch", &people, "").await?;
    assert_eq!((code, count(&said, "dn:"), count(&said, "entryUUID:")), (0, 200, 200), "{said}");
    let one = ["-LLL", "-b", BASE_DN, "(&(sn=müller)(|(uid=amuller)(uid=*x*)))", "givenName"];
    let (code, said) = as_service(&directory, "ldapsearch", &one, "").await?;
    assert_eq!((code, count(&said, "givenName:: QWduw6hz")), (0, 1), "{said}");
    for guess in ["(2.5.4.35=*)", "(userPassword=Essai*)"] {
        let (code, said) = as_service(&directory, "ldapsearch", &["-LLL", "-b", BASE_DN, guess], "").await?;
        assert_eq!((code, count(&said, "dn:")), (0, 0), "{guess}");
    }
    let limited = ["-LLL", "-z", "3", "-b", BASE_DN, "(uid=*)", "1.1"];
    assert_eq!(as_service(&directory, "ldapsearch", &limited, "").await?.0, 4);
    Ok(())
}

#[tokio::test]
async fn ldapsearch_is_told_what_is_wrong() -> Result<()> {
    let directory = generated().await?;
    let (code, said) = tool(&directory, "ldapsearch", SERVICE_DN, "wrong", &["-b", BASE_DN], "").await?;
    assert!(code == 49 && said.contains("Invalid credentials"), "{said}");
    let (code, said) = as_service(&directory, "ldapsearch", &["-b", &format!("ou=x,{BASE_DN}")], "").await?;
    assert!(code == 32 && said.contains(&format!("matchedDN: {BASE_DN}")), "{said}");
    let (code, _) = as_service(&directory, "ldapsearch", &["-b", BASE_DN, "-E", "!sync=ro"], "").await?;
    assert_eq!(code, 12);
    Ok(())
}

#[tokio::test]
async fn ldapmodify_changes_groups_and_people() -> Result<()> {
    let directory = generated().await?;
    let teacher = IUT.person_dn(IUT.teacher.uid);
    let (from, to) = (IUT.group_dn("ens-RT"), IUT.group_dn("ens-INFO"));
    let change = format!(
        "dn: {from}\nchangetype: modify\ndelete: uniqueMember\nuniqueMember: {teacher}\n\n\
         dn: {to}\nchangetype: modify\nadd: uniqueMember\nuniqueMember: {teacher}\n\n\
         dn: {teacher}\nchangetype: modify\nreplace: displayName\ndisplayName:: QS4gTcO8bGxlcg==\n-\nadd: telephoneNumber\ntelephoneNumber: 0231000000\n"
    );
    let (code, said) = as_service(&directory, "ldapmodify", &[], &change).await?;
    assert_eq!(code, 0, "{said}");
    let groups = directory.groups_of(&teacher)?;
    let names: Vec<&str> = groups.iter().filter_map(|g| g.first("cn")).collect();
    assert!(names.contains(&"ens-INFO") && !names.contains(&"ens-RT"), "{names:?}");
    let entry = directory.entry(&teacher)?.context("the teacher is there")?;
    assert_eq!((entry.first("displayName"), entry.first("telephoneNumber")), (Some("A. Müller"), Some("0231000000")));
    assert_eq!(as_service(&directory, "ldapmodify", &[], &change).await?.0, 16);
    Ok(())
}

#[tokio::test]
async fn other_tools_work_as_well() -> Result<()> {
    let directory = generated().await?;
    let pupil = IUT.person_dn(IUT.pupil.uid);
    let (code, said) = tool(&directory, "ldapwhoami", &pupil, &IUT.pupil.password(), &[], "").await?;
    assert_eq!((code, said.trim()), (0, format!("dn:{pupil}").as_str()));
    assert_eq!(as_service(&directory, "ldapcompare", &[&pupil, "givenName:inès"], "").await?.0, 6);
    assert_eq!(as_service(&directory, "ldapcompare", &[&pupil, "givenName:autre"], "").await?.0, 5);
    let newcomer =
        format!("dn: uid=neuf,{}\nobjectClass: inetOrgPerson\nuid: neuf\ncn: Neuf\nsn: Neuf\nuserPassword: Essai-neuf\n", IUT.people_dn());
    assert_eq!(as_service(&directory, "ldapadd", &[], &newcomer).await?.0, 0);
    let dn = IUT.person_dn("neuf");
    assert_eq!(tool(&directory, "ldapwhoami", &dn, "Essai-neuf", &[], "").await?.0, 0);
    assert_eq!(as_service(&directory, "ldapmodrdn", &["-r", &dn, "uid=dix"], "").await?.0, 0);
    assert_eq!(as_service(&directory, "ldapdelete", &[&IUT.person_dn("dix")], "").await?.0, 0);
    assert!(directory.entry(&IUT.person_dn("dix"))?.is_none());
    assert_eq!(as_service(&directory, "ldapwhoami", &["-ZZ"], "").await?.0, 1);
    Ok(())
}
