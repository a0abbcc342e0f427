//! Whether an account is open, by declaration: which attribute says so, and how. Pure: it reads no clock, so a date is handed on as a time.

use serde_json::Value;

use super::moment::Form;
use crate::mapping::{Mapping, Selector};
use crate::record::Turn;

/// Attributes that may say something about an account.
pub const RULES_MAX: usize = 16;
/// Values that one rule may list.
pub const VALUES_MAX: usize = 64;
/// The keys of a rule.
const KEYS: [&str; 6] = ["attribute", "inactive", "active", "bits", "until", "from"];
const FORMS: &str = "accepted: a list of names such as `schacExpiryDate`, or of objects with `attribute` and one of \
    `inactive` (values that close it), `active` (the only values that leave it open), `bits` (a mask), `until` or `from` \
    (`generalized_time`, `filetime`, `unix_seconds`, `unix_days` or `date`)";

/// An attribute, what is taken of its values, and what they say.
type Known = (&'static str, &'static str, fn() -> Test);

/// The attributes that need no more than their name, and what they say.
const KNOWN: [Known; 17] = [
    // MS-ADTS §2.2.16: ACCOUNTDISABLE; and of the computed one: locked out.
    ("userAccountControl", "", || Test::Bits(0x2)),
    ("msDS-User-Account-Control-Computed", "", || Test::Bits(0x10)),
    ("accountExpires", "", || Test::Until(Form::FileTime)),
    // 0 when nobody locked it; a lock that passes by itself stays written until the next sign-in.
    ("lockoutTime", "", || Test::Active(texts(&["0"]))),
    // draft-behera-ldap-password-policy §5.3.3: locked for good; any other value is a lock that passes.
    ("pwdAccountLockedTime", "", || Test::Inactive(texts(&["000001010000Z"]))),
    ("pwdStartTime", "", || Test::From(Form::GeneralizedTime)),
    ("pwdEndTime", "", || Test::Until(Form::GeneralizedTime)),
    ("nsAccountLock", "", || Test::Inactive(texts(&["true"]))),
    ("inetUserStatus", "", || Test::Inactive(texts(&["inactive", "deleted"]))),
    // eDirectory.
    ("loginDisabled", "", || Test::Inactive(texts(&["true"]))),
    ("lockedByIntruder", "", || Test::Inactive(texts(&["true"]))),
    ("loginExpirationTime", "", || Test::Until(Form::GeneralizedTime)),
    ("loginActivationTime", "", || Test::From(Form::GeneralizedTime)),
    ("schacExpiryDate", "", || Test::Until(Form::GeneralizedTime)),
    // SUPANN 2021, `{COMPTE}état[:sous-état]`: A open, I closed, S suspended.
    ("supannRessourceEtat", "{COMPTE}", || Test::Inactive(texts(&["I", "I:*", "S", "S:*"]))),
    ("krbPrincipalExpiration", "", || Test::Until(Form::GeneralizedTime)),
    // RFC 2307: days since 1970; -1 for never.
    ("shadowExpire", "", || Test::Until(Form::UnixDays)),
];

/// What says whether an account is open, compiled over a mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountState {
    rules: Vec<Rule>,
}

/// One attribute, and how it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    attribute: String,
    selector: Selector,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    /// Closed by one of these; a `*` at the end stands for anything.
    Inactive(Vec<String>),
    /// Closed by anything else than these.
    Active(Vec<String>),
    /// Closed when one of these bits is set.
    Bits(u64),
    /// Closed from a time on.
    Until(Form),
    /// Closed before a time.
    From(Form),
}

/// What an entry says of its account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// What closes it, whatever the time.
    pub(crate) closed: Option<String>,
    /// From when on it is open.
    pub(crate) opens: Option<Turn>,
    /// From when on it is closed.
    pub(crate) closes: Option<Turn>,
}

impl AccountState {
    /// Compiles the declarations; `usual` are the names that stand for nothing said.
    ///
    /// # Errors
    /// What is wrong and what is accepted.
    pub fn compile(said: Option<&Value>, usual: &[&str], mapping: &mut Mapping) -> Result<Self, String> {
        let usual: Vec<Value> = usual.iter().map(|name| Value::from(*name)).collect();
        let declared = match said {
            None | Some(Value::Null) => &usual,
            Some(Value::Array(list)) if list.len() <= RULES_MAX => list,
            Some(Value::Array(_)) => return Err(format!("at most {RULES_MAX} attributes")),
            Some(_) => return Err(FORMS.to_owned()),
        };
        let rules = declared.iter().map(|one| Rule::compile(one, mapping)).collect::<Result<Vec<_>, String>>()?;
        Ok(Self { rules })
    }

