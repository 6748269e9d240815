//! Reads golden vectors (`models/golden/README.md`): pictures and the exact integers that a net must put out.

use super::builder::crc32;

/// A picture and the net's outputs for it.
pub struct Vector {
    pub size: (usize, usize),
    pub channels: usize,
    pub picture: Vec<u8>,
    /// Rows, columns, channels, values of each output.
    pub outputs: Vec<([usize; 3], Vec<i32>)>,
}

/// The checksum of the net that the vectors belong to, and the vectors.
pub fn read(file: &[u8]) -> (u32, Vec<Vector>) {
    assert_eq!(&file[..8], b"moodgold");
    let mut reader = Reader(&file[8..]);
    assert_eq!(reader.word() as usize, file.len());
    assert_eq!(reader.word(), crc32(&file[16..]));
    let count = reader.word();
    let net = reader.word();
    let vectors = (0..count).map(|_| reader.vector()).collect();
    assert!(reader.0.is_empty());
    (net, vectors)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(bytes);
        self.0 = rest;
        head
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().unwrap())
    }

    fn vector(&mut self) -> Vector {
        let [width, height, channels, outputs] = [(); 4].map(|()| self.word() as usize);
        let length = width * height * channels;
        let picture = self.take(length.next_multiple_of(4))[..length].to_vec();
        let outputs = (0..outputs).map(|_| {
            let shape = [(); 3].map(|()| self.word() as usize);
            let values = (0..shape.iter().product())
                .map(|_| self.word().cast_signed())
                .collect();
            (shape, values)
        });
        Vector {
            size: (width, height),
            channels,
            picture,
            outputs: outputs.collect(),
        }
    }
}
