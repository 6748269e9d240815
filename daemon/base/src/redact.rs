//! Removes secrets from addresses and commands. Everything that leaves the process (log, state, events, page, messages)
//! shows a [`Redacted`]; only the host or the shell that it is meant for gets the full address or command.

use std::fmt;

/// Stands for what is not shown.
const HIDDEN: &str = "***";
/// Keys of queries whose values choose a picture and identify nobody.
const HARMLESS_KEYS: [&str; 30] = [
    "action",
    "cam",
    "camera",
    "channel",
    "chn",
    "cmd",
    "compression",
    "file",
    "format",
    "fps",
    "h",
    "height",
    "id",
    "media",
    "mode",
    "name",
    "overlay",
    "profile",
    "quality",
    "rate",
    "res",
    "resolution",
    "rotation",
    "size",
    "snapshot",
    "src",
    "stream",
    "subtype",
    "w",
    "width",
];
/// Options of commands whose value is a secret, by a part of their name.
const SECRET_OPTIONS: [&str; 7] = ["pass", "pwd", "token", "secret", "key", "auth", "user"];

/// An address or a command without its secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Redacted(String);

impl Redacted {
    /// `scheme://[user:password@]host[:port]/path?query`: without the login, and of the query only what is harmless.
    /// Also for addresses that are wrong: what could be a part of a password is not shown.
    pub fn address(text: &str) -> Self {
        let clean = printable(text);
        let Some((scheme, rest)) = clean.split_once("://") else {
            return Self(if clean.contains('@') {
                HIDDEN.into()
            } else {
                clean
            });
        };
        let rest = rest.split('#').next().unwrap_or_default();
        // A password with a slash or a question mark in it looks like a host before them: the last @ decides.
        let rest = rest.rfind('@').map_or(rest, |at| &rest[at + 1..]);
        let (place, query) = rest
            .split_once('?')
            .map_or((rest, None), |(p, q)| (p, Some(q)));
        let shown = query.map(|query| {
            let pairs: Vec<String> = query.split('&').map(pair).collect();
            format!("?{}", pairs.join("&"))
        });
        Self(format!("{scheme}://{place}{}", shown.unwrap_or_default()))
    }

    /// A shell command: its program, and that there is more. Anything else of it may be a secret.
    pub fn command(text: &str) -> Self {
        let is_plain = |part: &&str| {
            part.chars()
                .all(|c| c.is_ascii_alphanumeric() || "._/+-".contains(c))
        };
        let mut parts = text.split_whitespace();
        // `exec`, and settings of the environment, stand before the program.
        let program = parts.find(|part| *part != "exec" && !part.contains('='));
        let more = if parts.next().is_some() { " ..." } else { "" };
        match program.filter(is_plain) {
            Some(program) => Self(format!("{program}{more}")),
            None => Self("...".into()),
        }
    }

