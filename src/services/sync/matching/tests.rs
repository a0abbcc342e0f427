//! Tests of: who is one person, and whose word counts.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails")]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::authority::{Others, Voice, Word, may_enter, merged};
use super::decide::{Candidate, Decision, Entry, Stand, decide};
use super::likeness::{Trait, named, of_entry, of_person};
use crate::store::establishment::proposal::ProposalState;
use crate::store::establishment::statement::Stated;
use crate::types::id::{SourceId, UserId};
use crate::types::matching::Matching;

fn declared(raw: &Value) -> Matching {
    Matching::parse(Some(raw)).unwrap()
}

/// Everything at once.
fn usual() -> Matching {
    declared(&json!({ "anchor": { "number": ["employee_number", "student_number"] },
        "soft": [{ "fields": ["family_name", "given_name", "birth_date"] }, { "fields": ["email"], "link": true }] }))
}

fn stated(fields: &Value) -> Stated {
    let own = ["username", "given_name", "family_name", "display_name", "email"];
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let attributes = fields.as_object().unwrap().iter().filter(|(name, _)| !own.contains(&name.as_str()));
    Stated {
        username: text("username").unwrap_or_default(),
        given_name: text("given_name"),
        family_name: text("family_name"),
        display_name: text("display_name").unwrap_or_default(),
        email: text("email"),
        attributes: attributes.map(|(name, value)| (name.clone(), vec![value.as_str().unwrap().to_owned()])).collect(),
        ..Stated::default()
    }
}

fn entry(matching: &Matching, fields: &Value) -> Entry {
    Entry { keys: of_entry(matching, &stated(fields)), decided: Vec::new() }
}

fn candidate(matching: &Matching, stand: Stand, fields: &Value) -> Candidate {
    Candidate { user: UserId::new(), stand, keys: of_person(matching, &stated(fields)) }
}

/// What becomes of one entry beside one person whom another source states.
fn of_two(ours: &Value, theirs: &Value, stand: Stand) -> (Decision, UserId) {
    let matching = usual();
    let candidate = candidate(&matching, stand, theirs);
    let decided = decide(&matching, &[entry(&matching, ours)], std::slice::from_ref(&candidate));
    (decided[0].clone(), candidate.user)
}

#[test]
fn an_anchor_is_one_person_whatever_else_differs() {
    let ours = json!({ "number": "100702", "family_name": "Leroy", "email": "a@b.fr" });
    for there in ["employee_number", "student_number"] {
        let (decision, user) = of_two(&ours, &json!({ there: "100702", "family_name": "Martin" }), Stand::Elsewhere);
        assert_eq!(decision, Decision::Is(user, Some(Trait::Anchor(0))));
    }
    let (decision, user) = of_two(&ours, &json!({ "employee_number": "100702" }), Stand::Left);
    assert_eq!(decision, Decision::Is(user, Some(Trait::Anchor(0))), "someone who left comes back by another source");
    assert_eq!(of_two(&ours, &json!({ "employee_number": "0100702" }), Stand::Elsewhere).0, Decision::New);
    let (decision, user) = of_two(&ours, &json!({ "employee_number": "100702" }), Stand::Apart);
    assert_eq!(decision, Decision::Perhaps(vec![(user, Trait::Anchor(0))]), "someone made by hand is for a person to tell");
    let (decision, user) = of_two(&ours, &json!({ "employee_number": "100702" }), Stand::Here);
    assert_eq!(decision, Decision::Twice(user, Some(Trait::Anchor(0))));
}

