//! What a list of resources is asked for: a closed condition, an order, a part of the whole. It writes no SQL.

use uuid::Uuid;

/// A column that holds text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextColumn {
    /// The feed's own key.
    ExternalId,
    /// `userName` or `displayName` without letter case.
    Name,
    /// The key of a person as text.
    PersonKey,
    /// The key of a group as text.
    GroupKey,
}

/// A column that holds a whole number or an instant, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberColumn {
    /// `meta.created`.
    CreatedAt,
    /// `meta.lastModified`.
    UpdatedAt,
    /// The revision.
    Rev,
}

/// How a text is compared, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// The same.
    Is(String),
    /// Contains it. Never empty.
    Contains(String),
    /// Begins with it.
    Begins(String),
    /// Ends with it.
    Ends(String),
    /// Sorts before it.
    Below(String),
    /// Sorts before it, or is the same.
    AtMost(String),
    /// Sorts after it.
    Above(String),
    /// Sorts after it, or is the same.
    AtLeast(String),
}

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The same.
    Is,
    /// Less.
    Below,
    /// Less, or the same.
    AtMost,
    /// More.
    Above,
    /// More, or the same.
    AtLeast,
}

/// A condition on a resource, or within [`Where::Element`] on one element of it. Each is true or false, never unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// All of them.
    All(Vec<Where>),
    /// One of them.
    Any(Vec<Where>),
    /// Not this.
    Not(Box<Where>),
    /// Yes or no.
    Constant(bool),
    /// The key.
    Key(Uuid),
    /// A column of text.
    Text(TextColumn, Test),
    /// There is an external id.
    HasExternalId,
    /// Whether the feed lets the person in.
    Active(bool),
    /// A column of a number.
    Number(NumberColumn, Order, i64),
    /// A text of an attribute.
    Value(String, Test),
    /// A text of an attribute that begins like this, found by the index of beginnings. Not for elements.
    Indexed {
        /// The attribute's path.
        attribute: String,
        /// The beginning of the text: all of it, where it is shorter than beginnings are.
        head: String,
    },
    /// A number of an attribute.
    ValueNumber(String, Order, i64),
    /// A value of an attribute.
    HasValue(String),
    /// One element of a multi-valued attribute for which all that stands inside holds.
    Element(String, Box<Where>),
    /// A member of the group: a person or a group.
    Member(Uuid),
    /// The group has members.
    HasMembers,
    /// A group of the feed that the person is in directly.
    InGroup(Uuid),
    /// The person is in a group of the feed.
    HasGroups,
    /// One member of the group fulfils this: the first where it is a person, the second where it is a group. Keys, names and constants alone stand inside.
    MemberWith(Box<Where>, Box<Where>),
    /// One group of the feed that the person is in directly fulfils this. Keys, names and constants alone stand inside.
    GroupWith(Box<Where>),
}

impl Where {
    /// Whether an index leads to what it names, so that not everything of a feed is looked through.
    pub fn is_looked_up(&self) -> bool {
        match self {
            Self::Constant(_) | Self::Key(_) | Self::Indexed { .. } | Self::Member(_) | Self::InGroup(_) | Self::Text(_, Test::Is(_)) => {
                true
            }
            Self::All(all) => all.iter().any(|one| !matches!(one, Self::Constant(_)) && one.is_looked_up()),
            Self::Any(any) => any.iter().all(Self::is_looked_up),
            Self::Not(_)
            | Self::Text(..)
            | Self::HasExternalId
            | Self::Active(_)
            | Self::Number(..)
            | Self::Value(..)
            | Self::ValueNumber(..)
            | Self::HasValue(_)
            | Self::Element(..)
            | Self::HasMembers
            | Self::HasGroups
            | Self::MemberWith(..)
            | Self::GroupWith(_) => false,
        }
    }

    /// Whether this names one resource of a kind at most: by what no two of a feed share.
    pub(super) fn names_one(&self) -> bool {
        let among = |all: &[Where]| all.iter().any(Self::names_one);
        matches!(self, Where::Key(_) | Where::Text(_, Test::Is(_))) || matches!(self, Where::All(all) if among(all))
    }
}

/// What a list is ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// `userName` or `displayName`.
    Name,
    /// The feed's own key.
    ExternalId,
    /// When it was made.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
    /// The leading text of an attribute.
    Text(String),
    /// The leading number of an attribute.
    Number(String),
}

/// Which part of a list.
#[derive(Clone, Debug, Default)]
pub struct Slice {
    /// The order; by key when none.
    pub sort: Option<(SortKey, bool)>,
    /// Only keys after this one, where the order is by key.
    pub after: Option<Uuid>,
    /// How many are left out at the beginning; at the end, where it is read from there.
    pub offset: i64,
    /// Read from the end, where the order is by key; it is given in order all the same.
    pub from_end: bool,
    /// How many.
    pub limit: i64,
}
