//! The pages that a browser sees. No script, nothing from elsewhere; every value is escaped.

use super::super::message::Reply;

const STYLE: &str = "body{margin:0;min-height:100vh;display:grid;place-items:center;background:#f2f4f8;\
color:#1d2433;font:16px/1.5 system-ui,sans-serif}main{width:20rem;padding:2rem;background:#fff;border-radius:12px;\
box-shadow:0 8px 30px rgba(20,30,60,.12)}h1{margin:0 0 .25rem;font-size:1.4rem}p{margin:0 0 1.25rem;color:#5b6579}\
label{display:block;margin-bottom:1rem;font-size:.9rem}input{box-sizing:border-box;width:100%;margin-top:.25rem;\
padding:.6rem .7rem;border:1px solid #c4cbd8;border-radius:8px;font:inherit}button{width:100%;padding:.7rem;border:0;\
border-radius:8px;background:#2456d6;color:#fff;font:inherit;font-weight:600;cursor:pointer}\
button.quiet{background:#e3e7ef;color:#1d2433}\
input:focus,button:focus-visible{outline:3px solid #a9c1ff}.error{padding:.5rem .75rem;border-radius:8px;\
background:#fdecec;color:#a11b1b}@media(prefers-color-scheme:dark){body{background:#12161f;color:#e8ebf2}\
main{background:#1c2230}p{color:#9aa5ba}input{background:#12161f;color:inherit;border-color:#3a4358}}";

/// The login form. The hidden fields carry the authorization request to where the form goes.
pub(in super::super) fn login(
    status: u16,
    title: &str,
    client: &str,
    hidden: &[(String, String)],
    problem: Option<&str>,
) -> Reply {
    let problem = problem
        .map(|problem| format!("<p class=\"error\" role=\"alert\">{}</p>", escape(problem)))
        .unwrap_or_default();
    let (title, hidden) = (escape(title), hidden_fields(hidden));
    let body = format!(
        "<h1>{title}</h1><p>to continue to {}</p>{problem}<form method=\"post\" action=\"login\">{hidden}\
         <label>User name<input name=\"username\" autocomplete=\"username\" autofocus required></label>\
         <label>Password<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\
         <button>Sign in</button></form>",
        escape(client)
    );
    document(status, "Sign in", &body)
}

/// The question whether an application may have what it asks for; `decision` is `approve` or `deny`.
pub(in super::super) fn consent(provider: &str, scopes: &[String], hidden: &[(String, String)]) -> Reply {
    let scopes: String = scopes.iter().map(|scope| format!("<li>{}</li>", escape(scope))).collect();
    let body = format!(
        "<h1>{}</h1><p>An agent asks for access to:</p><ul>{scopes}</ul><form method=\"post\" action=\"decide\">{}\
         <p><button name=\"decision\" value=\"approve\">Allow</button></p>\
         <button class=\"quiet\" name=\"decision\" value=\"deny\">Deny</button></form>",
        escape(provider),
        hidden_fields(hidden)
    );
    document(200, "Allow access", &body)
}

fn hidden_fields(fields: &[(String, String)]) -> String {
    let input = |(name, value): &(String, String)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
    };
    fields.iter().map(input).collect()
}

/// A page that only says something.
pub(in super::super) fn message(status: u16, title: &str, text: &str) -> Reply {
    document(status, title, &format!("<h1>{}</h1><p>{}</p>", escape(title), escape(text)))
}

fn document(status: u16, title: &str, body: &str) -> Reply {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{}</title>\
         <style>{STYLE}</style><main>{body}</main></html>",
        escape(title)
    );
    // No form-action: browsers apply it to the redirect after the form, too.
    Reply::new(status, "text/html; charset=utf-8", html)
        .with(
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
        )
        .with("cache-control", "no-store")
        .with("referrer-policy", "no-referrer")
        .with("x-content-type-options", "nosniff")
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_their_place() {
        let hidden = vec![("state".to_owned(), "\"><script>'&".to_owned())];
        let page = String::from_utf8(login(200, "<u>", "<b>", &hidden, Some("<i>")).body).unwrap();
        assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;&#39;&amp;\""));
        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<i>"));
        assert!(!page.contains("<u>"));
        let page = String::from_utf8(consent("<b>", &["<i>".to_owned()], &hidden).body).unwrap();
        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<i>"));
    }
}
