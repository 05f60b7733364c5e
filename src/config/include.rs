//! `$include` in a configuration file, by the host's rules, and the reading of files with their limits.
//!
//! `{"$include": "base.json5", ...}` or a list of names: the files are merged in order, then the keys beside the
//! directive (lists are joined, objects merged, anything else replaced). A file must lie inside the directory of the
//! configuration file, also after symbolic links are followed.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::node::{Node, parse};
use super::paths::normal;
use crate::base::error::{Code, Error, Result};

/// The largest file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// How deep files may include each other; the host's limit.
pub const MAX_INCLUDE_DEPTH: usize = 10;
/// How many files one configuration may include in all.
pub const MAX_INCLUDES: usize = 64;

const DIRECTIVE: &str = "$include";

/// Reads a configuration file with all that it includes.
///
/// # Errors
/// [`Code::ConfigInvalid`] with the file, and the position for syntax errors; [`Code::NotFound`] only when `file`
/// itself does not exist.
pub fn read(file: &Path) -> Result<Node> {
    let node = parse_file(file)?;
    let file = normal(&std::path::absolute(file).unwrap_or_else(|_| file.to_owned()));
    let root = file.parent().map(Path::to_owned).unwrap_or_default();
    let real_root = root.canonicalize().unwrap_or_else(|_| root.clone());
    let mut includes = Includes { root, real_root, left: MAX_INCLUDES, open: vec![file] };
    includes.resolve(node)
}

struct Includes {
    root: PathBuf,
    real_root: PathBuf,
    left: usize,
    /// The chain of files that are being resolved, outermost first.
    open: Vec<PathBuf>,
}

impl Includes {
    fn resolve(&mut self, node: Node) -> Result<Node> {
        match node {
            Node::List(elements) => elements
                .into_iter()
                .map(|element| self.resolve(element))
                .collect::<Result<_>>()
                .map(Node::List),
            Node::Object(entries) => self.resolve_object(entries),
            leaf => Ok(leaf),
        }
    }

    fn resolve_object(&mut self, entries: Vec<(String, Node)>) -> Result<Node> {
        let mut included = None;
        let mut rest = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            if key == DIRECTIVE {
                included = Some(self.include(&value)?);
            } else {
                rest.push((key, self.resolve(value)?));
            }
        }
        match included {
            None => Ok(Node::Object(rest)),
            Some(included) if rest.is_empty() => Ok(included),
            Some(included @ Node::Object(_)) => Ok(merge(included, Node::Object(rest))),
            Some(_) => Err(self.error("with keys beside it must name files that hold objects")),
        }
    }

    fn include(&mut self, value: &Node) -> Result<Node> {
        let wrong = "must be a file name or a list of file names";
        match value {
            Node::Text(name) => self.load(name.expose()),
            Node::List(names) => names.iter().try_fold(Node::Object(Vec::new()), |merged, name| {
                let name = name.text().ok_or_else(|| self.error(wrong))?;
                Ok(merge(merged, self.load(name)?))
            }),
            _ => Err(self.error(wrong)),
        }
    }

    fn load(&mut self, name: &str) -> Result<Node> {
        let here = self.open.last().and_then(|file| file.parent()).unwrap_or(&self.root);
        let file = normal(&here.join(name));
        let is_inside = file.starts_with(&self.root)
            && file.canonicalize().map_or(true, |real| real.starts_with(&self.real_root));
        if !is_inside {
            return Err(self.error("leads out of the directory of the configuration file"));
        }
        if self.open.contains(&file) {
            return Err(self.error(&format!("of {} goes in a circle", file.display())));
        }
        if self.open.len() > MAX_INCLUDE_DEPTH {
            return Err(self.error(&format!("is nested more than {MAX_INCLUDE_DEPTH} deep")));
        }
        self.left = self.left.checked_sub(1).ok_or_else(|| self.error("names too many files in all"))?;
        // Another name of the same file would get around the check of where it lies.
        if file.metadata().is_ok_and(|metadata| metadata.nlink() > 1) {
            return Err(self.error(&format!("of {}: the file has further hard links", file.display())));
        }
        let node = parse_file(&file).map_err(|error| match error.code() {
            Code::NotFound => self.error(&format!("of {}: there is no such file", file.display())),
            _ => error,
        })?;
        self.open.push(file);
        let resolved = self.resolve(node);
        self.open.pop();
        resolved
    }

    fn error(&self, message: &str) -> Error {
        let file = self.open.last().map(|file| file.display().to_string()).unwrap_or_default();
        Error::new(Code::ConfigInvalid, format!("{file}: {DIRECTIVE} {message}"))
            .with_hint("mend the directive, or write the included settings in the file itself")
    }
}

/// Lists are joined, objects merged, anything else replaced by `over`.
fn merge(under: Node, over: Node) -> Node {
    match (under, over) {
        (Node::List(mut under), Node::List(over)) => {
            under.extend(over);
            Node::List(under)
        }
        (Node::Object(mut under), Node::Object(over)) => {
            for (key, value) in over {
                match under.iter().rposition(|(name, _)| *name == key) {
                    Some(at) => {
                        let below = std::mem::replace(&mut under[at].1, Node::Null);
                        under[at].1 = merge(below, value);
                    }
                    None => under.push((key, value)),
                }
            }
            Node::Object(under)
        }
        (_, over) => over,
    }
}

fn parse_file(file: &Path) -> Result<Node> {
    let text = read_text(file)?;
    parse(&text).map_err(|error| {
        Error::new(Code::ConfigInvalid, format!("{}:{error}", file.display()))
            .with_hint("the file must be JSON or JSON5; check the place and the line before it")
    })
}

