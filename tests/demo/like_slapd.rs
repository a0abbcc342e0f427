//! Tests of: the demo's directory answers as slapd does, the same entries loaded in both.

use std::collections::BTreeSet;

use anyhow::Result;
use connectors::dn::normalise;
use passerelle::demo::directory::{Limits, ldif};

use super::tools::as_service;
use super::wire::serve;
use crate::harness::generator::generate;
use crate::harness::slapd::{BASE, Slapd};

const FILTERS: [&str; 34] = [
    "(objectClass=*)",
    "(objectClass=inetOrgPerson)",
    "(objectClass=person)",
    "(objectClass=organizationalPerson)",
    "(objectClass=supannEntite)",
    "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))",
    "(sn=le goff)",
    "(sn=LE  GOFF)",
    "(sn=Lefèvre)",
    "(sn=lefevre)",
    "(commonName=*é*)",
    "(cn=*o*e*)",
    "(cn=M*n)",
    "(givenName=*-*)",
    "(mail=*@univ-test.fr)",
    "(!(mail=*))",
    "(!(mail=*@univ-test.fr))",
    "(supannRessourceEtat={COMPTE}I)",
    "(&(eduPersonAffiliation=faculty)(!(supannRessourceEtat={COMPTE}I)))",
    "(&(eduPersonAffiliation=staff)(|(supannRoleGenerique=*)(employeeNumber=1000*)))",
    "(schacExpiryDate>=20260701000000Z)",
    "(schacExpiryDate<=20260701000000Z)",
    "(uidNumber>=20100)",
    "(uidNumber<=20099)",
    "(uidNumber=020050)",
    "(uidNumber=abc)",
    "(!(uidNumber=abc))",
    "(homeDirectory=/HOME/*)",
    "(supannEntiteAffectation=RT)",
    "(cn=Club échecs, mercredi \\2b samedi)",
    "(memberUid=*)",
    "(cn:caseExactMatch:=dept-RT)",
    "(ou:dn:=people)",
    "(nosuchattribute=*)",
];

/// The entries answered, under the one form of their names: the two servers escape them differently.
fn names(said: &str) -> Result<BTreeSet<String>> {
    ldif::read(said.as_bytes())?.iter().map(|entry| Ok(normalise(entry.dn())?)).collect()
}

#[tokio::test]
async fn same_filters_find_the_same_entries() -> Result<()> {
    let file = generate(5, 300, 3).ldif;
    let slapd = Slapd::start(&file);
    let directory = serve(ldif::read(std::fs::read(&file)?.as_slice())?, BASE, Limits::default()).await?;
    let group = format!("cn=ens-RT,ou=0990001N,ou=groups,{BASE}");
    let found = slapd.search("(cn=ens-RT)", &["uniqueMember"]);
    let member = found.lines().find_map(|line| line.strip_prefix("uniqueMember: ")).unwrap_or_default();
    assert!(found.contains(&group) && !member.is_empty(), "{found}");
    let by_name = ["uniqueMember", "member"].map(|attribute| format!("({attribute}={})", member.to_uppercase()));
    let mut fruitful = 0;
    for filter in FILTERS.iter().map(|filter| (*filter).to_owned()).chain(by_name) {
        let expected = names(&slapd.search(&filter, &["1.1"]))?;
        let (code, said) = as_service(&directory, "ldapsearch", &["-LLL", "-o", "ldif-wrap=no", "-b", BASE, &filter, "1.1"], "").await?;
        let found = names(&said)?;
        let differing: Vec<&String> = found.symmetric_difference(&expected).take(5).collect();
        assert!(code == 0 && differing.is_empty(), "{filter}: {} here, {} in slapd, {differing:?}", found.len(), expected.len());
        fruitful += usize::from(!expected.is_empty());
    }
    // Two empty answers prove little: most filters must find something.
    assert!(fruitful > 25, "only {fruitful} filters found anything");
    Ok(())
}
