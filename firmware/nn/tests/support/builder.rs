//! Writes nets in the packed format with random weights: valid files whose numbers vary, but mean nothing.

/// A small reproducible random source (SplitMix64: Steele, Lea, Flood, 2014).
pub struct Random(pub u64);

impl Random {
    /// Any 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `low..=high`.
    pub fn within(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1) as u64) as i64
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        self.next() as u8
    }
}

/// How a convolution ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tail {
    /// Zero point 0 and nothing below it.
    Relu,
    /// Any zero point and bounds.
    Signed,
    /// Multipliers and shifts from their whole range, also factors far above 1.
    Wild,
    /// Factors up to 1/4, the largest that vector kernels take without a detour: quotients leave 16 bits.
    Large,
    /// The accumulator leaves the net.
    Raw,
}

#[derive(Clone, Copy)]
struct Tensor {
    channels: usize,
    zero: u8,
    scale: f32,
}

/// A packed file in the making. Methods that add an operator return the number of the tensor it makes.
pub struct Builder {
    random: Random,
    head: [u32; 5],
    input: Tensor,
    notes: String,
    tensors: Vec<Tensor>,
    operators: Vec<u8>,
    outputs: Vec<u32>,
}

impl Builder {
    /// `kind` 1 classifier, 2 detector; `step` 0 if only this size.
    pub fn new(
        seed: u64,
        kind: u32,
        channels: usize,
        (width, height): (u32, u32),
        step: u32,
    ) -> Self {
        let mut random = Random(seed);
        let input = Tensor {
            channels,
            zero: random.byte(),
            scale: 0.02,
        };
        let head = [kind, channels as u32, width, height, step];
        Self {
            random,
            head,
            input,
            notes: String::new(),
            tensors: vec![input],
            operators: vec![],
            outputs: vec![],
        }
    }

    /// Adds a line `key=value`.
    pub fn note(&mut self, key: &str, value: &str) {
        self.notes += &format!("{key}={value}\n");
    }

    /// Declares a tensor an output; raw convolutions do that themselves.
    pub fn output(&mut self, tensor: usize) {
        self.outputs.push(tensor as u32);
    }

    /// Whether a tensor leaves the net.
    pub fn is_output(&self, tensor: usize) -> bool {
        self.outputs.contains(&(tensor as u32))
    }

    /// Channels of a tensor.
    pub fn channels(&self, tensor: usize) -> usize {
        self.tensors[tensor].channels
    }

    fn words(&mut self, words: impl IntoIterator<Item = u32>) {
        self.operators
            .extend(words.into_iter().flat_map(u32::to_le_bytes));
    }

    #[allow(clippy::too_many_arguments)] // one per field of the record
    fn operator(&mut self, form: [u8; 4], a: usize, b: usize, y: Tensor, lo: u8, hi: u8) -> usize {
        self.operators.extend(form);
        for half in [a, b, y.channels] {
            self.operators.extend((half as u16).to_le_bytes());
        }
        self.operators.extend([y.zero, lo, hi, 0, 0, 0]);
        self.operators.extend(y.scale.to_le_bytes());
        self.tensors.push(y);
        self.tensors.len() - 1
    }

    /// Zero point and bounds.
    fn epilogue(&mut self, relu: bool) -> [u8; 3] {
        let lo = self.random.within(0, 40) as u8;
        let hi = self.random.within(180, 255) as u8;
        if relu {
            [0, 0, hi]
        } else {
            [self.random.byte(), lo, hi]
        }
    }

    /// A full convolution.
    pub fn conv(
        &mut self,
        x: usize,
        out: usize,
        kernel: usize,
        stride: usize,
        tail: Tail,
    ) -> usize {
        self.convolution(1, x, out, kernel, stride, tail)
    }

    /// A depthwise convolution.
    pub fn depthwise(&mut self, x: usize, kernel: usize, stride: usize, tail: Tail) -> usize {
        self.convolution(2, x, self.channels(x), kernel, stride, tail)
    }