#[test]
fn a_likeness_is_proposed_and_links_only_where_that_is_declared() {
    let ours = json!({ "family_name": "DU PRE", "given_name": "Marie Noelle", "birth_date": "19611121" });
    for date in ["21/11/1961", "1961-11-21", "21.11.1961", "19611121000000Z"] {
        let theirs = json!({ "family_name": "du Pré", "given_name": "Marie-Noëlle", "birth_date": date });
        let (decision, user) = of_two(&ours, &theirs, Stand::Elsewhere);
        assert_eq!(decision, Decision::Perhaps(vec![(user, Trait::Soft(0))]), "{date}");
    }
    let other = json!({ "family_name": "du Pré", "given_name": "Marie-Noëlle", "birth_date": "22/11/1961" });
    assert_eq!(of_two(&ours, &other, Stand::Elsewhere).0, Decision::New, "a false friend has another birth date");
    let without = json!({ "family_name": "du Pré", "given_name": "Marie-Noëlle" });
    assert_eq!(of_two(&without, &without, Stand::Elsewhere).0, Decision::New, "what is not stated is like nothing");

    let ours = json!({ "email": "Chloe.Elkhattabi@UNIV-TEST.FR" });
    let theirs = json!({ "email": "chloe.elkhattabi@univ-test.fr" });
    let (decision, user) = of_two(&ours, &theirs, Stand::Elsewhere);
    assert_eq!(decision, Decision::Is(user, Some(Trait::Soft(1))));
    for stand in [Stand::Left, Stand::Apart] {
        let (decision, user) = of_two(&ours, &theirs, stand);
        assert_eq!(decision, Decision::Perhaps(vec![(user, Trait::Soft(1))]), "an address that may be someone else's by now");
    }
    assert_eq!(of_two(&ours, &theirs, Stand::Here).0, Decision::New);
    let numbered = |number: &str| json!({ "email": "a@b.fr", "number": number, "employee_number": number });
    assert_eq!(of_two(&numbered("1"), &numbered("2"), Stand::Elsewhere).0, Decision::New, "other numbers are other people");
}

#[test]
fn several_who_may_be_meant_are_for_a_person_to_decide() {
    let matching = usual();
    let ours = json!({ "family_name": "Petit", "given_name": "Léo", "birth_date": "2001-02-03", "email": "leo@b.fr" });
    let same = json!({ "family_name": "Petit", "given_name": "Léo", "birth_date": "2001-02-03" });
    let twins = [candidate(&matching, Stand::Elsewhere, &same), candidate(&matching, Stand::Elsewhere, &json!({ "email": "leo@b.fr" }))];
    let decided = decide(&matching, &[entry(&matching, &ours)], &twins);
    assert_eq!(decided, [Decision::Perhaps(vec![(twins[0].user, Trait::Soft(0)), (twins[1].user, Trait::Soft(1))])]);

    // One is certain: the other is not asked about.
    let numbered = candidate(&matching, Stand::Elsewhere, &json!({ "employee_number": "7" }));
    let both = json!({ "family_name": "Petit", "given_name": "Léo", "birth_date": "2001-02-03", "number": "7" });
    let decided = decide(&matching, &[entry(&matching, &both)], &[twins[0].clone(), numbered.clone()]);
    assert_eq!(decided, [Decision::Is(numbered.user, Some(Trait::Anchor(0)))]);
}

#[test]
fn two_entries_are_never_one_person() {
    let matching = usual();
    let known = candidate(&matching, Stand::Elsewhere, &json!({ "employee_number": "7", "email": "a@b.fr" }));
    let (sure, likely) = (json!({ "number": "7" }), json!({ "email": "A@b.fr" }));
    let entries = [entry(&matching, &likely), entry(&matching, &sure)];
    let decided = decide(&matching, &entries, std::slice::from_ref(&known));
    let asked = Decision::Perhaps(vec![(known.user, Trait::Soft(1))]);
    assert_eq!(decided, [asked.clone(), Decision::Is(known.user, Some(Trait::Anchor(0)))]);
    let entries = [entry(&matching, &likely), entry(&matching, &likely)];
    assert_eq!(decide(&matching, &entries, &[known]), [asked.clone(), asked]);
}

#[test]
fn what_a_person_decided_stands() {
    let matching = usual();
    let known = candidate(&matching, Stand::Elsewhere, &json!({ "email": "a@b.fr" }));
    let decided = |state: ProposalState| {
        let entry = Entry { decided: vec![(known.user, state)], ..entry(&matching, &json!({ "email": "a@b.fr" })) };
        decide(&matching, &[entry], std::slice::from_ref(&known))
    };
    assert_eq!(decided(ProposalState::Rejected), [Decision::New]);
    assert_eq!(decided(ProposalState::Accepted), [Decision::Is(known.user, None)]);
    let here = Candidate { stand: Stand::Here, ..known.clone() };
    let entry = Entry { decided: vec![(known.user, ProposalState::Accepted)], ..entry(&matching, &json!({ "email": "other@b.fr" })) };
    let decided = decide(&matching, std::slice::from_ref(&entry), &[here]);
    assert_eq!(decided, [Decision::Twice(known.user, None)], "another entry of the source is them by now");
    assert_eq!(decide(&matching, &[entry], std::slice::from_ref(&known)), [Decision::Is(known.user, None)]);
    assert_eq!(named(&matching, Trait::Soft(0)), "family_name, given_name, birth_date");
    assert_eq!(named(&matching, Trait::Anchor(0)), "number");
}

