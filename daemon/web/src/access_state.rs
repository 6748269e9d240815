//! What `access` decides by: names, proxies, sites, keys, sessions and wrong guesses.

use std::{
    fs,
    sync::{Arc, Mutex, Once},
};

use moodring_base::config::WebSettings;

use super::{
    WebError,
    counters::AnswerCounters,
    credentials::{Credentials, LoginLimit, Sessions},
    embed::Embed,
    hosts::Hosts,
    ingress::Ingress,
    password_worker::PasswordWorker,
    proxies::Proxies,
};

/// The state of the way in.
pub(super) struct AccessState {
    pub(super) hosts: Hosts,
    pub(super) ingress: Ingress,
    pub(super) proxies: Proxies,
    /// Warns once of a proxy that is not listed.
    pub(super) unlisted: Once,
    pub(super) embed: Embed,
    pub(super) keys: Arc<Credentials>,
    pub(super) passwords: PasswordWorker,
    pub(super) sessions: Mutex<Sessions>,
    pub(super) guesses: Mutex<LoginLimit>,
    pub(super) answers: AnswerCounters,
}

impl AccessState {
    /// By the settings.
    ///
    /// # Errors
    /// [`WebError`] if the token cannot be read or the system gives no thread.
    pub(super) fn new(web: &WebSettings) -> Result<Self, WebError> {
        let keys = Arc::new(Credentials::new(&web.password, &token(&web.token_file)?));
        Ok(Self {
            hosts: Hosts::new(&web.hosts),
            ingress: Ingress::new(&web.ingress),
            proxies: Proxies::new(&web.proxies),
            unlisted: Once::new(),
            embed: Embed::new(&web.embed),
            passwords: PasswordWorker::start(Arc::clone(&keys))?,
            keys,
            sessions: Mutex::default(),
            guesses: Mutex::default(),
            answers: AnswerCounters::default(),
        })
    }
}

/// The first line of the token's file.
fn token(path: &str) -> Result<String, WebError> {
    if path.is_empty() {
        return Ok(String::new());
    }
    let refuse = |reason: String| WebError::Token {
        path: path.into(),
        reason,
    };
    let text = fs::read_to_string(path).map_err(|e| refuse(e.to_string()))?;
    let token = text.lines().next().unwrap_or_default().trim();
    if token.len() < 16 {
        return Err(refuse(
            "its first line has fewer than 16 characters; `openssl rand -hex 32` makes a good one"
                .into(),
        ));
    }
    Ok(token.into())
}