    /// A text of somebody else, such as a child's message: addresses in it are redacted, and so are `secrets`.
    pub fn text(text: &str, secrets: &[String]) -> Self {
        let mut shown = printable(text);
        for secret in secrets {
            shown = shown.replace(secret.as_str(), HIDDEN);
        }
        let ends = |c: char| c.is_whitespace() || "\"'<>()[]{}`".contains(c);
        let parts = shown.split_inclusive(ends).map(|piece| {
            let part = piece.trim_end_matches(ends);
            if part.contains("://") {
                let begin = part.find("://").map_or(0, |at| {
                    let scheme = part[..at].rfind(|c: char| !c.is_ascii_alphanumeric() && c != '+');
                    scheme.map_or(0, |at| {
                        at + part[at..].chars().next().map_or(1, char::len_utf8)
                    })
                });
                let address = Self::address(&part[begin..]);
                format!("{}{address}{}", &part[..begin], &piece[part.len()..])
            } else {
                piece.to_owned()
            }
        });
        Self(parts.collect())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One `key=value` of a query.
fn pair(pair: &str) -> String {
    let harmless_value = |value: &str| {
        value.len() <= 40
            && value
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    match pair.split_once('=') {
        Some((key, value))
            if HARMLESS_KEYS.contains(&key.to_ascii_lowercase().as_str())
                && harmless_value(value) =>
        {
            pair.into()
        }
        Some((key, _)) if harmless_value(key) => format!("{key}={HIDDEN}"),
        _ => HIDDEN.into(),
    }
}

/// What is secret in a command: logins of addresses, secret values of queries, and values of options that name a secret.
/// Short ones are left out: they would be found everywhere.
pub fn secrets_of(command: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut after_option = false;
    for part in command.split(|c: char| c.is_whitespace() || c == '"' || c == '\'') {
        if part.is_empty() {
            continue;
        }
        if after_option {
            found.extend(part.split(':').map(str::to_owned));
        }
        let lower = part.to_ascii_lowercase();
        let names_secret = SECRET_OPTIONS.iter().any(|part| lower.contains(part));
        after_option = part == "-u"
            || (names_secret && (part.starts_with('-') || part.ends_with(':')))
            || lower == "basic"
            || lower == "bearer";
        if let Some((key, value)) = part.split_once('=')
            && !part.contains("://")
            && SECRET_OPTIONS
                .iter()
                .any(|part| key.to_ascii_lowercase().contains(part))
        {
            found.push(value.into());
        }
        if let Some((_, rest)) = part.split_once("://") {
            if let Some(at) = rest.rfind('@') {
                found.extend(rest[..at].splitn(2, ':').map(str::to_owned));
            }
            let query = rest.split_once('?').map_or("", |(_, query)| query);
            let hidden = query.split('&').filter(|p| pair(p).contains(HIDDEN));
            found.extend(hidden.filter_map(|p| Some(p.split_once('=')?.1.to_owned())));
        }
    }
    found.retain(|secret| secret.len() >= 3);
    // The longest first, so that a part of one does not break it up.
    found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    found.dedup();
    found
}

/// Control characters would reach terminals through the log; a path with a line's end would forge a line.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Also what turns the direction of writing, or is not seen.
        if c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
        {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_only_the_place_is_shown() {
        let shown = |text: &str| Redacted::address(text).to_string();
        assert_eq!(
            shown("http://cam.local:8080/?action=stream"),
            "http://cam.local:8080/?action=stream"
        );
        assert_eq!(shown("rtsp://admin:secret@cam:554/s1"), "rtsp://cam:554/s1");
        assert_eq!(shown("http://admin:pa/ss@cam/x"), "http://cam/x");
        assert_eq!(shown("http://admin:pa?ss@cam/x"), "http://cam/x");
        assert_eq!(shown("http://a:p@ss@cam/"), "http://cam/");
        assert_eq!(
            shown("http://cam/?user=admin&pwd=secret&channel=1"),
            "http://cam/?user=***&pwd=***&channel=1"
        );
        assert_eq!(shown("http://cam/?secret"), "http://cam/?***");
        assert_eq!(shown("http://cam/?src=rtsp://a:b@c/"), "http://c/");
        assert_eq!(shown("admin:secret@cam"), "***");
        assert_eq!(shown("http://cam/\x1b[2J\n"), "http://cam/\\u{1b}[2J\\n");
    }

    #[test]
    fn of_a_command_only_the_program_is_shown() {
        let shown = |text: &str| Redacted::command(text).to_string();
        assert_eq!(
            shown("ffmpeg -i rtsp://admin:secret@cam -f mjpeg -"),
            "ffmpeg ..."
        );
        assert_eq!(shown("exec PASS=secret curl -u a:b http://c"), "curl ...");
        assert_eq!(shown("my-camera"), "my-camera");
        assert_eq!(shown("$(echo secret) x"), "...");
        assert_eq!(shown("'se cret' x"), "...");
    }

    #[test]
    fn the_text_of_a_child_loses_the_secrets_of_its_command() {
        let secrets = secrets_of(
            "ffmpeg -user_agent x -i 'rtsp://admin:secret1@cam/?token=secret2' --password secret3 -u joe:secret4 KEY=secret5",
        );
        for secret in [
            "admin", "secret1", "secret2", "secret3", "joe", "secret4", "secret5",
        ] {
            assert!(secrets.iter().any(|s| s == secret), "{secret}: {secrets:?}");
        }
        let text = Redacted::text(
            "[rtsp] cannot open 'rtsp://admin:secret1@cam/?token=secret2': secret3 is wrong",
            &secrets,
        );
        assert_eq!(
            text.as_str(),
            "[rtsp] cannot open 'rtsp://cam/?token=***': *** is wrong"
        );
        let text = Redacted::text("url=http://u:pw@h/a, and é://x", &[]);
        assert_eq!(text.as_str(), "url=http://h/a, and é://x");
    }
}
