//! Inner products in the order of N-FLOAT-DOT, for a number of lanes that is given.
//!
//! Columns stand side by side in vectors: every column has the same order, and the tree of a beat goes across
//! vectors, not inside one.

use super::value::flushed;
use crate::KernelError;
use crate::vectorise::{InstructionSet, Vectorise, vectorise};

const KERNEL: &str = "ordered_dot";

/// Columns of one vector.
const LINE: usize = 16;
/// A number for each column of a vector.
type Line = [f32; LINE];

/// The most lanes that one beat may have.
const MOST_LANES: usize = 128;
/// Lanes whose tree is written out.
const BRANCH: usize = 16;

/// Weights of some columns, in the order in which [`dot`] reads them: `[line][beat][lane][column of the line]`.
#[derive(Debug, Clone, Default)]
pub struct OrderedWeights {
    lanes: usize,
    columns: usize,
    beats: usize,
    lines: Vec<Line>,
}

impl OrderedWeights {
    /// Products that are added in one beat.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Takes the weights of `columns` columns, `beats` beats of `lanes` lanes each.
    ///
    /// `fill` is called with every beat, and with room for `[column][lane]`, which is +0 before. It leaves the lanes that
    /// lie past the end of a stretch as they are. Numbers are as N-FLOAT reads them.
    ///
    /// # Errors
    /// If `lanes` is no power of two from 1 to 128.
    pub fn pack(
        &mut self,
        [lanes, columns, beats]: [usize; 3],
        mut fill: impl FnMut(usize, &mut [f32]),
    ) -> Result<(), KernelError> {
        if !lanes.is_power_of_two() || lanes > MOST_LANES {
            let problem = format!("{lanes} lanes are no power of two from 1 to {MOST_LANES}");
            return Err(KernelError::shape(KERNEL, problem));
        }
        *self = Self { lanes, columns, beats, lines: std::mem::take(&mut self.lines) };
        self.lines.clear();
        self.lines.resize(columns.div_ceil(LINE) * beats * lanes, [0.0; LINE]);
        let mut numbers = vec![0.0; columns * lanes];
        for beat in 0..beats {
            numbers.fill(0.0);
            fill(beat, &mut numbers);
            for (column, numbers) in numbers.chunks_exact(lanes).enumerate() {
                let first = (column / LINE * beats + beat) * lanes;
                for (line, &number) in self.lines[first..first + lanes].iter_mut().zip(numbers) {
                    line[column % LINE] = number;
                }
            }
        }
        Ok(())
    }
}

/// Adds to running sums the products of windows with weights: N-FLOAT-DOT.
///
/// `x` has the windows one after the other, `[beat][lane]` each, with +0 in the lanes past the end of a stretch. `sums` has
/// `[window][column]`, and holds what the sums start at. Numbers are as N-FLOAT reads them, but a NaN may have
/// any form, in `sums` afterwards too.
///
/// # Errors
/// If `x` or `sums` has another length than the same number of windows wants.
pub fn dot(weights: &OrderedWeights, x: &[f32], sums: &mut [f32]) -> Result<(), KernelError> {
    let (window, columns) = (weights.beats * weights.lanes, weights.columns);
    if window == 0 || columns == 0 {
        return Ok(());
    }
    let windows = x.len() / window;
    for (operand, expected, found) in
        [("x", windows * window, x.len()), ("sums", windows * columns, sums.len())]
    {
        if expected != found {
            return Err(KernelError::Length { kernel: KERNEL, operand, expected, found });
        }
    }
    vectorise(Windows { weights, x, sums });
    Ok(())
}

/// [`dot`], with lengths that fit.
struct Windows<'a> {
    weights: &'a OrderedWeights,
    x: &'a [f32],
    sums: &'a mut [f32],
}

impl Vectorise for Windows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        match self.weights.lanes {
            1 => self.each(branch::<1>),
            2 => self.each(branch::<2>),
            4 => self.each(branch::<4>),
            8 => self.each(branch::<8>),
            BRANCH => self.each(branch::<BRANCH>),
            _ => self.each(tree),
        }
    }
}

impl Windows<'_> {
    /// Every line of every window; `tree` adds the products of a beat.
    #[inline(always)]
    fn each(self, tree: impl Fn(&[f32], &[Line]) -> Line) {
        let Windows { weights: OrderedWeights { lanes, columns, beats, lines }, x, sums } = self;
        let (lanes, columns, window) = (*lanes, *columns, beats * lanes);
        for (index, lines) in lines.chunks_exact(window).enumerate() {
            let first = index * LINE;
            let width = LINE.min(columns - first);
            for (x, sums) in x.chunks_exact(window).zip(sums.chunks_exact_mut(columns)) {
                let sums = &mut sums[first..first + width];
                let mut running = [0.0; LINE];
                running[..width].copy_from_slice(sums);
                for (x, w) in x.chunks_exact(lanes).zip(lines.chunks_exact(lanes)) {
                    running = add(&running, &tree(x, w));
                }
                sums.copy_from_slice(&running[..width]);
            }
        }
    }
}

/// Sums, subnormals flushed.
#[inline(always)]
fn add(a: &Line, b: &Line) -> Line {
    std::array::from_fn(|column| flushed(a[column] + b[column]))
}

/// Products, subnormals flushed.
#[inline(always)]
fn product(x: f32, w: &Line) -> Line {
    std::array::from_fn(|column| flushed(x * w[column]))
}

/// The tree over at most [`BRANCH`] lanes, a power of two of them.
///
/// The levels are written out, since what is done twice as deep then waits in registers.
#[inline(always)]
fn branch<const LANES: usize>(x: &[f32], w: &[Line]) -> Line {
    let (Some(x), Some(w)) = (x.first_chunk::<LANES>(), w.first_chunk::<LANES>()) else {
        return [0.0; LINE];
    };
    let two = |at: usize| add(&product(x[at], &w[at]), &product(x[at + 1], &w[at + 1]));
    let four = |at: usize| add(&two(at), &two(at + 2));
    let eight = |at: usize| add(&four(at), &four(at + 4));
    match LANES {
        1 => product(x[0], &w[0]),
        2 => two(0),
        4 => four(0),
        8 => eight(0),
        _ => add(&eight(0), &eight(8)),
    }
}

/// The tree over more lanes than [`BRANCH`].
#[inline(always)]
fn tree(x: &[f32], w: &[Line]) -> Line {
    let mut sums = [[0.0; LINE]; MOST_LANES / BRANCH];
    let mut count = 0;
    for (x, w) in x.chunks_exact(BRANCH).zip(w.chunks_exact(BRANCH)) {
        sums[count] = branch::<BRANCH>(x, w);
        count += 1;
    }
    while count > 1 {
        count /= 2;
        for pair in 0..count {
            sums[pair] = add(&sums[2 * pair], &sums[2 * pair + 1]);
        }
    }
    sums[0]
}
