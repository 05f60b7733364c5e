//! A browser without a screen: follows redirects, keeps cookies, fills in forms. Sends what Chromium sends.

use std::collections::BTreeMap;

use agent_identity::base::url::Url;
use ureq::Agent;
use ureq::http::Response;
use ureq::{Body, RequestBuilder};

/// Redirects that are followed before a test counts as looping.
const MAX_REDIRECTS: usize = 10;

pub struct Browser {
    agent: Agent,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    pub language: &'static str,
}

/// A page as it arrived.
#[derive(Debug)]
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub html: String,
}

impl Browser {
    pub fn new() -> Self {
        let agent = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .build()
            .into();
        Self { agent, cookies: BTreeMap::new(), language: "en" }
    }

    pub fn get(&mut self, url: &str) -> Page {
        let mut url = Url::parse(url).unwrap();
        for _ in 0..MAX_REDIRECTS {
            let request = self.dress(self.agent.get(url.to_string()), &url);
            let response = request.call().unwrap_or_else(|error| panic!("{url:?}: {error}"));
            let (page, next) = self.land(url, response);
            match next {
                Some(next) => url = next,
                None => return page,
            }
        }
        panic!("redirected in circles");
    }

    /// Sends the page's first form with these fields filled in.
    pub fn submit(&mut self, page: &Page, filled: &[(&str, &str)]) -> Page {
        let (page, next) = self.send(page, filled);
        next.map_or(page, |next| self.get(&next.to_string()))
    }

    /// Signs in at the provider, and gives the address that it sends the browser back to.
    pub fn sign_in(&mut self, link: &str, person: &str) -> String {
        let login = self.get(link);
        let (page, next) = self.send(&login, &[("username", person), ("password", "password")]);
        next.unwrap_or_else(|| panic!("{}", page.html)).to_string()
    }

    fn send(&mut self, page: &Page, filled: &[(&str, &str)]) -> (Page, Option<Url>) {
        let action = page.attribute("<form", "action").unwrap_or_default();
        let target = if action.is_empty() { page.url.to_string() } else { resolve(&page.url, &action) };
        let mut fields = page.hidden_fields();
        fields.extend(filled.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let url = Url::parse(&target).unwrap();
        let request = self.dress(self.agent.post(url.to_string()), &url).header("origin", page.url.origin());
        self.land(url, request.send_form(fields).unwrap())
    }

    /// The whole way of a login: the provider's page, our question, our answer.
    pub fn log_in(&mut self, link: &str, person: &str) -> Page {
        let login = self.get(link);
        let question = self.submit(&login, &[("username", person), ("password", "password")]);
        assert_eq!(question.status, 200, "{}", question.html);
        let answer = self.submit(&question, &[]);
        assert_eq!(answer.status, 200, "{}", answer.html);
        answer
    }

    fn dress<B>(&self, request: RequestBuilder<B>, url: &Url) -> RequestBuilder<B> {
        let cookies = self
            .cookies
            .get(&url.origin())
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let request = request.header("accept-language", self.language);
        if cookies.is_empty() { request } else { request.header("cookie", cookies) }
    }

    /// Takes cookies and body from a response, and the place it redirects to.
    fn land(&mut self, url: Url, mut response: Response<Body>) -> (Page, Option<Url>) {
        let status = response.status().as_u16();
        let headers: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        let jar = self.cookies.entry(url.origin()).or_default();
        for (_, cookie) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap_or_default().split_once('=').unwrap();
            jar.insert(name.to_owned(), value.to_owned());
        }
        let next =
            headers.iter().find(|(name, _)| name == "location").filter(|_| (300..400).contains(&status));
        let next = next.map(|(_, place)| Url::parse(&resolve(&url, place)).unwrap());
        let html = response.body_mut().read_to_string().unwrap();
        (Page { url, status, headers, html }, next)
    }
}

impl Page {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The document without the marks that only say where a long word may break.
    pub fn text(&self) -> String {
        self.html.replace("<wbr>", "")
    }

    fn attribute(&self, tag: &str, name: &str) -> Option<String> {
        let start = self.html.find(tag)?;
        attribute(&self.html[start..start + self.html[start..].find('>')?], name)
    }

    fn hidden_fields(&self) -> Vec<(String, String)> {
        let inputs = self.html.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
        let hidden = inputs.filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
        hidden
            .filter_map(|input| {
                Some((attribute(input, "name")?, attribute(input, "value").unwrap_or_default()))
            })
            .collect()
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(
        rest.split('"')
            .next()?
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&#39;", "'")
            .replace("&amp;", "&"),
    )
}

fn resolve(base: &Url, reference: &str) -> String {
    match reference {
        r if r.contains("://") => r.to_owned(),
        r if r.starts_with('/') => format!("{}{r}", base.origin()),
        r if r.starts_with('?') => format!("{}{}{r}", base.origin(), base.path()),
        r => {
            format!("{}{}/{r}", base.origin(), base.path().rsplit_once('/').map_or("", |(folder, _)| folder))
        }
    }
}
