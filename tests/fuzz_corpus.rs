//! The committed fuzz corpus, replayed on stable; and the targets, the folders and the fuzz crate agree.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use agent_identity::fuzzing::TARGETS;

#[test]
fn the_corpus_replays() {
    for (name, target) in TARGETS {
        let mut seeds = 0;
        for entry in fs::read_dir(fuzz().join("corpus").join(name)).unwrap() {
            let seed = fs::read(entry.unwrap().path()).unwrap();
            target(&seed);
            // Every prefix, too: what arrives in parts is a prefix first.
            for end in 0..seed.len().min(512) {
                target(&seed[..end]);
            }
            seeds += 1;
        }
        assert!(seeds >= 2, "{name} has {seeds} seeds");
    }
}

#[test]
fn every_target_has_its_program_and_its_folder() {
    let names: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(stems(&fuzz().join("fuzz_targets")), names);
    assert_eq!(stems(&fuzz().join("corpus")), names);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in &names {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name} is not in fuzz/Cargo.toml"
        );
    }
}

fn stems(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn fuzz() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz"))
}