/// Two sources, the older first.
fn two() -> [SourceId; 2] {
    let mut both = [SourceId::new(), SourceId::new()];
    both.sort();
    both
}

#[test]
fn fields_come_from_the_first_that_says_anything_whoever_speaks_last() {
    let [directory, staff] = two();
    let theirs = stated(&json!({ "username": "cel", "display_name": "Chloé", "email": "c@b.fr", "class": "6e" }));
    let ours =
        stated(&json!({ "username": "chloe@x", "display_name": "CHLOE", "email": "C@x.fr", "given_name": "Chloe", "department": "GEII" }));
    let plain = Matching::default();
    let voice = |source, declared, stated| Voice { source, declared, stated };
    let both = [voice(directory, &plain, &theirs), voice(staff, &plain, &ours)];
    let turned = [both[1], both[0]];
    let one = merged(&both).unwrap();
    assert_eq!(Some(&one), merged(&turned).as_ref(), "the order of speaking does not count");
    assert_eq!((one.username.as_str(), one.email.as_deref(), one.given_name.as_deref()), ("cel", Some("c@b.fr"), Some("Chloe")));
    let beside = BTreeMap::from([("class".to_owned(), vec!["6e".to_owned()]), ("department".to_owned(), vec!["GEII".to_owned()])]);
    assert_eq!(one.attributes, beside);

    let of_mail = declared(&json!({ "authority": ["email"] }));
    let one = merged(&[both[0], voice(staff, &of_mail, &ours)]).unwrap();
    assert_eq!((one.username.as_str(), one.email.as_deref()), ("cel", Some("C@x.fr")));
    let first = declared(&json!({ "priority": -1 }));
    let one = merged(&[both[0], voice(staff, &first, &ours)]).unwrap();
    assert_eq!((one.username.as_str(), one.display_name.as_str()), ("chloe@x", "CHLOE"));
    assert_eq!(merged(&both[1..]).unwrap(), ours, "who is left alone is believed");
    assert_eq!(merged(&[]), None);
}

#[test]
fn one_source_that_says_no_is_enough_unless_another_decides() {
    use Word::{Gone, No, Yes};
    let [directory, staff] = two();
    let plain = Matching::default();
    let decides = declared(&json!({ "authority": ["active"] }));
    let enters = |theirs, ours: &Matching, word| may_enter(&[(directory, &plain, theirs), (staff, ours, word)]);
    let silent = [
        (Yes, Yes, true),
        (Yes, No, false),
        (No, Yes, false),
        (Gone, Yes, true),
        (Yes, Gone, true),
        (Gone, No, false),
        (Gone, Gone, false),
    ];
    for (theirs, ours, enter) in silent {
        assert_eq!(enters(theirs, &plain, ours), enter, "{theirs:?}, {ours:?}");
    }
    for (theirs, ours, enter) in [(No, Yes, true), (Yes, No, false), (Yes, Gone, false), (Gone, Yes, true)] {
        assert_eq!(enters(theirs, &decides, ours), enter, "{theirs:?}, and {ours:?} decides");
    }
}

#[test]
fn what_others_say_is_worked_out_before_a_source_speaks() {
    let [directory, staff] = two();
    let plain = Matching::default();
    for others in [Word::Yes, Word::No, Word::Gone] {
        let beside = Others::of((staff, &plain), &[(directory, &plain, others)]);
        for word in [Word::Yes, Word::No, Word::Gone] {
            assert_eq!(beside.may_enter(word), may_enter(&[(directory, &plain, others), (staff, &plain, word)]));
        }
        assert_eq!((beside.shared, beside.names), (true, others == Word::Gone), "the elder gives the user name as long as it speaks");
    }
    let alone = Others::of((staff, &plain), &[]);
    assert_eq!((alone, alone.may_enter(Word::Yes), alone.may_enter(Word::No)), (Others::NONE, true, false));
}
