//! The NUL character (U+0000): no text of ours holds it. PostgreSQL keeps none in a text or a JSON value, and what only a file could keep
//! would move nowhere.

use serde_json::Value;

use super::Invalid;

/// Finds the first text, or name of a member, with a NUL character: its path with dots and brackets. Readers of JSON bound the depth.
pub fn within(value: &Value) -> Option<String> {
    find(value, "")
}

/// Refuses a value within which there is one, naming its field.
///
/// # Errors
/// `Invalid` with the path below `field`, which may be empty.
pub fn refuse(field: &str, value: &Value) -> Result<(), Invalid> {
    match find(value, field) {
        Some(path) => Err(Invalid::new(path, "holds the NUL character (U+0000), which no text may hold: leave it out")),
        None => Ok(()),
    }
}

fn find(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(|| path.to_owned()),
        Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| find(item, &format!("{path}[{at}]"))),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let shown = name.replace('\0', "\u{fffd}");
            let inner = if path.is_empty() { shown } else { format!("{path}.{shown}") };
            if name.contains('\0') { Some(inner) } else { find(member, &inner) }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_found_wherever_it_stands_and_the_place_is_named() {
        assert_eq!(within(&json!({ "a": [1, null, true, "b", { "c": "d\\0" }] })), None);
        assert_eq!(within(&json!({ "a": ["b", { "c": "d\0" }] })).as_deref(), Some("a[1].c"));
        assert_eq!(within(&json!({ "a": { "b\0": 1 } })).as_deref(), Some("a.b\u{fffd}"));
        assert_eq!(within(&json!("\0")).as_deref(), Some(""));
        assert_eq!(refuse("settings", &json!({ "x": "\0" })).map_err(|wrong| wrong.field), Err("settings.x".to_owned()));
        assert_eq!(refuse("settings", &json!({ "x": "y" })), Ok(()));
    }
}
