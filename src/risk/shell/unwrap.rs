//! What wrappers run: `env`, `sudo`, `xargs`, `timeout` and the like.

use super::call::Call;
use super::names::{self, is_given};
use super::{Arg, Judge, Stream};
use crate::risk::lookup::{Names, list};
use crate::risk::rules::privilege;
use crate::risk::value::{Origin, has_hole};

/// Words from standard input that become arguments of what `xargs` runs.
const MAX_ARGUMENTS: usize = 64;

/// Programs that run another one as somebody else.
const RAISERS: Names = list!(
    "sudo doas pkexec run0 gosu su-exec runas please dzdo pfexec gksudo gksu kdesudo kdesu beesu sux calife
     lxqt-sudo pmrun sesu"
);

impl Judge<'_> {
    pub(super) fn unwrap(&mut self, call: &Call<'_>, at: usize, input: Stream) -> Stream {
        let name = call.name;
        if name == "env" || name == "sudo" {
            let folder = call
                .after(&["-C", "--chdir", "-D"])
                .or_else(|| call.rest().iter().find_map(|word| word.strip_prefix("--chdir=")));
            if let Some(folder) = folder.filter(|_| name == "env" || call.has(&["-D", "--chdir"])) {
                self.folder = self.resolve(folder);
            }
        }
        for word in &call.words[1..at] {
            if let Some((variable, value)) = word.split_once('=').filter(|(variable, _)| is_given(variable)) {
                // A function that is handed down, and what old shells ran behind it.
                if value.starts_with("() {") {
                    self.text(&format!("f {value}\nf"), variable, None);
                }
                self.assigned(variable, value);
                if name == "env" {
                    self.scope.set_text(variable, value);
                }
            }
        }
        let mut inner: Vec<Arg> = call.args[at..].to_vec();
        // With options that are not known here the command may begin earlier.
        if let Some(early) = call.words[1..at].iter().position(|word| super::guess::begins(word)) {
            self.run_program(&call.args[1 + early..], None);
        }
        if let Some(text) = self.line_of(call, &inner) {
            return self.text(&text, name, input);
        }
        if RAISERS.contains(name) {
            self.raised(call, &inner);
        }
        if name == "sudo" && call.has(&["-s", "-i", "--shell", "--login"]) && inner.is_empty() {
            return self.run(&[Arg::from("bash".to_owned())], input);
        }
        if inner.is_empty() {
            return match name {
                "env" => Some((Origin::PRIVATE | Origin::CREDENTIAL).text()),
                "xargs" => self.filter(call, input),
                _ => input,
            };
        }
        if matches!(name, "xargs" | "parallel" | "rush" | "xe") {
            let told = inner.iter().map(|arg| arg.text.as_str()).collect::<Vec<_>>().join(" ");
            inner = self.fed(call, inner, input.as_deref());
            if let Some(program) = inner.first_mut().filter(|program| program.text.starts_with('/')) {
                // What was found by a pattern.
                program.is_pattern = program.text.contains(['*', '?', '[']);
            }
            if name != "xargs" {
                // These give the whole line to a shell; what is added to it may be nothing.
                self.elsewhere(&told, name);
                let line = inner.iter().map(|arg| arg.text.as_str()).collect::<Vec<_>>().join(" ");
                return self.text(&line, name, Some(String::new()));
            }
        }
        if name == "busybox" || name == "toybox" {
            // `busybox --install` and the like have no inner command.
            inner[0].is_pattern = false;
        }
        self.trail.push(name.to_owned());
        let input = if name == "xargs" { Some(String::new()) } else { input };
        let output = if matches!(name, "noglob" | "nocorrect") {
            self.run(&inner, input)
        } else {
            self.run_program(&inner, input)
        };
        self.trail.pop();
        output
    }

    /// The command line that a wrapper is given as one text.
    fn line_of(&self, call: &Call<'_>, inner: &[Arg]) -> Option<String> {
        let after = |options: &[&str]| call.after(options).map(str::to_owned);
        match call.name {
            "env" => match after(&["-S", "--split-string"]) {
                // What follows the text follows its words.
                Some(text) => {
                    let at = call.rest().iter().position(|word| *word == text).unwrap_or(0);
                    let more = call.rest().iter().skip(at + 1).map(|word| super::quoted(word));
                    Some(std::iter::once(text.clone()).chain(more).collect::<Vec<_>>().join(" "))
                }
                None => call.rest().iter().find_map(|word| word.strip_prefix("-S")).map(str::to_owned),
            },
            "npx" => after(&["-c", "--call"]),
            "flock" => after(&["-c", "--command"]),
            // The program by an option, its words behind `--`.
            "start-stop-daemon" => after(&["-x", "--exec", "-a", "--startas"]).map(|program| {
                let given = call.rest().iter().skip_while(|word| **word != "--").skip(1);
                std::iter::once(program)
                    .chain(given.map(|word| super::quoted(word)))
                    .collect::<Vec<_>>()
                    .join(" ")
            }),
            "nodemon" => after(&["--exec", "-x"]),
            "watch" if !call.has(&["-x", "--exec"]) => {
                Some(inner.iter().map(|arg| arg.text.as_str()).collect::<Vec<_>>().join(" "))
            }
            "hyperfine" => Some(inner.iter().map(|arg| arg.text.as_str()).collect::<Vec<_>>().join("\n")),
            "cross-env-shell" | "dotenv" | "dumb-init" | "tini"
                if inner.len() == 1 && inner[0].text.contains(' ') =>
            {
                Some(inner[0].text.clone())
            }
            _ => None,
        }
        .filter(|text| !text.is_empty())
    }

    /// Rights that are gained for a command.
    fn raised(&mut self, call: &Call<'_>, inner: &[Arg]) {
        let target = inner.first().map(|arg| names::plain(&arg.text)).unwrap_or_default();
        let only_asks = target.is_empty()
            && call.words.len() > 1
            && call.rest().iter().all(|word| privilege::SUDO_QUERIES.contains(word));
        // Another user than root has fewer rights, not more.
        let user = call.after(&["-u", "--user"]).unwrap_or("root");
        let is_lesser = call.name == "sudo" && !matches!(user, "root" | "#0" | "0") && !has_hole(user);
        self.raised_below_fetched(call, &target);
        let rest: Vec<&str> = inner.iter().skip(1).map(|arg| arg.text.as_str()).collect();
        if is_lesser && !target.is_empty() && !super::interpreters::is_shell(&target)
            || privilege::is_routine(&target, &rest)
        {
            self.find("sudo-routine", &call.line());
        } else if !only_asks {
            self.find("sudo", &call.line());
        }
    }

    /// The arguments that `xargs` and `parallel` add from their input, or from behind `:::`.
    fn fed(&mut self, call: &Call<'_>, mut inner: Vec<Arg>, input: Option<&str>) -> Vec<Arg> {
        let marker = call.after(&["-I", "--replace"]).or_else(|| {
            call.rest().iter().find_map(|word| word.strip_prefix("-I").filter(|marker| !marker.is_empty()))
        });
        let marker = match marker {
            None if call.has(&["-i", "--replace"]) || call.name != "xargs" => Some("{}"),
            marker => marker,
        };
        let mut given: Vec<Arg> = Vec::new();
        if let Some(at) = inner.iter().position(|arg| arg.text == ":::") {
            let all = inner.split_off(at).into_iter().skip(1).map(|arg| arg.text).collect();
            given = self.worst_of(all, MAX_ARGUMENTS).into_iter().map(Arg::from).collect();
        } else if let Some(path) = call.after(&["-a", "--arg-file"]).map(str::to_owned) {
            let content = match (path.as_str(), input) {
                ("/dev/stdin" | "-", Some(text)) => text.to_owned(),
                _ => self.reads(&path, call.name),
            };
            let all = content.split_whitespace().map(str::to_owned).collect();
            given.extend(self.worst_of(all, MAX_ARGUMENTS).into_iter().map(Arg::from));
        } else if let Some(text) = input {
            let text = crate::risk::value::as_output(text);
            let by_line = marker.is_some()
                || call.has(&["-0", "--null", "-d", "--delimiter"])
                || call.rest().iter().any(|word| word.starts_with("-d") || word.starts_with("--delimiter="));
            let splits = |c: char| c == '\n' || c == '\0';
            let words = match by_line {
                true => text.split(splits).map(|word| word.replace(['\'', '"', '\\'], "")).collect(),
                false => unquoted(&text),
            };
            let words = words.into_iter().filter(|word| !word.is_empty()).collect();
            given.extend(self.worst_of(words, MAX_ARGUMENTS).into_iter().map(Arg::from));
        } else {
            given.push(Arg::from(Origin::UNKNOWN.text()));
        }
        match marker {
            Some(marker) if inner.iter().any(|arg| arg.text.contains(marker)) => {
                let value = given.iter().map(|arg| arg.text.as_str()).collect::<Vec<_>>().join(" ");
                for arg in &mut inner {
                    // A whole word takes one item at a time; the first stands for all, unless they are shown together.
                    arg.text = arg.text.replace(
                        marker,
                        if arg.text == marker && given.len() == 1 { &given[0].text } else { &value },
                    );
                }
                if given.len() > 1 {
                    let split = |arg: Arg| {
                        if arg.text == value { given.clone() } else { vec![arg] }
                    };
                    inner = inner.into_iter().flat_map(split).collect();
                }
            }
            _ => inner.extend(given),
        }
        inner
    }
}

/// The words of a text as `xargs` reads them: blanks part them, unless they are quoted.
fn unquoted(text: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let letter = match (quote, letter) {
            (Some(open), _) if open == letter => {
                quote = None;
                continue;
            }
            (None, '\'' | '"') => {
                quote = Some(letter);
                continue;
            }
            (None, '\\') => letters.next(),
            (None, letter) if letter.is_whitespace() || letter == '\0' => {
                words.push(String::new());
                continue;
            }
            (_, letter) => Some(letter),
        };
        if let Some(word) = words.last_mut() {
            word.extend(letter);
        }
    }
    words
}
