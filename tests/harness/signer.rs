//! Whoever signs bundles and lists of versions: a new key for each test.

use std::io::Cursor;

use minisign::KeyPair;

/// A key, and what it signs.
pub struct Signer(KeyPair);

impl Signer {
    /// With a new key.
    ///
    /// # Panics
    /// If the system has no randomness.
    #[expect(
        clippy::new_without_default,
        reason = "a default key would be a new one each time"
    )]
    pub fn new() -> Self {
        Self(KeyPair::generate_unencrypted_keypair().expect("a key can be made"))
    }

    /// The public key as `--key` takes it.
    pub fn public(&self) -> String {
        self.0.pk.to_base64()
    }

    /// The public key's file, as `minisign -G` writes it.
    ///
    /// # Panics
    /// Never: a key can be written.
    pub fn public_file(&self) -> String {
        let text = self.0.pk.to_box().expect("a key can be written");
        text.to_string()
    }

    /// The signature file's text.
    ///
    /// # Panics
    /// Never: memory can be signed.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let comment = Some("a comment of the maker");
        let signed = minisign::sign(
            Some(&self.0.pk),
            &self.0.sk,
            Cursor::new(bytes),
            comment,
            None,
        );
        signed
            .expect("memory can be signed")
            .to_string()
            .into_bytes()
    }
}
