//! The risk engine against a shell: no program runs that it did not say would run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]

#[path = "support/risk_fuzz.rs"]
mod risk_fuzz;

use std::io::Write as _;

use agent_identity::risk::{Context, programs};
use risk_fuzz::{Jail, Numbers, command};

/// Commands of one short round.
const COMMANDS: u64 = 300;

#[test]
fn nothing_runs_that_was_not_foreseen() {
    let Some(jail) = Jail::new().unwrap() else {
        writeln!(std::io::stderr(), "skipped: nothing_runs_that_was_not_foreseen: no bash").unwrap();
        return;
    };
    let mut closed = 0;
    for seed in 0..COMMANDS {
        let text = command(&mut Numbers::new(seed));
        let unforeseen = jail.unforeseen(&text).unwrap();
        assert!(unforeseen.is_empty(), "seed {seed} ran {unforeseen:?}:\n{text}");
        closed += u64::from(!programs(&text, &Context::default()).is_open);
    }
    // An engine that never commits itself would pass by saying nothing.
    assert!(closed > COMMANDS / 4, "{closed} of {COMMANDS} were told wholly");
}

#[test]
fn the_recorders_record() {
    let Some(jail) = Jail::new().unwrap() else { return };
    let ran = jail.run("alfa; env A=1 nohup bravo; echo x | xargs carol; ls").unwrap();
    assert_eq!(ran.into_iter().collect::<Vec<_>>(), ["alfa", "bravo", "carol", "env", "nohup", "xargs"]);
}
