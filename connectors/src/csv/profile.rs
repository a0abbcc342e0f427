//! What each profile of spreadsheets fills in when a source does not say it: titles, key, groups. Tables only.

/// Spreadsheets met in the field, ready to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Nothing is known beforehand.
    Generic,
    /// Pupils as SACoche imports them and as Siècle, ONDE and pupils' portals export them.
    SacochePupils,
}

type GroupColumn = (&'static [&'static str], Option<&'static str>);

impl Profile {
    pub(super) const NAMES: [(&'static str, Self); 2] = [("generic", Self::Generic), ("sacoche-pupils", Self::SacochePupils)];

    /// Field → column or template, titles as names.
    pub(super) fn mapping(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Generic => &[],
            Self::SacochePupils => &[
                ("username", "login|identifiant|nom_d_utilisateur|{prenom}.{nom}|{prenom}.{nom_de_famille}"),
                ("given_name", "prenom|prenom_usuel|prenoms|prenom_eleve"),
                ("family_name", "nom|nom_de_famille|nom_usuel|nom_eleve"),
                ("email", "courriel|email|e_mail|mail|adresse_e_mail|adresse_electronique"),
                ("class", "classe|division|code_division|libelle_classe"),
                ("birth_date", "date_naiss|date_de_naissance|date_naissance|ne_e_le|ne_le"),
                ("gender", "genre|sexe|civilite"),
                ("sconet_id", "id_sconet|n_sconet|numero_sconet|eleve_id"),
                ("ent_id", "id_ent|identifiant_ent"),
                ("ine", "ine|id_national|identifiant_national"),
            ],
        }
    }

    /// The columns that may make the key: a number for life before a name.
    pub(super) fn keys(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Generic => &[],
            Self::SacochePupils => &[
                &["numero"],
                &["n_sconet"],
                &["numero_sconet"],
                &["id_sconet"],
                &["eleve_id"],
                &["ine"],
                &["id_national"],
                &["identifiant_national"],
                &["id_ent"],
                &["nom", "prenom", "date_naiss"],
                &["nom", "prenom", "date_de_naissance"],
                &["nom", "prenom", "date_naissance"],
                &["nom", "prenom", "ne_e_le"],
                &["nom_de_famille", "prenom", "date_naissance"],
                &["nom_de_famille", "prenom", "ne_e_le"],
            ],
        }
    }

    /// Columns whose values become groups, each by its possible titles, and what stands between several values.
    pub(super) fn groups(self) -> &'static [GroupColumn] {
        match self {
            Self::Generic => &[],
            Self::SacochePupils => {
                &[(&["classe", "division", "code_division", "libelle_classe"], None), (&["groupes", "groupe", "regroupements"], Some("|"))]
            }
        }
    }
}
