//! Sites and hosts as browsers name them, so that what a person writes is what is compared: small letters, no port that
//! the scheme has anyway, no slash behind.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The origin (RFC 6454) that browsers send for such a site: `http://Mirror.local:80/` is `http://mirror.local`. `None`
/// for what is no site: a path, a login, a port above 65535, another scheme. It stands in headers, so nothing else is let in.
pub fn origin(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let (scheme, rest) = text.split_once("://")?;
    let usual: u16 = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let after = rest.rfind(']').unwrap_or(0);
    let (name, port) = match rest[after..].split_once(':') {
        Some((before, port)) => (&rest[..after + before.len()], port),
        None => (rest, ""),
    };
    let host = host(name)?;
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    let port = match port {
        "" => usual,
        _ if digits => port.parse().ok().filter(|port| *port > 0)?,
        _ => return None,
    };
    Some(match port == usual {
        true => format!("{scheme}://{host}"),
        false => format!("{scheme}://{host}:{port}"),
    })
}

/// The name by which browsers reach a device: `Mirror.local.` is `mirror.local`. `None` for what is no name alone.
pub fn host_name(text: &str) -> Option<String> {
    let name = text.trim();
    host(name.strip_suffix('.').unwrap_or(name))
}

/// A name of letters, digits, `-` and `_` between dots, or an address as browsers write it: an IPv6 one in brackets.
fn host(text: &str) -> Option<String> {
    let inside = text.strip_prefix('[').map(|rest| rest.strip_suffix(']'));
    if let Some(inside) = inside {
        let address: Ipv6Addr = inside?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let label = |part: &str| !part.is_empty() && part.bytes().all(plain);
    let bare = text.strip_suffix('.').unwrap_or(text);
    if !bare.split('.').all(label) {
        return None;
    }
    let last = bare.rsplit('.').next().unwrap_or_default();
    // Browsers read `127.1` as an address, and send it whole.
    if last.bytes().all(|b| b.is_ascii_digit()) && text.parse::<Ipv4Addr>().is_err() {
        return None;
    }
    Some(text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_named_as_browsers_send_them() {
        for (written, sent) in [
            ("http://mirror.local:8080", "http://mirror.local:8080"),
            ("http://MIRROR.local:80", "http://mirror.local"),
            ("HTTPS://x.local:443/", "https://x.local"),
            ("https://x.local:80", "https://x.local:80"),
            ("http://x:443", "http://x:443"),
            ("http://x:", "http://x"),
            ("http://x:08080", "http://x:8080"),
            (" http://10.0.0.1/ ", "http://10.0.0.1"),
            ("http://[FD00:0::7]:81", "http://[fd00::7]:81"),
            ("http://[::1]:80", "http://[::1]"),
            ("http://my_pi", "http://my_pi"),
        ] {
            assert_eq!(origin(written).as_deref(), Some(sent), "{written}");
        }
        for wrong in [
            "",
            "*",
            "null",
            "mirror.local",
            "http://",
            "http:///",
            "http://a/b",
            "http://a//",
            "http://a?b",
            "http://a#b",
            "http://u:p@a",
            "http://a; script-src *",
            "http://a b",
            "http://*.local",
            "http://a:99999",
            "http://a:65536",
            "http://a:0",
            "http://a:-1",
            "http://a:+80",
            "http://a:80:80",
            "http://:80",
            "http://[::1",
            "http://::1",
            "http://[::1]x",
            "http://a..b",
            "http://127.1",
            "http://1.2.3.256",
            "http://küche.local",
            "ftp://a",
            "mqtt://a",
        ] {
            assert_eq!(origin(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn hosts_are_names_alone() {
        for (written, name) in [
            ("Mirror.local", "mirror.local"),
            ("mirror.local.", "mirror.local"),
            (" hall ", "hall"),
            ("192.168.1.7", "192.168.1.7"),
            ("[FD00::7]", "[fd00::7]"),
        ] {
            assert_eq!(host_name(written).as_deref(), Some(name), "{written}");
        }
        for wrong in [
            "",
            ".",
            "mirror.local:8080",
            "http://mirror.local",
            "mirror.local/",
            "*.local",
            "a b",
            "::1",
            "mirror..local",
        ] {
            assert_eq!(host_name(wrong), None, "{wrong}");
        }
    }
}
