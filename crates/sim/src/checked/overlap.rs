//! Finds instructions of the vector engine that read what they write, or write what their order does not
//! settle.

use std::ops::Range;

use ediacara_isa::{Memory, VectorShape};

use crate::work::{Operand, Vector};

/// For every byte of NRAM, a stamp that says which row of which instruction's destination it was last.
pub(super) struct Marks {
    stamps: Vec<u32>,
    /// Stamps up to this one are of earlier instructions.
    used: u32,
}

impl Marks {
    pub(super) fn new(length: usize) -> Self {
        Self { stamps: vec![0; length], used: 0 }
    }

    /// What is wrong with the instruction, at which operand and byte.
    pub(super) fn find(&mut self, v: &Vector) -> Option<String> {
        if let Some(at) = self.written_twice(v) {
            return Some(format!("d: NRAM byte {at:#x} is written twice by the same instruction"));
        }
        self.read_and_written(v).map(|(operand, at)| {
            format!("{operand}: NRAM byte {at:#x} is also a destination of the same instruction")
        })
    }

    /// The first byte that is written twice where that may not be.
    ///
    /// The hardware transposes tile by tile, so that its lanes decide which write comes last. What reads its
    /// destination does so before its earlier rows are written. Everything else writes its rows in order.
    fn written_twice(&mut self, v: &Vector) -> Option<usize> {
        let is_transposed = v.rule.shape == VectorShape::Transpose;
        if !is_transposed && !v.rule.reads_d || is_plainly_apart(v) {
            return None;
        }
        self.reserve(1);
        self.used += 1;
        for run in runs(v).flat_map(|(_, run)| run) {
            let used = self.used;
            let twice = |stamp: &mut u32| std::mem::replace(stamp, used) == used;
            if let Some(at) = self.stamps[run.clone()].iter_mut().position(twice) {
                return Some(run.start + at);
            }
        }
        None
    }

    /// Makes room for `count` more stamps.
    fn reserve(&mut self, count: u32) {
        if self.used.checked_add(count).is_none() {
            self.stamps.fill(0);
            self.used = 0;
        }
    }

    /// The first byte that is a source and a destination at once, and the operand that reads it.
    ///
    /// Where an operand is the destination itself, and may be, only rows that meet other rows count.
    fn read_and_written(&mut self, v: &Vector) -> Option<(&'static str, usize)> {
        let d = destination_span(v);
        let sources = sources(v);
        if sources.iter().flatten().all(|source| disjoint(&source.span, &d)) {
            return None;
        }
        let rows = (v.counts[0] * v.counts[1]) as u32;
        self.reserve(rows);
        self.stamp_destination(v);
        let found = sources.iter().flatten().find_map(|source| {
            let in_place = v.rule.in_place && source.is_destination(v);
            self.find_in(v, source, in_place).map(|at| (source.name, at))
        });
        self.used += rows;
        found
    }

    fn stamp_destination(&mut self, v: &Vector) {
        for (row, runs) in runs(v) {
            let stamp = self.used + row as u32 + 1;
            runs.for_each(|run| self.stamps[run].fill(stamp));
        }
    }

    fn find_in(&self, v: &Vector, source: &Source, in_place: bool) -> Option<usize> {
        rows(v).enumerate().find_map(|(row, (i1, i2))| {
            let allowed = if in_place { self.used + row as u32 + 1 } else { 0 };
            let base = source.operand.row(i1, i2);
            source.offsets.iter().find_map(|offset| {
                let from = base + offset;
                let stamps = &self.stamps[from..from + source.units];
                stamps.iter().position(|&stamp| stamp > self.used && stamp != allowed).map(|at| from + at)
            })
        })
    }
}

/// An operand in NRAM, with the offsets at which a row of it is read.
struct Source {
    name: &'static str,
    operand: Operand,
    offsets: Vec<usize>,
    /// Bytes of a row at one offset.
    units: usize,
    span: Range<usize>,
}

