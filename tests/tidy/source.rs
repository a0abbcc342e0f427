//! The tree as the rules see it: its files, their code without texts and comments, the paths they name, the functions they hold.
//! It knows no rule. It reads files laid out by rustfmt and relies on that layout.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// Deepest folder looked into.
const DEPTH_MAX: usize = 12;
/// Folders that are made, not written.
const MADE: [&str; 3] = ["target", "data", "node_modules"];

/// A file of the tree.
#[derive(Debug)]
pub struct File {
    /// Its path from the root, with `/`.
    pub path: String,
    /// Its text; nothing when it is not UTF-8.
    pub text: String,
    /// For Rust, its text as [`code_only`] leaves it.
    pub code: String,
}

impl File {
    pub fn new(path: String, text: String) -> Self {
        let code = if path.ends_with("rs") { code_only(&text) } else { String::new() };
        Self { path, text, code }
    }

    /// What follows the last point of its name.
    pub fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    pub fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }

    /// Whether the file is part of the product, and not of its tests or benchmarks.
    pub fn is_product(&self) -> bool {
        self.is_rust() && (self.path.starts_with("src/") || self.path.starts_with("connectors/src/"))
    }

    /// The modules above the file's own items: `src/services/oidc/pkce.rs` is in `services`, `oidc`, `pkce`.
    pub fn module(&self) -> Vec<String> {
        let inner = self.path.trim_start_matches("connectors/").trim_start_matches("src/").trim_end_matches(".rs");
        let parts = inner.split('/').filter(|part| !matches!(*part, "mod" | "lib"));
        parts.map(str::to_owned).collect()
    }
}

/// Every file of the tree but those that are made. Read once for all rules.
pub fn tree() -> &'static [File] {
    static TREE: LazyLock<Vec<File>> = LazyLock::new(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        collect(root, root, 0, &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    });
    &TREE
}

fn collect(root: &Path, folder: &Path, depth: usize, files: &mut Vec<File>) {
    assert!(depth <= DEPTH_MAX, "{} lies deeper than {DEPTH_MAX} folders", folder.display());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // `data` is made at the root only: a gateway started here keeps its stores there.
        if name == ".git" || (depth == 0 && MADE.contains(&name.as_str())) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, depth + 1, files);
        } else {
            let text = std::fs::read(&path).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
            files.push(File::new(path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"), text));
        }
    }
}

/// Rust without its comments and without what stands in texts: the rules look at names, and a text may name anything. Lines stay where they are.
pub fn code_only(text: &str) -> String {
    static TOKENS: LazyLock<Regex> = LazyLock::new(|| Regex::new(TOKEN).unwrap());
    const TOKEN: &str = r##"(?s)//[^\n]*|/\*.*?\*/|b?r#".*?"#|b?r"[^"]*"|b?"(?:\\.|[^"\\])*"|b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^\\'\n])'"##;
    let kept = TOKENS.replace_all(text, |found: &regex::Captures<'_>| {
        let newlines = "\n".repeat(found[0].matches('\n').count());
        if found[0].starts_with('/') { newlines } else { format!("\"{newlines}\"") }
    });
    kept.into_owned()
}

/// The paths inside the crate that a module's code names, from the crate's root: `use` trees spread out, `super` followed.
pub fn crate_paths(module: &[String], code: &str) -> Vec<Vec<String>> {
    static USES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?s)\buse\s+([^;]+);").unwrap());
    static INLINE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:crate|passerelle|super)(?:::\w+)+").unwrap());
    let mut written = Vec::new();
    for tree in USES.captures_iter(code) {
        let joined: String = tree[1].split_whitespace().collect::<Vec<_>>().join(" ");
        spread("", &joined, &mut written);
    }
    written.extend(USES.replace_all(code, "").lines().flat_map(|line| INLINE.find_iter(line)).map(|found| found.as_str().to_owned()));
    written.iter().filter_map(|path| from_root(module, path)).collect()
}

/// `a::{b, c::{d, e}}` → `a::b`, `a::c::d`, `a::c::e`.
fn spread(prefix: &str, tree: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((before, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree);
        found.push(format!("{prefix}{path}"));
        return;
    };
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    let (mut depth, mut start) = (0_usize, 0);
    for (at, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                spread(&format!("{prefix}{before}"), &inner[start..at], found);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inner[start..].trim().is_empty() {
        spread(&format!("{prefix}{before}"), &inner[start..], found);
    }
}

fn from_root(module: &[String], path: &str) -> Option<Vec<String>> {
    let mut parts = path.split("::").peekable();
    let mut base = match parts.next()? {
        "crate" | "passerelle" => Vec::new(),
        "super" => module.split_last()?.1.to_vec(),
        _ => return None,
    };
    while parts.next_if(|part| *part == "super").is_some() {
        base.pop()?;
    }
    base.extend(parts.map(str::to_owned));
    Some(base)
}

/// A function: its name, its first line from 1, and its lines of code between the braces, as clippy counts them.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub line: usize,
    pub length: usize,
}

/// The functions of a file: each ends at the first closing brace that stands as far left as its own line.
pub fn functions(code: &str) -> Vec<Function> {
    let signature = Regex::new(r"^(\s*)(?:pub(?:\([^)]*\))?\s+)?(?:(?:const|async|extern)\s+)*fn\s+(\w+)").unwrap();
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(parts) = signature.captures(line) else { continue };
        let end = format!("{}}}", &parts[1]);
        // A declaration without a body ends in a semicolon; a body on the same line has no lines of its own.
        let rest = &lines[at..];
        let Some(opening) = rest.iter().position(|line| line.ends_with('{') || line.ends_with(';') || line.ends_with('}')) else {
            continue;
        };
        if !rest[opening].ends_with('{') {
            continue;
        }
        let body = rest.iter().skip(opening + 1).take_while(|line| **line != end);
        let length = body.filter(|line| !line.trim().is_empty()).count();
        found.push(Function { name: parts[2].to_owned(), line: at + 1, length });
    }
    found
}
