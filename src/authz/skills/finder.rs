//! From paths to the skills that they lead to: as written, by the end of an unknown beginning, and through links.

use std::collections::{BTreeSet, HashMap};

use super::{
    MAX_LOOKS, MAX_NAMED, MAX_PATH_BYTES, Places, Skill, absolute, folder_name, is_rooted, is_skill_file,
    joined,
};

/// Where a path leads.
pub(super) enum Lead {
    /// To no skill.
    Elsewhere,
    /// To one or more of the list.
    Listed,
    /// To another one, of this name.
    Unlisted(String),
}

/// Collects the skills that paths lead to.
pub(super) struct Finder<'a> {
    skills: &'a [Skill],
    pub(super) places: Places<'a>,
    /// Names by the forms of their locations without a look at the disk.
    written: HashMap<String, Vec<&'a str>>,
    /// The same with links followed; made when it is needed.
    real: Option<HashMap<String, Vec<&'a str>>>,
    /// How many more paths may be followed through links.
    looks: usize,
    /// How many more names of skill files are looked into one by one.
    named: usize,
    pub(super) names: BTreeSet<String>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(skills: &'a [Skill], places: Places<'a>) -> Self {
        let mut written: HashMap<_, Vec<_>> = HashMap::new();
        for skill in skills {
            written.entry(skill.location.clone()).or_default().push(skill.name.as_str());
            let form = absolute(&skill.location, &places).to_lowercase();
            written.entry(form).or_default().push(skill.name.as_str());
        }
        Self {
            skills,
            places,
            written,
            real: None,
            looks: MAX_LOOKS,
            named: MAX_NAMED,
            names: BTreeSet::new(),
        }
    }

    /// Adds the skills that a path leads to, listed or not.
    pub(super) fn path(&mut self, path: &str, folder: Option<&str>) {
        if let Lead::Unlisted(name) = self.listed(path, folder) {
            self.names.insert(name);
        }
    }

    /// Adds the listed skills that a path leads to, and tells whether there were any.
    pub(super) fn listed(&mut self, path: &str, folder: Option<&str>) -> Lead {
        let path = path.trim();
        if path.is_empty() || path.len() > MAX_PATH_BYTES {
            return Lead::Elsewhere;
        }
        let places = Places { folder, ..self.places };
        let written = absolute(path, &places).to_lowercase();
        let mut found: Vec<&str> = Vec::new();
        found.extend(self.written.get(path).into_iter().chain(self.written.get(&written)).flatten());
        if is_skill_file(&written) && !is_rooted(&written) {
            // Relative to a folder that is not known: any location that ends like this may be meant.
            let end = format!("/{}", written.trim_start_matches("../"));
            let ends = self.written.iter().filter(|(form, _)| form.ends_with(&end));
            found.extend(ends.flat_map(|(_, names)| names));
        }
        // What names a skill's file is always followed; other names only so often.
        let is_named = is_skill_file(&written);
        if is_named && !self.takes(1) {
            return Lead::Listed;
        }
        let real = if is_named || self.looks > 0 { real(path, &places) } else { None };
        self.looks = self.looks.saturating_sub(usize::from(!is_named));
        let real = real.filter(|real| is_named || is_skill_file(real) || self.written.contains_key(real));
        if is_named || real.is_some() {
            for form in real.iter().chain([&written]) {
                found.extend(self.located().get(form).into_iter().flatten());
            }
        }
        let is_listed = !found.is_empty();
        self.names.extend(found.into_iter().map(str::to_owned));
        match real.filter(|real| is_skill_file(real)).or_else(|| is_named.then_some(written)) {
            _ if is_listed => Lead::Listed,
            Some(file) => Lead::Unlisted(folder_name(&file, path)),
            None => Lead::Elsewhere,
        }
    }

    /// Whether one more name of a skill's file is looked into, at a cost; if not, every skill is added.
    pub(super) fn takes(&mut self, cost: usize) -> bool {
        if self.named == 0 {
            return false;
        }
        self.named = self.named.saturating_sub(cost);
        if self.named == 0 {
            self.any();
        }
        self.named > 0
    }

    /// Adds every skill: it may be any of them.
    pub(super) fn any(&mut self) {
        self.names.extend(self.skills.iter().map(|skill| skill.name.clone()));
    }

    /// Names by the forms of their locations, links followed.
    pub(super) fn located(&mut self) -> &HashMap<String, Vec<&'a str>> {
        self.real.get_or_insert_with(|| {
            let mut located = self.written.clone();
            for skill in self.skills {
                if let Some(form) = real(&skill.location, &self.places) {
                    located.entry(form).or_default().push(&skill.name);
                }
            }
            located
        })
    }
}

/// The path without links, letters folded.
fn real(path: &str, places: &Places<'_>) -> Option<String> {
    // First with the dots left in: behind a link, `..` does not lead back to where the link is.
    let (joined, absolute) = (joined(path, places), absolute(path, places));
    if !joined.starts_with('/') {
        // Our own folder is not the agent's.
        return None;
    }
    Some((places.real)(&joined).or_else(|| (places.real)(&absolute))?.to_lowercase())
}
