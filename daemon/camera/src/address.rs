//! A camera's address. Its user and password are stored apart from it and never shown.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use moodring_base::redact::Redacted;

/// The protocol of a camera's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// MJPEG or snapshots.
    Http,
    /// The same over TLS.
    Https,
    /// Through a child.
    Rtsp,
    /// The same over TLS.
    Rtsps,
}

impl Scheme {
    /// As it stands in addresses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Rtsp => "rtsp",
            Self::Rtsps => "rtsps",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Http, Self::Https, Self::Rtsp, Self::Rtsps]
            .into_iter()
            .find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }
}

/// `scheme://[user:password@]host[:port]/path`.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpAddress {
    scheme: Scheme,
    /// `host[:port]`.
    host: String,
    /// Path and query, with the slash.
    path: String,
    login: Option<Login>,
}

/// User and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password; empty if there is none.
    pub password: String,
}

impl Login {
    /// The value of a header by RFC 7617.
    pub fn basic(&self) -> String {
        let Self { user, password } = self;
        format!(
            "Basic {}",
            BASE64_STANDARD.encode(format!("{user}:{password}"))
        )
    }
}

/// Why a text is no address that can be used. Never shows the text: a part of it may be a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// `ftp` and others.
    #[error(
        "{0}:// is not supported; http://, https:// and rtsp:// are. Others work through a child, such as \
         cmd:ffmpeg -loglevel error -i URL -f mjpeg -q:v 4 -"
    )]
    Scheme(String),
    /// Nothing between the slashes.
    #[error("the address names no host; write {0}://HOST/PATH")]
    Host(&'static str),
    /// Something else than a number behind the host.
    #[error(
        "the address has no port behind its host's colon. If that is a password with / ? or # in it, write those as \
         %2F, %3F and %23"
    )]
    Port,
    /// White space or a control character.
    #[error("the address holds a space or a control character; write it as %20 and the like")]
    Character,
}

impl HttpAddress {
    /// Its protocol.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The address without user and password; its query may still hold secrets.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme.name(), self.host, self.path)
    }

    /// `host[:port]`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Path and query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// User and password, if the address has them.
    pub fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// The address with user and password, for a child.
    pub(super) fn with_login(&self) -> String {
        match &self.login {
            Some(Login { user, password }) => format!(
                "{}://{}:{}@{}{}",
                self.scheme.name(),
                escape(user),
                escape(password),
                self.host,
                self.path
            ),
            None => self.url(),
        }
    }

    /// What must not be shown of it.
    pub(super) fn secrets(&self) -> Vec<String> {
        let login = self.login.iter();
        login
            .flat_map(|login| [login.password.clone(), escape(&login.password)])
            .filter(|secret| secret.len() >= 3)
            .collect()
    }

    /// Where a redirect leads; the login goes along only to the same host.
    ///
    /// # Errors
    /// If the target is no address that can be used.
    pub(super) fn redirected(&self, location: &str) -> Result<Self, AddressError> {
        let base = self.path.split(['?', '#']).next().unwrap_or("/");
        let folder = base.rfind('/').map_or("/", |at| &base[..=at]);
        let scheme = self.scheme.name();
        let place = format!("{scheme}://{}", self.host);
        let target = if location
            .split(['/', '?'])
            .next()
            .is_some_and(|begin| begin.ends_with(':'))
        {
            location.to_owned()
        } else if let Some(rest) = location.strip_prefix("//") {
            format!("{scheme}://{rest}")
        } else if location.starts_with('/') {
            format!("{place}{location}")
        } else if location.starts_with('?') {
            format!("{place}{base}{location}")
        } else {
            format!("{place}{folder}{location}")
        };
        let mut target: Self = target.parse()?;
        if target.is_same_host(self) {
            target.login = target.login.or_else(|| self.login.clone());
        }
        Ok(target)
    }

    /// Whether both are the same server: also by port, for another port may be another's.
    fn is_same_host(&self, other: &Self) -> bool {
        let place = |address: &Self| {
            let host = address.host.to_ascii_lowercase();
            let default = match address.scheme {
                Scheme::Http => ":80",
                Scheme::Https => ":443",
                Scheme::Rtsp => ":554",
                Scheme::Rtsps => ":322",
            };
            host.strip_suffix(default)
                .map_or(host.clone(), str::to_owned)
        };
        // From https to http the login would go over the wire for all to read.
        let safe = self.scheme == other.scheme || self.scheme == Scheme::Https;
        let by_name = |address: &Self| place(address).split(':').next().map(str::to_owned);
        let upgraded = self.scheme == Scheme::Https && other.scheme == Scheme::Http;
        safe && (place(self) == place(other) || (upgraded && by_name(self) == by_name(other)))
    }
}

