//! The OIDC callback as people meet it: pages in their language, and our own listener where no gateway has the route.

pub mod listener;
pub mod page;

mod text;

use crate::oidc::callback::{Callback, CallbackRequest};
use page::Page;
use text::Language;

/// Judges a callback request and renders the reply, in the language that the browser prefers.
#[must_use]
pub fn respond(callback: &Callback, request: &CallbackRequest<'_>) -> Page {
    let language = Language::preferred(request.accept_language.unwrap_or_default());
    Page::of(&callback.handle(request), language)
}
