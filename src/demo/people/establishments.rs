//! The demo's three establishments, and the people of each one may sign in as. Fictitious: no real school has a number that begins with 099.

use super::draw::mailbox;

/// The top of the demo's directory.
pub const BASE_DN: &str = "dc=demo,dc=fr";

/// What kind of establishment it is, which decides its groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Collège: pupils from 11 to 15.
    College,
    /// Lycée: pupils from 15 to 18.
    Lycee,
    /// Institut universitaire de technologie: departments instead of classes.
    Iut,
}

/// Someone whose user name never changes, to sign in as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WellKnown {
    /// The user name.
    pub uid: &'static str,
    /// First name.
    pub given_name: &'static str,
    /// Family name.
    pub family_name: &'static str,
    /// `Mme` or `M.`.
    pub civility: &'static str,
}

impl WellKnown {
    /// The password: the rule of the whole demo.
    pub fn password(&self) -> String {
        password_of(self.uid)
    }

    /// First and family name.
    pub fn display_name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }
}

/// The password of anyone in the generated directory.
pub fn password_of(uid: &str) -> String {
    format!("Essai-{uid}")
}

/// One of the demo's establishments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Establishment {
    /// Its slug, as in the issuer.
    pub slug: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its number, with the right check letter.
    pub uai: &'static str,
    /// Its town.
    pub locality: &'static str,
    /// What it is.
    pub kind: Kind,
    /// A teacher.
    pub teacher: WellKnown,
    /// The head: of the school, or of the first department.
    pub head: WellKnown,
    /// Who keeps the computers going: in `informatique`, or in `dsi`.
    pub administrator: WellKnown,
    /// A pupil or student.
    pub pupil: WellKnown,
    /// The names of the group the teacher is in and of another that changes what the teacher may do.
    pub teacher_groups: (&'static str, &'static str),
}

impl Establishment {
    /// The top of its part of the directory.
    pub fn base_dn(&self) -> String {
        format!("ou={},{BASE_DN}", self.uai)
    }

    /// Where its people stand.
    pub fn people_dn(&self) -> String {
        format!("ou=people,{}", self.base_dn())
    }

    /// Where its groups stand.
    pub fn groups_dn(&self) -> String {
        format!("ou=groups,{}", self.base_dn())
    }

    /// The name its service account binds with.
    pub fn bind_dn(&self) -> String {
        format!("cn=passerelle,{}", self.base_dn())
    }

    /// The entry of one of its people.
    pub fn person_dn(&self, uid: &str) -> String {
        format!("uid={uid},{}", self.people_dn())
    }

    /// The entry of one of its groups.
    pub fn group_dn(&self, name: &str) -> String {
        format!("cn={},{}", connectors::dn::rdn_escape(name), self.groups_dn())
    }

    /// The domain of its addresses: reserved for examples (RFC 2606), so that no message reaches anyone.
    pub fn domain(&self) -> String {
        format!("{}.example", self.slug)
    }

    /// The address of one of its well-known people.
    pub fn email(&self, person: &WellKnown) -> String {
        format!("{}@{}", mailbox(person.given_name, person.family_name), self.domain())
    }

    pub(super) fn well_known(&self) -> [WellKnown; 4] {
        [self.head, self.administrator, self.teacher, self.pupil]
    }
}

const fn someone(uid: &'static str, given_name: &'static str, family_name: &'static str, civility: &'static str) -> WellKnown {
    WellKnown { uid, given_name, family_name, civility }
}

/// The establishments, the smallest pupils first.
pub const ESTABLISHMENTS: [Establishment; 3] = [
    Establishment {
        slug: "college-louise-michel",
        name: "Collège Louise-Michel",
        uai: "0991007G",
        locality: "Bayeux",
        kind: Kind::College,
        teacher: someone("hlefevre", "Hélène", "Lefèvre", "Mme"),
        head: someone("jdelatour", "Jérôme", "de La Tour", "M."),
        administrator: someone("mndiaye", "Mamadou", "N'Diaye", "M."),
        pupil: someone("zoconnor", "Zoë", "O'Connor", "Mme"),
        teacher_groups: ("profs", "informatique"),
    },
    Establishment {
        slug: "lycee-sophie-germain",
        name: "Lycée Sophie-Germain",
        uai: "0991014P",
        locality: "Saint-Lô",
        kind: Kind::Lycee,
        teacher: someone("elegoff", "Étienne", "Le Goff", "M."),
        head: someone("fdalembert", "Françoise", "d'Alembert", "Mme"),
        administrator: someone("gcelik", "Gaël", "Çelik", "M."),
        pupil: someone("lnguyen", "Loïc", "Nguyễn", "M."),
        teacher_groups: ("profs", "informatique"),
    },
    Establishment {
        slug: "iut-evrecy",
        name: "IUT d'Évrecy",
        uai: "0990001N",
        locality: "Évrecy",
        kind: Kind::Iut,
        teacher: someone("amuller", "Agnès", "Müller", "Mme"),
        head: someone("bdupont", "Benoît", "Dupont", "M."),
        administrator: someone("ylukasiewicz", "Yoann", "Łukasiewicz", "M."),
        pupil: someone("ibensaid", "Inès", "Ben Saïd", "Mme"),
        teacher_groups: ("ens-RT", "ens-INFO"),
    },
];
