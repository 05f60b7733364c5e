//! What `make plugin` puts together: everything that the package names, the program, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn files(root: &Path, folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(root, &path, found);
        } else {
            found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn what_is_put_together_is_what_the_package_names() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("plugin");
    for _ in 0..2 {
        let made = Command::new("bash")
            .args(["scripts/plugin.sh", env!("CARGO_BIN_EXE_agent-identity")])
            .arg(&plugin)
            .current_dir(repository)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let mut found = BTreeSet::new();
    files(&plugin, &plugin, &mut found);
    let expected = [
        "LICENSE",
        "README-cn.md",
        "README.md",
        "bin/agent-identity",
        "bridge/child.js",
        "bridge/find.js",
        "bridge/index.js",
        "bridge/static.json",
        "identity/SKILL.md",
        "openclaw.plugin.json",
        "package.json",
    ];
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    let package: Value = serde_json::from_slice(&fs::read(repository.join("package.json")).unwrap()).unwrap();
    for named in package["files"].as_array().unwrap() {
        assert!(plugin.join(named.as_str().unwrap()).exists(), "{named} is named and not there");
    }
    let version = Command::new(plugin.join("bin/agent-identity")).arg("version").output().unwrap();
    assert!(version.status.success());
}
