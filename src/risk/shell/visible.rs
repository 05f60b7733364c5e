//! Commands that stand plainly in the words of a program of which it is not known what it does with them: code of some
//! language, a description of what is to be built, a setting. Nobody can list all that runs what it is told; but a
//! text that holds nothing but a command, its options and paths, between quotes or brackets, is there to be run.

use super::call::Call;
use super::{Judge, guess, interpreters, names, quoted};
use crate::risk::effects::only_mentions;
use crate::risk::lookup::{Names, list};
use crate::risk::rules::databases::is_client;

/// Bytes of a text that is looked at.
const MAX_BYTES: usize = 4096;
/// Commands of one text that are judged.
const MAX_FOUND: usize = 4;
/// Texts of one command that are looked at.
const MAX_TEXTS: usize = 16;

/// Programs with which such a command begins.
const NAMES: &[&str] = &[
    "rm", "shred", "dd", "chmod", "chown", "truncate", "wipefs", "cat", "sh", "bash", "zsh", "dash", "curl",
    "wget", "rimraf",
];

/// Programs that mostly name things, and run what some of their words say.
const CARRIERS: Names = list!("make cargo npm yarn pnpm tmux screen watch terraform helm sftp osascript");

/// Programs whose words are texts for somebody else, or are looked into elsewhere.
const OTHERS: Names = list!(
    "curl wget http https xh curlie docker podman ssh sed gsed deno bun tar redis-cli aws mail mailx
     sendmail mutt claude codex llm yes jo xclip pbcopy wl-copy gum ollama aider gemini"
);

/// Languages whose code is read more closely.
const READ: Names = list!("python perl ruby node php lua pypy tsx ts-node");

/// Options behind which a text is for people, or is looked for.
pub(super) const SAYS: Names = list!(
    "-m -t -b -d -k -g -q -n -p --message --title --body --description --notes --comment --subject --text
     --grep --query --pattern --name --data --prompt --arg --filter --testNamePattern --test --label --tag
     --annotation --reason"
);

/// Parts of options that name a file to be read as a text, or to be written.
const OPENS: Names = list!("from-file data body out input include exclude ignore message notes -F -T");

impl Judge<'_> {
    /// Judges the commands that stand plainly in the words of a program, or in files that are made for it.
    pub(super) fn visible(&mut self, call: &Call<'_>) {
        // Most words are no more than that.
        let is_text = |word: &str| word.contains([' ', '"', '\'']) || word.contains("/dev/fd/");
        if self.files.is_empty() && !call.rest().iter().any(|word| is_text(word)) {
            return;
        }
        let is_read =
            READ.iter().any(|language| call.name.starts_with(language)) || call.name.ends_with("awk");
        let gives_name = matches!(call.name, "gh" | "glab") && call.has(&["alias"]);
        let is_silent = only_mentions(call.name) && !CARRIERS.contains(call.name) && !gives_name;
        if is_read
            || OTHERS.contains(call.name)
            || is_client(call.name)
            || guess::only_looks(call)
            || interpreters::is_shell(call.name)
        {
            return;
        }
        let mut lines: Vec<String> = Vec::new();
        for (at, word) in call.rest().iter().enumerate().take(MAX_TEXTS) {
            let before = at.checked_sub(1).map_or("", |at| call.rest()[at]);
            let (option, path) = word.split_once('=').unwrap_or((before, word));
            if SAYS.contains(before) || SAYS.contains(option) {
                continue;
            }
            // What only names things has settings too.
            if is_silent && !option.contains("config") {
                continue;
            }
            if !is_text(word) {
                if let Some(content) = self.content(path) {
                    self.told_by(&content, option, call);
                }
                continue;
            }
            if let Some((_, path)) = word.match_indices("/dev/fd/").next().map(|(at, _)| word.split_at(at)) {
                lines.extend(self.content(path).iter().flat_map(|content| plain_commands(content)));
            } else {
                lines.extend(plain_commands(word));
            }
        }
        for line in lines.iter().take(MAX_FOUND) {
            self.elsewhere(line, call.name);
        }
    }
}

impl Judge<'_> {
    /// What a program runs of a file that these commands wrote and that one of its options names.
    fn told_by(&mut self, content: &str, option: &str, call: &Call<'_>) {
        let sets_up =
            matches!(call.name, "kubectl" | "oc" | "helm") && call.has(&["-f", "--filename", "--values"]);
        if sets_up || OPENS.iter().any(|part| option.contains(part)) {
            return;
        }
        if content.starts_with("#!") {
            let takes_program = option.starts_with('-') && guess::takes_program(option);
            return if takes_program {
                self.file(content, call)
            };
        }
        for line in carried_by(content).iter().take(MAX_FOUND) {
            self.elsewhere(line, call.name);
        }
    }
}

/// The commands that settings carry, in whichever notation.
pub(super) fn carried_by(text: &str) -> Vec<String> {
    let mut found = plain_commands(text);
    found.extend(given_to_shell(text));
    found
}

/// What a text gives to a shell by `-c`: `"sh", "-c", "…"`, `command: sh, args: [-c, "…"]`, `- -c` and a line below it.
fn given_to_shell(text: &str) -> Vec<String> {
    let text = text.get(..MAX_BYTES).unwrap_or(text);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut found = Vec::new();
    for (at, _) in text.match_indices("-c").take(MAX_TEXTS) {
        let (before, behind) = (&text[..at], &text[at + 2..]);
        let is_option = !before.ends_with(is_part) && !behind.starts_with(is_part);
        let mut words = before.rsplit(|c: char| !is_part(c)).filter(|word| !word.is_empty());
        if !is_option || !words.by_ref().take(3).any(interpreters::is_shell) {
            continue;
        }
        let line = behind.trim_start_matches(|c: char| {
            c.is_whitespace() || matches!(c, ',' | '-' | '[') || c == '"' || c == '\''
        });
        let opener = behind[..behind.len() - line.len()].chars().next_back();
        let end = match opener {
            Some(quote @ ('"' | '\'')) => line.find(quote),
            _ => line.find(['\n', ']', '}']),
        };
        let line = &line[..end.unwrap_or(line.len())];
        if line.contains(' ') {
            found.push(line.replace("\\n", "\n").replace('\\', ""));
        }
    }
    found
}

