//! Chains of float instructions over the rows of tensors (docs/isa.md, "Float instructions").

use ediacara_graph::ops::{Reading, Writing};
use ediacara_isa::{ElementType, Relation, VectorOperation, VectorShape};

use crate::program::view::View;

/// What a layer does to every row, a block of rows at a time.
#[derive(Debug, Clone)]
pub struct Rows {
    /// Rows, by axis, outermost first: two axes at least.
    pub axes: Vec<u64>,
    /// Elements of a row.
    pub length: u64,
    /// What the steps read and write.
    pub values: Vec<RowValue>,
    /// In order; each is one vector instruction for a block of rows.
    pub steps: Vec<RowStep>,
    /// The sums of a product among the values, if they are read where the matrix engine leaves them.
    pub sums: Option<Sums>,
}

/// The sums of a product, in ARAM.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sums {
    /// Their number among the values.
    pub value: usize,
    /// What all of them are multiplied by; nothing where each element of a row has a record, with its bias and scale.
    pub scale: Option<f32>,
}

/// A value of a chain: tensors that it reads or writes, and what passes between its steps on chip.
#[derive(Debug, Clone)]
pub struct RowValue {
    /// The type of its elements.
    pub element: ElementType,
    /// Elements of it that go with a row: one, or as many as the row has.
    pub length: u64,
    /// What it reads before the steps, or writes after them; nothing for what passes between steps. The axes are those of
    /// the rows and then that of its elements. Where it is repeated its stride is 0.
    pub tensor: Option<View>,
    /// Whether a step writes it.
    pub written: bool,
}

/// A step of a chain.
#[derive(Debug, Clone)]
pub struct RowStep {
    /// The instruction.
    pub operation: VectorOperation,
    /// What a comparison asks.
    pub relation: Relation,
    /// The first operand, by its number among the values.
    pub a: usize,
    /// The second.
    pub b: RowOperand,
    /// The result.
    pub d: usize,
    /// What the i8s of a and b stand for.
    pub readings: [Reading; 2],
    /// How the result is stored.
    pub writing: Writing,
    /// Bias and scale of each element of a row, where records are read.
    pub records: Option<Vec<[f32; 2]>>,
}

/// The second operand of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RowOperand {
    /// There is none.
    None,
    /// A number.
    Constant(f32),
    /// A value.
    Value(usize),
}

/// The longest row that elements are put into where rows may be cut anywhere, and the shortest that is worth a cut.
///
/// A step takes an instruction for a block of rows, whatever their length; several rows let loads, steps and stores overlap.
const REFOLDED: [u64; 2] = [16, 1024];

impl Rows {
    /// Joins short rows and cuts long ones, where no step depends on where a row begins. Two rows have room in `nram` bytes.
    pub(crate) fn refold(&mut self, nram: u64) {
        let [shortest, longest] = REFOLDED;
        let of_element = self.values.iter().map(|value| value.element.bytes() as u64).sum::<u64>().max(1);
        let longest = longest.min(nram / (2 * of_element)).max(shortest);
        if !self.goes_by_element() {
            return;
        }
        while self.length < longest && self.join_rows() {}
        let rows = (shortest..=longest).rev().find(|part| self.length.is_multiple_of(*part));
        if let Some(part) = rows.filter(|&part| part < self.length) {
            self.cut_rows(part);
        }
    }

    /// Makes the rows along the last axis that has several one row; whether every tensor goes on from one to the next.
    fn join_rows(&mut self) -> bool {
        let Some(axis) = self.axes.iter().rposition(|&extent| extent > 1) else { return false };
        let (count, length) = (self.axes[axis], self.length);
        let stride = |value: &RowValue| value.tensor.as_ref().map(|view| view.strides[axis]);
        // Among rows of one element, a number for all of them does not advance.
        let is_number =
            |value: &RowValue| if length == 1 { stride(value) == Some(0) } else { value.length == 1 };
        let goes_on = |value: &RowValue| {
            let step = if is_number(value) { 0 } else { value.row_bytes() };
            stride(value).is_none_or(|stride| stride == step)
        };
        let by_element = self.steps.iter().all(|step| !is_number(&self.values[step.a]));
        if !by_element || !self.values.iter().all(goes_on) {
            return false;
        }
        let numbers: Vec<bool> = self.values.iter().map(is_number).collect();
        self.axes[axis] = 1;
        self.length = count * length;
        for (value, is_number) in self.values.iter_mut().zip(numbers) {
            let joined = if is_number { 1 } else { count * length };
            value.length = joined;
            if let Some(view) = &mut value.tensor {
                (view.shape[axis], view.strides[axis]) = (1, 0);
                if let Some(last) = view.shape.last_mut() {
                    *last = joined;
                }
            }
        }
        true
    }

