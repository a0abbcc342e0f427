//! Pages: the names people automate, what assistive technology needs, and that nothing typed becomes markup.

use askama::Template;
use connectors::Bar;
use passerelle::fronts::web::error_page::{ErrorPage, Problem};
use passerelle::fronts::web::pages::{
    AccessibilityPage, ChoicePage, Chrome, ConsentPage, EstablishmentChoice, LoggedOutPage, LogoutPage, PasswordNotice, PasswordSavedPage,
    STYLESHEET, SetPasswordPage, SignInNotice, SignInPage,
};
use passerelle::services::oidc::authorize::PageError;
use passerelle::services::oidc::logout::LogoutError;
use passerelle::types::locale::Locale;

const HOSTILE: &str = "\"><script>alert(1)</script>'&";

fn chrome(locale: Locale) -> Chrome {
    Chrome::new(locale).of(HOSTILE).with_other_language("/e/iut/login?ui_locales=en")
}

fn sign_in(locale: Locale, notice: Option<SignInNotice>) -> String {
    let page = SignInPage {
        chrome: chrome(locale),
        action: "/e/iut/login".into(),
        csrf: "token".into(),
        application: Some(HOSTILE.into()),
        username: HOSTILE.into(),
        notice,
    };
    page.render().unwrap()
}

fn choice(locale: Locale, found: Vec<EstablishmentChoice>, q: &str) -> String {
    let last = EstablishmentChoice { name: HOSTILE.into(), locality: Some(HOSTILE.into()), uai: None, href: "/e/iut/account".into() };
    let carried = vec![("interaction".to_owned(), HOSTILE.to_owned())];
    let page = ChoicePage { chrome: chrome(locale), action: "/".into(), carried, q: q.into(), found, more: false, last: Some(last) };
    page.render().unwrap()
}

fn set_password(locale: Locale, notice: Option<PasswordNotice>) -> String {
    let page = SetPasswordPage {
        chrome: chrome(locale),
        action: "/e/iut/invitation/t".into(),
        csrf: "token".into(),
        person: HOSTILE.into(),
        username: HOSTILE.into(),
        notice,
    };
    page.render().unwrap()
}

fn consent(locale: Locale) -> String {
    let scopes = ["openid", "profile", "email", "groups", "roles", "establishment", "offline_access", "odd"].map(str::to_owned).to_vec();
    let (action, csrf) = ("/e/iut/consent".into(), "token".into());
    let page = ConsentPage { chrome: chrome(locale), action, csrf, application: HOSTILE.into(), person: HOSTILE.into(), scopes };
    page.render().unwrap()
}

fn all(locale: Locale) -> Vec<(&'static str, String)> {
    let found =
        EstablishmentChoice { name: "Lycée Évariste-Galois".into(), locality: None, uai: Some("0751717J".into()), href: "/e/a".into() };
    let logout = LogoutPage { chrome: chrome(locale), action: "/e/iut/logout".into(), csrf: "token".into(), place: HOSTILE.into() };
    let error = ErrorPage::role_missing(chrome(locale), HOSTILE, Some(HOSTILE)).with_reference("0192");
    vec![
        ("sign-in", sign_in(locale, None)),
        ("sign-in again", sign_in(locale, Some(SignInNotice::Again))),
        ("sign-in wrong", sign_in(locale, Some(SignInNotice::Wrong))),
        ("choice", choice(locale, vec![found], HOSTILE)),
        ("choice without result", choice(locale, Vec::new(), "nulle part")),
        ("consent", consent(locale)),
        ("logout", logout.render().unwrap()),
        ("logged out", LoggedOutPage { chrome: chrome(locale) }.render().unwrap()),
        ("set password", set_password(locale, None)),
        ("set password again", set_password(locale, Some(PasswordNotice::Differs))),
        ("password saved", PasswordSavedPage { chrome: chrome(locale), sign_in: "/e/iut/account".into() }.render().unwrap()),
        ("accessibility", AccessibilityPage { chrome: chrome(locale) }.render().unwrap()),
        ("error", error.render().unwrap()),
    ]
}

fn every_page() -> impl Iterator<Item = (&'static str, Locale, String)> {
    Locale::ALL.into_iter().flat_map(|locale| all(locale).into_iter().map(move |(name, html)| (name, locale, html)))
}

/// The values of an attribute, in order.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    html.split(&format!(" {attribute}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn the_promised_names_are_there() {
    let wrong = sign_in(Locale::Fr, Some(SignInNotice::Wrong));
    let named = |html: &str, ids: &[&str]| ids.iter().all(|id| values(html, "id").contains(id));
    assert!(named(&wrong, &["username", "password", "sign-in", "error"]));
    assert!(!named(&sign_in(Locale::Fr, None), &["error"]));
    assert!(named(&choice(Locale::Fr, Vec::new(), ""), &["establishment", "continue"]));
    assert!(named(&consent(Locale::En), &["allow", "deny"]));
    assert!(named(&set_password(Locale::En, None), &["password", "password-confirm", "save"]));
    for (name, id) in [("logout", "logout-confirm"), ("logged out", "logged-out"), ("error", "error-title"), ("error", "error-detail")] {
        assert!(all(Locale::En).iter().any(|(page, html)| *page == name && named(html, &[id])), "{id}");
    }
}

