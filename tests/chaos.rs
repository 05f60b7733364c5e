//! Everything at once, for a while: five instances whose processes and whose engine are killed at random under load, with
//! user tokens that must be renewed every few seconds at a provider that ends a login when a refresh token comes twice.
//!
//! `CHAOS_SECONDS` makes it longer, `CHAOS_SEED` another one. A seed repeats what is done, not how threads interleave.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(all(feature = "emulator", feature = "redis"))]

mod support;

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use agent_identity::base::codec::unbase64url;
use agent_identity::base::env::Env;
use agent_identity::base::time::{Clock as _, SystemClock};
use agent_identity::emulator::{Effect, Fault, Options, RefreshUse};
use serde_json::{Value, json};
use support::browser::Browser;
use support::fleet::{Fleet, Instance};
use support::{PATIENCE, engine, skipped};

const TEST: &str = "kills_lose_no_login_use_no_refresh_token_twice_and_mix_up_nobody";
const INSTANCES: usize = 5;
/// People who stay, each with a session.
const PEOPLE: usize = 12;
/// Who asks for them.
const WORKERS: u64 = 4;
/// Three seconds more than the margin in which a user token is renewed.
const TOKEN_LIFETIME: Duration = Duration::from_secs(63);
/// How long an instance may take, on a busy machine, from the provider's answer to the end of what it saves, and half of
/// that from its request to the answer.
const HASTE: Duration = Duration::from_millis(500);
/// Later than anything, and far enough from the end of what can be counted.
const FOREVER: Duration = Duration::from_secs(1 << 40);
/// How long an instance may have a login to itself, a little less.
const LEASE: Duration = Duration::from_secs(40);

/// xorshift64*: the same steps in every run.
struct Random(u64);

impl Random {
    fn new(seed: u64, part: u64) -> Self {
        Self((seed ^ part.wrapping_mul(0x9E37_79B9_7F4A_7C15)).max(1))
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % limit
    }

    fn one<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn pause(&mut self, milliseconds: usize) {
        SystemClock.sleep(Duration::from_millis(self.below(milliseconds) as u64));
    }
}

struct World {
    fleet: Fleet,
    people: Vec<Person>,
    over: AtomicBool,
    events: Mutex<Events>,
    /// What must not be.
    violations: Mutex<Vec<String>>,
    served: AtomicUsize,
    refused: AtomicUsize,
    unanswered: AtomicUsize,
    /// Logins and logouts that were looked for at an instance while the engine answered.
    turns: AtomicUsize,
}

struct Person {
    name: String,
    session: String,
    sub: String,
    /// When they were told that they are logged out; whoever has this lock logs them in again.
    lost: Mutex<Vec<Duration>>,
}

/// What was done to the fleet, on the monotonic clock.
#[derive(Default)]
struct Events {
    kills: Vec<Duration>,
    /// From when to when the engine was away; [`FOREVER`] while it is.
    outages: Vec<(Duration, Duration)>,
}

fn now() -> Duration {
    SystemClock.monotonic()
}

