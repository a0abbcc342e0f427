//! The platform's registry: establishments and zones.

use passerelle::store::registry::establishment::{Contact, Establishment, EstablishmentStatus, Filter};
use passerelle::store::registry::zone::Zone;
use passerelle::store::registry::{establishment, establishment_change, zone};
use passerelle::store::{Error, Tx};
use passerelle::types::fold;
use passerelle::types::id::EstablishmentId;

use super::engine::{Bed, on_every_engine, walk, write_in};
use super::samples::{LATER, NOW};

fn school(number: i64, slug: &str, name: &str) -> Establishment {
    Establishment {
        id: EstablishmentId::new(),
        number,
        slug: slug.to_owned(),
        name: name.to_owned(),
        uai: None,
        zone: None,
        locality: Some("14500 Évrecy".to_owned()),
        contact: Contact {
            family_name: Some("Lefèvre".to_owned()),
            given_name: Some("Élodie".to_owned()),
            email: Some("elodie.lefevre@acad-test.fr".to_owned()),
        },
        status: EstablishmentStatus::Active,
        created_at: NOW,
        updated_at: LATER,
    }
}

fn zone_named(name: &str, title: &str) -> Zone {
    Zone { name: name.to_owned(), title: title.to_owned() }
}

async fn with_schools(bed: &Bed, schools: &[Establishment]) {
    write_in(bed.stores.registry(), async |tx| {
        for one in schools {
            establishment::insert(tx, one, &fold(&one.name)).await?;
        }
        Ok(())
    })
    .await;
}

