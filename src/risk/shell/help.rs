//! Commands that only ask how a program is used.

use super::{guess, interpreters, wrappers};
use crate::risk::lookup::{Names, list};

/// Programs that show their help wherever among their words they are asked for it.
const HELPERS: Names = list!(
    "kubectl oc helm docker podman nerdctl gh glab terraform tofu gcloud az aws flux argocd doctl flyctl
     heroku vault consul nomad npm pnpm yarn cargo pip pip3 poetry uv systemctl firebase vercel netlify
     supabase wrangler pulumi prisma"
);

/// Words behind which the words are another program's.
const PASSES_ON: Names = list!("-- exec run ssh rsh x dlx shell attach debug");

/// `vault operator seal -h`: behind nothing but subcommands.
fn asks_for_help(words: &[&str]) -> bool {
    let is_subcommand = |word: &&str| {
        word.len() > 1
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !word.starts_with('-')
    };
    let between = words.get(1..words.len() - 1).unwrap_or_default();
    (2..4).contains(&between.len())
        && between.iter().all(is_subcommand)
        && !matches!(
            words[0],
            "sudo" | "doas" | "env" | "xargs" | "shutdown" | "busybox" | "rm" | "chmod" | "chown"
        )
        && wrappers::inner(words).is_none()
}

/// Whether a program is only asked how it is used: it does nothing else then. What runs other programs hands the
/// question on to them, and many programs take a word behind their operands for one more operand.
pub(super) fn only_helps(words: &[&str]) -> bool {
    let [program, given @ .., last] = words else { return false };
    if *last == "-h" && asks_for_help(words)
        || *last == "help" && matches!(*program, "aws" | "gcloud" | "kubectl" | "docker")
    {
        return true;
    }
    let is_command = |word: &&str| {
        word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.'))
            && !word.starts_with('-')
    };
    matches!(*last, "--help" | "-help")
        && !interpreters::is_shell(program)
        && !interpreters::is_interpreter(program)
        && wrappers::inner(words).is_none()
        && !given.iter().any(|word| PASSES_ON.contains(word))
        && (HELPERS.contains(program)
            || given.iter().all(is_command) && !guess::begins(program)
            || given.is_empty())
}
