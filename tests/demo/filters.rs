//! Tests of: filters, as OpenLDAP's client writes them.

use anyhow::Result;
use passerelle::demo::directory::{Entry, Limits};

use super::tools::as_service;
use super::wire::serve;

const BASE: &str = "dc=x";

fn entries() -> Vec<Entry> {
    let person = |uid: &str, name: &str, number: &str| {
        Entry::new(format!("uid={uid},ou=people,{BASE}"))
            .with("objectClass", "inetOrgPerson")
            .with("uid", uid)
            .with("cn", name)
            .with("uidNumber", number)
            .with("homeDirectory", format!("/home/{uid}"))
    };
    vec![
        Entry::new(BASE).with("objectClass", "dcObject").with("dc", "x"),
        Entry::new(format!("ou=people,{BASE}")).with("objectClass", "organizationalUnit").with("ou", "people"),
        person("a", "Hélène  LEFÈVRE", "9").with("schacExpiryDate", "20260703000000Z"),
        person("b", "Loïc Le Goff (fils)", "10").with("userAccountControl", "514").with("cn;lang-br", "Loeiz ar Gov"),
        person("c", "Étoile * Martin", "200").with("mail", "c@x.example"),
        Entry::new(format!("cn=g,{BASE}"))
            .with("objectClass", "groupOfNames")
            .with("cn", "g")
            .with("member", format!("UID=a, ou=People,{BASE}")),
    ]
}

#[tokio::test]
async fn filters_select_what_they_say() -> Result<()> {
    let directory = serve(entries(), BASE, Limits::default()).await?;
    let cases: &[(&str, &str)] = &[
        ("(uid=A)", "a"),
        ("(cn=hélène lefèvre)", "a"),
        ("(cn=Helene Lefevre)", ""),
        ("(cn~=helene lefevre)", "a"),
        ("(cn=h*)", "a"),
        ("(cn=*le*goff*)", "b"),
        ("(cn=*l*l*l*l*)", ""),
        ("(cn=lo*ls\\29)", "b"),
        ("(cn=*\\2a*)", "c"),
        ("(cn=loeiz ar gov)", "b"),
        ("(mail=*)", "c"),
        ("(!(mail=*))", "a b g"),
        ("(|(uid=a)(uid=c))", "a c"),
        ("(&(uid=*)(!(uid=b)))", "a c"),
        ("(&)", "a b c g"),
        ("(|)", ""),
        ("(uidNumber>=10)", "b c"),
        ("(uidNumber<=10)", "a b"),
        ("(uidNumber=010)", "b"),
        ("(uidNumber=ten)", ""),
        ("(!(uidNumber=ten))", ""),
        ("(schacExpiryDate<=20260801000000Z)", "a"),
        ("(modifyTimestamp>=20200101000000Z)", "a b c g"),
        ("(modifyTimestamp<=20200101000000Z)", ""),
        ("(homeDirectory=/home/a)", "a"),
        ("(homeDirectory=/HOME/A)", ""),
        ("(member=uid=a,ou=people,dc=x)", "g"),
        ("(member=uid=A,OU=people, DC=x)", "g"),
        ("(member=nobody)", ""),
        ("(!(member=nobody))", ""),
        ("(objectClass=person)", "a b c"),
        ("(objectClass=top)", "a b c g"),
        ("(entryDN=uid=b,ou=people,dc=x)", "b"),
        ("(userAccountControl:1.2.840.113556.1.4.803:=2)", "b"),
        ("(userAccountControl:1.2.840.113556.1.4.803:=3)", ""),
        ("(userAccountControl:1.2.840.113556.1.4.804:=3)", "b"),
        ("(uid:caseExactMatch:=A)", ""),
        ("(uid:caseExactMatch:=a)", "a"),
        ("(ou:dn:=people)", "a b c"),
        ("(uid:9.9.9:=a)", ""),
    ];
    for (filter, expected) in cases {
        let wanted = format!("(&{filter}(|(uid=*)(objectClass=groupOfNames)))");
        let (code, said) = as_service(&directory, "ldapsearch", &["-LLL", "-b", BASE, &wanted, "1.1"], "").await?;
        let mut names: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("dn: ")?.split([',', '=']).nth(1)).collect();
        names.sort_unstable();
        assert_eq!((code, names.join(" ").as_str()), (0, *expected), "{filter}: {said}");
    }
    Ok(())
}
