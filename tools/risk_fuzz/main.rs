//! `make fuzz-risk`: commands of a grammar, run in a jailed shell and judged, for some seconds. Prints every command
//! that ran what the engine did not say, with the seed that makes it again.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a tool that prints and measures time")]

#[path = "../../tests/support/risk_fuzz.rs"]
mod risk_fuzz;

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use agent_identity::risk::{Context, programs};
use risk_fuzz::{Jail, Numbers, command};

fn main() -> std::io::Result<ExitCode> {
    let mut given = std::env::args().skip(1).filter_map(|word| word.parse::<u64>().ok());
    let seconds = given.next().unwrap_or(10);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let first = given.next().unwrap_or(now * 1_000_000);
    let Some(jail) = Jail::new()? else {
        println!("skipped: no bash");
        return Ok(ExitCode::SUCCESS);
    };
    println!("the first seed is {first}");
    let (begin, mut seed, mut wrong, mut closed) = (Instant::now(), first, 0_u64, 0_u64);
    while begin.elapsed() < Duration::from_secs(seconds) {
        let text = command(&mut Numbers::new(seed));
        let unforeseen = jail.unforeseen(&text)?;
        closed += u64::from(!programs(&text, &Context::default()).is_open);
        if !unforeseen.is_empty() {
            println!("seed {seed} ran {unforeseen:?}:\n{text}\n");
            wrong += 1;
        }
        seed += 1;
    }
    let count = seed - first;
    println!("{count} commands, {closed} told wholly, {wrong} with programs that were not foreseen");
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
