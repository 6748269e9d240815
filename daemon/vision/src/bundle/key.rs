//! The public key whose bundles are trusted (minisign), and the check of a signature.

use minisign_verify::{Error, PublicKey, Signature};

use super::BundleError;

/// The maker's key, if this program was built with one.
const BUILT_IN: Option<&str> = option_env!("MOODRING_PUBLIC_KEY");

/// A public key.
#[derive(Clone, Debug)]
pub struct TrustedKey(PublicKey);

impl TrustedKey {
    /// The first key that is given: by a flag, by the settings, or built in. Each is the key itself or a file with it.
    ///
    /// # Errors
    /// [`BundleError::NoKey`] if none is given, [`BundleError::Key`] if the first one is not a key.
    pub fn choose(flag: Option<&str>, settings: &str) -> Result<Self, BundleError> {
        let settings = Some(settings).filter(|text| !text.is_empty());
        let text = flag.or(settings).or(BUILT_IN).ok_or(BundleError::NoKey)?;
        Self::read(text)
    }

    fn read(text: &str) -> Result<Self, BundleError> {
        let wrong = || BundleError::Key(text.chars().take(80).collect());
        if let Ok(key) = PublicKey::from_base64(text.trim()) {
            return Ok(Self(key));
        }
        let file = std::fs::read_to_string(text).map_err(|_| wrong())?;
        let key = PublicKey::decode(&file).or_else(|_| PublicKey::from_base64(file.trim()));
        key.map(Self).map_err(|_| wrong())
    }

    /// Checks that this key signed these bytes; returns the comment that was signed with them.
    ///
    /// # Errors
    /// [`BundleError::Signature`].
    pub fn check(&self, bytes: &[u8], signature: &[u8]) -> Result<String, BundleError> {
        let text = std::str::from_utf8(signature).ok();
        let signature = text.and_then(|text| Signature::decode(text).ok());
        let signature = signature.ok_or(BundleError::Signature(
            "the .minisig file is not one that minisign writes",
        ))?;
        // The old form of signature, over the bytes themselves, is refused: all tools make the new one.
        self.0
            .verify(bytes, &signature, false)
            .map_err(|error| match error {
                Error::UnexpectedKeyId => {
                    BundleError::Signature("another key signed it than the one that is trusted")
                }
                Error::UnexpectedAlgorithm | Error::UnsupportedLegacyMode => {
                    BundleError::Signature("it has minisign's old form: sign it again")
                }
                _ => BundleError::Signature("file and signature do not belong together"),
            })?;
        Ok(signature.trusted_comment().to_owned())
    }
}
