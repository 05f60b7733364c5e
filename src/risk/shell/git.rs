//! What git is told to run: hooks, filters, aliases, helpers and programs of the other side.

use super::call::Call;
use super::{Judge, quoted};

impl Judge<'_> {
    pub(super) fn git(&mut self, call: &Call<'_>, lines: &mut Vec<String>) {
        let is_command = |name: &str, value: &str| {
            let name = name.to_ascii_lowercase();
            super::settings::names_program(&name)
                || value.starts_with('!')
                || ["filter.", "pager.", "difftool.", "mergetool.", "alias.", "merge.", "gpg.", "sendemail."]
                    .iter()
                    .any(|start| name.starts_with(start))
        };
        let mut given: Vec<(String, String)> = call
            .rest()
            .windows(2)
            .filter(|pair| matches!(pair[0], "-c" | "--config"))
            .filter_map(|pair| pair[1].split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        if call.has(&["config"]) && !call.has(&["--unset", "--get", "--get-all", "--list", "-l"]) {
            let plain: Vec<&str> = call.plain().skip_while(|word| *word != "config").skip(1).collect();
            if let [name, value, ..] = plain.as_slice() {
                self.keep(&format!("/dev/fd/git/{name}"), value, false);
                given.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        for (name, value) in given {
            let runs = match value.strip_prefix('!') {
                // What it prints is read by git.
                Some(command) if name.starts_with("credential.") => format!(": \"$({command})\""),
                Some(command) => command.to_owned(),
                None if name.to_ascii_lowercase().starts_with("alias.") && call.has(&["config"]) => continue,
                None if name.to_ascii_lowercase().starts_with("alias.") => format!("git {value}"),
                None => value.clone(),
            };
            if name.eq_ignore_ascii_case("core.hookspath")
                && (value.starts_with("/tmp")
                    || value.starts_with("/dev/shm")
                    || value.starts_with("/var/tmp"))
            {
                self.find("hook", &call.line());
            }
            if is_command(&name, &value) && (!name.starts_with("credential.") || value.starts_with('!')) {
                if value.starts_with("/tmp/")
                    || value.starts_with("/dev/shm/")
                    || value.starts_with("/var/tmp/")
                {
                    self.find("hook", &call.line());
                }
                lines.push(runs);
            }
        }
        if call.has(&["clone", "fetch", "pull", "ls-remote", "push"]) {
            let option = call.after(&["-u", "--upload-pack", "--receive-pack", "--exec"]);
            lines.extend(option.filter(|text| text.contains(' ')).map(str::to_owned));
        }
        let url = call.plain().find(|word| word.starts_with("ext::"));
        lines.extend(url.map(|url| {
            // `% ` is a blank inside of a word.
            let words = url["ext::".len()..].replace("% ", "\u{1}");
            words.split(' ').map(|word| quoted(&word.replace('\u{1}', " "))).collect::<Vec<_>>().join(" ")
        }));
        let opened =
            call.rest().iter().filter_map(|word| word.strip_prefix("-O")).filter(|text| text.contains(' '));
        lines.extend(opened.map(str::to_owned));
    }
}
