//! Detects what processor and operating system offer, once, without std: Intel, *Software Developer's
//! Manual*, volume 1, sections 14.3 (AVX) and 15.2 (AVX-512).

use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv, CpuidResult};
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// What was found: [`ASKED`], and one bit per kernel. Asking takes microseconds where a hypervisor answers.
static FOUND: AtomicU8 = AtomicU8::new(0);
const ASKED: u8 = 1;
const AVX2: u8 = 2;
const AVX_VNNI: u8 = 4;
const VNNI: u8 = 8;

fn found(bit: u8) -> bool {
    let mut found = FOUND.load(Relaxed);
    if found == 0 {
        found = ASKED
            | (u8::from(ask_avx2()) * AVX2)
            | (u8::from(ask_avx_vnni()) * AVX_VNNI)
            | (u8::from(ask_vnni()) * VNNI);
        FOUND.store(found, Relaxed); // another thread that detects at the same time gets the same result
    }
    found & bit != 0
}

/// Bits of XCR0: the operating system saves these registers.
const YMM: u64 = 0b110;
const ZMM: u64 = 0b1110_0110;

/// AVX2, and registers of 256 bits that survive a task switch.
pub(crate) fn avx2() -> bool {
    found(AVX2)
}

/// AVX2 and AVX-VNNI, its dot products on 256 bits.
pub(crate) fn avx_vnni() -> bool {
    found(AVX_VNNI)
}

/// AVX-512 F, BW, VL and VNNI, and registers of 512 bits that survive a task switch.
pub(crate) fn vnni() -> bool {
    found(VNNI)
}

fn ask_avx2() -> bool {
    saves(YMM) && leaf7(0).is_some_and(|leaf| leaf.ebx & 1 << 5 != 0)
}

fn ask_avx_vnni() -> bool {
    ask_avx2() && leaf7(1).is_some_and(|leaf| leaf.eax & 1 << 4 != 0)
}

fn ask_vnni() -> bool {
    let all = 1 << 16 | 1 << 30 | 1 << 31;
    ask_avx2()
        && saves(ZMM)
        && leaf7(0).is_some_and(|leaf| leaf.ebx & all == all && leaf.ecx & 1 << 11 != 0)
}

/// A subleaf of leaf 7, if the processor has it.
#[allow(unused_unsafe)] // newer compilers call cpuid safe
fn leaf7(subleaf: u32) -> Option<CpuidResult> {
    // SAFETY: every x86-64 has cpuid; leaf 7 is read only if leaf 0 says that it exists, a subleaf if subleaf 0 does.
    unsafe {
        let leaves = __cpuid(0).eax;
        let exists = leaves >= 7 && subleaf <= __cpuid_count(7, 0).eax;
        exists.then(|| __cpuid_count(7, subleaf))
    }
}

/// Whether the operating system saves all registers in `mask`.
#[allow(unused_unsafe)] // newer compilers call cpuid safe
fn saves(mask: u64) -> bool {
    // SAFETY: every x86-64 has cpuid.
    let leaf1 = unsafe { __cpuid(1) };
    let xsave = 1 << 26 | 1 << 27 | 1 << 28; // XSAVE, switched on by the system, and AVX
    leaf1.ecx & xsave == xsave && {
        // SAFETY: OSXSAVE was just checked, so the instruction exists and is allowed.
        let saved = unsafe { xcr0() };
        saved & mask == mask
    }
}

/// # Safety
/// The processor must have XSAVE, switched on by the operating system.
#[target_feature(enable = "xsave")]
unsafe fn xcr0() -> u64 {
    // SAFETY: as this function demands.
    unsafe { _xgetbv(0) }
}
