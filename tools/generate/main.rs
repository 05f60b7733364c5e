//! `make generate`: writes the files that say the same as the code, so that the code is the only place to change.
//!
//! `tests/generated.rs` makes the same contents and fails when a file differs.

mod files;

use std::io::{self, Write};
use std::path::Path;
use std::{error, fs};

fn main() -> Result<(), Box<dyn error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, content) in files::all(root)? {
        let path = root.join(name);
        if fs::read_to_string(&path).is_ok_and(|old| old == content) {
            continue;
        }
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&path, content)?;
        writeln!(io::stdout(), "wrote {name}")?;
    }
    Ok(())
}