    fn convolution(
        &mut self,
        code: u8,
        x: usize,
        out: usize,
        kernel: usize,
        stride: usize,
        tail: Tail,
    ) -> usize {
        let raw = tail == Tail::Raw;
        let [zero, lo, hi] = if raw {
            [0; 3]
        } else {
            self.epilogue(tail == Tail::Relu)
        };
        let scale = if raw { 0.0 } else { 0.05 };
        let form = [code, kernel as u8, stride as u8, u8::from(raw)];
        let y = self.operator(
            form,
            x,
            0xffff,
            Tensor {
                channels: out,
                zero,
                scale,
            },
            lo,
            hi,
        );
        let terms = kernel * kernel * if code == 2 { 1 } else { self.channels(x) };
        // As trained ones, or large all over: kernels take their ways by it.
        let most = [127, 40, 15][self.random.within(0, 2) as usize];
        let mut weight = || match self.random.within(0, 30) {
            0 => self.random.within(-127, 127) as u8,
            _ => self.random.within(-most, most) as u8,
        };
        let weights: Vec<u8> = (0..terms * out).map(|_| weight()).collect();
        self.operators.extend(&weights);
        self.operators
            .resize(self.operators.len().next_multiple_of(4), 0);
        // Accumulators spread like a random walk of this many steps of this size.
        let spread = (terms as f64).sqrt() * 73.0 * 100.0;
        for _ in 0..out {
            let bias = self.random.within(-(spread as i64), spread as i64) as u32;
            self.words([bias]);
        }
        if raw {
            for _ in 0..out {
                let scale = 1.5 / spread as f32 * (0.5 + self.random.byte() as f32 / 255.0);
                self.words([scale.to_bits()]);
            }
            self.output(y);
            return y;
        }
        let factors: Vec<(u32, u32)> = (0..out).map(|_| self.factor(tail, 50.0 / spread)).collect();
        self.words(factors.iter().map(|factor| factor.0));
        self.words(factors.iter().map(|factor| factor.1));
        y
    }

    fn factor(&mut self, tail: Tail, real: f64) -> (u32, u32) {
        let m = self.random.within(1 << 30, (1 << 31) - 1) as u32;
        match tail {
            Tail::Wild => (m, self.random.within(1, 62) as u32),
            Tail::Large => (m, self.random.within(33, 45) as u32),
            _ => (m, 31 + (-real.log2()) as u32),
        }
    }

    /// The sum of two tensors of one shape.
    pub fn add(&mut self, a: usize, b: usize) -> usize {
        let [zero, lo, hi] = self.epilogue(false);
        let y = self.operator(
            [3, 0, 0, 0],
            a,
            b,
            Tensor {
                zero,
                ..self.tensors[a]
            },
            lo,
            hi,
        );
        let s = self.random.within(1, 20) as u32;
        let top = (1_i64 << (s + 1)).min(1 << 22);
        let (ma, mb) = (
            self.random.within(1, top) as u32,
            self.random.within(1, top) as u32,
        );
        self.words([ma, mb, s]);
        y
    }

    /// Max pool 2x2.
    pub fn pool(&mut self, x: usize) -> usize {
        self.operator([4, 0, 0, 0], x, 0xffff, self.tensors[x], 0, 255)
    }

    /// Upsample by 2.
    pub fn upsample(&mut self, x: usize) -> usize {
        self.operator([5, 0, 0, 0], x, 0xffff, self.tensors[x], 0, 255)
    }

    /// Global average pool over `area` pixels.
    pub fn gap(&mut self, x: usize, area: usize) -> usize {
        let [zero, lo, hi] = self.epilogue(false);
        let y = self.operator(
            [6, 0, 0, 0],
            x,
            0xffff,
            Tensor {
                zero,
                ..self.tensors[x]
            },
            lo,
            hi,
        );
        let m = self.random.within(1 << 30, (1 << 31) - 1) as u32;
        self.words([m, 31 + area.ilog2()]);
        y
    }

    /// The file, header and checksum included.
    pub fn finish(&self) -> Vec<u8> {
        let mut tail = Vec::new();
        let words = |words: &[u32]| {
            words
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect::<Vec<u8>>()
        };
        tail.extend(words(&self.head));
        tail.extend(words(&[
            u32::from(self.input.zero),
            self.input.scale.to_bits(),
        ]));
        let counts = [self.tensors.len() - 1, self.outputs.len(), self.notes.len()];
        tail.extend(words(&counts.map(|count| count as u32)));
        tail.extend([0; 8]);
        tail.extend(self.notes.as_bytes());
        tail.resize(tail.len().next_multiple_of(4), 0);
        tail.extend(words(&self.outputs));
        tail.extend(&self.operators);
        let mut file = b"moodnet1".to_vec();
        file.extend((tail.len() as u32 + 16).to_le_bytes());
        file.extend(crc32(&tail).to_le_bytes());
        file.extend(tail);
        file
    }
}

/// CRC-32 as in zlib, bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    let shift = |crc: u32| {
        if crc & 1 == 1 {
            (crc >> 1) ^ 0xedb8_8320
        } else {
            crc >> 1
        }
    };
    !bytes.iter().fold(!0, |crc: u32, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| shift(crc))
    })
}
