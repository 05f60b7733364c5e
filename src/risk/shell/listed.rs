//! Packages, mails and objects of clusters that are removed by a list which another command gives.

use super::Judge;
use super::call::Call;
use crate::risk::lookup::{Names, list};
use crate::risk::value::{Origin, comes_from, is_hole};

/// Programs that remove packages, and the words by which they do.
const REMOVERS: Names = list!(
    "brew apt apt-get aptitude dpkg dnf yum zypper rpm pacman snap flatpak apk gem port pkg opkg emerge
     xbps-remove atrm"
);

const REMOVALS: &[&str] = &[
    "uninstall",
    "remove",
    "purge",
    "erase",
    "delete",
    "del",
    "rm",
    "-r",
    "-P",
    "-e",
    "-R",
    "-Rns",
    "-Rs",
    "-Rdd",
    "-Rcns",
    "-C",
    "autoremove",
];

impl Judge<'_> {
    /// Packages, or objects of a cluster, that are removed by a list that a command gives.
    pub(super) fn removes_listed(&mut self, call: &Call<'_>) {
        let is_list = |arg: &str| comes_from(arg, Origin::OUTPUT);
        if REMOVERS.contains(call.name)
            && (call.has(REMOVALS) || matches!(call.name, "xbps-remove" | "atrm"))
            && call.rest().iter().any(|word| is_list(word))
        {
            self.find("remove-system", &call.line());
        }
        if super::leaving::MAILERS.contains(call.name)
            && call.rest().iter().any(|word| {
                list!("delete trash remove purge batchDelete batch-delete forward redirect").contains(word)
            })
            && call.rest().iter().any(|word| word.contains(is_hole))
            && (self.is_looping() || self.trail.iter().any(|how| how.starts_with("xargs")))
        {
            self.find("named-destroy", &call.line());
        }
        if matches!(call.name, "kubectl" | "oc")
            && call
                .plain()
                .skip_while(|word| *word != "delete")
                .nth(1)
                .is_some_and(|word| word.starts_with(is_hole))
            && !call.rest().iter().any(|word| word.starts_with("--dry-run"))
        {
            self.find("cluster-destroy", &call.line());
        }
    }
}
