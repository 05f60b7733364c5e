//! User pools by name, with the real binary: pool and client are found or created through a control plane, two processes
//! at once agree on one of each, and people log in there. The emulator plays the pool; the actions that manage pools
//! are played here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use agent_identity::emulator::Options;
use serde_json::{Value, json};
use support::{Home, PATIENCE, text};
use tiny_http::{Response, Server};

#[test]
fn a_person_logs_in_at_a_pool_that_is_known_by_name() {
    let plane = Plane::start(1);
    let home = plane.home(true);
    plane.plays_for(&home);
    let server = home.serve();
    assert!(plane.actions().is_empty(), "nothing is looked up before it is needed");
    home.log_in("alice", None);
    assert_eq!(home.json(&["whoami", "--json"])["loggedIn"], true);
    assert_eq!(
        plane.actions(),
        [
            "ListUserPools",
            "CreateUserPool",
            "ListUserPoolClients",
            "CreateUserPoolClient",
            "ListIdentityProviders"
        ]
    );
    assert_eq!(plane.callbacks(), [home.callback.as_str()]);
    home.log_in("bob", Some("agent:main:main:user:b"));
    assert_eq!(plane.actions().len(), 5, "all of it is kept");
    server.stop();

    let server = home.serve();
    let link = link(&home);
    assert!(link.contains("identity_provider=feishu"), "{link}");
    assert_eq!(
        plane.actions()[5..],
        ["ListUserPools", "GetUserPool", "ListUserPoolClients", "GetUserPoolClient", "ListIdentityProviders"],
        "a restart resolves again, and now finds everything"
    );
    server.stop();
}

#[test]
fn two_processes_at_once_create_one_pool_and_one_client_with_both_callbacks() {
    let plane = Plane::start(2);
    let homes = [plane.home(true), plane.home(true)];
    plane.plays_for(&homes[0]);
    let servers = [homes[0].serve(), homes[1].serve()];
    let links = std::thread::scope(|scope| {
        let callers = [&homes[0], &homes[1]].map(|home| scope.spawn(|| link(home)));
        callers.map(|caller| caller.join().unwrap())
    });
    for link in links {
        let id = format!("client_id={}", homes[0].emulator.client_id());
        assert!(link.contains(&id), "{link}");
    }
    let actions = plane.actions();
    let count = |name: &str| actions.iter().filter(|action| *action == name).count();
    assert_eq!((count("CreateUserPool"), count("CreateUserPoolClient")), (2, 2), "both tried: {actions:?}");
    let mut callbacks = plane.callbacks();
    let mut expected = [homes[0].callback.clone(), homes[1].callback.clone()];
    callbacks.sort();
    expected.sort();
    assert_eq!(callbacks, expected);
    for server in servers {
        server.stop();
    }
}

#[test]
fn without_auto_create_an_absent_pool_is_named_and_the_server_goes_on() {
    let plane = Plane::start(1);
    let home = plane.home(false);
    let server = home.serve();
    let refused = home.run(&["login", "--no-wait"]);
    let message = text(&refused.stderr);
    assert!(!refused.status.success());
    assert!(message.contains("the user pool people does not exist"), "{message}");
    assert!(message.contains("userpool.userPoolName"), "{message}");
    assert_eq!(plane.actions(), ["ListUserPools"]);
    assert_eq!(home.curl(&["http://localhost/healthz"]).0, 200);
    server.stop();
}

