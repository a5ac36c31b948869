//! The matrix product on checked views, and a plain kernel to compare it with.

use super::dot::{FEW_ROWS, InnerProducts};
use super::product::{
    Bias, Crosswise, Finish, Panels, ROWS, Store, Strided, Update, pack_left, pack_right, packed_elements,
    panel_width, part, term_blocks,
};
use super::{Activation, Float};
use crate::KernelError;
use crate::error::{check_length, elements};
use crate::scratch::with_scratch;
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

    /// The rows as lines of a product.
    fn lines(self) -> Strided<'a, T> {
        Strided { data: self.data, line_stride: self.row_stride, term_stride: self.column_stride }
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
        // A single row may have any stride.
        let row_stride = if rows > 1 { row_stride } else { columns };
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

/// `y = alpha * a b + beta * y`, cut into blocks of rows and columns for the threads of the pool.
///
/// With `beta == 0` the old content of `y` is not read.
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
    multiply(alpha, a, b, beta, y, Finish { bias: Bias::None, addend: None, activation: Activation::None });
    Ok(())
}

/// Rows of a task: enough that it reads either operand at a rate that a cache gives.
const TASK_ROWS: usize = 8 * ROWS;
/// Most columns of a task.
const TASK_COLUMNS: usize = 192;
/// Tasks to aim for.
const TASKS: usize = 8;

/// A block of rows and columns of `y`.
struct Task<'y, T> {
    row: usize,
    column: usize,
    y: Vec<&'y mut [T]>,
}

/// Cuts `y` by its shape alone, into panels of rows of the left operand and of columns of the right one.
fn tasks<T: Float>(y: MatrixMut<T>) -> Vec<Task<T>> {
    let width = panel_width::<T>();
    let rows = part(y.rows, TASK_ROWS, ROWS);
    let target = (y.columns * y.rows.div_ceil(rows) / TASKS).clamp(2 * width, TASK_COLUMNS.max(2 * width));
    let columns = part(y.columns, target, width);
    pieces(y, rows, columns)
}

/// Cuts `y` into pieces of so many rows and columns.
fn pieces<T: Float>(y: MatrixMut<T>, rows: usize, columns: usize) -> Vec<Task<T>> {
    let mut tasks = Vec::with_capacity(y.rows.div_ceil(rows) * y.columns.div_ceil(columns));
    for (chunk, data) in y.data.chunks_mut(rows * y.row_stride).take(y.rows.div_ceil(rows)).enumerate() {
        let (row, first) = (chunk * rows, tasks.len());
        let rows = rows.min(y.rows - row);
        let column_starts = (0..y.columns).step_by(columns);
        tasks.extend(column_starts.map(|column| Task { row, column, y: Vec::with_capacity(rows) }));
        for line in data.chunks_mut(y.row_stride).take(rows) {
            let pieces = line[..y.columns].chunks_mut(columns);
            tasks[first..].iter_mut().zip(pieces).for_each(|(task, piece)| task.y.push(piece));
        }
    }
    tasks
}

fn multiply<T: Float>(
    alpha: T,
    a: MatrixRef<T>,
    b: MatrixRef<T>,
    beta: T,
    y: MatrixMut<T>,
    finish: Finish<T>,
) {
    if y.rows == 0 || y.columns == 0 {
        return;
    }
    let (left, right, terms) = (a.lines(), b.transposed().lines(), a.columns);
    let store = |task: &Task<T>, first: bool, last: bool| Store {
        scale: alpha,
        keep: if first { beta } else { T::ONE },
        finish: last.then(|| finish.from(task.row, task.column)),
    };
    if y.rows <= FEW_ROWS && left.term_stride == 1 && right.term_stride == 1 {
        tasks(y).into_par_iter().for_each(|mut task| {
            let store = store(&task, true, true);
            InnerProducts { left, right, terms, column: task.column, y: &mut task.y, store }.run();
        });
        return;
    }
    let width = panel_width::<T>();
    if left.term_stride == 1 && right.term_stride == 1 && y.rows >= width && y.columns >= 2 * y.rows {
        let rows = part(y.rows, TASK_ROWS, width);
        let columns = part(y.columns, y.columns * y.rows.div_ceil(rows) / TASKS, ROWS);
        with_scratch(packed_elements(y.rows, terms, width), |packed| {
            pack_right(&left, y.rows, terms, packed);
            pieces(y, rows, columns).into_par_iter().for_each(|mut task| {
                for block in term_blocks(terms) {
                    let store = store(&task, block.start == 0, block.end == terms);
                    let crosswise = Crosswise {
                        left: Panels::of(packed, width, terms, task.row, block.start),
                        right: Strided { data: &right.data[block.start..], ..right },
                        column: task.column,
                        terms: block.len(),
                        y: &mut task.y,
                        store,
                    };
                    crosswise.run();
                }
            });
        });
        return;
    }
    with_scratch(packed_elements(y.rows, terms, ROWS), |packed_left| {
        pack_left(&left, y.rows, terms, packed_left);
        with_scratch(packed_elements(y.columns, terms, width), |packed_right| {
            pack_right(&right, y.columns, terms, packed_right);
            tasks(y).into_par_iter().for_each(|mut task| {
                for block in term_blocks(terms) {
                    let store = store(&task, block.start == 0, block.end == terms);
                    let update = Update {
                        left: Panels::of(packed_left, ROWS, terms, task.row, block.start),
                        right: Panels::of(packed_right, width, terms, task.column, block.start),
                        terms: block.len(),
                        y: &mut task.y,
                        store,
                    };
                    update.run();
                }
            });
        });
    });
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
    let x = MatrixRef::row_major(x, m, k)?;
    let w = MatrixRef::row_major(w, n, k)?.transposed();
    let finish = Finish { bias: bias.map_or(Bias::None, Bias::Columns), addend: None, activation };
    multiply(T::ONE, x, w, T::ZERO, MatrixMut::row_major(y, m, n)?, finish);
    Ok(())
}
