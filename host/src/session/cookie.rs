//! The session cookie: its name, its attributes, how it is found and set (RFC 6265bis).

use std::borrow::Cow;
use std::time::Duration;

use cookie::Cookie;

/// How a browser is to hold the id. FEATURES C5.
#[derive(Clone, Debug)]
pub struct CookieSettings {
    /// The name, used as it is; none for `sessile` with the prefix that fits.
    pub name: Option<String>,
    /// `Domain`; none for the host alone.
    pub domain: Option<String>,
    /// `Path`.
    pub path: String,
    /// When it is `Secure`.
    pub secure: Secure,
    /// Whether scripts cannot read it.
    pub http_only: bool,
    /// `SameSite`.
    pub same_site: SameSite,
    /// Its life; none until the browser closes.
    pub max_age: Option<Duration>,
    /// Whether every exchange saves and sends it.
    pub save_every_request: bool,
}

/// When the cookie is `Secure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secure {
    /// Over TLS.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `SameSite`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// With navigation from elsewhere too.
    Lax,
    /// Only from the same site.
    Strict,
    /// Always.
    None,
}

impl Default for CookieSettings {
    fn default() -> Self {
        Self {
            name: None,
            domain: None,
            path: "/".into(),
            secure: Secure::Auto,
            http_only: true,
            same_site: SameSite::Lax,
            max_age: Some(crate::limits::SESSION_MAX_AGE),
            save_every_request: false,
        }
    }
}

impl CookieSettings {
    /// The cookie's name on a connection. The prefixes bind it to what they say: `__Host-` to this
    /// host, TLS and all paths, `__Secure-` to TLS; over plain HTTP browsers refuse both.
    pub fn name_for(&self, tls: bool) -> Cow<'_, str> {
        match &self.name {
            Some(name) => name.as_str().into(),
            None if !self.is_secure(tls) => "sessile".into(),
            None if self.path == "/" && self.domain.is_none() => "__Host-sessile".into(),
            None => "__Secure-sessile".into(),
        }
    }

    /// What the session cookie has among the `Cookie` headers of a request: each value of its name.
    pub fn values<'a>(&self, headers: impl Iterator<Item = &'a str>, tls: bool) -> impl Iterator<Item = String> {
        let name = self.name_for(tls).into_owned();
        headers
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .filter(move |cookie| cookie.name() == name)
            .map(|cookie| cookie.value().to_owned())
    }

    /// The `Set-Cookie` that gives a browser this value.
    pub fn set(&self, value: &str, tls: bool) -> String {
        let mut cookie = self.base(value.to_owned(), tls);
        if let Some(age) = self.max_age {
            cookie.set_max_age(seconds(age));
        }
        cookie.to_string()
    }

    /// The `Set-Cookie` that takes it back.
    pub fn expire(&self, tls: bool) -> String {
        let mut cookie = self.base(String::new(), tls);
        cookie.set_max_age(cookie::time::Duration::ZERO);
        cookie.to_string()
    }

    fn base(&self, value: String, tls: bool) -> Cookie<'static> {
        let mut cookie = Cookie::new(self.name_for(tls).into_owned(), value);
        cookie.set_path(self.path.clone());
        cookie.set_http_only(self.http_only);
        cookie.set_secure(self.is_secure(tls));
        cookie.set_same_site(match self.same_site {
            SameSite::Lax => cookie::SameSite::Lax,
            SameSite::Strict => cookie::SameSite::Strict,
            SameSite::None => cookie::SameSite::None,
        });
        if let Some(domain) = &self.domain {
            cookie.set_domain(domain.clone());
        }
        cookie
    }

    fn is_secure(&self, tls: bool) -> bool {
        match self.secure {
            Secure::Auto => tls,
            Secure::Always => true,
            Secure::Never => false,
        }
    }
}

fn seconds(age: Duration) -> cookie::time::Duration {
    cookie::time::Duration::seconds(i64::try_from(age.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::SessionId;
    use super::*;

    #[test]
    fn name_has_the_prefix_that_fits() {
        let settings = CookieSettings::default();
        assert_eq!((settings.name_for(false), settings.name_for(true)), ("sessile".into(), "__Host-sessile".into()));
        let domain = CookieSettings { domain: Some("x.example".into()), ..CookieSettings::default() };
        assert_eq!(domain.name_for(true), "__Secure-sessile");
        let named = CookieSettings { name: Some("sid".into()), ..CookieSettings::default() };
        assert_eq!(named.name_for(true), "sid");
        let never = CookieSettings { secure: Secure::Never, ..CookieSettings::default() };
        assert_eq!(never.name_for(true), "sessile");
    }

    #[test]
    fn set_carries_the_defaults() {
        let (settings, id) = (CookieSettings::default(), SessionId::mint().unwrap());
        let plain = format!("sessile={}; HttpOnly; SameSite=Lax; Path=/; Max-Age=1209600", id.encode());
        assert_eq!(settings.set(&id.encode(), false), plain);
        assert!(settings.set(&id.encode(), true).contains("; Secure"));
        let closing = CookieSettings { max_age: None, ..CookieSettings::default() };
        assert!(!closing.set(&id.encode(), false).contains("Max-Age"));
        assert!(settings.expire(false).contains("sessile=;") && settings.expire(false).contains("Max-Age=0"));
    }

    #[test]
    fn values_are_those_of_its_name() {
        let (settings, id) = (CookieSettings::default(), SessionId::mint().unwrap());
        let headers = ["a=b; sessile=short".to_owned(), format!("x=y; sessile={}; z=1", id.encode())];
        let found: Vec<_> = settings.values(headers.iter().map(String::as_str), false).collect();
        assert_eq!(found, ["short".to_owned(), id.encode()]);
        assert_eq!(settings.values(["other=1"].into_iter(), false).count(), 0);
    }
}