/// When the last instance has noticed that the engine is back. Each pause in which it is left alone is twice the one
/// before, and any may be shortened by half: so the last lasts for up to twice the outage and a first pause more, and
/// for five seconds at most.
fn noticed(from: Duration, to: Duration) -> Duration {
    let pause = (to - from) * 2 + Duration::from_millis(100);
    to + pause.min(Duration::from_secs(5)) + HASTE
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn of_session(what: &str, session: &str) -> String {
    format!("/{what}?session={session}")
}

/// What a token says of a claim.
fn claim(token: &Value, name: &str) -> Value {
    let payload = token.as_str().unwrap_or_default().split('.').nth(1).unwrap_or_default();
    serde_json::from_slice::<Value>(&unbase64url(payload).unwrap_or_default()).unwrap_or_default()[name]
        .take()
}

impl Events {
    /// The outages as instances see them: one that begins before the end of the one before was noticed goes on with it.
    fn absences(&self) -> Vec<(Duration, Duration)> {
        let mut seen: Vec<(Duration, Duration)> = Vec::new();
        for (from, to) in &self.outages {
            match seen.last_mut() {
                Some((began, ended)) if *from <= noticed(*began, *ended) => *ended = *to,
                _ => seen.push((*from, *to)),
            }
        }
        seen
    }

    /// Until when an instance may still work with what it knew at a moment.
    fn settled(&self, moment: Duration) -> Duration {
        let mut settled = moment + HASTE;
        for (from, to) in self.absences() {
            let noticed = noticed(from, to);
            if from <= settled && noticed >= moment {
                settled = settled.max(noticed);
            }
        }
        settled
    }

    /// Whether the engine answered everybody all the time.
    fn calm(&self, from: Duration, to: Duration) -> bool {
        !self.absences().iter().any(|(began, ended)| *began <= to && noticed(*began, *ended) >= from)
    }

    /// Whether an instance was killed that may have been the one that had this answer of the provider.
    fn was_cut_off(&self, used: Duration) -> bool {
        let settled = self.settled(used);
        self.kills.iter().any(|kill| *kill + HASTE / 2 >= used && *kill <= settled)
    }
}

impl World {
    fn start(program: &'static str) -> Self {
        let people: Vec<_> = (0..PEOPLE).map(|n| format!("p{n}")).collect();
        let options = Options {
            users: people.iter().cloned().chain(["x0".to_owned(), "x1".to_owned()]).collect(),
            id_token_lifetime: TOKEN_LIFETIME,
            tip_lifetime: TOKEN_LIFETIME,
            ..Options::default()
        };
        let fleet = Fleet::start(program, INSTANCES, options);
        // A provider elsewhere takes its time, in which instances die.
        let elsewhere = Fault::always("token", Effect::Delay { milliseconds: 25 });
        fleet.home.emulator.faults().add(elsewhere).unwrap();
        let mut world = Self {
            fleet,
            people: Vec::new(),
            over: AtomicBool::new(false),
            events: Mutex::default(),
            violations: Mutex::default(),
            served: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
            turns: AtomicUsize::new(0),
        };
        let mut random = Random(1);
        for name in people {
            let session = format!("agent:main:main:user:{name}");
            assert!(world.log_in(&mut random, &name, &session).unwrap());
            let (status, login) = world.fleet.next().get(&of_session("session", &session));
            assert_eq!(status, 200, "{login}");
            let sub = login["sub"].as_str().unwrap().to_owned();
            world.people.push(Person { name, session, sub, lost: Mutex::default() });
        }
        world
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn violated(&self, what: String) {
        lock(&self.violations).push(what);
    }

    /// A login each step of which goes to any instance; whether it is known to have come to its end.
    fn log_in(&self, random: &mut Random, person: &str, session: &str) -> io::Result<bool> {
        let (status, begun) =
            random.one(&self.fleet.instances).try_tool("identity_login", session, &json!({}))?;
        let Some(link) = begun["authUrl"].as_str().filter(|_| status == 200) else { return Ok(false) };
        let callback = Browser::new().sign_in(link, person);
        let callback = &callback[callback.find("/identity/").unwrap()..];
        let (status, page) = random.one(&self.fleet.instances).try_callback("GET", callback, "")?;
        if status != 200 {
            return Ok(false);
        }
        let field = |name: &str| {
            let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        let form = format!("state={}&confirm={}", field("state"), field("confirm"));
        let path = callback.split('?').next().unwrap();
        Ok(random.one(&self.fleet.instances).try_callback("POST", path, &form)?.0 == 200)
    }

    /// Asks for people at instances, and looks whom the answers are about.
    fn work(&self, mut random: Random) {
        while !self.is_over() {
            let (person, instance) = (random.one(&self.people), random.one(&self.fleet.instances));
            let what = *random.one(&["session", "session", "token", "whoami"]);
            let began = now();
            let answer = match what {
                "whoami" => instance.try_tool("identity_whoami", &person.session, &json!({})),
                _ => instance.try_get(&of_session(what, &person.session)),
            };
            let Ok((status, body)) = answer else {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let out = what == "whoami" && status == 200 && body["loggedIn"] == false;
            if status == 200 && !out {
                self.served.fetch_add(1, Ordering::Relaxed);
                self.look(person, what, &body);
                continue;
            }
            self.refused.fetch_add(1, Ordering::Relaxed);
            let error = if out { &body["problem"] } else { &body["error"] };
            match error["code"].as_str().unwrap_or("not_logged_in") {
                "not_logged_in" | "session_unknown" | "login_expired" => self.revive(&mut random, person),
                "store_unavailable" if !lock(&self.events).calm(began, now()) => {}
                other => {
                    let ago = |time: Duration| began.as_secs_f32() - time.as_secs_f32();
                    let outages = lock(&self.events).absences();
                    let last =
                        outages.last().map(|(from, to)| format!("{:.2} to {:.2}", ago(*from), ago(*to)));
                    self.violated(format!(
                        "{}: {what} was answered {status} {other}; the engine was last away {last:?} s before: {body}",
                        person.name
                    ));
                }
            }
        }
    }

    /// An answer is about the person whose session was named, in every word.
    fn look(&self, person: &Person, what: &str, body: &Value) {
        let mut subs = vec![body["sub"].clone()];
        match what {
            "session" => subs.push(claim(&body["userToken"], "sub")),
            "token" => subs.push(claim(&body["token"], "sub")),
            _ => {}
        }
        if subs.iter().any(|sub| *sub != *person.sub) || body["sessionKey"] != *person.session {
            self.violated(format!(
                "{}: {what} was answered with {subs:?} of {}",
                person.name, body["sessionKey"]
            ));
        }
    }

    /// Logs somebody in again who was told that they are logged out. Whether that may be shows in the end.
    fn revive(&self, random: &mut Random, person: &Person) {
        let Ok(mut lost) = person.lost.try_lock() else { return };
        let at = now();
        if let Ok(true) = self.log_in(random, &person.name, &person.session) {
            lost.push(at);
        }
    }

    /// Two people take turns in one session: whoever asks after that is told of nobody else.
    fn take_turns(&self, mut random: Random) {
        let session = "agent:main:main:user:x";
        let mut subs = [None, None];
        let mut who = 0;
        while !self.is_over() {
            who = 1 - who;
            let Ok(true) = self.log_in(&mut random, &format!("x{who}"), session) else {
                self.leave(&mut random, session);
                continue;
            };
            let since = now();
            for instance in &self.fleet.instances {
                let Ok((status, body)) = instance.try_get(&of_session("session", session)) else { continue };
                let calm = lock(&self.events).calm(since, now());
                let sub = body["sub"].as_str().map(str::to_owned);
                self.turns.fetch_add(usize::from(calm), Ordering::Relaxed);
                if calm && status != 200 {
                    self.violated(format!("x{who} logged in and was answered {status}: {body}"));
                }
                if status == 200 && calm {
                    let known = subs[who].get_or_insert_with(|| sub.clone());
                    if *known != sub || subs[0] == subs[1] {
                        self.violated(format!("x{who} is {sub:?} of {subs:?}"));
                    }
                }
            }
            if !self.leave(&mut random, session) {
                continue;
            }
            let since = now();
            for instance in &self.fleet.instances {
                let Ok((status, body)) = instance.try_get(&of_session("token", session)) else { continue };
                let calm = lock(&self.events).calm(since, now());
                self.turns.fetch_add(usize::from(calm), Ordering::Relaxed);
                if calm && status == 200 {
                    self.violated(format!("x{who} logged out and was served: {body}"));
                }
            }
        }
    }

    fn leave(&self, random: &mut Random, session: &str) -> bool {
        let left = random.one(&self.fleet.instances).try_tool("identity_logout", session, &json!({}));
        left.is_ok_and(|(status, body)| status == 200 && body["ok"] == true)
    }

    /// Kills and starts again, until the time is over; then everything runs.
    fn rage(&self, mut random: Random) {
        while !self.is_over() {
            random.pause(600);
            match random.below(20) {
                0..=15 => self.kill(&mut random),
                16..=18 => {
                    self.cut();
                    random.pause(500);
                    self.mend();
                }
                _ => {
                    self.cut();
                    random.pause(300);
                    self.kill(&mut random);
                    random.pause(300);
                    self.mend();
                }
            }
        }
    }

    fn kill(&self, random: &mut Random) {
        let instance = random.one(&self.fleet.instances);
        lock(&self.events).kills.push(now());
        self.check_log(&instance.kill());
        random.pause(200);
        instance.run();
    }

    fn cut(&self) {
        lock(&self.events).outages.push((now(), FOREVER));
        self.fleet.engine().kill();
    }

    fn mend(&self) {
        self.fleet.engine().run();
        if let Some((_, to)) = lock(&self.events).outages.last_mut() {
            *to = now();
        }
    }

    fn check_log(&self, log: &str) {
        if let Some(line) = log.lines().find(|line| line.contains("panicked")) {
            self.violated(line.to_owned());
        }
    }

    /// The uses of the refresh tokens of a person.
    fn uses(&self, person: &Person) -> Vec<RefreshUse> {
        let mut uses = self.fleet.home.emulator.refresh_uses();
        uses.retain(|used| used.user == person.name);
        uses
    }

    /// Everything has come to rest, and every instance starts anew.
    fn settle(&self) {
        let end = now() + PATIENCE;
        let is_well = |instance: &Instance| {
            instance.get(&of_session("session", &self.people[0].session));
            instance.get("/healthz").1.get("degraded").is_none()
        };
        while !self.fleet.instances.iter().all(is_well) {
            assert!(now() < end, "instances do not find back");
            SystemClock.sleep(Duration::from_millis(20));
        }
        thread::scope(|scope| {
            for instance in &self.fleet.instances {
                scope.spawn(|| {
                    self.check_log(&instance.stop());
                    instance.run();
                });
            }
        });
        // Of those who died while they had a login to themselves: their time would be over at last.
        self.fleet.engine().end_leases();
    }

    /// Whether a login can be renewed once more.
    fn lives(&self, person: &Person) -> bool {
        let end = now() + PATIENCE;
        let before = self.uses(person).len();
        let ask = || self.fleet.next().get(&of_session("session", &person.session));
        let (status, first) = ask();
        if status != 200 {
            return false;
        }
        while now() < end {
            let uses = self.uses(person);
            if uses[before..].iter().any(|used| used.again) {
                return false;
            }
            let (status, session) = ask();
            self.look(person, "session", &session);
            if status != 200 {
                return false;
            }
            if session["expiresAt"] != first["expiresAt"] {
                return true;
            }
            SystemClock.sleep(Duration::from_millis(50));
        }
        false
    }

    /// Looks at every use of a refresh token and at who was logged out, and returns how many logins ended because an
    /// instance died with the provider's answer.
    fn judge(&self, ends: &[bool], resting: Duration) -> usize {
        let events = lock(&self.events);
        let mut cut_off = 0;
        for (person, lives) in self.people.iter().zip(ends) {
            let uses = self.uses(person);
            for (n, used) in uses.iter().enumerate().filter(|(_, used)| used.again) {
                let before = uses[..n].iter().rfind(|before| before.login == used.login && !before.again);
                let before = before.map_or(Duration::ZERO, |before| before.at);
                let waited = used.at >= resting || used.at >= before + LEASE;
                if !waited || !events.was_cut_off(before) {
                    self.violated(format!(
                        "{}: a refresh token was used at {before:?} and {used:?}",
                        person.name
                    ));
                }
            }
            let mut moments = lock(&person.lost).clone();
            if !lives {
                moments.push(now());
            }
            for lost in moments {
                cut_off += 1;
                let last = uses.iter().rfind(|used| !used.again && used.at < lost);
                if !last.is_some_and(|last| events.was_cut_off(last.at)) {
                    self.violated(format!("{}: the login was lost by {lost:?}: {last:?}", person.name));
                }
            }
        }
        cut_off
    }
}

#[test]
fn kills_lose_no_login_use_no_refresh_token_twice_and_mix_up_nobody() {
    let env = Env::of_process();
    let number = |name: &str, default: u64| env.get(name).map_or(default, |value| value.parse().unwrap());
    let (seconds, seed) = (number("CHAOS_SECONDS", 20), number("CHAOS_SEED", 20_261_121));
    let Some(program) = engine::programs().first().copied() else {
        return skipped(TEST, "neither redis-server nor valkey-server is installed");
    };
    let world = World::start(program);
    thread::scope(|scope| {
        for part in 0..WORKERS {
            let world = &world;
            scope.spawn(move || world.work(Random::new(seed, part)));
        }
        scope.spawn(|| world.take_turns(Random::new(seed, WORKERS)));
        scope.spawn(|| world.rage(Random::new(seed, WORKERS + 1)));
        SystemClock.sleep(Duration::from_secs(seconds));
        world.over.store(true, Ordering::SeqCst);
    });
    let resting = now();
    world.settle();
    let ends: Vec<_> = thread::scope(|scope| {
        let looks: Vec<_> = world.people.iter().map(|person| scope.spawn(|| world.lives(person))).collect();
        looks.into_iter().map(|look| look.join().unwrap()).collect()
    });
    let cut_off = world.judge(&ends, resting);
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    let events = lock(&world.events);
    let said = format!(
        "chaos: seed {seed}, {seconds} s, {program}: {} instances and {} engines killed; {} answers, {} refusals, {} \
         without an answer; {} turns \
         checked; {} refresh tokens used; {cut_off} logins ended with an instance that died with the \
         provider's answer",
        events.kills.len(),
        events.outages.len(),
        count(&world.served),
        count(&world.refused),
        count(&world.unanswered),
        count(&world.turns),
        world.fleet.home.emulator.refresh_uses().len(),
    );
    let _ = writeln!(io::stderr(), "{said}");
    let violations = lock(&world.violations);
    assert!(violations.is_empty(), "{said}\n{}", violations.join("\n"));
    assert!(count(&world.served) > 100 && count(&world.turns) > 10 && events.kills.len() > 1, "{said}");
    // An instance seldom dies between a request to the provider and the end of what it saves.
    assert!(cut_off <= 1 + events.kills.len() / 4, "{said}");
}
