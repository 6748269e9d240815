//! An HTTP address whose user and password are kept apart from it and never shown.

use std::{fmt, str::FromStr};

/// `http://[user:password@]host[:port]/path`.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpAddress {
    url: String,
    login: Option<(String, String)>,
}

/// Why a text is no address that can be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// `https`, `rtsp` and others.
    #[error(
        "{0}:// is not supported, only http://; others work through a child, such as \
         cmd:ffmpeg -loglevel error -i URL -f mjpeg -q:v 4 -"
    )]
    Scheme(String),
    /// Nothing between the slashes.
    #[error("the address names no host; write http://HOST/PATH")]
    Host,
    /// White space or a control character.
    #[error("the address holds a space or a control character; write it as %20 and the like")]
    Character,
}

impl HttpAddress {
    /// The address without user and password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The value of the `Authorization` header, if there is a user (RFC 7617).
    pub fn authorization(&self) -> Option<String> {
        let (user, password) = self.login.as_ref()?;
        Some(format!(
            "Basic {}",
            base64(format!("{user}:{password}").as_bytes())
        ))
    }
}

impl FromStr for HttpAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(AddressError::Scheme(scheme.into()));
        }
        if rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(AddressError::Character);
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Some(login), host),
            None => (None, authority),
        };
        if host.is_empty() || host.starts_with(':') {
            return Err(AddressError::Host);
        }
        let login = login.map(|login| {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            (unescape(user), unescape(password))
        });
        Ok(Self {
            url: format!("http://{host}{path}"),
            login,
        })
    }
}

impl fmt::Display for HttpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl fmt::Debug for HttpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.url)
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

/// Base64 with padding (RFC 4648, section 4). Twelve lines are less than a dependency.
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0_u8; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(group);
        for i in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= chunk.len() { sign as char } else { '=' });
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
        assert_eq!(
            address.authorization().unwrap(),
            format!("Basic {}", base64(b"ann:p@ss:w"))
        );
        let shown = format!("{address} {address:?}");
        assert!(!shown.contains("p@ss") && !shown.contains("p%40ss") && !shown.contains("ann"));
    }

    #[test]
    fn base64_of_rfc_4648() {
        let known = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ];
        for (plain, coded) in known {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name() {
        let refused = |text: &str| text.parse::<HttpAddress>().unwrap_err();
        assert_eq!(
            refused("https://cam/"),
            AddressError::Scheme("https".into())
        );
        assert!(refused("rtsp://cam/").to_string().contains("ffmpeg"));
        assert_eq!(refused("http:///stream"), AddressError::Host);
        assert_eq!(refused("http://u:p@/stream"), AddressError::Host);
        assert_eq!(refused("http://cam/a b"), AddressError::Character);
    }

    #[test]
    fn odd_escapes_stay_as_they_are() {
        assert_eq!(unescape("a%2"), "a%2");
        assert_eq!(unescape("%zz%+4"), "%zz%+4");
        assert_eq!(unescape("%41é%C3%A9"), "Aéé");
    }
}