/// The commands that stand plainly in a text.
fn plain_commands(text: &str) -> Vec<String> {
    let text = text.get(..MAX_BYTES).unwrap_or(text);
    let mut found = Vec::new();
    for name in NAMES {
        for (at, _) in text.match_indices(name).take(MAX_FOUND) {
            let before = text[..at].trim_end_matches(['/', 'b', 'i', 'n', 'u', 's', 'r']);
            let before = if text[..at].ends_with('/') { before } else { &text[..at] };
            let behind = &text[at + name.len()..];
            let opener = before.chars().next_back();
            if !before.is_empty() && !is_opened(before) {
                continue;
            }
            let rest = &text[at..];
            let line = match behind.chars().next() {
                // ["rm", "-rf", "/srv"]
                Some(quote @ ('"' | '\'')) if opener == Some(quote) => {
                    let words = behind[1..].split(quote).skip(1).step_by(2).take(6);
                    let words: Vec<String> = words
                        .flat_map(str::split_whitespace)
                        .take_while(|word| is_operand(word))
                        .map(quoted)
                        .collect();
                    format!("{name} {}", words.join(" "))
                }
                Some(' ') => rest[..end_of(rest, opener)].to_owned(),
                _ => continue,
            };
            if is_command(&line) && !found.contains(&line) {
                found.push(line);
            }
        }
    }
    found
}

/// Whether a command may begin behind this.
fn is_opened(before: &str) -> bool {
    const VERBS: Names = list!("exec shell system run sy pso spawn command cmd eval execute");
    if before.ends_with(['"', '\'', '`', '(', '{', '[', '!', '|', ';', '&', '=', '%', '<', '\n', '@']) {
        return true;
    }
    let last = before.trim_end().rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    before.ends_with(' ')
        && (VERBS.contains(last) || before.trim_end().ends_with(['!', '|', ';', '&', '=', ':', '"', '\'']))
}

/// Where the command ends that begins behind `opener`.
fn end_of(rest: &str, opener: Option<char>) -> usize {
    let closer = match opener {
        Some('(') => ")",
        Some('{') => "}",
        Some('[') => "]",
        Some('<') => ">",
        Some('"') => "\"",
        Some('\'') => "'",
        Some('`') => "`",
        _ => "\n",
    };
    let end = rest.find(closer).unwrap_or(rest.len());
    rest[..end].find(['\n', '\\']).unwrap_or(end)
}

/// Whether a line is a command and no sentence about one.
fn is_command(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let name = names::base(words.next().unwrap_or_default());
    let rest: Vec<&str> = words.collect();
    let pipes = |shells: &[&str]| {
        line.split('|')
            .skip(1)
            .any(|next| shells.contains(&names::base(next.split_whitespace().next().unwrap_or_default())))
    };
    match name {
        "sh" | "bash" | "zsh" | "dash" => rest.first() == Some(&"-c") && rest.len() > 1,
        "curl" | "wget" => pipes(&["sh", "bash", "zsh", "sudo", "python3", "python", "perl", "ruby", "node"]),
        "dd" => rest.len() > 1 && rest.iter().all(|word| word.contains('=')),
        "chmod" | "chown" => {
            rest.len() > 1
                && rest.iter().skip(1).all(|word| is_operand(word) || !word.contains(char::is_alphabetic))
        }
        _ => {
            let path = |word: &&str| word.starts_with(['/', '~', '.', '$', '*']);
            rest.iter().all(|word| is_operand(word)) && rest.iter().any(path)
        }
    }
}

/// Whether a word is an option, a path or a sign, and none of a sentence.
pub(super) fn is_operand(word: &str) -> bool {
    word.starts_with(['-', '/', '~', '.', '$', '*', '#', ';', '|', '>', '%', '{', '&'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::{Context, Level, judge_command};

    #[test]
    fn commands_are_found_in_texts() {
        for (text, expected) in [
            ("(shell \"rm -rf /srv\")", Some("rm -rf /srv")),
            ("Runtime.getRuntime().exec('/bin/rm -rf /srv')", Some("rm -rf /srv")),
            ("os/execute [\"rm\" \"-rf\" \"/srv\"]", Some("rm -rf /srv")),
            ("<exec executable=\"rm\"><arg line=\"-rf /srv\"/>", Some("rm -rf /srv")),
            (".sy rm -rf /srv", Some("rm -rf /srv")),
            ("%pipe%rm -rf /srv", Some("rm -rf /srv")),
            ("exec(sh -c 'x y')", Some("sh -c 'x y'")),
            ("alarm -rf /srv", None),
            ("\"rm -rf / is dangerous\"", None),
            ("we do not rm -rf / here", None),
            ("rm", None),
        ] {
            assert_eq!(plain_commands(text).first().map(String::as_str), expected, "{text}");
        }
    }

    #[test]
    fn what_is_only_spoken_of_is_not_judged() {
        for command in [
            "fleet note --message 'rm -rf /'",
            "fleet note 'rm -rf / is a bad idea'",
            "cargo test -- 'refuses rm -rf /'",
            "fleet add \"never (rm -rf / it)\"",
        ] {
            assert!(judge_command(command, &Context::default()).level < Level::High, "{command}");
        }
    }
}
