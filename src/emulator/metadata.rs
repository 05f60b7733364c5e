//! The metadata endpoints of a machine in the cloud: its region, and keys of its role.

use serde_json::json;

use super::message::Reply;
use super::world::World;

/// The region as plain text.
pub(super) fn region(world: &World) -> Reply {
    Reply::text(200, &world.options.region)
}

/// The temporary keys, or 404 where there are none.
pub(super) fn credentials(world: &World) -> Reply {
    let Some(key) = &world.options.metadata_credentials else {
        return Reply::text(404, "there are no credentials here");
    };
    let mut body = json!({ "AccessKeyId": key.id, "SecretAccessKey": key.secret });
    if let Some(token) = &key.session_token {
        body["SessionToken"] = token.as_str().into();
    }
    Reply::json(200, &body)
}
