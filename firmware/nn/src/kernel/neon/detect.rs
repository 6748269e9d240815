//! Detects the processor's features. Only the operating system may read its registers, so Linux is asked: *ARM64 ELF
//! hwcaps*, by the C library's `getauxval`. Elsewhere only the compiler's target features count.

/// Plain NEON, which every 64-bit Arm that runs Linux has.
pub(crate) fn neon() -> bool {
    cfg!(target_feature = "neon") || hwcap::has(hwcap::MAIN, 1 << 1)
}

/// Dot products of four bytes: Armv8.2 and later, for instance Cortex-A76 and A78.
pub(crate) fn dotprod() -> bool {
    neon() && (cfg!(target_feature = "dotprod") || hwcap::has(hwcap::MAIN, 1 << 20))
}

/// Products of 2x8 by 8x2 matrices of bytes (I8MM): Armv8.6 and later, for instance Cortex-X2 and A510.
pub(crate) fn i8mm() -> bool {
    dotprod() && (cfg!(target_feature = "i8mm") || hwcap::has(hwcap::MORE, 1 << 13))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod hwcap {
    use core::ffi::c_ulong;

    /// `AT_HWCAP`.
    pub(super) const MAIN: c_ulong = 16;
    /// `AT_HWCAP2`.
    pub(super) const MORE: c_ulong = 26;

    unsafe extern "C" {
        // SAFETY: a lookup in a table that never changes; an unknown kind gives 0. Every C library of Linux has it.
        safe fn getauxval(kind: c_ulong) -> c_ulong;
    }

    pub(super) fn has(kind: c_ulong, bit: c_ulong) -> bool {
        getauxval(kind) & bit != 0
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod hwcap {
    pub(super) const MAIN: u64 = 16;
    pub(super) const MORE: u64 = 26;

    pub(super) fn has(_: u64, _: u64) -> bool {
        false
    }
}
