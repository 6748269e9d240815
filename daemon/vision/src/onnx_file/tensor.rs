//! The values of a constant, in the few types that our nets need.

use super::proto;

/// A constant: sides, the slowest first, and as many values as they multiply to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) sides: Vec<usize>,
    pub(crate) values: Values,
}

/// Values of one type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    F32(Vec<f32>),
    U8(Vec<u8>),
    I8(Vec<i8>),
    I32(Vec<i32>),
    I64(Vec<i64>),
}

impl Values {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }
}

impl Tensor {
    /// Reads the protobuf and checks every length.
    ///
    /// # Errors
    /// The reason, as a text.
    pub(super) fn read(from: &proto::Tensor) -> Result<Self, String> {
        let named = |reason: &str| format!("its constant `{}` {reason}", from.name);
        if from.location == 1 {
            return Err(named("lies in another file: save the net as one file"));
        }
        let sides: Result<Vec<_>, _> = from.dims.iter().map(|&d| usize::try_from(d)).collect();
        let sides = sides.map_err(|_| named("has a negative side"))?;
        let values = read_values(from).ok_or_else(|| {
            named("is of a type that is not read (f32, u8, i8, i32 and i64 are) or cut off")
        })?;
        let wanted = (sides.iter()).try_fold(1_usize, |len, &side| len.checked_mul(side));
        if wanted != Some(values.len()) {
            return Err(named("has not as many values as its shape"));
        }
        Ok(Self { sides, values })
    }
}

/// By the numbers of types in `onnx.proto`: 1 f32, 2 u8, 3 i8, 6 i32, 7 i64.
fn read_values(from: &proto::Tensor) -> Option<Values> {
    let raw = (!from.raw.is_empty()).then_some(from.raw.as_slice());
    Some(match from.kind {
        1 => Values::F32(match raw {
            Some(raw) => elements(raw, f32::from_le_bytes)?,
            None => from.floats.clone(),
        }),
        2 => Values::U8(match raw {
            Some(raw) => raw.to_vec(),
            None => narrow(&from.ints)?,
        }),
        3 => Values::I8(match raw {
            Some(raw) => raw.iter().map(|byte| byte.cast_signed()).collect(),
            None => narrow(&from.ints)?,
        }),
        6 => Values::I32(match raw {
            Some(raw) => elements(raw, i32::from_le_bytes)?,
            None => from.ints.clone(),
        }),
        7 => Values::I64(match raw {
            Some(raw) => elements(raw, i64::from_le_bytes)?,
            None => from.longs.clone(),
        }),
        _ => return None,
    })
}

fn elements<const N: usize, T>(raw: &[u8], read: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
    let (elements, rest) = raw.as_chunks();
    rest.is_empty()
        .then(|| elements.iter().map(|element| read(*element)).collect())
}

fn narrow<T: TryFrom<i32>>(ints: &[i32]) -> Option<Vec<T>> {
    ints.iter().map(|&int| T::try_from(int).ok()).collect()
}
