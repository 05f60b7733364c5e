//! Packages from npm that single tests need, named by a lock file below `tests/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::text;

/// Copies `files` of `tests/<name>` to a cache below the target folder and installs there what the lock file names,
/// once. `Err` says why that did not work, which is mostly the lack of a network.
pub fn install(name: &str, files: &[&str]) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    let lock = fs::read(source.join("package-lock.json")).unwrap();
    for file in ["package.json", "package-lock.json"].iter().chain(files) {
        fs::copy(source.join(file), folder.join(file)).unwrap();
    }
    let stamp = folder.join("installed");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(folder);
    }
    let args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    let output = Command::new("npm").args(args).current_dir(&folder).stdin(Stdio::null()).output().unwrap();
    if !output.status.success() {
        return Err(format!("npm could not install {name}: {}", text(&output.stderr).trim()));
    }
    fs::write(stamp, lock).unwrap();
    Ok(folder)
}
