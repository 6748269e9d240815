//! Products of signed bytes in 16 bits, of which two fit into one sum (2 * 128 * 127 < 2^15), as one-line assembly.
//!
//! None of it is `pure`, so that the compiler leaves these lines and the loads between them in the order in which they stand: that of
//! the in-order Cortex-A53, four independent ones between two that wait for each other. Left to itself, LLVM orders them for a wider
//! core with more registers than there are, and takes `ext` and `smull` for `smull2`.

use core::arch::{aarch64::*, asm};

/// Defines functions of one instruction: `acc` is read and written, or only written.
macro_rules! instruction {
    ($(#[$doc:meta])* $name:ident($x:ident: $of:ty, $w:ident) -> $to:ty, $text:literal) => {
        $(#[$doc])*
        #[inline]
        #[target_feature(enable = "neon")]
        pub(super) fn $name($x: $of, $w: $of) -> $to {
            let result;
            // SAFETY: it computes on registers and does nothing else; NEON is there.
            unsafe {
                asm!($text, out(vreg) result, in(vreg) $x, in(vreg) $w, options(nomem, nostack, preserves_flags));
            }
            result
        }
    };
    ($(#[$doc:meta])* $name:ident($acc:ident: $to:ty, $($x:ident: $of:ty),+), $text:literal) => {
        $(#[$doc])*
        #[inline]
        #[target_feature(enable = "neon")]
        pub(super) fn $name(mut $acc: $to, $($x: $of),+) -> $to {
            // SAFETY: it computes on registers and does nothing else; NEON is there.
            unsafe {
                asm!($text, inout(vreg) $acc, $(in(vreg) $x),+, options(nomem, nostack, preserves_flags));
            }
            $acc
        }
    };
}

instruction!(
    /// Products of the low halves.
    smull(x: int8x16_t, w) -> int16x8_t, "smull {0:v}.8h, {1:v}.8b, {2:v}.8b"
);
instruction!(
    /// Products of the high halves.
    smull2(x: int8x16_t, w) -> int16x8_t, "smull2 {0:v}.8h, {1:v}.16b, {2:v}.16b"
);
instruction!(
    /// The low halves' products added.
    smlal(acc: int16x8_t, x: int8x16_t, w: int8x16_t), "smlal {0:v}.8h, {1:v}.8b, {2:v}.8b"
);
instruction!(
    /// The high halves' products added.
    smlal2(acc: int16x8_t, x: int8x16_t, w: int8x16_t), "smlal2 {0:v}.8h, {1:v}.16b, {2:v}.16b"
);
instruction!(
    /// Neighbours added to a word.
    sadalp(acc: int32x4_t, x: int16x8_t), "sadalp {0:v}.4s, {1:v}.8h"
);
