//! `[web]`: the page and its interface: who may open it. What it shows is in `web`.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{
    ConfigError,
    error::range,
    origin::{host_name, origin},
};

/// More cameras than one page links.
const MOST_OTHERS: usize = 32;

/// The page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebSettings {
    /// Whether to serve it at all.
    pub enabled: bool,
    /// Address and port. Beyond loopback only with a password or a token.
    pub listen: String,
    /// The argon2 hash of a password, as `moodring config --password` prints it; empty: no password.
    pub password: String,
    /// A file whose first line is a token for programs; empty: none.
    pub token_file: String,
    /// Names by which browsers may reach this device, besides its own; addresses always work.
    pub hosts: Vec<String>,
    /// Addresses of Home Assistant's ingress, which has checked who asks; empty: none.
    pub ingress: Vec<IpAddr>,
    /// Reverse proxies whose headers about their visitors are believed: addresses and networks, such as `10.0.0.0/8`.
    pub proxies: Vec<String>,
    /// Sites that may show the face in a frame and read what it shows, such as `http://mirror.local:8080`.
    pub embed: Vec<String>,
    /// Pages of other cameras that the page links, such as `http://hall.local:8080`.
    pub others: Vec<String>,
    /// The most live views at once.
    pub streams: usize,
    /// The largest photo that is read, in megabytes.
    pub upload_mb: u32,
    /// The most pixels that a photo may have, in millions.
    pub upload_megapixels: u32,
}

impl Default for WebSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: "127.0.0.1:8080".into(),
            password: String::new(),
            token_file: String::new(),
            hosts: Vec::new(),
            ingress: Vec::new(),
            proxies: Vec::new(),
            embed: Vec::new(),
            others: Vec::new(),
            streams: 32,
            upload_mb: 16,
            upload_megapixels: 40,
        }
    }
}

impl WebSettings {
    /// The address to listen on; `None` for text that the check of the settings refuses.
    pub fn address(&self) -> Option<SocketAddr> {
        let text = self.listen.replace("localhost:", "127.0.0.1:");
        text.parse().ok()
    }

    /// Whether visitors must log in.
    pub fn is_locked(&self) -> bool {
        !self.password.is_empty() || !self.token_file.is_empty()
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let address = self.address();
        range(
            address.is_some(),
            "web.listen",
            format!("`{}`", self.listen),
            "an address and a port, such as 127.0.0.1:8080 (this machine) or 0.0.0.0:8080 (the network)",
        )?;
        let outside = address.is_some_and(|address| !address.ip().is_loopback());
        range(
            !(self.enabled && outside) || self.is_locked() || !self.ingress.is_empty(),
            "web.listen",
            format!("`{}`", self.listen),
            "a loopback address, for there is neither web.password nor web.token_file and everybody in the network \
             could look. `moodring config --password` makes a line for web.password",
        )?;
        let hash = self.password.is_empty()
            || argon2::password_hash::phc::PasswordHash::new(&self.password).is_ok();
        range(
            hash,
            "web.password",
            "no hash",
            "what `moodring config --password` prints, not the password itself",
        )?;
        let unnamed = self.hosts.iter().find(|name| host_name(name).is_none());
        range(
            unnamed.is_none(),
            "web.hosts",
            format!("{:?}", unnamed.map_or("", String::as_str)),
            "names alone, such as mirror.local: without scheme, port or path, in ASCII (xn--...)",
        )?;
        let wrong = self.proxies.iter().find(|n| parse_network(n).is_none());
        range(
            wrong.is_none(),
            "web.proxies",
            format!("{:?}", wrong.map_or("", String::as_str)),
            "addresses and networks of reverse proxies, such as \"127.0.0.1\", \"10.0.0.0/8\" or \"fd00::/8\"; no names, no \
             ports, and no network of all addresses",
        )?;
        let stranger = self.embed.iter().find(|site| origin(site).is_none());
        range(
            stranger.is_none(),
            "web.embed",
            format!("{:?}", stranger.map_or("", String::as_str)),
            "scheme, host and port (1 to 65535) as browsers name a site, such as http://mirror.local:8080, without a path",
        )?;
        let wrong = self.others.iter().find(|page| origin(page).is_none());
        range(
            wrong.is_none() && self.others.len() <= MOST_OTHERS,
            "web.others",
            format!("{:?}", wrong.map_or("", String::as_str)),
            "at most 32 pages by scheme, host and port (1 to 65535), such as http://hall.local:8080, without a path",
        )?;
        range(
            (1..=1000).contains(&self.streams),
            "web.streams",
            self.streams,
            "1 to 1000",
        )?;
        range(
            (1..=64).contains(&self.upload_mb),
            "web.upload_mb",
            self.upload_mb,
            "1 to 64 megabytes",
        )?;
        range(
            (1..=100).contains(&self.upload_megapixels),
            "web.upload_megapixels",
            self.upload_megapixels,
            "1 to 100 megapixels",
        )
    }
}

