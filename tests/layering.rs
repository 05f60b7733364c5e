//! The map of `ARCHITECTURE.md`, enforced: modules import downwards only, and each outside package has one home.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules from the ground up. A module may use the layers below its own, and itself.
const LAYERS: [&[&str]; 12] = [
    &["sys"],
    &["base"],
    &["config", "http", "jwt", "net", "peer", "risk"],
    &["records"],
    &["audit", "session", "volc"],
    &["message", "shared"],
    &["credential", "oidc", "tip"],
    &["authz"],
    &["action"],
    &["surface"],
    &["app"],
    &["fuzzing"],
];

/// The emulator stands apart: it is written from the wire reference and may share nothing with the client but the base.
const EMULATOR_USES: [&str; 2] = ["base", "emulator"];

/// Packages and the only places that may name them.
const HOMES: [(&str, &[&str]); 12] = [
    ("libc", &["src/sys/"]),
    ("rustix", &["src/sys/"]),
    ("getrandom", &["src/sys/"]),
    ("httparse", &["src/http/"]),
    ("rustls", &["src/net/tls.rs"]),
    ("webpki", &["src/net/tls.rs"]),
    ("ureq", &["src/net/", "src/emulator/"]),
    ("tiny_http", &["src/surface/callback/", "src/emulator/"]),
    ("aes_gcm", &["src/base/crypto.rs"]),
    ("jiff", &["src/base/date.rs"]),
    ("json5", &["src/config/"]),
    ("redis", &["src/shared/"]),
];

#[test]
fn modules_import_downwards_only() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some(module) = module_of(&file) else { continue };
        for used in used_modules(&text) {
            let allowed = match (layer_of(&module), layer_of(&used)) {
                _ if module == "emulator" => EMULATOR_USES.contains(&used.as_str()),
                (Some(user), Some(used_layer)) => used_layer < user || module == used,
                _ => false,
            };
            if !allowed {
                wrong.push(format!("{} ({module}) uses {used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the direction:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_of_the_crate_has_a_layer() {
    let root = fs::read_to_string(repository().join("src/lib.rs")).unwrap();
    let declared: BTreeSet<_> = root
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub mod ").or_else(|| line.trim().strip_prefix("mod ")))
        .map(|rest| rest.trim_end_matches(';').to_owned())
        .filter(|name| name != "emulator")
        .collect();
    let listed: BTreeSet<_> =
        LAYERS.iter().flat_map(|layer| layer.iter().map(|name| (*name).to_owned())).collect();
    assert_eq!(declared, listed);
}

#[test]
fn packages_stay_at_home() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let name = file.to_string_lossy().replace('\\', "/");
        for (package, homes) in HOMES {
            let used = code(&text).any(|line| mentions(line, package));
            if used && !homes.iter().any(|home| name.starts_with(home)) {
                wrong.push(format!("{name} uses {package}, which belongs to {}", homes.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_code_stays_behind_the_wall() {
    for (file, text) in sources() {
        if !file.starts_with("src/sys") {
            let allowed = code(&text).any(|line| line.contains("allow(unsafe_code)"));
            assert!(!allowed || file == Path::new("src/lib.rs"), "{} allows unsafe code", file.display());
        }
    }
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// `src/session/store.rs` belongs to `session`; the crate root and the binaries to none.
fn module_of(file: &Path) -> Option<String> {
    let inner = file.strip_prefix("src").ok()?;
    let first = inner.components().next()?.as_os_str().to_str()?;
    match first {
        "lib.rs" | "bin" => None,
        name => Some(name.trim_end_matches(".rs").to_owned()),
    }
}

/// Every `x` of a `crate::x` in the code.
fn used_modules(text: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for line in code(text) {
        for rest in line.split("crate::").skip(1) {
            if let Some(group) = rest.strip_prefix('{') {
                let names = group.split('}').next().unwrap_or_default().split(',');
                used.extend(names.map(|name| word(name.trim())));
            } else {
                used.insert(word(rest));
            }
        }
    }
    used.retain(|name| !name.is_empty());
    used
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_' || c.is_ascii_digit()).collect()
}

fn mentions(line: &str, package: &str) -> bool {
    line.match_indices(package).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let starts =
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '"' || c == '`');
        starts && line[at + package.len()..].starts_with("::")
    })
}

/// Lines without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split("//").next().unwrap_or_default())
}

fn sources() -> Vec<(PathBuf, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![repository().join("src")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(repository()).unwrap().to_owned(), text));
            }
        }
    }
    assert!(found.len() > 20);
    found
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
