//! Chains of float instructions over the rows of tensors (docs/isa.md, "Float instructions").

use ediacara_graph::ops::{Reading, Writing};
use ediacara_isa::{ElementType, Relation, VectorOperation};

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

impl Rows {
    /// The number of rows.
    pub fn count(&self) -> u64 {
        self.axes.iter().product()
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
