//! A large directory, made up: the LDIF that measurements load into a server of their own.

use std::io::{BufWriter, Write};
use std::path::Path;

use super::slapd::BASE;

/// Direct members of each group.
pub const MEMBERS: usize = 200;
const FAMILY_NAMES: [&str; 8] = ["Lefèvre", "Œuvrard", "d’Hôtel", "N'Guyen", "Müller", "Garcia", "Le Goff", "Da Silva"];
const GIVEN_NAMES: [&str; 8] = ["Élodie", "Jean-Noël", "Zoé", "Mohamed", "Anaïs", "Loïc", "François", "Inès"];

/// Writes so many people, and groups of [`MEMBERS`] each.
pub fn write(path: &Path, people: usize, groups: usize) {
    let mut out = BufWriter::new(std::fs::File::create(path).unwrap());
    writeln!(out, "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Test\ndc: acad-test\n").unwrap();
    for unit in ["people", "groups"] {
        writeln!(out, "dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n").unwrap();
    }
    for number in 0..people {
        person(&mut out, number);
    }
    for group in 0..groups {
        writeln!(out, "dn: cn=groupe-{group:04},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: groupe-{group:04}").unwrap();
        for member in 0..MEMBERS {
            // Spread over everyone, so that each person is in some groups, as in a school.
            writeln!(out, "member: uid=u{:06},ou=people,{BASE}", (group * 49 + member * 499) % people).unwrap();
        }
        writeln!(out).unwrap();
    }
    out.flush().unwrap();
}

fn person(out: &mut impl Write, number: usize) {
    let (given, family) = (GIVEN_NAMES[number % 8], FAMILY_NAMES[number / 8 % 8]);
    let affiliation = if number.is_multiple_of(12) { "faculty" } else { "student" };
    let encoded = |text: &str| {
        use base64::Engine;
        base64::prelude::BASE64_STANDARD.encode(text)
    };
    let (given, family, both) = (encoded(given), encoded(family), encoded(&format!("{given} {family}")));
    writeln!(
        out,
        "dn: uid=u{number:06},ou=people,{BASE}\nobjectClass: inetOrgPerson\nobjectClass: eduPerson\nobjectClass: supannPerson\n\
         uid: u{number:06}\ncn:: {both}\nsn:: {family}\ngivenName:: {given}\ndisplayName:: {both}\nmail: u{number:06}@acad-test.fr\n\
         preferredLanguage: fr\neduPersonAffiliation: {affiliation}\neduPersonAffiliation: member\n\
         eduPersonPrimaryAffiliation: {affiliation}\nsupannEtablissement: {{UAI}}099{:04}A\nsupannEntiteAffectation: D{:02}\n\
         supannEntiteAffectationPrincipale: D{:02}\nsupannEmpId: E{number:07}\nsupannRessourceEtat: {{COMPTE}}A\n",
        number % 60,
        number % 40,
        number % 40,
    )
    .unwrap();
}
