//! What clients of databases are told, as it is read there: texts that a statement only shows, words that it puts together
//! of pieces, comments that some servers run.

use std::borrow::Cow;

use super::call::Call;
use super::{Arg, Judge};
use crate::risk::letters::Letters;
use crate::risk::lookup::{Names, list};
use crate::risk::rules::databases::{OTHER_CLIENTS, is_client};

impl Judge<'_> {
    /// What a client of a database reads is judged like what it is told.
    pub(super) fn statements(&mut self, call: &Call<'_>, input: Option<&str>) {
        if !is_client(call.name) && !OTHER_CLIENTS.contains(call.name) {
            return;
        }
        let file = call.after(&["-f", "--file", "-i"]).and_then(|path| self.content(path));
        for text in [input.map(str::to_owned), file].into_iter().flatten().filter(|text| text.len() > 3) {
            let words = [call.name, text.as_str()];
            let args = [call.args[0].clone(), Arg::from(text.clone())];
            let letters = words.map(Letters::of);
            self.tables(&Call {
                name: call.name,
                args: &args,
                words: &words,
                letters: &letters,
                origin: None,
            });
        }
    }
}

/// The words for a client of a database without the texts that a statement only shows or keeps: `select 'drop table x'`.
pub(super) fn without_literals<'c>(call: &Call<'c>) -> Option<Vec<Cow<'c, str>>> {
    if !is_client(call.name) {
        return None;
    }
    let emptied: Vec<Cow<'c, str>> =
        call.words.iter().map(|word| without_texts(word).map_or(Cow::Borrowed(*word), Cow::Owned)).collect();
    emptied.iter().any(|word| matches!(word, Cow::Owned(_))).then_some(emptied)
}

/// A single statement that reads or adds rows, with what stands between quotes left out, unless that may be run or opened.
pub(super) fn without_texts(statement: &str) -> Option<String> {
    pub(super) const RUN: Names = list!(
        "exec eval dblink query_to pg_read lo_ load_ program system shell file xp_ sp_ opendata openrow
         terminate"
    );
    let lower = statement.trim_start().to_ascii_lowercase();
    let reads = ["select ", "insert "].iter().any(|verb| lower.starts_with(verb));
    if !reads || !statement.contains('\'') || !statement.matches('\'').count().is_multiple_of(2) {
        return None;
    }
    let plain: Vec<&str> = statement.split('\'').step_by(2).collect();
    let plain = plain.join("''");
    let lower = plain.to_ascii_lowercase();
    let ends = lower.trim_end().trim_end_matches(';').contains(';');
    (!ends && !RUN.iter().any(|word| lower.contains(word))).then_some(plain)
}

/// The words for a client of a database, of which some are put together of pieces, as they are read there.
pub(super) fn joined_pieces(call: &Call<'_>) -> Option<Vec<String>> {
    pub(super) const PIECES: &[(&str, &str)] =
        &[("/**/", " "), ("' || '", ""), ("'||'", ""), ("', '", ""), ("','", "")];
    pub(super) const SCRIPT: &[(&str, &str)] = &[
        ("\" + \"", ""),
        ("\"+\"", ""),
        ("' + '", ""),
        ("'+'", ""),
        ("[\"", "."),
        ("['", "."),
        ("\"](", "("),
        ("'](", "("),
    ];
    let is_other = OTHER_CLIENTS.contains(call.name);
    let marks: &[&str] =
        if is_other { &["\"](", "']("] } else { &["/**/", "/*!", "||", "concat(", "CONCAT("] };
    let is_split = |word: &str| marks.iter().any(|mark| word.contains(mark));
    if !is_other && !is_client(call.name) || !call.words.iter().any(|word| is_split(word)) {
        return None;
    }
    let join = |word: &&str| {
        let mut word = run_comments(word);
        for (mark, between) in if is_other { SCRIPT } else { PIECES } {
            word = word.replace(mark, between);
        }
        word
    };
    Some(call.words.iter().map(join).collect())
}

/// A statement with the comments in it that some servers run: `/*!50000 drop */ table`.
pub(super) fn run_comments(statement: &str) -> String {
    let mut pieces = statement.split("/*!");
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (inside, behind) = piece.split_once("*/").unwrap_or((piece, ""));
        let inside = inside.trim_start_matches(|c: char| c.is_ascii_digit()).trim();
        whole.extend([inside, behind]);
    }
    whole
}
