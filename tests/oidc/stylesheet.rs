//! The style sheet's promises: contrast in both schemes, visible focus, targets large enough, no motion for who wants none.

use std::collections::BTreeMap;

use passerelle::fronts::web::pages::STYLESHEET;

/// The colours of one scheme.
fn colours(block: &str) -> BTreeMap<String, f64> {
    let declared = regex::Regex::new(r"--([a-z-]+): #([0-9a-f]{6});").unwrap();
    declared.captures_iter(block).map(|c| (c[1].to_owned(), luminance(&c[2]))).collect()
}

/// Relative luminance (WCAG 2.2, definition of relative luminance).
fn luminance(hex: &str) -> f64 {
    let channel = |i: usize| {
        let value = f64::from(u8::from_str_radix(&hex[i..i + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}

fn contrast(a: f64, b: f64) -> f64 {
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn text_has_4_5_to_1_and_edges_3_to_1_in_both_schemes() {
    let mut blocks = STYLESHEET.split(":root {").skip(1).map(|rest| rest.split('}').next().unwrap());
    let schemes = [colours(blocks.next().expect("a light scheme")), colours(blocks.next().expect("a dark scheme"))];
    assert_eq!(schemes[0].keys().collect::<Vec<_>>(), schemes[1].keys().collect::<Vec<_>>());
    let text = [
        ("text", "card"),
        ("text", "ground"),
        ("quiet", "card"),
        ("quiet", "ground"),
        ("accent", "card"),
        ("accent", "ground"),
        ("accent-strong", "card"),
        ("accent-strong", "note-ground"),
        ("on-accent", "accent"),
        ("on-accent", "accent-strong"),
        ("text", "note-ground"),
        ("quiet", "note-ground"),
        ("text", "wrong-ground"),
        ("wrong", "wrong-ground"),
        ("text", "done-ground"),
    ];
    let edges = [("edge", "card"), ("focus", "card"), ("focus", "ground"), ("accent", "note-ground"), ("done", "done-ground")];
    for scheme in &schemes {
        for (pairs, least) in [(text.as_slice(), 4.5), (edges.as_slice(), 3.0)] {
            for (front, back) in pairs {
                let measured = contrast(scheme[*front], scheme[*back]);
                assert!(measured >= least, "{front} on {back}: {measured:.2} below {least}");
            }
        }
    }
}

#[test]
fn focus_shows_targets_are_large_and_motion_can_be_off() {
    assert!(STYLESHEET.contains(":focus-visible {\n  outline: 3px solid var(--focus)"));
    assert!(STYLESHEET.contains("@media (prefers-reduced-motion: reduce)") && STYLESHEET.contains("@media (forced-colors: active)"));
    assert!(STYLESHEET.matches("min-height: 3rem").count() >= 2);
}

#[test]
fn nothing_is_fetched_from_elsewhere() {
    assert!(!STYLESHEET.contains("url(") && !STYLESHEET.contains("@import") && !STYLESHEET.contains("http"));
}
