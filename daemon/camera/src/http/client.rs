//! Requests to a camera: redirects, logins by Basic (RFC 7617) and Digest (RFC 7616), TLS. The login goes only to the host
//! that it was given for, and by Basic only to a server that does not ask for Digest.

use std::time::Duration;

use digest_auth::{AuthContext, WwwAuthenticateHeader};
use moodring_base::redact::Redacted;
use ureq::{
    Agent, Body,
    http::{Response, StatusCode, header},
};

use super::{
    super::{
        Context,
        address::{HttpAddress, Scheme},
    },
    drain, secure,
};

/// More is a loop.
const MAX_REDIRECTS: usize = 5;

/// Why there is no answer.
pub(super) enum Refusal {
    /// Asking again will not help.
    Denied(String),
    /// It may go better another time.
    Failed(String),
}

/// How a request carries the login.
enum Authorization {
    /// It has not asked yet.
    Unknown,
    Basic,
    Digest(Box<WwwAuthenticateHeader>),
}

pub(super) struct Client {
    agent: Agent,
    address: HttpAddress,
    authorization: Authorization,
    /// Whether there was an answer, whose connection may be kept.
    has_answered: bool,
}

impl Client {
    /// # Errors
    /// If the authorities to trust cannot be read.
    pub(super) fn new(address: &HttpAddress, context: &Context) -> Result<Self, String> {
        let limit = Some(context.timeout.max(Duration::from_millis(1)));
        let config = Agent::config_builder()
            .timeout_resolve(limit)
            .timeout_connect(limit)
            .timeout_send_request(limit)
            .timeout_recv_response(limit)
            .timeout_per_read(limit)
            .http_status_as_error(false)
            // Ours know which host may have the login.
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("moodring/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: secure::agent(config, address.scheme(), &context.trust)?,
            address: address.clone(),
            authorization: Authorization::Unknown,
            has_answered: false,
        })
    }

    /// The agent, which holds the connections.
    pub(super) fn agent(&self) -> Agent {
        self.agent.clone()
    }

    /// Asks once, following redirects and giving the login where it is asked for.
    pub(super) fn ask(&mut self) -> Result<Response<Body>, Refusal> {
        let mut address = self.address.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.request(&address)?;
            let status = response.status();
            let location = response.headers().get(header::LOCATION);
            match (
                status,
                location.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            ) {
                (status, _) if status.is_success() => return Ok(response),
                (status, Some(location)) if status.is_redirection() => {
                    drain(response.into_body());
                    address = next_address(&address, &location)?;
                }
                (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
                    return Err(Refusal::Denied(self.denied(&address)));
                }
                (status, _) => {
                    drain(response.into_body());
                    return Err(Refusal::Failed(format!("it answers with status {status}")));
                }
            }
        }
        Err(Refusal::Failed(format!(
            "it redirects more than {MAX_REDIRECTS} times"
        )))
    }

    fn denied(&self, address: &HttpAddress) -> String {
        match (self.address.login(), address.login()) {
            (Some(_), Some(_)) => "it asks for another user or password".into(),
            (Some(_), None) => format!(
                "it redirects to {address}, another host, which asks for a login; the login goes only to the host that \
                 it was given for. Use that address"
            ),
            (None, _) => format!(
                "it asks for a user and a password; write them before the host: {}://user:password@HOST/",
                address.scheme().name()
            ),
        }
    }

    /// One request, and once more with the login if the server wants to know who asks.
    fn request(&mut self, address: &HttpAddress) -> Result<Response<Body>, Refusal> {
        let response = self.send(address)?;
        if address.login().is_none() || !asks_for_login(&response) {
            return Ok(response);
        }
        // Also what was wrong a moment ago: nonces grow stale.
        let was_unknown = matches!(self.authorization, Authorization::Unknown);
        self.authorization = match login_challenge(&response) {
            LoginChallenge::Digest(asked) => Authorization::Digest(asked),
            LoginChallenge::Unanswerable(why) => {
                return Err(Refusal::Denied(format!(
                    "its login by Digest cannot be answered: {why}"
                )));
            }
            LoginChallenge::Other if !was_unknown => return Ok(response),
            LoginChallenge::Other => Authorization::Basic,
        };
        drain(response.into_body());
        self.send(address)
    }

    /// One request. A server may close a kept connection at the moment at which it is used again; then the request goes out once more on
    /// a new one (RFC 9112, 9.3.1).
    fn send(&mut self, address: &HttpAddress) -> Result<Response<Body>, Refusal> {
        let mut sent = self.send_once(address)?;
        if self.has_answered && sent.as_ref().is_err_and(is_hung_up) {
            sent = self.send_once(address)?;
        }
        self.has_answered |= sent.is_ok();
        sent.map_err(|e| {
            let text = Redacted::text(&e.to_string(), &[]);
            Refusal::Failed(hint(text.as_str()))
        })
    }

    fn send_once(
        &mut self,
        address: &HttpAddress,
    ) -> Result<Result<Response<Body>, ureq::Error>, Refusal> {
        let mut request = self.agent.get(address.url());
        if let Some(login) = address.login() {
            match &mut self.authorization {
                Authorization::Unknown => {}
                Authorization::Basic => {
                    request = request.header(header::AUTHORIZATION, login.basic())
                }
                Authorization::Digest(challenge) => {
                    let context = AuthContext::new(&login.user, &login.password, address.path());
                    let answer = challenge.respond(&context);
                    let answer = answer.map_err(|e| {
                        Refusal::Denied(format!("its login by Digest cannot be answered: {e}"))
                    })?;
                    request = request.header(header::AUTHORIZATION, answer.to_header_string());
                }
            }
        }
        Ok(request.call())
    }
}

