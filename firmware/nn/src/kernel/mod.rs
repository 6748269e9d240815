//! The kernels: lists them, chooses the best one of this machine, and defines the unit of their work, one output row.
//!
//! All of them give the same bits; `scalar` is the reference.

#[cfg(any(test, target_arch = "x86_64"))]
mod byte_pairs;
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_endian = "little")
))]
mod depthwise;
mod depthwise_weights;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
pub(crate) mod neon;
pub(crate) mod pack;
pub(crate) mod portable;
pub(crate) mod scalar;
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_endian = "little")
))]
mod tile;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

use crate::quant::Clamp;

/// Outputs that are computed together: weights are packed in blocks of this many.
pub(crate) const BLOCK: usize = 16;

/// A way to compute. All give the same bits.
///
/// ```
/// use moodring_nn::Kernel;
///
/// let kernel = Kernel::best();
/// assert!(kernel.is_available());
/// assert_eq!(Kernel::from_name(kernel.name()), Some(kernel));
/// assert!(Kernel::Scalar.is_available(), "plain loops run everywhere");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// The plain loops, straight from the file: slow, and the truth.
    Scalar,
    /// Safe Rust that compilers turn into vector instructions of any machine.
    Portable,
    /// 64-bit Arm with plain NEON.
    Neon,
    /// 64-bit Arm with dot products of bytes.
    Dotprod,
    /// 64-bit Arm with matrix products of bytes.
    I8mm,
    /// x86-64 with AVX2.
    Avx2,
    /// x86-64 with AVX2 and dot products of bytes on 256 bits (AVX-VNNI).
    AvxVnni,
    /// x86-64 with AVX-512 and its dot product instructions (VNNI).
    Vnni,
}

impl Kernel {
    /// All kernels, each machine's slowest first.
    pub const ALL: [Self; 8] = [
        Self::Scalar,
        Self::Portable,
        Self::Neon,
        Self::Dotprod,
        Self::I8mm,
        Self::Avx2,
        Self::AvxVnni,
        Self::Vnni,
    ];

    /// The fastest kernel that this machine can run.
    pub fn best() -> Self {
        Self::ALL
            .into_iter()
            .rev()
            .find(|kernel| kernel.is_available())
            .unwrap_or(Self::Scalar)
    }

    /// By its name, as in the environment variable `MOODRING_KERNEL`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kernel| kernel.name() == name)
    }

    /// `scalar`, `portable`, `neon`, `dotprod`, `i8mm`, `avx2`, `avxvnni` or `vnni`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Portable => "portable",
            Self::Neon => "neon",
            Self::Dotprod => "dotprod",
            Self::I8mm => "i8mm",
            Self::Avx2 => "avx2",
            Self::AvxVnni => "avxvnni",
            Self::Vnni => "vnni",
        }
    }

    /// What is taken off each activation while it lies in the arena: most of Arm's instructions multiply bytes of one sign, and
    /// weights have signs. Modulo 256, 128 less is the same as the highest bit flipped, so `^` goes both ways.
    pub(crate) fn offset(self) -> u8 {
        match self {
            Self::Neon | Self::Dotprod | Self::I8mm => 128,
            Self::Scalar | Self::Portable | Self::Avx2 | Self::AvxVnni | Self::Vnni => 0,
        }
    }

    /// Whether processor and operating system have what it needs.
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar | Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => x86::detect::avx2(),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => x86::detect::avx_vnni(),
            #[cfg(target_arch = "x86_64")]
            Self::Vnni => x86::detect::vnni(),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Self::Neon => neon::detect::neon(),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Self::Dotprod => neon::detect::dotprod(),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Self::I8mm => neon::detect::i8mm(),
            _ => false, // another machine's
        }
    }
}

/// Loops that are compiled twice: plainly, and for the wider vectors of AVX2, which are chosen where an x86-64 has them. Results stay
/// the same, since no compiler may change what whole numbers give.
///
/// ```
/// use moodring_nn::Wide;
///
/// struct Sum<'a>(&'a [u8]);
///
/// impl Wide for Sum<'_> {
///     type Output = u32;
///
///     #[inline(always)]
///     fn run(self) -> u32 {
///         self.0.iter().map(|&byte| u32::from(byte)).sum()
///     }
/// }
///
/// assert_eq!(Sum(&[1, 2, 3]).run_wide(), 6);
/// ```
pub trait Wide: Sized {
    /// What the loops give.
    type Output;

    /// The loops. Mark it `#[inline(always)]`, and call nothing that is not inlined: only what is inlined is compiled twice.
    fn run(self) -> Self::Output;

    /// Runs them with the widest vectors that this machine has.
    fn run_wide(self) -> Self::Output {
        #[cfg(target_arch = "x86_64")]
        return x86::wide::run(self);
        #[cfg(not(target_arch = "x86_64"))]
        self.run()
    }
}

