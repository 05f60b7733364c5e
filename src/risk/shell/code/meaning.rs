//! What one call of code means, by its name and its arguments.

use super::calls::{DELETES, OPENS, RUNS, WRITES};
use super::tokens::Token;
use super::values::Values;
use super::{Does, is_deletion, quoted, scan};
use crate::risk::effects::Effect;
use crate::risk::lookup::Names;

/// Whether this names what goes through folders: perl's `File::Find`.
fn is_search(token: &Token) -> bool {
    matches!(token, Token::Name(name) if matches!(name.as_str(), "find" | "finddepth"))
}

/// What a call means whose name stands at `at`.
pub(super) fn call(
    tokens: &[Token],
    at: usize,
    values: &mut Values<'_>,
    language: &str,
    sends: bool,
    found: &mut Vec<Does>,
) {
    values.note(at);
    let Some(name) = values.called(at) else { return };
    let is = |table: Names| table.contains(name.as_str());
    let evaluates = matches!(
        name.as_str(),
        "eval"
            | "Function"
            | "compile"
            | "instance_eval"
            | "class_eval"
            | "loadstring"
            | "runInThisContext"
            | "runInNewContext"
            | "assert"
            | "create_function"
            | "timeit"
            | "setTimeout"
            | "setInterval"
            | "Worker"
            | "breakpoint"
    ) || name == "exec" && language.starts_with("py")
        || name == "load" && language.starts_with("lua");
    let sends_message = matches!(name.as_str(), "send" | "public_send" | "__send__" | "method");
    let maps = sends_message
        || matches!(
            name.as_str(),
            "array_map" | "call_user_func" | "call_user_func_array" | "array_walk" | "array_filter" | "usort"
        );
    if !(evaluates
        || maps
        || is(RUNS)
        || is(DELETES)
        || is(WRITES)
        || is(OPENS)
        || matches!(name.as_str(), "kill" | "setuid" | "chdir"))
    {
        return;
    }
    let Some(start) = values.arguments_at(at) else {
        // perl: `system` alone runs `$_`.
        if let Some(line) = values.text_of("_").filter(|_| is(RUNS) && language.starts_with("perl")) {
            found.push(Does::Runs(line.to_owned()));
        }
        // perl: what is found below these places is what `unlink` alone deletes.
        if is(DELETES) && language.starts_with("perl") && tokens.iter().any(is_search) {
            let places = tokens.iter().filter_map(|token| match token {
                Token::Text(path) if path.starts_with(['/', '~']) => Some(path.clone()),
                _ => None,
            });
            found.extend(places.take(4).map(|path| Does::Acts(Effect::DeleteTree, path)));
        }
        // execSync.call(null, "…"), Reflect.apply(execSync, null, ["…"])
        let handed = match values.is(at + 1, '.') {
            true if matches!(values.name(at + 2), Some("call" | "apply" | "bind")) => Some(at + 3),
            false if is(RUNS) && values.is(at + 1, ',') => Some(at + 2),
            _ => None,
        };
        if let Some(start) = handed.filter(|_| is(RUNS) || is(DELETES)) {
            let texts = values.texts(start);
            match is(RUNS) {
                true if values.is_pieced(start) => found.push(Does::Is("decoded-and-run")),
                true => found.push(Does::Runs(texts.join(" "))),
                false => found
                    .extend(texts.iter().take(4).map(|path| Does::Acts(Effect::DeleteTree, path.clone()))),
            }
        }
        // map(os.remove, ["…"]): what is done to each of what follows.
        if is(DELETES) && tokens.get(at + 1) == Some(&Token::Sign(',')) {
            let paths = tokens.iter().skip(at + 2).take(8).filter_map(|token| match token {
                Token::Text(path) => Some(Does::Acts(Effect::DeleteTree, path.clone())),
                _ => None,
            });
            found.extend(paths);
        }
        return;
    };
    let given = values.arguments(start);
    let mut texts: Vec<String> = values.texts(start);
    texts.retain(|text| !text.trim().is_empty());
    if sends_message {
        // Kernel.send("sys" + "tem", …)
        if let Some((_, rest)) = texts.split_first().filter(|(name, _)| RUNS.contains(name.as_str())) {
            found.push(Does::Runs(rest.join(" ")));
            return;
        }
        if let Some((_, rest)) = texts.split_first().filter(|(name, _)| DELETES.contains(name.as_str())) {
            found.extend(rest.iter().take(4).map(|path| Does::Acts(Effect::DeleteTree, path.clone())));
            return;
        }
        let runs = tokens[start..]
            .iter()
            .take(8)
            .any(|token| matches!(token, Token::Name(name) if RUNS.contains(name.as_str())));
        if runs {
            found.extend(texts.first().map(|line| Does::Runs(line.clone())));
        }
        return;
    }
    if evaluates {
        // What a function is made of comes last.
        let code = if matches!(name.as_str(), "Function" | "create_function") {
            given.last()
        } else {
            given.first()
        }
        .cloned()
        .flatten();
        // eval(parse(text = "…"))
        let texts = || {
            tokens.iter().skip(start).take(8).find_map(|token| match token {
                Token::Text(text) => Some(text.clone()),
                _ => None,
            })
        };
        if let Some(code) = code.or_else(texts).filter(|code| code.len() < 65_536)
            && values.deepen()
        {
            found.extend(scan(&values.filled(&code), language));
        }
        return;
    }
    // Others work below it.
    if name == "chdir"
        && let Some(folder) = texts.first()
    {
        let below = tokens.iter().skip(start + 3).filter_map(|token| match token {
            Token::Text(path) if !path.starts_with('/') => Some(format!("{folder}/{path}")),
            _ => None,
        });
        found.extend(below.take(4).map(|path| Does::Acts(Effect::Read, path)));
        return;
    }
    let first = given.first().cloned().flatten().or_else(|| texts.first().cloned());
    if let (true, Some((callback, rest))) = (maps, texts.split_first()) {
        let acts = |path: &String| Does::Acts(Effect::DeleteTree, path.clone());
        match callback.as_str() {
            name if RUNS.contains(name) => found.push(Does::Runs(rest.join(" "))),
            name if DELETES.contains(name) => found.extend(rest.iter().take(4).map(acts)),
            _ => {}
        }
        return;
    }
    if is(RUNS) {
        // exec {"/bin/rm"} "ls", …
        if let (Some(Token::Sign('{')), Some(Token::Text(program)), Some(Token::Sign('}'))) =
            (tokens.get(at + 1), tokens.get(at + 2), tokens.get(at + 3))
        {
            let words: Vec<String> = values.texts(at + 4).iter().skip(1).map(|word| quoted(word)).collect();
            found.push(Does::Runs(format!("{} {}", quoted(program), words.join(" "))));
            return;
        }
        let is_open = |text: &Option<String>| text.as_deref().is_none_or(crate::risk::value::has_hole);
        if given.first().is_some_and(is_open) && (values.is_spelt(start) || values.is_pieced(start)) {
            found.push(Does::Is("decoded-and-run"));
        }
        match first {
            Some(line) if line.contains(' ') || texts.len() < 2 => found.push(Does::Runs(line)),
            Some(_) => {
                let skip = usize::from(name.starts_with("execl") || name.starts_with("spawnl"));
                let words: Vec<String> = texts
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| *at != skip || skip == 0)
                    .map(|(_, word)| quoted(word))
                    .collect();
                found.push(Does::Runs(words.join(" ")));
            }
            None if matches!(tokens.get(start), Some(Token::Sign('(')))
                && !matches!(
                    name.as_str(),
                    "run" | "call" | "command" | "cmd" | "sh" | "shell" | "pipeline" | "Command" | "execute"
                ) =>
            {
                found.push(Does::Is("generated-and-run"));
            }
            None => {}
        }
        return;
    }
    if is(OPENS) || is(WRITES) {
        // open(F, "cmd |"), open("| cmd")
        let piped = texts
            .iter()
            .take(2)
            .filter(|text| !matches!(text.as_str(), "|-" | "-|"))
            .find(|text| text.len() > 1 && (text.ends_with('|') || text.starts_with('|')));
        if let Some(line) = piped.filter(|_| name == "open") {
            found.push(Does::Runs(line.trim_matches('|').to_owned()));
            return;
        }
        if name == "open" && texts.first().is_some_and(|mode| matches!(mode.as_str(), "-|" | "|-")) {
            found.push(Does::Runs(texts[1..].join(" ")));
            return;
        }
    }
    if is(DELETES) && (texts.is_empty() || given.iter().any(Option::is_none)) {
        // What is deleted is found out elsewhere: below one of the places that are named.
        let named = tokens.iter().filter_map(|token| match token {
            Token::Text(path) if path.starts_with(['/', '~']) && !path.contains([' ', '\n']) => {
                Some(path.clone())
            }
            _ => None,
        });
        found.extend(named.take(4).map(|path| Does::Acts(Effect::DeleteTree, path)));
    }
    let modes = ["w", "a", "x", "wb", "ab", "w+", "a+", "r+", "wt", "at", ">", ">>", "+<", "+>"];
    let writes = texts.iter().any(|text| modes.contains(&text.as_str()));
    let follows = values.follows(start);
    for path in texts.iter().filter(|path| !modes.contains(&path.as_str())).take(4) {
        let (path, marked) = match path.strip_prefix(">>").or_else(|| path.strip_prefix('>')) {
            Some(rest) => (rest.trim_start().to_owned(), true),
            None => (path.trim_start_matches(['<', ' ']).to_owned(), false),
        };
        let effect = if is(DELETES) {
            if name.contains("tree")
                || name.contains("rm_r")
                || name.contains("All")
                || name.contains("Recursive")
                || name.contains("Tree")
                || name.contains("Dir")
                || name.contains("Forcibly")
                || name.contains("rmSync")
                || name == "rm"
                || name.contains("dir")
                || name.contains("rimraf")
            {
                Effect::DeleteTree
            } else {
                Effect::Delete
            }
        } else if is(WRITES) {
            Effect::Write
        } else if follows.as_deref().is_some_and(is_deletion) {
            Effect::DeleteTree
        } else if writes
            || marked
            || matches!(follows.as_deref(), Some("write_text" | "write_bytes" | "touch" | "write"))
        {
            Effect::Write
        } else {
            Effect::Read
        };
        if sends && effect == Effect::Read {
            found.push(Does::Sends(path.clone()));
        }
        if effect == Effect::Write {
            let written = if is(OPENS) {
                values.written(start).or_else(|| values.written_later(at, start))
            } else {
                texts.get(1).cloned()
            };
            found.extend(written.map(|content| Does::Wrote(path.clone(), content)));
        }
        found.push(Does::Acts(effect, path));
        // What is opened has one path; what is copied or moved has two.
        if is(OPENS)
            || matches!(
                name.as_str(),
                "writeFileSync"
                    | "writeFile"
                    | "appendFile"
                    | "appendFileSync"
                    | "file_put_contents"
                    | "write_text"
                    | "binwrite"
            )
        {
            break;
        }
    }
}
