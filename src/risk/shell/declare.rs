//! `declare` and its kin, `unset`, arithmetic that sets variables, and `trap`.

use super::call::Call;
use super::names::is_variable;
use super::variable::{Change, Variable};
use super::ways::Ways;
use super::{Judge, items::Items};
use crate::risk::value::Origin;

/// Commands that traps keep for the end of a shell; what lies beyond is never low.
const MAX_TRAPS: usize = 16;
/// Names of an expression whose values are looked at.
const MAX_NAMES: usize = 16;

impl Judge<'_> {
    /// A name that `declare` and its kin are about: inside of a function it becomes the function's own.
    pub(super) fn scope_of(&mut self, name: &str) {
        if self.makes_local(name) {
            self.scope.put(name, Some(Variable::from(Items::default())));
        }
    }

    /// `declare`, `local`, `export`, `readonly`, `typeset`
    pub(super) fn declared(&mut self, call: &Call<'_>) {
        let options: String = call
            .rest()
            .iter()
            .filter(|word| word.starts_with(['-', '+']) && word.len() > 1)
            .map(|word| &word[1..])
            .collect();
        let is_own = matches!(call.name, "declare" | "local" | "typeset") && !options.contains('g');
        let change = match () {
            () if call.name == "export" => None,
            () if options.contains('l') => Some(Change::Lower),
            () if options.contains('u') => Some(Change::Upper),
            () if options.contains('i') || call.name == "integer" => Some(Change::Value),
            () => None,
        };
        let is_fixed = call.name == "readonly" || is_own && options.contains('r');
        for word in call.plain() {
            let (name, value) =
                word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            let (name, adds) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
            if !is_variable(name) {
                self.subscripts(name);
                continue;
            }
            if options.contains('n') && call.name != "export" {
                if let Some(target) = value {
                    // The name of a function's own goes with it.
                    self.scope.refer(name, target);
                }
                continue;
            }
            if is_own {
                self.scope.hide(name);
                self.scope_of(name);
            }
            if options.contains('A') && !self.scope.get(name).is_some_and(Items::is_named) {
                self.scope.set(name, Items::named());
            }
            if change.is_some() {
                let variable = self.scope.held(name).unwrap_or_else(|| Items::default().into());
                self.scope.put(name, Some(variable.declared(change, false)));
            }
            if let Some(value) = value {
                let before = self.scope.get(name).filter(|_| adds).and_then(|items| items.at("0"));
                self.assigned(name, value);
                self.scope.set_text(name, before.unwrap_or_default() + value);
            }
            if is_fixed && let Some(variable) = self.scope.held(name) {
                self.scope.put(name, Some(variable.declared(None, true)));
            }
        }
    }

    /// `unset`, `unalias`
    pub(super) fn unset(&mut self, call: &Call<'_>) {
        let options: String = call.rest().iter().filter_map(|word| word.strip_prefix('-')).collect();
        if call.name == "unalias" && options.contains('a') {
            return;
        }
        for name in call.plain() {
            self.subscripts(name);
            if options.contains('n') {
                self.scope.refer(name, name);
            } else if let Some((name, index)) = name.split_once('[') {
                if let Some(mut items) = self.scope.get(name).cloned() {
                    items.remove(index.trim_end_matches(']'));
                    self.scope.set(name, items);
                }
            } else if call.name == "unalias"
                || options.contains('f')
                || !options.contains('v')
                    && self.scope.held(name).is_none()
                    && self.scope.function(name).is_some()
            {
                self.scope.define(name, None);
            } else if is_variable(name) {
                let name = self.scope.meant(name).to_owned();
                // What is fixed stays as it is.
                let kept = self.scope.is_fixed(&name).then(|| self.scope.held(&name));
                let unset = Some(Variable::from(Items::default()));
                self.scope.put_one_of(&name, kept.into_iter().chain(std::iter::once(unset)));
            }
        }
    }

    /// An expression of `((…))`, `let` or `$((…))`: what it sets is known only when it runs, unless it only says it.
    pub(super) fn calculated(&mut self, text: &str) {
        self.indices_in(text);
        if !text.contains('=') && !text.contains("++") && !text.contains("--") {
            return;
        }
        for part in text.split([',', ';']) {
            match part.split_once('=') {
                Some((name, value)) if is_variable(name.trim()) && !value.starts_with('=') => {
                    let value = self.reckoned(value);
                    self.scope.set_text(name.trim(), value);
                }
                _ => self.recalculated(part),
            }
        }
    }

    /// What stands in the index of an array runs when an expression is reckoned, also where a variable's value has it:
    /// `x='a[$(id)]'; ((x))`.
    pub(super) fn indices_in(&mut self, text: &str) {
        self.subscripts(text);
        let names = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let runs = |value: &String| value.contains('[') && value.contains(['$', '`']);
        let values: Vec<String> = names
            .filter(|name| is_variable(name))
            .take(MAX_NAMES)
            .filter_map(|name| self.scope.get(name).and_then(|items| items.at("0")))
            .filter(runs)
            .collect();
        for value in values {
            self.subscripts(&value);
        }
    }

    /// Names that an expression changes.
    fn recalculated(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let mut at = 0;
        while at < bytes.len() {
            let length = bytes[at..].iter().take_while(|byte| is_letter(byte)).count();
            if length == 0 {
                at += 1;
                continue;
            }
            let name = &text[at..at + length];
            let before = text[..at].trim_end();
            let mut behind = text[at + length..].trim_start();
            if behind.starts_with('[') {
                behind = behind.split_once(']').map_or("", |(_, behind)| behind).trim_start();
            }
            let operator = behind.trim_start_matches(['+', '-', '*', '/', '%', '&', '|', '^', '<', '>']);
            let is_set = behind.starts_with("++")
                || behind.starts_with("--")
                || before.ends_with("++")
                || before.ends_with("--")
                || operator.starts_with('=')
                    && !operator.starts_with("==")
                    && !(behind.len() - operator.len() == 1 && behind.starts_with(['<', '>']));
            if is_set && is_variable(name) {
                self.scope.set_text(name, Origin::UNKNOWN.text());
            }
            at += length;
        }
    }

    /// `trap`: a text for later.
    pub(super) fn trap(&mut self, call: &Call<'_>) {
        let Some(text) = call.plain().next().filter(|text| *text != "-" && call.plain().count() > 1) else {
            return;
        };
        // It runs at another time, when variables may hold something else.
        let (start, mut ways) = (self.start(), Ways::default());
        self.text(text, "trap", None);
        self.end(start, &mut ways);
        if text.contains(['$', '`']) || self.scope.function(text).is_some() {
            let is_last = call.plain().skip(1).all(|signal| matches!(signal, "EXIT" | "0"));
            if !is_last || self.traps.len() >= MAX_TRAPS {
                // Between any two commands.
                self.find("not-understood", "");
            }
        }
        if self.traps.len() < MAX_TRAPS {
            self.traps.push(text.to_owned());
        }
    }

    /// Runs what traps keep for the end of a shell that has `outer` of them from before.
    pub(super) fn trapped(&mut self, outer: usize) {
        while self.traps.len() > outer {
            let Some(text) = self.traps.pop() else { return };
            if text.contains(['$', '`']) {
                self.text(&text, "trap", None);
            }
        }
    }
}
