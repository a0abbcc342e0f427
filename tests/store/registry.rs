//! The platform's registry: establishments and zones.

use passerelle::store::registry::establishment::{Contact, DEFAULT_PLACEMENT, Establishment, EstablishmentStatus, Filter};
use passerelle::store::registry::zone::Zone;
use passerelle::store::registry::{establishment, installation, zone};
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
        placement: DEFAULT_PLACEMENT.to_owned(),
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
async fn the_number_of_a_deleted_establishment_is_not_given_again() {
    on_every_engine(async |bed| {
        installation::get_or_insert(bed.stores.registry()).await.unwrap();
        let (old, last) = (school(3, "trois", "Trois"), school(7, "sept", "Sept"));
        with_schools(bed, &[old.clone(), last.clone()]).await;
        for gone in [&last, &old] {
            write_in(bed.stores.registry(), async |tx| establishment::delete(tx, gone).await).await;
            assert_eq!(establishment::next_number(&mut bed.stores.registry().read().await.unwrap()).await.unwrap(), 8);
        }
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
        let filters: [(Filter, &[usize]); 11] = [
            (Filter::default(), &[0, 1, 2]),
            (Filter { slug: text("mer"), ..Filter::default() }, &[2]),
            (Filter { number: Some(5), ..Filter::default() }, &[0]),
            (Filter { name: text("Collège_de la Mer"), ..Filter::default() }, &[2]),
            (Filter { locality: text("76000 Rouen"), ..Filter::default() }, &[1]),
            (Filter { uai: text("0991000Z"), ..Filter::default() }, &[1]),
            (Filter { zone: text("caen"), ..Filter::default() }, &[0, 2]),
            (Filter { status: text("blocked"), ..Filter::default() }, &[1, 2]),
            (Filter { placement: text(DEFAULT_PLACEMENT), ..Filter::default() }, &[0, 1, 2]),
            (Filter { placement: text("ailleurs"), ..Filter::default() }, &[]),
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

#[tokio::test]
async fn an_establishment_is_edited_and_keeps_its_slug_and_place() {
    on_every_engine(async |bed| {
        let first = school(1, "un", "Un");
        with_schools(bed, &[first.clone(), school(2, "deux", "Deux")]).await;
        let registry = bed.stores.registry();
        let edited = Establishment {
            number: 9,
            name: "Lycée Neuf".to_owned(),
            locality: None,
            status: EstablishmentStatus::Blocked,
            contact: Contact::default(),
            updated_at: LATER,
            ..first.clone()
        };
        write_in(registry, async |tx| establishment::update(tx, &edited, &fold(&edited.name)).await).await;
        let mut tx = registry.read().await.unwrap();
        assert_eq!(establishment::find(&mut tx, "un").await.unwrap(), Some(edited.clone()));
        let found = walk(1, Some("neuf"), async |page| establishment::list(&mut tx, page, &Filter::default()).await).await;
        assert_eq!(found, [edited]);
        drop(tx);
        let taken = refusal(bed, async |tx| establishment::update(tx, &Establishment { number: 2, ..first.clone() }, "").await).await;
        assert!(matches!(&taken, Error::Taken(column) if column == "establishments.number"), "{taken:?}");
        let unknown = refusal(bed, async |tx| establishment::update(tx, &school(4, "quatre", "Quatre"), "").await).await;
        assert!(matches!(unknown, Error::NotFound("establishment")), "{unknown:?}");
        write_in(registry, async |tx| establishment::set_placement(tx, &first, "ailleurs").await).await;
        let moved = establishment::find(&mut registry.read().await.unwrap(), "un").await.unwrap().unwrap();
        assert_eq!((moved.placement.as_str(), moved.number), ("ailleurs", 9));
    })
    .await;
}

#[tokio::test]
async fn an_establishment_under_deletion_is_found_by_nobody_else_and_frees_its_slug_at_the_end() {
    on_every_engine(async |bed| {
        let (gone, stays) = (school(1, "un", "Un"), school(2, "deux", "Deux"));
        with_schools(bed, &[gone.clone(), stays.clone()]).await;
        let registry = bed.stores.registry();
        write_in(registry, async |tx| establishment::mark_deleting(tx, &gone, LATER).await).await;
        let mut tx = registry.read().await.unwrap();
        assert_eq!(establishment::find(&mut tx, "un").await.unwrap(), None);
        assert_eq!(walk(9, None, async |page| establishment::list(&mut tx, page, &Filter::default()).await).await, [stays]);
        assert_eq!(establishment::list_deleting(&mut tx).await.unwrap(), std::slice::from_ref(&gone));
        drop(tx);
        let again = refusal(bed, async |tx| establishment::insert(tx, &school(3, "un", "Un"), "").await).await;
        assert!(matches!(again, Error::Taken(_)), "{again:?}");
        write_in(registry, async |tx| establishment::delete(tx, &gone).await).await;
        assert_eq!(establishment::list_deleting(&mut registry.read().await.unwrap()).await.unwrap(), []);
        with_schools(bed, &[school(3, "un", "Un")]).await;
    })
    .await;
}

#[tokio::test]
async fn stores_that_are_behind_are_listed_in_batches() {
    on_every_engine(async |bed| {
        let all = [school(1, "un", "Un"), school(2, "deux", "Deux"), school(3, "trois", "Trois")];
        with_schools(bed, &all).await;
        let registry = bed.stores.registry();
        write_in(registry, async |tx| establishment::note_version(tx, all[1].id, 2).await).await;
        let mut tx = registry.read().await.unwrap();
        let first = establishment::list_behind(&mut tx, 2, None, 1).await.unwrap();
        assert_eq!(first, [all[0].clone()]);
        assert_eq!(establishment::list_behind(&mut tx, 2, Some(first[0].id), 9).await.unwrap(), [all[2].clone()]);
        assert_eq!(establishment::list_behind(&mut tx, 3, None, 9).await.unwrap().len(), 3);
        assert_eq!(
            (establishment::count_behind(&mut tx, 2).await.unwrap(), establishment::count_behind(&mut tx, 3).await.unwrap()),
            (2, 3)
        );
    })
    .await;
}

#[tokio::test]
async fn the_installation_is_one_row_and_keeps_its_check() {
    on_every_engine(async |bed| {
        let registry = bed.stores.registry();
        let made = installation::get_or_insert(registry).await.unwrap();
        assert_eq!(installation::get_or_insert(registry).await.unwrap(), made);
        assert_eq!(made.key_check, None);
        write_in(registry, async |tx| installation::set_key_check(tx, b"sealed").await).await;
        let kept = installation::find(&mut registry.read().await.unwrap()).await.unwrap().unwrap();
        assert_eq!((kept.id, kept.key_check.as_deref()), (made.id, Some(b"sealed".as_slice())));
        let twin = refusal(bed, async |tx| installation::insert(tx, &made).await).await;
        assert!(matches!(twin, Error::Taken(_)), "{twin:?}");
    })
    .await;
}