#[test]
fn nothing_typed_becomes_markup_and_nothing_needs_a_script() {
    for (name, locale, html) in every_page() {
        assert!(!html.contains("<script") && !html.contains("style=\"") && !html.contains("<style"), "{name} {locale}");
        assert!(!html.contains(" onclick") && !html.contains("javascript:"), "{name} {locale}");
    }
}

#[test]
fn every_text_is_there_in_both_languages() {
    for (name, locale, html) in every_page() {
        assert!(!html.contains('⟦'), "{name} {locale}");
    }
    for locale in Locale::ALL {
        let problems = Problem::ALL.map(|p| ErrorPage::of(chrome(locale), p));
        let authorization = PageError::ALL.map(|e| ErrorPage::authorization(chrome(locale), e));
        let logout = LogoutError::ALL.map(|e| ErrorPage::logout(chrome(locale), e));
        for page in problems.into_iter().chain(authorization).chain(logout) {
            let html = page.render().unwrap();
            assert!(!html.contains('⟦'), "{}", page.title);
        }
    }
}

#[test]
fn distinct_failures_have_distinct_sentences() {
    let notices = [
        SignInNotice::Wrong,
        SignInNotice::Missing,
        SignInNotice::Throttled { retry_after_s: 30 },
        SignInNotice::Unavailable,
        SignInNotice::Barred(Bar::AccountDisabled),
        SignInNotice::Barred(Bar::AccountExpired),
        SignInNotice::Barred(Bar::PasswordExpired),
        SignInNotice::Barred(Bar::PasswordToChange),
        SignInNotice::Barred(Bar::NotNow),
        SignInNotice::Again,
    ];
    let mut pages: Vec<_> = notices.into_iter().map(|n| sign_in(Locale::Fr, Some(n))).collect();
    assert!(pages.iter().any(|html| html.contains("30 secondes")));
    pages.sort();
    pages.dedup();
    assert_eq!(pages.len(), notices.len());
}

#[test]
fn pages_have_a_language_a_title_landmarks_and_a_way_past_them() {
    for (name, locale, html) in every_page() {
        assert!(html.starts_with("<!doctype html>") && html.contains(&format!("<html lang=\"{locale}\">")), "{name} {locale}");
        for once in ["<title>", "<h1", "<main id=\"content\"", "<header", "<footer", "href=\"#content\""] {
            assert_eq!(html.matches(once).count(), 1, "{name} {locale}: {once}");
        }
        assert!(html.contains("href=\"/accessibility\""), "{name} {locale}");
    }
}

#[test]
fn fields_are_labelled_ids_distinct_and_references_resolved() {
    for (name, locale, html) in every_page() {
        let ids = values(&html, "id");
        let mut distinct = ids.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(ids.len(), distinct.len(), "{name} {locale}: {ids:?}");
        let labelled = values(&html, "for");
        for input in html.split("<input ").skip(1).filter(|tag| !tag.starts_with("type=\"hidden\"")) {
            let id = input.split("id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
            assert!(labelled.contains(&id), "{name} {locale}: {id}");
            assert!(input.split('>').next().unwrap().contains("autocomplete=\""), "{name} {locale}: {id}");
        }
        for reference in ["aria-describedby", "aria-labelledby"].into_iter().flat_map(|a| values(&html, a)).flat_map(str::split_whitespace)
        {
            assert!(ids.contains(&reference), "{name} {locale}: {reference}");
        }
    }
}

#[test]
fn every_form_that_changes_something_has_its_token() {
    for (name, locale, html) in every_page() {
        for form in html.split("<form ").skip(1).filter(|f| f.starts_with("method=\"post\"")) {
            let form = form.split("</form>").next().unwrap();
            assert!(form.contains("name=\"csrf\" value=\"token\""), "{name} {locale}");
        }
    }
}

#[test]
fn failures_are_announced_and_tied_to_their_fields() {
    let html = sign_in(Locale::En, Some(SignInNotice::Wrong));
    assert!(html.contains("id=\"error\" class=\"notice wrong\" role=\"alert\""));
    assert_eq!(html.matches("aria-invalid=\"true\"").count(), 2);
    assert!(values(&html, "aria-describedby").iter().all(|v| v.split(' ').any(|id| id == "error")));
}

#[test]
fn classes_used_are_styled() {
    let used: std::collections::BTreeSet<_> =
        every_page().flat_map(|(_, _, html)| values(&html, "class").join(" ").split(' ').map(str::to_owned).collect::<Vec<_>>()).collect();
    let unstyled: Vec<_> = used.iter().filter(|class| !STYLESHEET.contains(&format!(".{class}"))).collect();
    assert!(used.len() > 15 && unstyled.is_empty(), "{unstyled:?}");
}
