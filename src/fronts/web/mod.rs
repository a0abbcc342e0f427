//! Pages for people: sign-in, consent, sign-out, invitations.

pub mod csp;
pub mod error_page;
pub mod pages;