    /// Reads an entry, its values those of the mapping's names.
    ///
    /// # Errors
    /// The attribute that cannot be understood: then nothing may be concluded.
    pub(crate) fn read<T: AsRef<str>>(&self, values: &[Vec<T>]) -> Result<Standing, String> {
        let mut standing = Standing::default();
        for rule in &self.rules {
            for raw in values.get(rule.selector.slot).map(Vec::as_slice).unwrap_or_default() {
                for value in rule.selector.take(raw.as_ref()) {
                    rule.judge(&value, raw.as_ref(), &mut standing)?;
                }
            }
        }
        Ok(standing)
    }

    /// The places of the attributes that are read.
    pub(crate) fn slots(&self) -> impl Iterator<Item = usize> {
        self.rules.iter().map(|rule| rule.selector.slot)
    }
}

impl Rule {
    fn compile(one: &Value, mapping: &mut Mapping) -> Result<Self, String> {
        let object = match one {
            Value::String(name) => return Self::known(name.trim(), mapping),
            Value::Object(object) => object,
            _ => return Err(FORMS.to_owned()),
        };
        if let Some(unknown) = object.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!("`{unknown}` is unknown; {FORMS}"));
        }
        let attribute = object.get("attribute").and_then(Value::as_str).map(str::trim).ok_or_else(|| FORMS.to_owned())?;
        let mut tests = object.iter().filter(|(key, _)| *key != "attribute");
        let test = match (tests.next(), tests.next()) {
            (None, _) => return Self::known(attribute, mapping),
            (Some((key, value)), None) => Test::compile(key, value).ok_or_else(|| format!("{attribute}.{key}: {FORMS}"))?,
            _ => return Err(format!("{attribute}: say one thing of it, and more in another line; {FORMS}")),
        };
        let selector = mapping.also(attribute).ok_or_else(|| format!("`{attribute}` names no attribute"))?;
        Ok(Self { attribute: attribute.to_owned(), selector, test })
    }

    fn known(name: &str, mapping: &mut Mapping) -> Result<Self, String> {
        let found = KNOWN.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
        let (known, steps, test) = found.ok_or_else(|| format!("what `{name}` means is not known here; {FORMS}"))?;
        let selector = mapping.also(&format!("{known}{steps}")).ok_or_else(|| format!("`{name}` names no attribute"))?;
        Ok(Self { attribute: (*known).to_owned(), selector, test: test() })
    }

    /// Adds what one value says.
    fn judge(&self, value: &str, raw: &str, standing: &mut Standing) -> Result<(), String> {
        let unclear = |what: &str| format!("{}: `{}` is not {what}", self.attribute, raw.chars().take(64).collect::<String>());
        let said = || format!("{} {raw}", self.attribute);
        let closed = match &self.test {
            Test::Inactive(values) => values.iter().any(|wanted| is_like(value, wanted)),
            Test::Active(values) => !values.iter().any(|wanted| is_like(value, wanted)),
            // Active Directory writes its flags as a signed number.
            Test::Bits(mask) => value.parse::<i64>().map_err(|_| unclear("a number"))?.cast_unsigned() & mask != 0,
            Test::Until(form) => {
                let end = form.read(value).ok_or_else(|| unclear(form.words()))?.ends();
                standing.close_at(end.map(|at| Turn { at, said: said() }));
                false
            }
            Test::From(form) => {
                let start = form.read(value).ok_or_else(|| unclear(form.words()))?.starts();
                standing.open_at(start.map(|at| Turn { at, said: said() }));
                false
            }
        };
        if closed && standing.closed.is_none() {
            standing.closed = Some(said());
        }
        Ok(())
    }
}

impl Standing {
    fn close_at(&mut self, turn: Option<Turn>) {
        if let Some(turn) = turn.filter(|turn| self.closes.as_ref().is_none_or(|known| turn.at < known.at)) {
            self.closes = Some(turn);
        }
    }

    fn open_at(&mut self, turn: Option<Turn>) {
        if let Some(turn) = turn.filter(|turn| self.opens.as_ref().is_none_or(|known| turn.at > known.at)) {
            self.opens = Some(turn);
        }
    }
}

impl Test {
    fn compile(key: &str, value: &Value) -> Option<Self> {
        let form = || Form::named(value.as_str()?);
        match key {
            "inactive" => list(value).map(Self::Inactive),
            "active" => list(value).map(Self::Active),
            "bits" => value.as_u64().filter(|mask| *mask != 0).map(Self::Bits),
            "until" => form().map(Self::Until),
            "from" => form().map(Self::From),
            _ => None,
        }
    }
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn list(value: &Value) -> Option<Vec<String>> {
    let list = value.as_array().filter(|list| (1..=VALUES_MAX).contains(&list.len()))?;
    list.iter().map(|item| item.as_str().map(|text| text.trim().to_owned())).collect()
}

fn is_like(value: &str, wanted: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => value.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
        None => value.eq_ignore_ascii_case(wanted),
    }
}

#[cfg(test)]
mod tests;
