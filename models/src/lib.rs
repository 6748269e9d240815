//! The trained weights as bytes, in the packed format of `firmware/nn/ARITHMETIC.md`, and the golden vectors that
//! prove an engine right. How they were made is in `train/`, what they can do in `cards/`.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod golden;

/// The face detector: picture in, three heads of boxes and landmarks out.
pub static DETECTOR: &[u8] = include_bytes!("../weights/detector.moodnet");

/// The expression classifier: an upright 48x48 grey face in; seven logits, eight by FER+, and 6x6 maps of seven out.
pub static CLASSIFIER: &[u8] = include_bytes!("../weights/classifier.moodnet");

/// Golden vectors of [`DETECTOR`], for [`golden::parse`].
pub static DETECTOR_GOLDEN: &[u8] = include_bytes!("../golden/detector.bin");

/// Golden vectors of [`CLASSIFIER`], for [`golden::parse`].
pub static CLASSIFIER_GOLDEN: &[u8] = include_bytes!("../golden/classifier.bin");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_belong_to_the_nets() {
        for (net, golden) in [(DETECTOR, DETECTOR_GOLDEN), (CLASSIFIER, CLASSIFIER_GOLDEN)] {
            let vectors = golden::parse(golden).unwrap();
            assert_eq!(vectors.net().to_le_bytes(), net[12..16]);
            assert!(vectors.count() > 0);
        }
    }
}
