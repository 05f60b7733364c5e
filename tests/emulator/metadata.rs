//! The metadata of a machine: its region, and the keys of its role.

use agent_identity::emulator::{Effect, Fault};
use serde_json::json;

use super::client::*;

#[test]
fn region_and_keys_are_told_and_counted_and_the_keys_work() {
    let emulator = start(|options| options.region = "ap-southeast-1".into());
    assert_eq!(get(&emulator.region_metadata_url()).text, "ap-southeast-1");
    let keys = get(&emulator.credentials_metadata_url()).json();
    let text = |name: &str| keys[name].as_str().unwrap().to_owned();
    let mut request = Signed::new(&emulator, "GetWorkloadPool", &json!({}));
    request.access_key = text("AccessKeyId");
    request.secret = text("SecretAccessKey");
    request.token = Some(text("SessionToken"));
    assert_eq!(request.send(&emulator).status, 200);
    for target in ["region-metadata", "credentials-metadata"] {
        assert_eq!(emulator.requests().to(target).len(), 1);
    }
}

#[test]
fn keys_can_be_wrapped_or_absent() {
    let emulator = start(|_| ());
    for name in ["Result", "Credentials"] {
        let wrap = Effect::Wrap { name: name.into() };
        emulator.faults().add(Fault::times("credentials-metadata", 1, wrap)).unwrap();
        assert!(get(&emulator.credentials_metadata_url()).json()[name]["AccessKeyId"].is_string());
    }
    let lost = Effect::Respond { status: 404, content_type: "text/plain".into(), body: String::new() };
    emulator.faults().add(Fault::times("credentials-metadata", 1, lost)).unwrap();
    assert_eq!(get(&emulator.credentials_metadata_url()).status, 404);
    let without = start(|options| options.metadata_credentials = None);
    assert_eq!(get(&without.credentials_metadata_url()).status, 404);
}
