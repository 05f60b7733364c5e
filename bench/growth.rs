//! What grows with the number of sessions, and what must not.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_identity::base::entropy::OsEntropy;
use agent_identity::base::env::Env;
use agent_identity::base::time::SystemClock;
use agent_identity::records::{Records, Saved};
use agent_identity::session::key::SessionKey;
use agent_identity::session::store::{Store, StoreOptions};
use serde_json::{Map, Value, json};

use super::Outcome;
use super::load::{self, Mode};
use super::process::{Process, rss_kib};
use super::report::{Goal, Report, median};
use super::world::{World, sender, session_key};

/// Saves of which the median counts. Enough that a journal that is folded too often would show in the mean.
const SAVES: usize = 400;
const LOOKUPS: usize = 200_000;
const DECISIONS: usize = 2_000;
/// Sessions that make those calls, where there are so many: each makes one beforehand.
const CALLERS: usize = 500;
const CALL: &str = "git status --short";

pub(crate) fn report(binary: &Path, report: &mut Report) -> Outcome<()> {
    report.heading("Growth");
    store(report)?;
    memory(binary, report)?;
    decisions(binary, report)
}

fn store(report: &mut Report) -> Outcome<()> {
    let (mut rows, mut saves) = (Vec::new(), Vec::new());
    for count in [10, 1_000, 100_000] {
        let world = World::new()?;
        world.fill(count)?;
        let begin = Instant::now();
        open(&world)?; // seals them
        let sealed = begin.elapsed();
        let begin = Instant::now();
        let store = open(&world)?;
        let loaded = begin.elapsed();
        let mut times = Vec::new();
        for n in 0..SAVES {
            let key = SessionKey::parse(&session_key(n % count))?;
            let session = store.get(&key)?.ok_or("a session is missing")?.value;
            let begin = Instant::now();
            let Saved::Durable = store.put(&key, (*session).clone())? else { return Err("not saved".into()) };
            times.push(begin.elapsed().as_secs_f64() * 1e6);
        }
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        let keys: Vec<_> =
            (0..count).map(|n| SessionKey::parse(&session_key(n))).collect::<Result<_, _>>()?;
        let begin = Instant::now();
        // Strides through all of them, so that neighbours in memory are not neighbours in time.
        let found = (0..LOOKUPS)
            .filter(|n| store.get(&keys[n * 7_919 % count]).is_ok_and(|found| found.is_some()))
            .count();
        let lookup = begin.elapsed().as_secs_f64() * 1e9 / LOOKUPS as f64;
        if found != LOOKUPS {
            return Err("a session is missing".into());
        }
        let save = median(times);
        saves.push(save);
        rows.push(vec![
            count.to_string(),
            format!("{save:.0}"),
            format!("{mean:.0}"),
            format!("{lookup:.0}"),
            format!("{:.1}", loaded.as_secs_f64() * 1e3),
            format!("{:.1}", sealed.as_secs_f64() * 1e3),
        ]);
    }
    let ratio = saves[2] / saves[0];
    let [goal, met] = report.judge(ratio, Goal::AtMost(2.0), " ×");
    report.paragraph(&format!(
        "The store alone, on a disk, each save synced; medians of {SAVES} saves. Saving at 100,000 sessions takes {ratio:.2} × \
         the time at 10 (goal {goal}: {met})."
    ));
    report.table(
        &["sessions", "save one, µs", "mean, µs", "look one up, ns", "load all, ms", "seal a plain file, ms"],
        &rows,
    );
    Ok(())
}

