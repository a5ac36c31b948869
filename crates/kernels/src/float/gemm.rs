//! The matrix product: checked views in front of the `gemm` crate, and a plain kernel to hold it against.

#![allow(
    unsafe_code,
    reason = "the gemm crate takes raw pointers; every index it forms is checked here first"
)]

use super::{Activation, Float};
use crate::KernelError;
use crate::error::{check_length, elements};
use rayon::prelude::*;

const KERNEL: &str = "gemm";

/// A matrix inside a slice: element `(r, c)` is `data[r * row_stride + c * column_stride]`.
#[derive(Debug, Clone, Copy)]
pub struct MatrixRef<'a, T = f32> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

/// A matrix to be written, row-major with rows `row_stride` elements apart.
#[derive(Debug)]
pub struct MatrixMut<'a, T = f32> {
    data: &'a mut [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
}

/// Elements from the first to the last of a strided matrix, inclusive.
fn span(rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> Result<usize, KernelError> {
    if rows == 0 || columns == 0 {
        return Ok(0);
    }
    let row = (rows - 1).checked_mul(row_stride);
    let column = (columns - 1).checked_mul(column_stride);
    row.zip(column)
        .and_then(|(row, column)| row.checked_add(column)?.checked_add(1))
        .filter(|&span| span <= isize::MAX as usize)
        .ok_or_else(|| {
            KernelError::shape(KERNEL, format!("a matrix of {rows} x {columns} cannot be addressed"))
        })
}

impl<'a, T: Float> MatrixRef<'a, T> {
    /// A dense row-major matrix.
    ///
    /// # Errors
    /// `data` does not hold exactly `rows * columns` elements.
    pub fn row_major(data: &'a [T], rows: usize, columns: usize) -> Result<Self, KernelError> {
        check_length(KERNEL, "matrix", data.len(), elements(KERNEL, &[rows, columns])?)?;
        Ok(Self { data, rows, columns, row_stride: columns, column_stride: 1 })
    }

    /// A matrix with any strides, in elements.
    ///
    /// # Errors
    /// The last element lies outside `data`.
    pub fn strided(
        data: &'a [T],
        rows: usize,
        columns: usize,
        row_stride: usize,
        column_stride: usize,
    ) -> Result<Self, KernelError> {
        let needed = span(rows, columns, row_stride, column_stride)?;
        if data.len() < needed {
            return Err(KernelError::Length {
                kernel: KERNEL,
                operand: "matrix",
                expected: needed,
                found: data.len(),
            });
        }
        Ok(Self { data, rows, columns, row_stride, column_stride })
    }

    /// The transpose, without a copy.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Rows `first..first + rows`.
    fn rows_from(self, first: usize, rows: usize) -> Result<Self, KernelError> {
        let from = (first * self.row_stride).min(self.data.len());
        Self::strided(&self.data[from..], rows, self.columns, self.row_stride, self.column_stride)
    }

    fn at(&self, row: usize, column: usize) -> T {
        self.data[row * self.row_stride + column * self.column_stride]
    }
}

impl<'a, T: Float> MatrixMut<'a, T> {
    /// A dense row-major matrix.
    ///
    /// # Errors
    /// `data` does not hold exactly `rows * columns` elements.
    pub fn row_major(data: &'a mut [T], rows: usize, columns: usize) -> Result<Self, KernelError> {
        check_length(KERNEL, "matrix", data.len(), elements(KERNEL, &[rows, columns])?)?;
        Ok(Self { data, rows, columns, row_stride: columns })
    }

    /// A row-major matrix whose rows lie `row_stride >= columns` elements apart.
    ///
    /// # Errors
    /// The last element lies outside `data`, or rows overlap.
    pub fn strided(
        data: &'a mut [T],
        rows: usize,
        columns: usize,
        row_stride: usize,
    ) -> Result<Self, KernelError> {
        let needed = span(rows, columns, row_stride, 1)?;
        if rows > 1 && row_stride < columns {
            let problem = format!("rows of {columns} elements overlap at a stride of {row_stride}");
            return Err(KernelError::shape(KERNEL, problem));
        }
        if data.len() < needed {
            return Err(KernelError::Length {
                kernel: KERNEL,
                operand: "y",
                expected: needed,
                found: data.len(),
            });
        }
        Ok(Self { data, rows, columns, row_stride })
    }
}

fn check_product<T: Float>(a: &MatrixRef<T>, b: &MatrixRef<T>, y: &MatrixMut<T>) -> Result<(), KernelError> {
    if a.columns == b.rows && a.rows == y.rows && b.columns == y.columns {
        return Ok(());
    }
    let problem = format!(
        "[{}, {}] x [{}, {}] does not give [{}, {}]",
        a.rows, a.columns, b.rows, b.columns, y.rows, y.columns
    );
    Err(KernelError::shape(KERNEL, problem))
}

/// `y = alpha * a b + beta * y`, cut into blocks of rows and columns for the threads of the pool. With `beta
/// == 0` the old content of `y` is not read.
///
/// # Errors
/// Shapes that do not fit each other.
pub fn gemm<T: Float>(
    alpha: T,
    a: MatrixRef<T>,
    b: MatrixRef<T>,
    beta: T,
    y: MatrixMut<T>,
) -> Result<(), KernelError> {
    check_product(&a, &b, &y)?;
    if y.rows == 0 || y.columns == 0 {
        return Ok(());
    }
    if y.rows.saturating_mul(y.columns).saturating_mul(a.columns) < PARALLEL_PRODUCTS {
        return gemm_block(alpha, a, b, beta, y);
    }
    let (columns, stride) = (y.columns, y.row_stride);
    if y.rows >= 2 * BLOCK_ROWS {
        let blocks = y.data.par_chunks_mut(BLOCK_ROWS * stride).take(y.rows.div_ceil(BLOCK_ROWS));
        return blocks.enumerate().try_for_each(|(block, data)| {
            let first = block * BLOCK_ROWS;
            let rows = BLOCK_ROWS.min(a.rows - first);
            gemm_block(
                alpha,
                a.rows_from(first, rows)?,
                b,
                beta,
                MatrixMut::strided(data, rows, columns, stride)?,
            )
        });
    }
    // Few rows: blocks of columns, each computed apart and copied, since their places in `y` interleave.
    let mut blocks: Vec<(usize, Vec<&mut [T]>)> =
        (0..columns).step_by(BLOCK_COLUMNS).map(|first| (first, Vec::with_capacity(y.rows))).collect();
    for row in y.data.chunks_mut(stride).take(y.rows) {
        let pieces = row[..columns].chunks_mut(BLOCK_COLUMNS);
        blocks.iter_mut().zip(pieces).for_each(|((_, rows), piece)| rows.push(piece));
    }
    blocks.into_par_iter().try_for_each(|(first, rows)| {
        let columns = BLOCK_COLUMNS.min(columns - first);
        let mut product: Vec<T> = Vec::with_capacity(rows.len() * columns);
        rows.iter().for_each(|row| product.extend_from_slice(row));
        let view = MatrixMut::row_major(&mut product, rows.len(), columns)?;
        gemm_block(alpha, a, b.transposed().rows_from(first, columns)?.transposed(), beta, view)?;
        rows.into_iter().zip(product.chunks_exact(columns)).for_each(|(to, from)| to.copy_from_slice(from));
        Ok(())
    })
}

/// Rows and columns of the blocks of [`gemm`]: fixed, so that results do not depend on the thread count.
const BLOCK_ROWS: usize = 64;
const BLOCK_COLUMNS: usize = 128;
/// Below so many multiplications a product stays on one thread.
const PARALLEL_PRODUCTS: usize = 1 << 18;

/// [`gemm`] on the calling thread.
pub(super) fn gemm_block<T: Float>(
    alpha: T,
    a: MatrixRef<T>,
    b: MatrixRef<T>,
    beta: T,
    y: MatrixMut<T>,
) -> Result<(), KernelError> {
    check_product(&a, &b, &y)?;
    if y.rows == 0 || y.columns == 0 {
        return Ok(());
    }
    if a.columns == 0 {
        return gemm_plain(alpha, a, b, beta, y);
    }
    // SAFETY: the constructors of MatrixRef and MatrixMut checked that the last element of each matrix lies
    // inside its slice and that its offset fits isize, so every element the product touches does; `y` is a
    // unique borrow and its rows do not overlap; check_product matched the three shapes; with beta == 0
    // `read_dst` is false.
    unsafe {
        gemm::gemm(
            y.rows,
            y.columns,
            a.columns,
            y.data.as_mut_ptr(),
            1,
            y.row_stride as isize,
            beta != T::ZERO,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            beta,
            alpha,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
    Ok(())
}

/// The same product by three plain loops: the specification of [`gemm()`], up to rounding.
///
/// # Errors
/// Shapes that do not fit each other.
pub fn gemm_plain<T: Float>(
    alpha: T,
    a: MatrixRef<T>,
    b: MatrixRef<T>,
    beta: T,
    y: MatrixMut<T>,
) -> Result<(), KernelError> {
    check_product(&a, &b, &y)?;
    for row in 0..y.rows {
        for column in 0..y.columns {
            let sum: T = (0..a.columns).map(|k| a.at(row, k) * b.at(k, column)).sum();
            let y = &mut y.data[row * y.row_stride + column];
            *y = if beta == T::ZERO { alpha * sum } else { alpha * sum + beta * *y };
        }
    }
    Ok(())
}

/// The fully connected layer `y[m, n] = activation(x[m, k] w[n, k]^T + bias[n])`.
///
/// # Errors
/// Slices whose length is not the shape's.
pub fn linear<T: Float>(
    [m, n, k]: [usize; 3],
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    activation: Activation,
    y: &mut [T],
) -> Result<(), KernelError> {
    const KERNEL: &str = "linear";
    check_length(KERNEL, "x", x.len(), elements(KERNEL, &[m, k])?)?;
    check_length(KERNEL, "w", w.len(), elements(KERNEL, &[n, k])?)?;
    check_length(KERNEL, "y", y.len(), elements(KERNEL, &[m, n])?)?;
    if let Some(bias) = bias {
        check_length(KERNEL, "bias", bias.len(), n)?;
    }
    if y.is_empty() {
        return Ok(());
    }
    match bias {
        Some(bias) => y.chunks_exact_mut(n).for_each(|row| row.copy_from_slice(bias)),
        None => y.fill(T::ZERO),
    }
    let x = MatrixRef::row_major(x, m, k)?;
    let w = MatrixRef::row_major(w, n, k)?.transposed();
    gemm(T::ONE, x, w, T::ONE, MatrixMut::row_major(y, m, n)?)?;
    activation.apply(y);
    Ok(())
}