    /// Cuts each row into parts of so many elements, along a new last axis.
    fn cut_rows(&mut self, part: u64) {
        let parts = self.length / part;
        self.axes.push(parts);
        self.length = part;
        for value in self.values.iter_mut() {
            let number = value.length == 1;
            value.length = if number { 1 } else { part };
            let stride = if number { 0 } else { value.row_bytes() };
            if let Some(view) = &mut value.tensor {
                let last = view.shape.len() - 1;
                view.shape.insert(last, parts);
                view.strides.insert(last, stride);
                view.shape[last + 1] = value.length;
            }
        }
        let mut views: Vec<&mut View> =
            self.values.iter_mut().filter_map(|value| value.tensor.as_mut()).collect();
        self.axes = merged(&self.axes, &mut views);
    }

    /// Whether each element of a row is computed by itself, so that rows may be cut.
    pub(crate) fn goes_by_element(&self) -> bool {
        let by_element = |step: &RowStep| {
            let reduces = step.operation.rule().shape == VectorShape::RowReduction;
            !reduces && step.records.is_none() && self.values[step.a].length == self.length
        };
        self.steps.iter().all(by_element)
            && self
                .values
                .iter()
                .all(|value| value.length == self.length || value.length == 1 && !value.written)
    }

    /// The same rows in the same order along other axes; nothing if a tensor cannot be seen that way.
    pub(crate) fn over(&self, axes: &[u64]) -> Option<Rows> {
        let mut rows = Rows { axes: axes.to_vec(), ..self.clone() };
        for view in rows.values.iter_mut().filter_map(|value| value.tensor.as_mut()) {
            let length = view.shape.last().copied()?;
            let shape: Vec<u64> = axes.iter().copied().chain([length]).collect();
            *view = view.reshape(&shape)?;
        }
        Some(rows)
    }

    /// Elements that the steps go over, all together.
    pub(crate) fn operations(&self) -> u64 {
        self.steps.iter().map(|step| self.count() * self.values[step.a].length).sum()
    }

    /// What a listing says of the steps.
    pub(crate) fn detail(&self) -> String {
        let steps = self.steps.iter().map(|step| step.operation.name().trim_start_matches("float_"));
        format!("length {} steps {}", self.length, steps.collect::<Vec<_>>().join(" "))
    }

    /// The number of rows.
    pub fn count(&self) -> u64 {
        self.axes.iter().product()
    }

    /// Bytes of a value that go with so many elements of a row.
    pub(crate) fn bytes_of(&self, value: &RowValue, elements: u64) -> u64 {
        let elements = if value.length == self.length { elements } else { value.length };
        elements * value.element.bytes() as u64
    }

    /// Whether a step reads sums in ARAM.
    pub(crate) fn reads_sums(&self, step: &RowStep) -> bool {
        self.sums.is_some_and(|sums| sums.value == step.a)
    }

    /// The step after which a value is not needed; nothing for one that is stored or that no step reads.
    pub(crate) fn last_use(&self, value: usize) -> Option<usize> {
        let reads = |step: &RowStep| step.a == value || step.b == RowOperand::Value(value);
        self.steps.iter().rposition(reads).filter(|_| !self.is_stored(value))
    }

    /// Whether a value is written to memory.
    pub(crate) fn is_stored(&self, value: usize) -> bool {
        self.values[value].written && self.values[value].tensor.is_some()
    }
}

impl RowValue {
    /// Bytes of it that go with a row.
    pub fn row_bytes(&self) -> u64 {
        self.length * self.element.bytes() as u64
    }

    /// Whether the same elements go with every row.
    pub(crate) fn is_same_for_all(&self) -> bool {
        self.tensor.as_ref().is_some_and(|view| {
            let axes = view.shape.len() - 1;
            view.shape[..axes].iter().zip(&view.strides).all(|(&extent, &stride)| extent == 1 || stride == 0)
        })
    }
}