impl Source {
    /// Whether its rows are the destination's.
    ///
    /// A stride that is never taken does not matter.
    fn is_destination(&self, v: &Vector) -> bool {
        let (own, d) = (&self.operand, &v.d);
        let same = |k: usize| v.counts[k] == 1 || own.strides[k] == d.strides[k];
        own.base == d.base && self.units == v.d_units() && same(0) && same(1)
    }
}

fn sources(v: &Vector) -> [Option<Source>; 2] {
    let [count_1, count_2] = v.counts;
    let source = |name, operand: Operand, units: usize, offsets: Vec<usize>| {
        let furthest = offsets.iter().max().copied().unwrap_or_default();
        let end = operand.row(count_1 - 1, count_2 - 1) + furthest + units;
        Some(Source { name, operand, offsets, units, span: operand.base..end })
    };
    let positions = || 0..v.window_counts[0] * v.window_counts[1];
    let rule = &v.rule;
    let is_windowed = rule.shape == VectorShape::Window;
    let a = match rule.a {
        Some(Memory::Nram) if is_windowed => {
            let offset = |position: usize| {
                let (w2, w1) = (position / v.window_counts[0], position % v.window_counts[0]);
                w2 * v.window_strides[1] + w1 * v.window_strides[0]
            };
            source("a", v.a, v.a_units(), positions().map(offset).collect())
        }
        Some(Memory::Nram) if rule.d.is_some() => source("a", v.a, v.a_units(), vec![0]),
        _ => None,
    };
    let b = match rule.b {
        Some(_) if is_windowed => {
            let offsets = positions().map(|position| position * v.b_window_stride).collect();
            let strides = if rule.b_moves { v.b.strides } else { [0, 0] };
            source("b", Operand { base: v.b.base, strides }, v.b_units(), offsets)
        }
        Some(_) => source("b", v.b, v.b_units(), vec![0]),
        None => None,
    };
    [a, b]
}

fn destination_span(v: &Vector) -> Range<usize> {
    let [count_1, count_2] = v.counts;
    let end = match v.rule.shape {
        VectorShape::Table => 0,
        VectorShape::Transpose => v.d.row(v.length - 1, count_2 - 1) + v.d_units(),
        VectorShape::Rows | VectorShape::RowReduction | VectorShape::Window => {
            v.d.row(count_1 - 1, count_2 - 1) + v.d_units()
        }
    };
    v.d.base..end
}

/// Whether the destination's runs, and its matrices of them, follow one another with nothing in common.
///
/// Such a destination needs no look at every byte.
fn is_plainly_apart(v: &Vector) -> bool {
    let (count_2, run) = (v.counts[1], v.d_units());
    let runs = if v.rule.shape == VectorShape::Transpose { v.length } else { v.counts[0] };
    let matrix = (runs - 1) * v.d.strides[0] + run;
    (runs == 1 || v.d.strides[0] >= run) && (count_2 == 1 || v.d.strides[1] >= matrix)
}

/// For each row of the source, its number and the runs of bytes that it writes.
fn runs(v: &Vector) -> impl Iterator<Item = (usize, impl Iterator<Item = Range<usize>>)> {
    rows(v).enumerate().map(move |(row, (i1, i2))| {
        let is_transposed = v.rule.shape == VectorShape::Transpose;
        let (start, count, bytes) = match is_transposed {
            true => (v.d.base + i2 * v.d.strides[1] + i1 * v.units.d, v.length, v.units.d),
            false => (v.d.row(i1, i2), 1, v.d_units()),
        };
        let run = move |j: usize| start + j * v.d.strides[0]..start + j * v.d.strides[0] + bytes;
        (row, (0..count).map(run))
    })
}

fn rows(v: &Vector) -> impl Iterator<Item = (usize, usize)> {
    let [count_1, count_2] = v.counts;
    (0..count_2).flat_map(move |i2| (0..count_1).map(move |i1| (i1, i2)))
}

fn disjoint(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.end <= b.start || b.end <= a.start
}