/// Dot products and nothing else, for benches: see `x86::peak`. `None` where the machine has none that we know.
#[doc(hidden)]
pub fn dot_products(rounds: u64) -> Option<u64> {
    #[cfg(target_arch = "x86_64")]
    return x86::peak::dot_products(rounds);
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = rounds;
        None
    }
}

/// One output row of a convolution, freed of borders, strides and taps: output pixel `p` is the sum over the
/// lines of `dot(line[p * step ..][.. run], weights of that line)`, because in NHWC the three taps of a kernel's
/// row are neighbours.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    /// The input lines under the kernel, from the first pixel's first tap on: 1 or 3, or fewer where lines of the
    /// border add nothing.
    pub(crate) lines: &'a [&'a [u8]],
    /// The kernel's lines above the first of `lines`, left out.
    pub(crate) above: usize,
    /// The kernel's lines, as the weights are packed.
    pub(crate) kernel: usize,
    /// Bytes from one output pixel's taps to the next one's.
    pub(crate) step: usize,
    /// Bytes of a line that one output pixel sees: `kernel * channels`.
    pub(crate) run: usize,
    /// Output pixels.
    pub(crate) pixels: usize,
    /// Output channels.
    pub(crate) outputs: usize,
    pub(crate) packed: pack::Packed<'a>,
}

impl Row<'_> {
    pub(crate) fn blocks(&self) -> usize {
        self.outputs.div_ceil(BLOCK)
    }
}

/// One output row of a depthwise convolution.
#[derive(Clone, Copy)]
pub(crate) struct DepthRow<'a> {
    pub(crate) lines: &'a [&'a [u8]],
    pub(crate) step: usize,
    pub(crate) pixels: usize,
    pub(crate) channels: usize,
    /// `[kernel][kernel][channels]`, from the file.
    pub(crate) weights: &'a [u8],
    pub(crate) packed: pack::Packed<'a>,
}

/// The numbers of an add.
#[derive(Clone, Copy)]
pub(crate) struct AddRow {
    pub(crate) ma: i32,
    pub(crate) mb: i32,
    pub(crate) s: u32,
    pub(crate) za: u8,
    pub(crate) zb: u8,
    pub(crate) clamp: Clamp,
}

impl AddRow {
    /// The parts of the sum that do not depend on the pixel; they fit by the same bound as the sum.
    pub(crate) fn constant(&self) -> i32 {
        (1 << (self.s - 1)) - i32::from(self.za) * self.ma - i32::from(self.zb) * self.mb
    }
}

/// Where a row's accumulators go.
pub(crate) enum RowOutput<'a> {
    /// As they are.
    Raw(&'a mut [i32]),
    /// Requantized with the packed multipliers and shifts.
    Bytes {
        out: &'a mut [u8],
        clamp: Clamp,
        /// All shifts are at least 33: see [`crate::quant::OutputStage::Bytes`].
        #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
        // a shortcut that only vector kernels take
        narrow: bool,
    },
}

// A kernel of another machine never comes here: `Net::new` refuses it.
impl Kernel {
    /// Computes a row of a full convolution; the scalar kernel has no rows.
    pub(crate) fn conv(self, row: &Row<'_>, sink: RowOutput<'_>) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => x86::avx2::conv(row, sink),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => x86::avxvnni::conv(row, sink),
            #[cfg(target_arch = "x86_64")]
            Self::Vnni => x86::vnni::conv(row, sink),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Self::Neon => neon::mull::conv(row, sink),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Self::Dotprod => neon::dotprod::conv(row, sink),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Self::I8mm => neon::i8mm::conv(row, sink),
            _ => portable::conv(row, sink),
        }
    }

    /// Computes a row of a depthwise convolution; the scalar kernel has no rows.
    pub(crate) fn depthwise(self, row: &DepthRow<'_>, sink: RowOutput<'_>) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => x86::avx2_depthwise::depthwise(row, sink),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => x86::avxvnni_depthwise::depthwise(row, sink),
            #[cfg(target_arch = "x86_64")]
            Self::Vnni => x86::vnni_depthwise::depthwise(row, sink),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Self::Neon => neon::depthwise::depthwise(row, sink),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Self::Dotprod | Self::I8mm => neon::dotprod_depthwise::depthwise(row, sink),
            _ => portable::depthwise(row, sink),
        }
    }

    /// Adds two rows.
    pub(crate) fn add(self, row: &AddRow, a: &[u8], b: &[u8], y: &mut [u8]) {
        match self {
            Self::Scalar => scalar::add(row, a, b, y),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 | Self::AvxVnni => x86::avx2::add(row, a, b, y),
            #[cfg(target_arch = "x86_64")]
            Self::Vnni => x86::rows::add(row, a, b, y),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Self::Neon | Self::Dotprod | Self::I8mm => neon::add::add(row, a, b, y),
            _ => portable::add(row, a, b, y),
        }
    }
}