impl FromStr for HttpAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, rest) = text.split_once("://").unwrap_or(("", text));
        let is_name = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
        let scheme = Scheme::from_name(name).ok_or_else(|| {
            AddressError::Scheme(name.chars().filter(|c| is_name(*c)).take(20).collect())
        })?;
        if rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(AddressError::Character);
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Some(login), host),
            None => (None, authority),
        };
        // An IPv6 address has its colons in brackets.
        let (name, port) = match host.rfind(']') {
            Some(end) => host.split_at(end + 1),
            None => host.find(':').map_or((host, ""), |at| host.split_at(at)),
        };
        if name.is_empty() || name == "[]" {
            return Err(AddressError::Host(scheme.name()));
        }
        if !port.is_empty()
            && port
                .strip_prefix(':')
                .is_none_or(|p| p.parse::<u16>().is_err())
        {
            return Err(AddressError::Port);
        }
        let login = login.map(|login| {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            Login {
                user: unescape(user),
                password: unescape(password),
            }
        });
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self {
            scheme,
            host: host.into(),
            path: format!("{slash}{path}"),
            login,
        })
    }
}

impl fmt::Display for HttpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Redacted::address(&self.url()).fmt(f)
    }
}

impl fmt::Debug for HttpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// Undoes `%40` and the like; what is not two hex digits stays as it is.
fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let digits = bytes
            .get(i + 1..i + 3)
            .filter(|d| d.iter().all(u8::is_ascii_hexdigit))
            .and_then(|d| std::str::from_utf8(d).ok());
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) if bytes[i] == b'%' => {
                out.push(byte);
                i += 3;
            }
            _ => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The reverse, for a login.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_used_and_never_shown() {
        let address: HttpAddress = "http://ann:p%40ss:w@cam.local:81/a?b=c".parse().unwrap();
        assert_eq!(address.url(), "http://cam.local:81/a?b=c");
        assert_eq!(address.login().unwrap().basic(), "Basic YW5uOnBAc3M6dw==");
        assert_eq!(
            address.with_login(),
            "http://ann:p%40ss%3Aw@cam.local:81/a?b=c"
        );
        let shown = format!("{address} {address:?}");
        assert!(!shown.contains("p@ss") && !shown.contains("p%40ss") && !shown.contains("ann"));
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name_and_without_its_text() {
        let refused = |text: &str| text.parse::<HttpAddress>().unwrap_err();
        assert_eq!(refused("ftp://cam/"), AddressError::Scheme("ftp".into()));
        assert!(refused("rtmp://cam/").to_string().contains("ffmpeg"));
        assert_eq!(refused("http:///stream"), AddressError::Host("http"));
        assert_eq!(refused("http://u:p@/stream"), AddressError::Host("http"));
        assert_eq!(refused("http://u:p@:80/stream"), AddressError::Host("http"));
        assert_eq!(refused("http://cam/a b"), AddressError::Character);
        assert_eq!(refused("http://admin:pa/ss@cam/"), AddressError::Port);
        assert_eq!(refused("http://cam:99999/"), AddressError::Port);
        assert!("http://[::1]:80/x".parse::<HttpAddress>().is_ok());
    }

    #[test]
    fn the_login_goes_along_to_the_same_host_only() {
        let base: HttpAddress = "http://ann:pass@cam:8080/a/b?c".parse().unwrap();
        let target = |location: &str| base.redirected(location).unwrap();
        for (location, url, keeps) in [
            ("/x?y=1", "http://cam:8080/x?y=1", true),
            ("x", "http://cam:8080/a/x", true),
            ("?d", "http://cam:8080/a/b?d", true),
            ("http://CAM:8080/z", "http://CAM:8080/z", true),
            ("https://cam/z", "https://cam/z", true),
            ("http://cam/z", "http://cam/z", false),
            ("//other:8080/z", "http://other:8080/z", false),
            ("http://evil.cam:8080/", "http://evil.cam:8080/", false),
            ("http://cam:8080@evil/", "http://evil/", false),
        ] {
            let got = target(location);
            assert_eq!(got.url(), url);
            assert_eq!(got.login() == base.login(), keeps, "{location}");
        }
        let safe: HttpAddress = "https://ann:pass@cam/".parse().unwrap();
        assert!(safe.redirected("http://cam/").unwrap().login().is_none());
        assert!(base.redirected("ftp://cam/").is_err());
    }

    #[test]
    fn odd_escapes_stay_as_they_are() {
        assert_eq!(unescape("a%2"), "a%2");
        assert_eq!(unescape("%zz%+4"), "%zz%+4");
        assert_eq!(unescape("%41é%C3%A9"), "Aéé");
    }
}
