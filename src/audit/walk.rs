//! From a path with wildcards to the places of a tree that it means.

use std::collections::HashMap;

use crate::config::node::Node;

/// A place that a path means.
#[derive(Clone, Debug)]
pub(super) struct Found<'a> {
    /// Its keys and indexes.
    pub segments: Vec<String>,
    /// As the host prints it.
    pub path: String,
    /// What is there.
    pub node: &'a Node,
    /// The object that it is in.
    pub parent: &'a Node,
    /// The path of the outermost object around it that is switched off.
    pub off: Option<String>,
}

/// The places of `root` that a path means. With a `sibling`, also those where only that key is there.
#[must_use]
pub(super) fn places<'a>(root: &'a Node, path: &str, sibling: Option<&str>) -> Vec<Found<'a>> {
    let mut walk = Walk { sibling, found: Vec::new() };
    let steps: Vec<&str> = path.split('.').collect();
    let start = Here { segments: Vec::new(), path: String::new(), off: None };
    walk.step(root, root, &steps, start);
    walk.found
}

/// Every object of a tree that has the form of a reference.
#[must_use]
pub(super) fn references(root: &Node) -> Vec<String> {
    let mut found = Vec::new();
    look(root, String::new(), &mut found);
    found
}

/// A path with one key more, as the host prints it.
#[must_use]
pub(super) fn join(path: &str, key: &str) -> String {
    let mut chars = key.chars();
    let is_plain = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '$'))
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | ':' | '-'));
    match (is_plain, path.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => format!("{path}[{key:?}]"),
    }
}

#[derive(Clone)]
struct Here {
    segments: Vec<String>,
    path: String,
    off: Option<String>,
}

impl Here {
    fn key(&self, key: &str) -> Self {
        let mut segments = self.segments.clone();
        segments.push(key.to_owned());
        Self { segments, path: join(&self.path, key), off: self.off.clone() }
    }

    fn index(&self, index: usize) -> Self {
        let mut segments = self.segments.clone();
        segments.push(index.to_string());
        Self { segments, path: format!("{}[{index}]", self.path), off: self.off.clone() }
    }
}

struct Walk<'a, 's> {
    sibling: Option<&'s str>,
    found: Vec<Found<'a>>,
}

impl<'a> Walk<'a, '_> {
    fn step(&mut self, parent: &'a Node, node: &'a Node, steps: &[&str], mut here: Here) {
        if here.off.is_none() && node.get("enabled").is_some_and(|flag| flag.is_flag(false)) {
            here.off = Some(here.path.clone());
        }
        let Some((step, rest)) = steps.split_first() else {
            let Here { segments, path, off } = here;
            return self.found.push(Found { segments, path, node, parent, off });
        };
        if *step == "*" {
            self.every(node, rest, &here);
        } else if let Some(name) = step.strip_suffix("[]") {
            let Some(list) = node.get(name) else { return };
            let here = here.key(name);
            for (index, element) in list.elements().iter().enumerate() {
                self.step(list, element, rest, here.index(index));
            }
        } else if let Some(inner) = node.get(step) {
            self.step(node, inner, rest, here.key(step));
        } else if rest.is_empty() && self.sibling.is_some_and(|sibling| node.get(sibling).is_some()) {
            self.step(node, &Node::Null, rest, here.key(step));
        }
    }

    fn every(&mut self, node: &'a Node, rest: &[&str], here: &Here) {
        // Of a key that comes twice, the last one counts.
        let last: HashMap<&str, usize> =
            node.entries().iter().enumerate().map(|(at, (key, _))| (key.as_str(), at)).collect();
        for (at, (key, inner)) in node.entries().iter().enumerate() {
            if last.get(key.as_str()) == Some(&at) {
                self.step(node, inner, rest, here.key(key));
            }
        }
        for (index, element) in node.elements().iter().enumerate() {
            self.step(node, element, rest, here.index(index));
        }
    }
}

fn look(node: &Node, path: String, found: &mut Vec<String>) {
    let has = |key: &str| node.get(key).and_then(Node::text).is_some();
    if has("source") && has("provider") && has("id") && node.entries().len() == 3 {
        return found.push(path);
    }
    for (key, inner) in node.entries() {
        look(inner, join(&path, key), found);
    }
    for (index, inner) in node.elements().iter().enumerate() {
        look(inner, format!("{path}[{index}]"), found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::node::parse;

    fn paths(text: &str, path: &str, sibling: Option<&str>) -> Vec<(String, bool)> {
        let root = parse(text).unwrap();
        places(&root, path, sibling).into_iter().map(|found| (found.path, found.off.is_some())).collect()
    }

    #[test]
    fn wildcards_mean_keys_and_indexes_and_odd_keys_are_quoted() {
        let text = "{a: {x: {k: 1}, 'y.z': {k: 2}, n: 3}, l: [{k: 4}, {}], 'b': {'k': 5}}";
        let of = |path| paths(text, path, None).into_iter().map(|(path, _)| path).collect::<Vec<_>>();
        assert_eq!(of("a.*.k"), ["a.x.k", "a[\"y.z\"].k"]);
        assert_eq!(of("l[].k"), ["l[0].k"]);
        assert_eq!(of("l.*.k"), ["l[0].k"]);
        assert_eq!(of("b.k"), ["b.k"]);
        assert_eq!(of("a.*"), ["a.x", "a[\"y.z\"]", "a.n"]);
        assert!(of("gone.*.k").is_empty() && of("a.n.k").is_empty());
        assert_eq!(paths("{a: {x: {k: 1}, x: {k: 2}}}", "a.*.k", None).len(), 1);
    }

    #[test]
    fn a_sibling_is_enough_and_what_is_switched_off_is_known() {
        let text = "{a: {x: {kRef: 1}, y: {k: 1, enabled: false}, z: {}}}";
        let found = paths(text, "a.*.k", Some("kRef"));
        assert_eq!(found, [("a.x.k".to_owned(), false), ("a.y.k".to_owned(), true)]);
    }

    #[test]
    fn references_are_found_wherever_they_are() {
        let root = parse("{a: [{source: 'x', provider: 'y', id: 'z'}], b: {source: 'x', id: 'z'}}").unwrap();
        assert_eq!(references(&root), ["a[0]"]);
    }
}