/// An address, or a network with its prefix. A network of all addresses would believe every visitor about itself.
pub fn parse_network(text: &str) -> Option<IpNet> {
    let address = || text.parse().ok().map(|a: IpAddr| a.to_canonical().into());
    let network = text.parse::<IpNet>().ok().or_else(address)?;
    (network.prefix_len() > 0).then_some(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(listen: &str) -> WebSettings {
        WebSettings {
            listen: listen.into(),
            ..WebSettings::default()
        }
    }

    #[test]
    fn the_network_needs_a_lock() {
        for loopback in [
            "127.0.0.1:8080",
            "[::1]:80",
            "localhost:8080",
            "127.9.9.9:1",
        ] {
            assert!(listening(loopback).validate().is_ok(), "{loopback}");
        }
        for open in ["0.0.0.0:8080", "[::]:8080", "192.168.1.5:80"] {
            let error = listening(open).validate().unwrap_err().to_string();
            assert!(
                error.contains("--password") && error.contains(open),
                "{error}"
            );
            let mut locked = listening(open);
            locked.token_file = "/run/token".into();
            assert!(locked.validate().is_ok());
            let mut proxied = listening(open);
            proxied.ingress = vec![[172, 30, 32, 2].into()];
            assert!(proxied.validate().is_ok());
            let mut off = listening(open);
            off.enabled = false;
            assert!(off.validate().is_ok());
        }
        assert!(listening("8080").validate().is_err());
    }

    #[test]
    fn a_bare_password_is_refused_and_not_repeated() {
        let mut settings = listening("127.0.0.1:1");
        settings.password = "hunter2".into();
        let error = settings.validate().unwrap_err().to_string();
        assert!(
            error.contains("--password") && !error.contains("hunter2"),
            "{error}"
        );
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        let mut settings = listening("127.0.0.1:1");
        for good in [
            "127.0.0.1",
            "10.0.0.0/8",
            "10.1.2.3/8",
            "::1",
            "fd00::/8",
            "::ffff:10.0.0.1",
        ] {
            settings.proxies = vec!["127.0.0.1".into(), good.into()];
            assert!(settings.validate().is_ok(), "{good}");
        }
        for bad in [
            "",
            "*",
            "localhost",
            "10.0.0.0/33",
            "10.0.0.1:80",
            "10.0.0",
            "0.0.0.0/0",
            "::/0",
            "10.0.0.0/8 ",
        ] {
            settings.proxies = vec!["127.0.0.1".into(), bad.into()];
            let error = settings.validate().unwrap_err().to_string();
            assert!(
                error.contains("web.proxies") && error.contains(&format!("{bad:?}")),
                "{error}"
            );
        }
    }

    #[test]
    fn what_no_browser_sends_is_refused_with_the_key() {
        let refused = |change: &dyn Fn(&mut WebSettings)| {
            let mut settings = listening("127.0.0.1:1");
            change(&mut settings);
            settings.validate().map_err(|error| error.to_string())
        };
        for good in ["http://mirror.local:80", "https://[::1]:8", "http://A/"] {
            assert_eq!(refused(&|s| s.embed = vec![good.into()]), Ok(()), "{good}");
            assert_eq!(refused(&|s| s.others = vec![good.into()]), Ok(()), "{good}");
        }
        for bad in ["mirror.local", "http://a:99999", "http://a/b"] {
            let error = refused(&|s| s.embed = vec![bad.into()]).unwrap_err();
            assert!(
                error.contains("web.embed") && error.contains(bad),
                "{error}"
            );
            assert!(refused(&|s| s.others = vec![bad.into()]).is_err(), "{bad}");
        }
        assert_eq!(refused(&|s| s.hosts = vec!["Mirror.local.".into()]), Ok(()));
        let error = refused(&|s| s.hosts = vec!["mirror.local:8080".into()]).unwrap_err();
        assert!(
            error.contains("web.hosts") && error.contains("port"),
            "{error}"
        );
    }
}
