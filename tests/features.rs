//! `docs/features.md` is the truth: each row's tests exist.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_named_test_exists() {
    let mut missing = Vec::new();
    for (id, tests) in rows() {
        for test in tests
            .split([',', ' '])
            .map(|name| name.trim_matches('`'))
            .filter(|name| !matches!(*name, "" | "—"))
        {
            if !exists(test) {
                missing.push(format!("{id}: {test}"));
            }
        }
    }
    assert!(missing.is_empty(), "docs/features.md names tests that do not exist:\n{}", missing.join("\n"));
}

#[test]
fn ids_are_unique_and_rows_are_whole() {
    let rows = rows();
    let ids: BTreeSet<_> = rows.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), rows.len());
    assert!(rows.len() >= 400, "only {} rows", rows.len());
    assert!(rows.iter().all(|(_, tests)| !tests.is_empty()));
}

/// Id and test column of each row.
fn rows() -> Vec<(String, String)> {
    let text = fs::read_to_string(repository().join("docs/features.md")).unwrap();
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| id |") && !line.starts_with("| --"));
    rows.map(|line| {
        let cells: Vec<_> = line.trim().trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 3, "not three cells: {line}");
        (cells[0].to_owned(), cells[2].to_owned())
    })
    .collect()
}

/// `module::path::tests::name` is a unit test below `src/`, `file::name` a test of `tests/file.rs`.
fn exists(test: &str) -> bool {
    let Some((path, name)) = test.rsplit_once("::") else { return false };
    let candidates: Vec<PathBuf> = match path.strip_suffix("::tests") {
        Some(module) => {
            let module = module.replace("::", "/");
            ["{}.rs", "{}/mod.rs", "{}/tests.rs"]
                .map(|form| format!("src/{}", form.replace("{}", &module)).into())
                .to_vec()
        }
        None => vec![format!("tests/{path}.rs").into(), format!("tests/{path}/main.rs").into()],
    };
    candidates.iter().any(|file| {
        let text = fs::read_to_string(repository().join(file)).unwrap_or_default();
        text.contains(&format!("fn {name}()"))
    })
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
