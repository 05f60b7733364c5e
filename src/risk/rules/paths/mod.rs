//! Paths that matter, as patterns in lower case: `~` is any home folder, `/` at the end means everything below, and a
//! pattern that begins with neither `/` nor `~` stands for such a path anywhere.

mod home_secrets;
mod persistent;
mod places;
mod secrets;

pub use home_secrets::HOME_SECRETS;
pub use persistent::{PERSISTENT, PROFILES};
pub use places::{BUILD_OUTPUT, CACHES, DEFENCES, LOCAL, MADE, SYSTEM};
pub use secrets::{DOTENV, PUBLIC, SECRET_NAMES, SECRETS};
