//! The reference of the settings, in the file people start from and in the page they read: both say what the code says.

use std::fmt::Write;
use std::path::Path;

use passerelle::config::{Accepted, Config, Setting, settings};

use super::variables;

/// Width of the comments in `config/passerelle.toml`.
const COMMENT_WIDTH: usize = 116;

fn root(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The default of a setting as TOML writes it.
fn default_of(setting: &Setting) -> Option<String> {
    let all = toml::Value::try_from(Config::default()).unwrap();
    let value = setting.key.split('.').try_fold(&all, |inner, part| inner.get(part))?;
    Some(value.to_string())
}

fn section_of(setting: &Setting) -> &'static str {
    setting.key.split_once('.').map_or("", |(section, _)| section)
}

fn comment(text: &str) -> String {
    let mut lines = String::new();
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > COMMENT_WIDTH {
            writeln!(lines, "{line}").unwrap();
            line = String::from("#");
        }
        write!(line, " {word}").unwrap();
    }
    writeln!(lines, "{line}").unwrap();
    lines
}

fn toml_reference() -> String {
    let mut out = comment(
        "Every setting of Passerelle with its default. An environment variable wins over this file: limits.body_max_bytes is \
         PASSERELLE__LIMITS__BODY_MAX_BYTES. Start with `passerelle serve --config FILE`.",
    );
    let mut section = "";
    for setting in settings() {
        if section_of(setting) != section {
            section = section_of(setting);
            write!(out, "\n[{section}]").unwrap();
        }
        let name = setting.key.rsplit('.').next().unwrap();
        write!(out, "\n{}{}", comment(setting.meaning), comment(&format!("Takes {}.", setting.accepted))).unwrap();
        match default_of(setting) {
            Some(value) => writeln!(out, "{name} = {value}").unwrap(),
            None => writeln!(out, "# {name} = \"\"").unwrap(),
        }
    }
    out
}

fn markdown_reference() -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         `passerelle serve` needs no file: without one it works on `./data`, with the defaults below. `passerelle serve --config FILE` reads a TOML\n\
         file (`config/passerelle.toml` is one with every setting). A setting is taken from, the later winning: its default, the file, its environment\n\
         variable, the argument `--data DIR` (which stands for `store.url`). All of it is checked before the gateway opens a socket; what is wrong is\n\
         told with its place, what was given and what is accepted.\n\n\
         A variable is `PASSERELLE__`, the section, `__` and the name, in capitals.\n",
    );
    let mut section = "-";
    for setting in settings() {
        if section_of(setting) != section {
            section = section_of(setting);
            let title = if section.is_empty() { "At the top of the file".to_owned() } else { format!("`[{section}]`") };
            write!(out, "\n## {title}\n").unwrap();
        }
        let default = default_of(setting).map_or("not set".to_owned(), |value| format!("`{value}`"));
        let secret = if matches!(setting.accepted, Accepted::Text { secret: true, .. }) { " Never shown in messages or logs." } else { "" };
        write!(out, "\n### `{}`\n\n{}{secret}\n\n", setting.key, setting.meaning).unwrap();
        write!(out, "- Takes {}\n- Default: {default}\n- Variable: `{}`\n", setting.accepted, setting.variable()).unwrap();
    }
    out
}

/// Compares a file with what the code says; where they differ, leaves the right text to be copied.
fn assert_file_says(path: &str, expected: &str) {
    let actual = std::fs::read_to_string(root(path)).unwrap_or_default();
    if actual != expected {
        let right = Path::new(env!("CARGO_TARGET_TMPDIR")).join(Path::new(path).file_name().unwrap());
        std::fs::write(&right, expected).unwrap();
        panic!("{path} does not say what the settings in src/config say. Copy {} over it.", right.display());
    }
}

#[test]
fn the_file_with_every_setting_is_the_default() {
    let file = root("config/passerelle.toml");
    let config = Config::load(Some(&file), variables(&[]), None).unwrap();
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    let text = std::fs::read_to_string(file).unwrap();
    for setting in settings() {
        let name = setting.key.rsplit('.').next().unwrap();
        assert!(text.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{name} ="))), "{name} is missing");
    }
}

#[test]
fn the_file_with_every_setting_explains_each() {
    assert_file_says("config/passerelle.toml", &toml_reference());
}

#[test]
fn the_reference_page_has_every_setting() {
    assert_file_says("docs/configuration.md", &markdown_reference());
}

#[test]
fn settings_and_structure_are_one() {
    // Secrets, and the files that hold them, are not set by default.
    let unset = |key: &str| key.starts_with("secrets.") || key.starts_with("mail.password");
    let described: Vec<_> = settings().map(|setting| setting.key.to_owned()).filter(|key| !unset(key)).collect();
    let table = toml::Table::try_from(Config::default()).unwrap();
    let mut held = Vec::new();
    for (section, value) in &table {
        match value {
            toml::Value::Table(inner) => held.extend(inner.keys().map(|name| format!("{section}.{name}"))),
            _ => held.push(section.clone()),
        }
    }
    let sorted = |mut keys: Vec<String>| {
        keys.sort();
        keys
    };
    assert_eq!(sorted(described), sorted(held), "a setting without a description, or a description without a setting");
}
