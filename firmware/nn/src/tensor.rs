//! A tensor's shape and its place in the arena: NHWC bytes, with a border that 3x3 kernels may read.

/// Rows, columns, channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Height.
    pub rows: usize,
    /// Width.
    pub columns: usize,
    /// Values per pixel.
    pub channels: usize,
}

impl Shape {
    /// Values in the tensor.
    pub fn len(self) -> usize {
        self.rows * self.columns * self.channels
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// Bytes after each tensor that a kernel may read (never use), so that it can load whole vectors.
pub(crate) const SLACK: usize = 64;

/// A tensor to read. `data` begins at the border's first byte and includes [`SLACK`].
#[derive(Clone, Copy)]
pub(crate) struct TensorView<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) shape: Shape,
    /// Width of the border in pixels, 0 or 1; the border holds `zero`.
    pub(crate) border: usize,
    pub(crate) zero: u8,
    /// What is taken off each stored value: [`crate::kernel::Kernel::offset`].
    pub(crate) offset: u8,
}

/// A tensor to write; the same as [`TensorView`].
pub(crate) struct TensorViewMut<'a> {
    pub(crate) data: &'a mut [u8],
    pub(crate) shape: Shape,
    pub(crate) border: usize,
    pub(crate) zero: u8,
    pub(crate) offset: u8,
}

/// Bytes of a tensor with its border, without slack.
pub(crate) fn bordered_len(shape: Shape, border: usize) -> Option<usize> {
    let rows = shape.rows.checked_add(2 * border)?;
    let columns = shape.columns.checked_add(2 * border)?;
    rows.checked_mul(columns)?.checked_mul(shape.channels)
}

impl<'a> TensorView<'a> {
    /// From pixel (`row`, `column`) of the bordered tensor to the end of the data: (0, 0) is the border's corner.
    pub(crate) fn from(&self, row: usize, column: usize) -> &'a [u8] {
        &self.data[(row * (self.shape.columns + 2 * self.border) + column) * self.shape.channels..]
    }

    /// One row without its border.
    pub(crate) fn row(&self, row: usize) -> &'a [u8] {
        &self.from(row + self.border, self.border)[..self.shape.columns * self.shape.channels]
    }
}

impl TensorViewMut<'_> {
    fn stride(&self) -> usize {
        (self.shape.columns + 2 * self.border) * self.shape.channels
    }

    /// One row without its border.
    pub(crate) fn row(&mut self, row: usize) -> &mut [u8] {
        let start = (row + self.border) * self.stride() + self.border * self.shape.channels;
        &mut self.data[start..][..self.shape.columns * self.shape.channels]
    }

    /// Writes the zero point around the picture: outside of it lies real 0.
    pub(crate) fn fill_border(&mut self) {
        if self.border == 0 {
            return;
        }
        let (stride, edge) = (self.stride(), self.border * self.shape.channels);
        let (zero, rows) = (self.zero ^ self.offset, self.shape.rows);
        let mut lines = self.data.chunks_exact_mut(stride);
        for (index, line) in lines.by_ref().take(rows + 2).enumerate() {
            if index == 0 || index == rows + 1 {
                line.fill(zero);
            } else {
                line[..edge].fill(zero);
                line[stride - edge..].fill(zero);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn border_surrounds_the_picture() {
        let shape = Shape {
            rows: 2,
            columns: 2,
            channels: 1,
        };
        let mut data = [0; 16];
        let mut map = TensorViewMut {
            data: &mut data,
            shape,
            border: 1,
            zero: 9,
            offset: 0,
        };
        map.fill_border();
        map.row(0).copy_from_slice(&[1, 2]);
        map.row(1).copy_from_slice(&[3, 4]);
        assert_eq!(data, [9, 9, 9, 9, 9, 1, 2, 9, 9, 3, 4, 9, 9, 9, 9, 9]);
        let map = TensorView {
            data: &data,
            shape,
            border: 1,
            zero: 9,
            offset: 0,
        };
        assert_eq!(map.row(1), [3, 4]);
        assert_eq!(map.from(1, 0)[..3], [9, 1, 2]);
    }
}