fn read_text(file: &Path) -> Result<Zeroizing<String>> {
    let invalid =
        |why: &str| Error::new(Code::ConfigInvalid, format!("cannot read {}: {why}", file.display()));
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::new(Code::NotFound, format!("there is no file {}", file.display()))
        }
        std::io::ErrorKind::PermissionDenied => {
            invalid("permission denied").with_hint("let the user of this process read it")
        }
        kind => invalid(&kind.to_string()),
    };
    // Opening a pipe or a device could wait for ever.
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(invalid("it is not a regular file"));
    }
    let opened = File::open(file).map_err(failed)?;
    let mut bytes = Zeroizing::new(Vec::new());
    opened.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(invalid(&format!("it is larger than {MAX_FILE_BYTES} bytes")));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(error) => Err(invalid(&format!("it is not UTF-8 at byte {}", error.valid_up_to()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of files; `file` is `main.json5` in it.
    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = dir.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let main = dir.path().join("main.json5");
        (dir, main)
    }

    fn message(files: &[(&str, &str)]) -> String {
        let (_dir, main) = folder(files);
        read(&main).unwrap_err().to_string()
    }

    #[test]
    fn included_files_merge_in_order_and_siblings_win() {
        let (_dir, main) = folder(&[
            (
                "main.json5",
                "{ $include: ['a.json5', './sub/b.json5'], own: 1, list: [3], deep: {x: 'main'} }",
            ),
            ("a.json5", "{ own: 0, list: [1], deep: {x: 'a', y: 'a'} }"),
            ("sub/b.json5", "{ list: [2], deep: {$include: 'c.json5'} }"),
            ("sub/c.json5", "{ y: 'c', z: 'c' }"),
        ]);
        let node = read(&main).unwrap();
        let text = |key| node.at(&["deep", key]).and_then(Node::text);
        assert_eq!((text("x"), text("y"), text("z")), (Some("main"), Some("c"), Some("c")));
        assert!(matches!(node.get("own"), Some(Node::Number(n)) if *n == 1.0));
        assert_eq!(node.get("list").unwrap().elements().len(), 3);
    }

    #[test]
    fn directives_that_cannot_be_followed_are_named() {
        for (text, expected) in [
            ("{$include: 'gone.json5'}", "there is no such file"),
            ("{$include: '../main.json5'}", "leads out of the directory"),
            ("{$include: '/etc/passwd'}", "leads out of the directory"),
            ("{$include: 'main.json5'}", "goes in a circle"),
            ("{$include: 7}", "must be a file name"),
            ("{$include: ['other.json5', 7]}", "must be a file name"),
            ("{$include: 'list.json5', a: 1}", "that hold objects"),
            ("{$include: 'broken.json5'}", "broken.json5:1:"),
            ("{x: [{$include: 'loop.json5'}]}", "goes in a circle"),
        ] {
            let files = [
                ("main.json5", text),
                ("other.json5", "{}"),
                ("list.json5", "[]"),
                ("broken.json5", "{ a "),
                ("loop.json5", "{$include: 'main.json5'}"),
            ];
            let message = message(&files);
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn symbolic_and_hard_links_do_not_lead_out() {
        let (outside, _) = folder(&[("secret.json5", "{}")]);
        let target = outside.path().join("secret.json5");
        for is_hard in [false, true] {
            let (dir, main) = folder(&[("main.json5", "{$include: 'link.json5'}")]);
            let link = dir.path().join("link.json5");
            if is_hard {
                std::fs::hard_link(&target, link).unwrap();
            } else {
                std::os::unix::fs::symlink(&target, link).unwrap();
            }
            let message = read(&main).unwrap_err().to_string();
            assert!(message.contains("leads out") || message.contains("hard links"), "{message}");
        }
    }

    #[test]
    fn depth_and_number_of_includes_end_at_their_limits() {
        let chain = |length: usize| {
            let mut files = vec![("main.json5".to_owned(), "{$include: 'f1'}".to_owned())];
            files.extend((1..length).map(|i| (format!("f{i}"), format!("{{$include: 'f{}'}}", i + 1))));
            files.push((format!("f{length}"), "{}".to_owned()));
            let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
            let (dir, main) = folder(&files);
            (dir, read(&main))
        };
        assert!(chain(MAX_INCLUDE_DEPTH).1.is_ok());
        assert!(chain(MAX_INCLUDE_DEPTH + 1).1.unwrap_err().message().contains("more than 10 deep"));
        let many = |count: usize| {
            let names = vec!["'e'"; count].join(",");
            let (dir, main) = folder(&[("main.json5", &format!("{{$include: [{names}]}}")), ("e", "{}")]);
            (dir, read(&main))
        };
        assert!(many(MAX_INCLUDES).1.is_ok());
        assert!(many(MAX_INCLUDES + 1).1.unwrap_err().message().contains("too many files"));
    }

    #[test]
    fn only_regular_utf8_files_within_the_size_limit_are_read() {
        let (dir, main) = folder(&[]);
        assert_eq!(read(&main).unwrap_err().code(), Code::NotFound);
        assert!(read(dir.path()).unwrap_err().message().contains("not a regular file"));
        let sized = |bytes: u64| format!("{{}}{}", " ".repeat(usize::try_from(bytes).unwrap() - 2));
        std::fs::write(&main, sized(MAX_FILE_BYTES)).unwrap();
        assert!(read(&main).is_ok());
        std::fs::write(&main, sized(MAX_FILE_BYTES + 1)).unwrap();
        assert!(read(&main).unwrap_err().message().contains("larger than 1048576 bytes"));
        std::fs::write(&main, b"{a: '\xff'}").unwrap();
        assert!(read(&main).unwrap_err().message().contains("not UTF-8 at byte 5"));
    }
}
