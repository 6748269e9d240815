//! Other people's loops with the vectors of AVX2, where the processor has them.

use super::detect;
use crate::kernel::Wide;

/// See [`Wide::run_wide`].
pub(crate) fn run<W: Wide>(work: W) -> W::Output {
    if detect::avx2() {
        // SAFETY: the processor has AVX2, and the operating system saves its registers.
        unsafe { with_avx2(work) }
    } else {
        work.run()
    }
}

#[target_feature(enable = "avx2")]
fn with_avx2<W: Wide>(work: W) -> W::Output {
    work.run()
}
