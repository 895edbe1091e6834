//! Whether a request that changes something comes from our own pages.
//!
//! Browsers say where a request comes from in `Sec-Fetch-Site` (only over https and on loopback) and in `Origin`. Both must
//! agree with `public_url`, and one of them must be there: a client that sends neither is no browser of ours. Every form
//! carries the secret of its session besides.

use axum::http::{HeaderMap, HeaderName, header};

/// The scheme, host and port under which people open our pages, as browsers write them in `Origin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicOrigin(String);

impl PublicOrigin {
    /// The origin of `public_url`: everything before the path.
    pub fn of(public_url: &str) -> Self {
        let (scheme, rest) = public_url.split_once("://").unwrap_or(("http", public_url));
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
        let implied_port = if scheme == "https" { ":443" } else { ":80" };
        Self(format!(
            "{scheme}://{}",
            host.strip_suffix(implied_port).unwrap_or(&host)
        ))
    }

    /// Whether it is `https`, so that cookies can be bound to it.
    pub fn is_secure(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether a request with these headers comes from our own pages.
    pub fn sent(&self, headers: &HeaderMap) -> bool {
        let site = headers.get(HeaderName::from_static("sec-fetch-site"));
        let origin = headers.get(header::ORIGIN);
        let site_agrees = site.is_none_or(|site| site == "same-origin");
        let origin_agrees = origin.is_none_or(|origin| origin.to_str().is_ok_and(|origin| self.covers(origin)));
        (site.is_some() || origin.is_some()) && site_agrees && origin_agrees
    }

    /// On this very machine `localhost`, `127.0.0.1` and `[::1]` are one place: people type whichever they know.
    fn covers(&self, origin: &str) -> bool {
        origin == self.0 || loopback(&self.0).is_some_and(|ours| loopback(origin) == Some(ours))
    }
}

/// Scheme and port of an origin on loopback.
fn loopback(origin: &str) -> Option<(&str, &str)> {
    let (scheme, host) = origin.split_once("://")?;
    let port = ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .find_map(|name| host.strip_prefix(name))?;
    (port.is_empty() || port.starts_with(':')).then_some((scheme, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(public_url: &str, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a value")));
        PublicOrigin::of(public_url).sent(&headers.collect())
    }

    #[test]
    fn our_own_pages_pass_and_others_do_not() {
        let ours = "https://Rollcall.example:443/";
        assert!(sent(
            ours,
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://rollcall.example")
            ]
        ));
        assert!(sent(ours, &[("origin", "https://rollcall.example")]), "an old browser");
        assert!(sent(ours, &[("sec-fetch-site", "same-origin")]));
        assert!(!sent(ours, &[]), "no browser");
        assert!(!sent(ours, &[("sec-fetch-site", "cross-site")]));
        assert!(!sent(
            ours,
            &[("sec-fetch-site", "same-site"), ("origin", "https://rollcall.example")]
        ));
        assert!(
            !sent(
                ours,
                &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")]
            ),
            "a rebound name"
        );
        for origin in [
            "null",
            "http://rollcall.example",
            "https://rollcall.example.evil.example",
            "https://rollcall.example:444",
        ] {
            assert!(!PublicOrigin::of(ours).covers(origin), "{origin}");
        }
    }

    #[test]
    fn names_of_this_machine_are_one_place() {
        let demo = PublicOrigin::of("http://127.0.0.1:8080");
        assert!(demo.covers("http://localhost:8080") && demo.covers("http://[::1]:8080"));
        assert!(!demo.covers("http://localhost:8081") && !demo.covers("http://localhost.evil.example:8080"));
        assert!(!demo.covers("http://127.0.0.1.evil.example") && !demo.covers("https://localhost:8080"));
    }
}
