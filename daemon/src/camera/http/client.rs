//! Requests to a camera: redirects, logins by Basic (RFC 7617) and Digest (RFC 7616), TLS. The login goes only to the host
//! that it was given for, and by Basic only to a server that does not ask for Digest.

use std::time::Duration;

use digest_auth::{AuthContext, WwwAuthenticateHeader};
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
use crate::redact::Redacted;

/// More is a loop.
const MAX_REDIRECTS: usize = 5;

/// Why there is no answer.
pub(super) enum Refusal {
    /// Asking again will not help.
    Denied(String),
    /// It may go better another time.
    Failed(String),
}

/// How the server wants to know who asks.
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
        })
    }

    /// Who holds the connections.
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
        if address.login().is_none() || !asks_who(&response) {
            return Ok(response);
        }
        // Also what was wrong a moment ago: nonces grow stale.
        let was_unknown = matches!(self.authorization, Authorization::Unknown);
        self.authorization = match challenge(&response) {
            Some(digest) => Authorization::Digest(Box::new(digest)),
            None if !was_unknown => return Ok(response),
            None => Authorization::Basic,
        };
        drain(response.into_body());
        self.send(address)
    }

    fn send(&mut self, address: &HttpAddress) -> Result<Response<Body>, Refusal> {
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
        request.call().map_err(|e| {
            let text = Redacted::text(&e.to_string(), &[]);
            Refusal::Failed(hint(text.as_str()))
        })
    }
}

/// 403 is what some cameras say who mean 401.
fn asks_who(response: &Response<Body>) -> bool {
    matches!(
        response.status(),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    )
}

/// The server's question by Digest, the first that can be answered.
fn challenge(response: &Response<Body>) -> Option<WwwAuthenticateHeader> {
    let all = response.headers().get_all(header::WWW_AUTHENTICATE);
    let texts = all.iter().filter_map(|value| value.to_str().ok());
    texts
        .filter_map(|text| {
            // Several questions may stand in one header.
            let at = text.to_ascii_lowercase().find("digest ")?;
            digest_auth::parse(&text[at..]).ok()
        })
        .next()
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

/// What a failure means for people, if its text says.
fn hint(text: &str) -> String {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let more = if says(&["UnknownIssuer", "BadSignature", "CaUsedAsEndEntity"]) {
        "; its certificate is not signed by an authority that is trusted here: name the file of its authority, or of its own certificate, in [camera] ca_file, or that certificate's SHA-256 in \
         fingerprint"
    } else if says(&["Expired", "expired", "NotValidYet", "not valid yet"]) {
        "; its certificate has expired, or the clock of this machine is wrong"
    } else if says(&["NotValidForName", "not valid for name"]) {
        "; its certificate is for another name: use that name in the address"
    } else {
        ""
    };
    format!("{text}{more}")
}