fn open(world: &World) -> Outcome<Store> {
    Ok(Store::open(StoreOptions {
        dir: world.data(),
        env: Env::default(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    })?)
}

fn memory(binary: &Path, report: &mut Report) -> Outcome<()> {
    let (mut rows, mut empty) = (Vec::new(), None);
    for count in [0, 1_000, 10_000, 100_000] {
        let world = World::new()?;
        if count > 0 {
            world.fill(count)?;
            world.serve(binary)?.stop()?; // seals them
        }
        let begin = Instant::now();
        let server = world.serve(binary)?;
        let start = begin.elapsed().as_secs_f64() * 1e3;
        let resident = rss_kib(server.id())? as f64;
        let empty = *empty.get_or_insert(resident);
        let each =
            if count == 0 { String::new() } else { format!("{:.2}", (resident - empty) / count as f64) };
        let (rate, p50) = match count {
            0 => (String::new(), String::new()),
            _ => {
                let target = format!("/session?session={}", session_key(count / 2));
                let sample =
                    load::run(&world.socket(), &target, Mode::Keep, 1, Duration::from_secs(1), server.id())?;
                (format!("{:.0}", sample.rate), format!("{:.1}", sample.p50_us))
            }
        };
        rows.push(vec![count.to_string(), format!("{resident:.0}"), each, format!("{start:.1}"), rate, p50]);
        server.stop()?;
    }
    report.paragraph(
        "The server with many sessions, each with a user token of 800 bytes; `GET /session` for one of them by one client on an \
         open connection.",
    );
    report.table(
        &["sessions", "memory KiB", "KiB a session", "start, ms", "`/session` a second", "p50 µs"],
        &rows,
    );
    Ok(())
}

/// `before_tool_call` on the line that the host's plugin uses.
fn decisions(binary: &Path, report: &mut Report) -> Outcome<()> {
    let (mut rows, mut medians) = (Vec::new(), Vec::new());
    for count in [1, 100, 10_000] {
        let world = World::new()?;
        world.fill(count)?;
        let bindings: Map<String, Value> =
            (0..count).map(|n| (session_key(n), json!({ "openai": "OPENAI_API_KEY" }))).collect();
        let file = world.data().join("credential-env-bindings.json");
        std::fs::write(&file, serde_json::to_vec(&bindings)?)?;
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let mut bridge = Bridge::start(&world, binary)?;
        let callers = CALLERS.min(count);
        let mut calls = |numbers: std::ops::Range<usize>| -> Outcome<Vec<f64>> {
            let mut times = Vec::new();
            for n in numbers {
                // Strides through all sessions, so that neighbours in memory are not neighbours in time.
                let scene = scene(n % callers * 7_919 % count, n);
                let begin = Instant::now();
                let verdict = bridge.call("before_tool_call", &scene)?;
                times.push(begin.elapsed().as_secs_f64() * 1e6);
                if verdict["params"]["env"].is_null() {
                    return Err(format!("the call was not given what is bound: {verdict}").into());
                }
                bridge.call("after_tool_call", &scene)?;
            }
            times.sort_unstable_by(f64::total_cmp);
            Ok(times)
        };
        let first = calls(0..callers)?;
        let times = calls(callers..callers + DECISIONS)?;
        medians.push(times[times.len() / 2]);
        let cells = [first[first.len() / 2], times[times.len() / 2], times[times.len() * 99 / 100]];
        rows.push([vec![count.to_string()], cells.map(|us| format!("{us:.0}")).to_vec()].concat());
        bridge.process.stop()?;
    }
    let ratio = medians[2] / medians[0];
    let [goal, met] = report.judge(ratio, Goal::AtMost(2.0), " ×");
    report.paragraph(&format!(
        "`before_tool_call` for `exec`, over the plugin's JSON-RPC line, there and back, in sessions that all have a binding; \
         {DECISIONS} calls after each of at most {CALLERS} sessions has made its first. At 10,000 sessions it takes {ratio:.2} × the time at one (goal {goal}: {met})."
    ));
    report.table(&["sessions", "first call, p50 µs", "p50 µs", "p99 µs"], &rows);
    Ok(())
}

struct Bridge {
    process: Process,
    next: usize,
}

impl Bridge {
    fn start(world: &World, binary: &Path) -> Outcome<Self> {
        let process = Process::start(&mut world.command(binary, &["bridge"]))?;
        let mut bridge = Self { process, next: 0 };
        let greeting = json!({ "pluginVersion": env!("CARGO_PKG_VERSION"), "modern": false });
        bridge.call("initialize", &greeting)?;
        Ok(bridge)
    }

    fn call(&mut self, method: &str, params: &Value) -> Outcome<Value> {
        self.next += 1;
        let mut line = String::new();
        let message = json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": params });
        writeln!(line, "{message}")?;
        self.process.say(&line)?;
        loop {
            let mut answer: Value = serde_json::from_str(&self.process.line()?)?;
            if answer["id"] == self.next {
                return match answer.get("error") {
                    Some(error) => Err(format!("{method}: {error}").into()),
                    None => Ok(answer["result"].take()),
                };
            }
        }
    }
}

/// A call in the web chat of a person.
fn scene(person: usize, call: usize) -> Value {
    json!({
        "event": { "toolName": "exec", "params": { "command": CALL } },
        "ctx": {
            "sessionKey": "agent:main:main",
            "agentId": "main",
            "channelId": "webchat",
            "messageProvider": "webchat",
            "senderId": sender(person),
            "runId": format!("run-{call}"),
            "toolCallId": format!("call-{call}"),
        },
    })
}
