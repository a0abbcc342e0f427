//! The demo's entries as filters see them, and filters as the wire brings them. Decides nothing itself.

use std::borrow::Cow;

use connectors::filter::{Assertion, Filter, Held, Parts};
pub(super) use connectors::filter::{equal, matches};
use ldap3_proto::proto::{LdapFilter, LdapMatchingRuleAssertion, LdapSubstringFilter};

use super::tree::Node;

impl Held for Node {
    fn dn(&self) -> &str {
        &self.dn
    }

    fn values(&self, canonical: &str) -> Vec<Cow<'_, [u8]>> {
        Self::values(self, canonical)
    }
}

/// The filter of a request. The decoder bounds how deep filters nest.
pub(super) fn of(filter: LdapFilter) -> Filter {
    let each = |parts: Vec<LdapFilter>| parts.into_iter().map(of).collect();
    match filter {
        LdapFilter::And(parts) => Filter::And(each(parts)),
        LdapFilter::Or(parts) => Filter::Or(each(parts)),
        LdapFilter::Not(part) => Filter::Not(Box::new(of(*part))),
        LdapFilter::Present(name) => Filter::Present(name),
        LdapFilter::Equality(name, value) => Filter::Equal(name, value.into_bytes()),
        LdapFilter::Approx(name, value) => Filter::Approx(name, value.into_bytes()),
        LdapFilter::GreaterOrEqual(name, value) => Filter::AtLeast(name, value.into_bytes()),
        LdapFilter::LessOrEqual(name, value) => Filter::AtMost(name, value.into_bytes()),
        LdapFilter::Substring(name, LdapSubstringFilter { initial, any, final_ }) => {
            Filter::Substring(name, Parts { initial, any, last: final_ })
        }
        LdapFilter::Extensible(LdapMatchingRuleAssertion { matching_rule, type_, match_value, dn_attributes }) => {
            Filter::Extensible(Assertion { rule: matching_rule, name: type_, value: match_value.into_bytes(), dn: dn_attributes })
        }
    }
}
