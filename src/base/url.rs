//! Addresses that we call or hand out: absolute http(s) URLs, checked once.

use std::fmt;
use std::net::IpAddr;

use http::Uri;

/// An absolute `http` or `https` URL without user information and fragment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url(Uri);

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    /// Says in a few words what is wrong with it, without repeating the text (it may hold a secret).
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains('#') {
            return Err("a fragment (#…) is not allowed");
        }
        let uri: Uri = text.trim().parse().map_err(|_| "not a URL")?;
        match uri.scheme_str() {
            Some("http" | "https") => {}
            Some(_) => return Err("the scheme must be http or https"),
            None => return Err("not an absolute URL (https://…)"),
        }
        let authority = uri.authority().ok_or("the host is missing")?;
        if authority.as_str().contains('@') {
            return Err("user information (user@host) is not allowed");
        }
        if authority.host().is_empty() {
            return Err("the host is missing");
        }
        if authority.as_str().len() != authority.host().len()
            && authority.port_u16().is_none_or(|port| port == 0)
        {
            return Err("the port is not a number from 1 to 65535");
        }
        Ok(Self(uri))
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.scheme_str().unwrap_or("https")
    }

    /// The host name or address, IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default()
    }

    /// The port, given or implied by the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or_else(|| self.implied_port())
    }

    fn implied_port(&self) -> u16 {
        if self.is_https() { 443 } else { 80 }
    }

    /// Host with the port when one is given, as in a `Host` header.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.0.authority().map_or("", http::uri::Authority::as_str)
    }

    /// The path, at least `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        match self.0.path() {
            "" => "/",
            path => path,
        }
    }

    /// The raw query without `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.0.query()
    }

    /// Scheme, host and port: `https://host` or `http://host:8080` (RFC 6454).
    #[must_use]
    pub fn origin(&self) -> String {
        let host = self.host().to_ascii_lowercase();
        if self.port() == self.implied_port() {
            format!("{}://{host}", self.scheme())
        } else {
            format!("{}://{host}:{}", self.scheme(), self.port())
        }
    }

    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme() == "https"
    }

    /// Whether the host is this machine by its very name: `localhost` or a loopback address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host().eq_ignore_ascii_case("localhost") || self.ip().is_some_and(|ip| ip.is_loopback())
    }

    /// Whether secrets may travel to it: https, or plain http that cannot leave the machine.
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        self.is_https() || self.is_loopback()
    }

    /// Whether the host is an address that a machine reaches its metadata service at: link-local (RFC 3927, RFC 4291
    /// section 2.5.6) or of the shared address space (RFC 6598).
    #[must_use]
    pub fn is_metadata_host(&self) -> bool {
        match self.ip() {
            Some(IpAddr::V4(ip)) => {
                ip.is_link_local() || matches!(ip.octets(), [100, second, ..] if second & 0xc0 == 64)
            }
            Some(IpAddr::V6(ip)) => ip.is_unicast_link_local(),
            None => false,
        }
    }

    /// The same URL with another path and query (`/path?query`, both already encoded).
    #[must_use]
    pub fn with_path_and_query(&self, path_and_query: &str) -> Option<Self> {
        Self::parse(&format!("{}://{}{path_and_query}", self.scheme(), self.authority())).ok()
    }

    /// The same URL with parameters added to its query.
    #[must_use]
    pub fn with_params(&self, params: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(self.query().unwrap_or_default().to_owned());
        query.extend_pairs(params);
        format!("{}://{}{}?{}", self.scheme(), self.authority(), self.path(), query.finish())
    }

    /// The address when the host is a literal one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.host().trim_start_matches('[').trim_end_matches(']').parse().ok()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), self.authority(), self.path())?;
        self.query().map_or(Ok(()), |query| write!(f, "?{query}"))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query may hold a secret.
        write!(f, "{}://{}{}", self.scheme(), self.authority(), self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_absolute_web_addresses_only() {
        for good in
            ["https://a.example", "http://127.0.0.1:8080/x?y=1", "https://[::1]:4/", "HTTPS://A.example/b"]
        {
            assert!(Url::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a.example",
            "/x",
            "ftp://a",
            "https://",
            "https://u:p@a/",
            "https://a/#f",
            "https://a:99999/",
            "https://a:/",
            "https://a b/",
            "file:///etc/passwd",
        ] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn origin_and_parts() {
        let url = Url::parse("https://Host.example:443/cb?x=1").unwrap();
        assert_eq!(
            (url.origin().as_str(), url.path(), url.query()),
            ("https://host.example", "/cb", Some("x=1"))
        );
        assert_eq!(url.with_params(&[("a b", "ü&")]), "https://Host.example:443/cb?x=1&a+b=%C3%BC%26");
        let bare = Url::parse("http://127.0.0.1:8080").unwrap();
        assert_eq!(
            (bare.to_string().as_str(), bare.origin().as_str()),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080")
        );
        assert_eq!(bare.with_params(&[("a", "b")]), "http://127.0.0.1:8080/?a=b");
    }

    #[test]
    fn only_https_and_loopback_are_confidential() {
        for (text, expected) in [
            ("https://a.example", true),
            ("http://localhost:1", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:1", true),
            ("http://a.example", false),
            ("http://localhost.a.example", false),
            ("http://100.96.0.96", false),
        ] {
            assert_eq!(Url::parse(text).unwrap().is_confidential(), expected, "{text}");
        }
    }

    #[test]
    fn metadata_services_are_at_link_local_and_shared_addresses() {
        for (text, expected) in [
            ("http://100.96.0.96/latest", true),
            ("http://169.254.169.254", true),
            ("http://[fe80::1]", true),
            ("http://100.128.0.1", false),
            ("http://metadata.example", false),
            ("http://192.168.0.1", false),
        ] {
            assert_eq!(Url::parse(text).unwrap().is_metadata_host(), expected, "{text}");
        }
    }
}