/// Whether the other side closed the connection before its answer began.
fn is_hung_up(error: &ureq::Error) -> bool {
    use std::io::ErrorKind as Kind;
    matches!(error, ureq::Error::Io(error) if matches!(
        error.kind(),
        Kind::UnexpectedEof | Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe
    ))
}

/// Some cameras answer 403 where they mean 401.
fn asks_for_login(response: &Response<Body>) -> bool {
    matches!(
        response.status(),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    )
}

/// How the server asks for the login.
enum LoginChallenge {
    /// By Digest; the first that can be answered.
    Digest(Box<WwwAuthenticateHeader>),
    /// By Digest, as nobody can answer it; why. The password is not sent in the clear instead.
    Unanswerable(String),
    /// By something else, or it names no scheme.
    Other,
}

fn login_challenge(response: &Response<Body>) -> LoginChallenge {
    let all = response.headers().get_all(header::WWW_AUTHENTICATE);
    let mut why = None;
    for value in all {
        let text = String::from_utf8_lossy(value.as_bytes());
        for asked in digest_challenges(&text) {
            match digest_auth::parse(&asked) {
                Ok(parsed) => return LoginChallenge::Digest(Box::new(parsed)),
                Err(e) => why = Some(e.to_string()),
            }
        }
    }
    why.map_or(LoginChallenge::Other, LoginChallenge::Unanswerable)
}

/// Every challenge by Digest in one header, which may hold several of several kinds (RFC 9110, 11.6.1): the scheme's name
/// stands at the begin or behind a comma, and not inside quotes. Written as the library wants scheme and algorithm.
fn digest_challenges(text: &str) -> Vec<String> {
    let (mut quoted, mut escaped, mut fresh) = (false, false, true);
    let mut begins = Vec::new();
    for (at, letter) in text.char_indices() {
        let name = text.get(at..at + SCHEME.len());
        if fresh && !quoted && name.is_some_and(|name| name.eq_ignore_ascii_case(SCHEME)) {
            begins.push(at + SCHEME.len());
        }
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        fresh = !quoted && (letter == ',' || (fresh && letter.is_whitespace()));
    }
    let challenge = |at: &usize| format!("{SCHEME}{}", with_known_algorithm(&text[*at..]));
    begins.iter().map(challenge).collect()
}

/// The scheme's name; servers write it in letters of any size.
const SCHEME: &str = "Digest ";
/// The algorithms as the library spells them.
const ALGORITHMS: [&str; 6] = [
    "MD5",
    "MD5-sess",
    "SHA-256",
    "SHA-256-sess",
    "SHA-512-256",
    "SHA-512-256-sess",
];

/// The same with the algorithm's name as the library knows it.
fn with_known_algorithm(text: &str) -> String {
    const KEY: &str = "algorithm=";
    let Some(at) = text.to_ascii_lowercase().find(KEY) else {
        return text.into();
    };
    let (before, value) = text.split_at(at + KEY.len());
    let value = value.trim_start_matches('"');
    let end = value.find(['"', ',', ' ']).unwrap_or(value.len());
    let (name, after) = value.split_at(end);
    let known = ALGORITHMS
        .iter()
        .find(|known| known.eq_ignore_ascii_case(name));
    let before = &before[..at];
    format!(
        "{before}{KEY}{}{}",
        known.unwrap_or(&name),
        after.trim_start_matches('"')
    )
}

fn next_address(from: &HttpAddress, location: &str) -> Result<HttpAddress, Refusal> {
    let target = from
        .redirected(location)
        .map_err(|e| Refusal::Denied(format!("it redirects to where nobody can go: {e}")))?;
    match target.scheme() {
        Scheme::Http | Scheme::Https => Ok(target),
        Scheme::Rtsp | Scheme::Rtsps => Err(Refusal::Denied(format!(
            "it redirects to {target}; use that address"
        ))),
    }
}

/// The text of a failure; for a known one with its cause and the way out.
fn hint(text: &str) -> String {
    let has_any = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    let more = if has_any(&["UnknownIssuer", "BadSignature", "CaUsedAsEndEntity"]) {
        "; its certificate is not signed by an authority that is trusted here: name the file of its authority, or of its own certificate, in [camera] ca_file, or that certificate's SHA-256 in \
         fingerprint"
    } else if has_any(&["Expired", "expired", "NotValidYet", "not valid yet"]) {
        "; its certificate has expired, or the clock of this machine is wrong"
    } else if has_any(&["NotValidForName", "not valid for name"]) {
        "; its certificate is for another name: use that name in the address"
    } else {
        ""
    };
    format!("{text}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_challenges_are_found_where_they_stand() {
        let found = |text: &str| digest_challenges(text);
        assert_eq!(found("Basic realm=\"a, Digest b\""), [""; 0]);
        assert_eq!(
            found("DIGEST realm=\"a\", algorithm=\"md5-SESS\""),
            ["Digest realm=\"a\", algorithm=MD5-sess"]
        );
        assert_eq!(
            found(r#"Basic realm="a\", Digest x", digest realm="c""#),
            [r#"Digest realm="c""#]
        );
        assert_eq!(found("Digest a=\"b\", Digest c=\"d\"").len(), 2);
        assert_eq!(found("Digest realm=é, algorithm=").len(), 1);
        assert_eq!(found(""), [""; 0]);
    }
}
