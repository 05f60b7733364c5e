//! The files that come from the code are as the code says.
#![allow(clippy::unwrap_used, reason = "a test file")]

#[path = "../tools/generate/files/mod.rs"]
mod files;

use std::fs;
use std::path::Path;

#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, content) in files::all(root).unwrap() {
        // Not assert_eq!: the whole of both would hide the advice.
        let found = fs::read_to_string(root.join(name)).unwrap_or_default();
        let same = found.lines().zip(content.lines()).take_while(|(found, made)| found == made).count();
        assert!(found == content, "{name} differs from the code in line {}; run: make generate", same + 1);
    }
}