fn link(home: &Home) -> String {
    home.json(&["login", "--no-wait", "--json", "--session", "agent:main:main:user:c"])["authUrl"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A control plane with room for one pool and one client in it.
struct Plane {
    server: Arc<Server>,
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    /// The first lists of an action are answered when that many were asked for.
    processes: usize,
    world: Mutex<World>,
    asked: Condvar,
}

#[derive(Default)]
struct World {
    issuer: String,
    client: (String, String),
    pool_exists: bool,
    /// The client's callbacks, once there is one.
    callbacks: Option<Vec<String>>,
    actions: Vec<String>,
    lists: HashMap<String, usize>,
}

impl Plane {
    fn start(processes: usize) -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let shared = Arc::new(Shared { processes, world: Mutex::default(), asked: Condvar::new() });
        let work = |_| {
            let (server, shared) = (server.clone(), shared.clone());
            std::thread::spawn(move || {
                while let Ok(mut request) = server.recv() {
                    let action = request.url().split(['=', '&']).nth(1).unwrap_or_default().to_owned();
                    let body: Value = serde_json::from_reader(request.as_reader()).unwrap_or_default();
                    let (status, envelope) = match shared.perform(&action, &body) {
                        Ok(result) => (200, json!({ "ResponseMetadata": {}, "Result": result })),
                        Err((status, code)) => {
                            let error = json!({ "Code": code, "Message": code });
                            (status, json!({ "ResponseMetadata": { "Error": error } }))
                        }
                    };
                    let response = Response::from_string(envelope.to_string()).with_status_code(status);
                    let _ = request.respond(response);
                }
            })
        };
        let workers = (0..4).map(work).collect();
        Self { server, shared, workers }
    }

    /// A home that knows its pool by name.
    fn home(&self, auto_create: bool) -> Home {
        let endpoint = format!("http://{}", self.server.server_addr());
        Home::with(Options::default(), |config| {
            config["identity"]["endpoint"] = endpoint.into();
            config["userpool"] = json!({
                "userPoolName": "people",
                "clientName": "openclaw",
                "callbackUrl": config["userpool"]["callbackUrl"],
                "autoCreate": auto_create,
            });
        })
    }

    /// Whose emulator is the pool.
    fn plays_for(&self, home: &Home) {
        let mut world = self.shared.world.lock().unwrap();
        world.issuer = home.emulator.issuer();
        world.client = (home.emulator.client_id().to_owned(), home.emulator.client_secret().to_owned());
    }

    /// What was asked, in order, workload tokens aside.
    fn actions(&self) -> Vec<String> {
        let world = self.shared.world.lock().unwrap();
        world.actions.iter().filter(|action| !action.contains("Workload")).cloned().collect()
    }

    fn callbacks(&self) -> Vec<String> {
        self.shared.world.lock().unwrap().callbacks.clone().unwrap()
    }
}

impl Shared {
    fn perform(&self, action: &str, body: &Value) -> Result<Value, (u16, &'static str)> {
        let mut world = self.world.lock().unwrap();
        world.actions.push(action.to_owned());
        let listed = |items: Vec<Value>| Ok(json!({ "TotalCount": items.len(), "Data": items }));
        let client = |world: &World| {
            json!({ "Uid": world.client.0, "ClientSecret": world.client.1, "Name": "openclaw",
                "AllowedCallbackUrls": world.callbacks })
        };
        let pool = json!({ "Uid": "p-1", "Name": "people", "IssuerUrl": world.issuer });
        match action {
            "ListUserPools" => {
                let found = world.pool_exists.then_some(pool).into_iter().collect();
                self.rendezvous(action, world);
                listed(found)
            }
            "GetUserPool" => Ok(pool),
            "CreateUserPool" if world.pool_exists => Err((409, "Duplicated")),
            "CreateUserPool" => {
                world.pool_exists = body["Name"] == "people";
                Ok(pool)
            }
            "ListUserPoolClients" => {
                let found = world.callbacks.as_ref().map(|_| client(&world)).into_iter().collect();
                self.rendezvous(action, world);
                listed(found)
            }
            "GetUserPoolClient" => Ok(client(&world)),
            "CreateUserPoolClient" if world.callbacks.is_some() => Err((409, "Duplicated")),
            "CreateUserPoolClient" | "UpdateUserPoolClient" => {
                world.callbacks = serde_json::from_value(body["AllowedCallbackUrls"].clone()).unwrap();
                Ok(client(&world))
            }
            "ListIdentityProviders" => listed(vec![
                json!({ "Uid": "i-1", "Name": "corp", "ConnectionType": "OIDC", "Enabled": false }),
                json!({ "Uid": "i-2", "Name": "feishu", "ConnectionType": "OAuth", "Enabled": true }),
            ]),
            _ => Err((403, "LackPolicy")),
        }
    }

    /// Holds the first answers back until all processes have asked, so that all see the same.
    fn rendezvous(&self, action: &str, mut world: std::sync::MutexGuard<'_, World>) {
        *world.lists.entry(action.to_owned()).or_default() += 1;
        self.asked.notify_all();
        let early = |world: &mut World| world.lists[action] < self.processes;
        let (_world, timeout) = self.asked.wait_timeout_while(world, PATIENCE, early).unwrap();
        assert!(!timeout.timed_out(), "only one process asked {action}");
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        for _ in &self.workers {
            self.server.unblock();
        }
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}
