//! Wide rows are made in strips, so that what is kept of them fits a small stack.

/// The widest part of a row that is made at a time, in pixels.
pub(super) const STRIP: usize = 1024;

/// Does `make` to the rows of each strip, given its first column, as long as it can. Rows lie in `out`, `row_bytes` apart; a pixel
/// has `C` bytes.
pub(super) fn each<const C: usize>(
    size_px: (u32, u32),
    row_bytes: usize,
    out: &mut [u8],
    mut make: impl FnMut(u32, &mut dyn Iterator<Item = &mut [u8]>) -> bool,
) -> bool {
    let (width, height) = (size_px.0 as usize, size_px.1 as usize);
    (0..size_px.0).step_by(STRIP).all(|left| {
        let rows = out.chunks_exact_mut(row_bytes).take(height);
        let mut rows = rows.map(|row| &mut row[C * left as usize..C * width]);
        make(left, &mut rows)
    })
}