async fn refusal<T>(bed: &Bed, work: impl AsyncFnOnce(&mut Tx) -> Result<T, Error>) -> Error {
    let mut tx = bed.stores.registry().begin().await.unwrap();
    match work(&mut tx).await {
        Ok(_) => panic!("written, though it had to be refused"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn an_establishment_comes_back_as_written() {
    on_every_engine(async |bed| {
        write_in(bed.stores.registry(), async |tx| zone::upsert(tx, &zone_named("caen", "Caen")).await).await;
        let full =
            Establishment {
                uai: Some("0991000Z".to_owned()), zone: Some("caen".to_owned()), ..school(1, "jaures", "Collège «Jaurès»")
            };
        let bare = Establishment {
            locality: None,
            contact: Contact::default(),
            status: EstablishmentStatus::Blocked,
            ..school(i64::MAX, "autre", "")
        };
        with_schools(bed, &[full.clone(), bare.clone()]).await;
        let mut tx = bed.stores.registry().read().await.unwrap();
        assert_eq!(establishment::find(&mut tx, "jaures").await.unwrap(), Some(full));
        assert_eq!(establishment::find(&mut tx, "autre").await.unwrap(), Some(bare));
        assert_eq!(establishment::find(&mut tx, "nulle-part").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn numbers_count_up_from_the_highest() {
    on_every_engine(async |bed| {
        let next = async || establishment::next_number(&mut bed.stores.registry().read().await.unwrap()).await.unwrap();
        assert_eq!(next().await, 1);
        with_schools(bed, &[school(7, "sept", "Sept"), school(3, "trois", "Trois")]).await;
        assert_eq!(next().await, 8);
    })
    .await;
}

#[tokio::test]
async fn slugs_numbers_and_official_numbers_are_one_establishment_s() {
    on_every_engine(async |bed| {
        let first = Establishment { uai: Some("0991000Z".to_owned()), ..school(1, "un", "Un") };
        with_schools(bed, std::slice::from_ref(&first)).await;
        let cases = [
            ("establishments.slug", school(2, "un", "Deux")),
            ("establishments.number", school(1, "deux", "Deux")),
            ("establishments.uai", Establishment { uai: first.uai.clone(), ..school(2, "deux", "Deux") }),
            ("establishments.id", Establishment { id: first.id, ..school(2, "deux", "Deux") }),
        ];
        for (column, again) in cases {
            let error = refusal(bed, async |tx| establishment::insert(tx, &again, "").await).await;
            assert!(matches!(&error, Error::Taken(named) if named == column), "{column}: {error:?}");
        }
        with_schools(bed, &[school(2, "deux", "Deux"), school(3, "trois", "Trois")]).await;
    })
    .await;
}

#[tokio::test]
async fn establishments_are_walked_searched_and_filtered() {
    on_every_engine(async |bed| {
        write_in(bed.stores.registry(), async |tx| zone::upsert(tx, &zone_named("caen", "Caen")).await).await;
        let all = [
            Establishment { zone: Some("caen".to_owned()), ..school(5, "jaures", "Collège Jean Jaurès") },
            Establishment {
                uai: Some("0991000Z".to_owned()),
                status: EstablishmentStatus::Blocked,
                locality: Some("76000 Rouen".to_owned()),
                ..school(1, "oeuvre", "Lycée de l’Œuvre 100%")
            },
            Establishment { zone: Some("caen".to_owned()), status: EstablishmentStatus::Blocked, ..school(2, "mer", "Collège_de la Mer") },
        ];
        with_schools(bed, &all).await;
        let mut tx = bed.stores.registry().read().await.unwrap();
        let text = |raw: &str| Some(raw.to_owned());
        let searches: [(&str, &[usize]); 5] = [("COLLÈGE", &[0, 2]), ("oeuvre", &[1]), ("%", &[1]), ("college_", &[2]), ("x", &[])];
        for (query, expected) in searches {
            let found = walk(1, Some(query), async |page| establishment::list(&mut tx, page, &Filter::default()).await).await;
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{query}");
        }
        let filters: [(Filter, &[usize]); 9] = [
            (Filter::default(), &[0, 1, 2]),
            (Filter { slug: text("mer"), ..Filter::default() }, &[2]),
            (Filter { number: Some(5), ..Filter::default() }, &[0]),
            (Filter { name: text("Collège_de la Mer"), ..Filter::default() }, &[2]),
            (Filter { locality: text("76000 Rouen"), ..Filter::default() }, &[1]),
            (Filter { uai: text("0991000Z"), ..Filter::default() }, &[1]),
            (Filter { zone: text("caen"), ..Filter::default() }, &[0, 2]),
            (Filter { status: text("blocked"), ..Filter::default() }, &[1, 2]),
            (Filter { status: text("blocked"), zone: text("caen"), ..Filter::default() }, &[2]),
        ];
        for (filter, expected) in filters {
            let found = walk(1, None, async |page| establishment::list(&mut tx, page, &filter).await).await;
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{filter:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_establishment_changes_but_for_its_key_and_slug_and_leaves_for_good() {
    on_every_engine(async |bed| {
        let registry = bed.stores.registry();
        write_in(registry, async |tx| zone::upsert(tx, &zone_named("caen", "Caen")).await).await;
        let (first, second) = (school(1, "un", "Un"), school(2, "deux", "Deux"));
        with_schools(bed, &[first.clone(), second.clone()]).await;
        let changed = Establishment {
            number: 7,
            name: "Lycée de l’Œuvre".to_owned(),
            uai: Some("0991000Z".to_owned()),
            zone: Some("caen".to_owned()),
            locality: None,
            contact: Contact::default(),
            status: EstablishmentStatus::Blocked,
            updated_at: LATER.plus_s(1),
            ..first.clone()
        };
        let kept = Establishment { slug: "autre".to_owned(), created_at: LATER, ..changed.clone() };
        write_in(registry, async |tx| establishment_change::update(tx, &kept, &fold("œuvre")).await).await;
        let mut tx = registry.read().await.unwrap();
        assert_eq!(establishment::find(&mut tx, "un").await.unwrap(), Some(changed.clone()), "slug and creation stay");
        assert_eq!(establishment::find(&mut tx, "deux").await.unwrap(), Some(second.clone()));
        let found = walk(1, Some("OEUVRE"), async |page| establishment::list(&mut tx, page, &Filter::default()).await).await;
        assert_eq!(found, std::slice::from_ref(&changed));
        let taken = Establishment { number: 2, ..changed.clone() };
        let error = refusal(bed, async |tx| establishment_change::update(tx, &taken, "").await).await;
        assert!(matches!(&error, Error::Taken(column) if column == "establishments.number"), "{error:?}");
        let lost = Establishment { zone: Some("lille".to_owned()), ..changed };
        let error = refusal(bed, async |tx| establishment_change::update(tx, &lost, "").await).await;
        assert!(matches!(error, Error::Referenced(_)), "{error:?}");
        let absent = refusal(bed, async |tx| establishment_change::update(tx, &school(3, "trois", "Trois"), "").await).await;
        assert!(matches!(absent, Error::NotFound("establishment")), "{absent:?}");
        assert!(write_in(registry, async |tx| establishment_change::delete(tx, first.id).await).await);
        assert!(!write_in(registry, async |tx| establishment_change::delete(tx, first.id).await).await);
        assert_eq!(establishment::find(&mut tx, "un").await.unwrap(), None);
        with_schools(bed, &[school(7, "un", "Un autre")]).await;
    })
    .await;
}

#[tokio::test]
async fn zones_are_added_renamed_listed_by_name_and_taken_off_when_empty() {
    on_every_engine(async |bed| {
        let registry = bed.stores.registry();
        write_in(registry, async |tx| {
            zone::upsert(tx, &zone_named("rouen", "Rouen")).await?;
            zone::upsert(tx, &zone_named("caen", "Cân")).await?;
            zone::upsert(tx, &zone_named("caen", "Caen — Éducation")).await
        })
        .await;
        let mut tx = registry.read().await.unwrap();
        let (caen, rouen) = (zone_named("caen", "Caen — Éducation"), zone_named("rouen", "Rouen"));
        assert_eq!(zone::list(&mut tx).await.unwrap(), [caen.clone(), rouen]);
        assert_eq!(zone::find(&mut tx, "caen").await.unwrap(), Some(caen));
        assert_eq!(zone::find(&mut tx, "lille").await.unwrap(), None);
        with_schools(bed, &[Establishment { zone: Some("caen".to_owned()), ..school(1, "un", "Un") }]).await;
        let kept = refusal(bed, async |tx| zone::delete(tx, "caen").await).await;
        assert!(matches!(kept, Error::Referenced(_)), "{kept:?}");
        let absent = refusal(bed, async |tx| zone::delete(tx, "lille").await).await;
        assert!(matches!(absent, Error::NotFound("zone")), "{absent:?}");
        let lost = Establishment { zone: Some("lille".to_owned()), ..school(2, "deux", "Deux") };
        let nowhere = refusal(bed, async |tx| establishment::insert(tx, &lost, "").await).await;
        assert!(matches!(nowhere, Error::Referenced(_)), "{nowhere:?}");
        write_in(registry, async |tx| zone::delete(tx, "rouen").await).await;
        assert_eq!(zone::list(&mut tx).await.unwrap().len(), 1);
    })
    .await;
}