/// Joins neighbouring axes of rows along which every tensor goes on with the same step.
pub(crate) fn merged(axes: &[u64], views: &mut [&mut View]) -> Vec<u64> {
    let last = |view: &View| (view.shape[axes.len()], view.strides[axes.len()]);
    let ends: Vec<(u64, u64)> = views.iter().map(|view| last(view)).collect();
    let mut merged: Vec<(u64, Vec<u64>)> = Vec::new();
    for (axis, &extent) in axes.iter().enumerate().filter(|&(_, &extent)| extent != 1) {
        let strides: Vec<u64> = views.iter().map(|view| view.strides[axis]).collect();
        match merged.last_mut() {
            Some((count, outer))
                if outer.iter().zip(&strides).all(|(&outer, &own)| outer == own * extent) =>
            {
                *count *= extent;
                *outer = strides;
            }
            _ => merged.push((extent, strides)),
        }
    }
    while merged.len() < 2 {
        merged.insert(0, (1, vec![0; views.len()]));
    }
    for (index, view) in views.iter_mut().enumerate() {
        view.shape = merged.iter().map(|(extent, _)| *extent).chain([ends[index].0]).collect();
        view.strides = merged.iter().map(|(_, strides)| strides[index]).chain([ends[index].1]).collect();
    }
    merged.into_iter().map(|(extent, _)| extent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(tensor: Option<View>, length: u64, written: bool) -> RowValue {
        RowValue { element: ElementType::F32, length, tensor, written }
    }

    fn doubled(axes: &[u64], length: u64, factor: View) -> Rows {
        let shape: Vec<u64> = axes.iter().copied().chain([length]).collect();
        let of_factor = factor.shape.last().copied().unwrap_or(1);
        let [x, d] = [0, 1 << 20].map(|base| View::dense_of(base, &shape, 4));
        let step = RowStep {
            operation: VectorOperation::FloatMultiply,
            relation: Relation::Equal,
            a: 0,
            b: RowOperand::Value(1),
            d: 2,
            readings: [Reading::default(); 2],
            writing: Writing::default(),
            records: None,
        };
        let values = vec![
            value(Some(x), length, false),
            value(Some(factor), of_factor, false),
            value(Some(d), length, true),
        ];
        Rows { axes: axes.to_vec(), length, values, steps: vec![step], sums: None }
    }

    #[test]
    fn short_rows_that_follow_one_another_become_long_ones() {
        let mut rows =
            doubled(&[30, 64], 3, View { strides: vec![0, 0, 4], ..View::dense_of(9, &[30, 64, 1], 4) });
        rows.refold(1 << 18);
        assert_eq!((&rows.axes[..], rows.length), (&[1, 6][..], 960));
        let view = rows.values[2].tensor.as_ref().unwrap();
        assert_eq!((&view.shape[..], &view.strides[..]), (&[1, 6, 960][..], &[0, 3840, 4][..]));
        let factor = rows.values[1].tensor.as_ref().unwrap();
        assert_eq!((&factor.shape[..], &factor.strides[..2]), (&[1, 6, 1][..], &[0, 0][..]));
    }

    #[test]
    fn a_long_row_is_cut_and_a_factor_for_each_row_keeps_rows_apart() {
        let mut rows =
            doubled(&[1, 5], 6000, View { strides: vec![0, 4, 4], ..View::dense_of(9, &[1, 5, 1], 4) });
        rows.refold(1 << 18);
        assert_eq!((&rows.axes[..], rows.length), (&[5, 6][..], 1000));
        let factor = rows.values[1].tensor.as_ref().unwrap();
        assert_eq!((&factor.shape[..], &factor.strides[..2]), (&[5, 6, 1][..], &[4, 0][..]));
        let mut vector =
            doubled(&[1, 5], 60, View { strides: vec![0, 0, 4], ..View::dense_of(9, &[1, 5, 60], 4) });
        vector.refold(1 << 18);
        assert_eq!((&vector.axes[..], vector.length), (&[1, 5][..], 60));
    }

    #[test]
    fn axes_that_all_tensors_go_on_along_become_one() {
        let mut x = View::dense_of(0, &[2, 3, 4, 8], 4);
        let mut mask =
            View { strides: vec![0, 32, 8, 1], shape: vec![2, 3, 4, 8], ..View::dense(500, &[3, 4, 8]) };
        assert_eq!(merged(&[2, 3, 4], &mut [&mut x.clone()]), [1, 24]);
        assert_eq!(merged(&[2, 3, 4], &mut [&mut x, &mut mask]), [2, 12]);
        assert_eq!((x.shape, x.strides), (vec![2, 12, 8], vec![384, 32, 4]));
        assert_eq!((mask.shape, mask.strides), (vec![2, 12, 8], vec![0, 8, 1]));
    }
}
