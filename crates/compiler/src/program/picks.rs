//! Elements that are picked out of rows: whole rows are loaded, and what is picked moves in NRAM.
//!
//! A burst for each element would bring many times its bytes.

use crate::program::boxes::JointSide;
use crate::program::layer::Copy;
use crate::program::view::View;

/// Bytes on average below which a run is not worth a burst of its own.
const SHORT_RUN: u64 = 64;
/// Elements on average that are worth an instruction in NRAM between a load and a store.
const LEAST_MOVED: u64 = 16;
/// Bytes of a row that are loaded for one that is picked, at most.
const MOST_LOADED: u64 = 16;

/// Data movement that picks the same elements out of every row of a tensor, and leaves whole rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picks {
    /// Bytes of an element.
    pub element: u64,
    /// First byte of the first row, in source and destination.
    pub bases: [u64; 2],
    /// Bytes of a row, in source and destination.
    pub rows: [u64; 2],
    /// The rows, innermost first.
    pub sides: Vec<JointSide<2>>,
    /// What is picked.
    pub runs: Vec<Run>,
}

/// Elements of a row at equal distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// Bytes from the row's first one, in source and destination.
    pub offsets: [u64; 2],
    /// Elements.
    pub count: u64,
    /// Bytes from one to the next, in source and destination.
    pub strides: [u64; 2],
}

impl Run {
    /// Whether its elements lie together in both rows.
    pub(crate) fn is_contiguous(&self, element: u64) -> bool {
        self.count == 1 || self.strides == [element; 2]
    }
}

impl Picks {
    /// The movement as picks out of rows; nothing if it is none in DRAM, or if its runs are worth their bursts.
    pub(crate) fn of(copy: &Copy) -> Option<Picks> {
        let element = copy.element;
        let is_plain = copy.fill.is_none() && copy.moved.is_none() && matches!(element, 2 | 4);
        let in_dram = |(from, to): &(View, View)| !from.is_kept() && !to.is_kept() && !from.is_empty();
        if !is_plain || !copy.parts.iter().all(in_dram) {
            return None;
        }
        let (first, _) = copy.parts.first()?;
        let mut axis = first.shape.len().checked_sub(2)?;
        while copy.parts.len() == 1 && first.shape[axis] == 1 {
            axis = axis.checked_sub(1)?;
        }
        let outer = outer(&copy.parts[0], axis);
        let alike =
            |part: &(View, View)| part.0.shape.len() == first.shape.len() && self::outer(part, axis) == outer;
        if !copy.parts.iter().all(alike) {
            return None;
        }
        let bases = [0, 1].map(|k| copy.parts.iter().map(|part| side(part, k).base).min().unwrap_or(0));
        let run = |part: &(View, View)| Run {
            offsets: [0, 1].map(|k| side(part, k).base - bases[k]),
            count: part.0.shape[axis],
            strides: [0, 1].map(|k| side(part, k).strides[axis]),
        };
        let runs: Vec<Run> = copy.parts.iter().map(run).collect();
        let end = |k: usize| {
            let ends = runs.iter().map(|run| run.offsets[k] + (run.count - 1) * run.strides[k] + element);
            ends.max().unwrap_or(0)
        };
        let picks = Picks { element, bases, rows: [end(0), end(1)], sides: merged(outer), runs };
        let is_it = picks.is_whole() && picks.are_apart() && picks.rows[0] <= copy.own_row;
        (is_it && picks.pays()).then_some(picks)
    }

    /// Whether every byte of a destination's row is written. No byte is written twice.
    fn is_whole(&self) -> bool {
        self.runs.iter().map(|run| run.count * self.element).sum::<u64>() == self.rows[1]
    }

    /// Whether no two rows of the source have a byte in common: those of a transposition do.
    fn are_apart(&self) -> bool {
        self.sides.iter().all(|side| side.count == 1 || side.strides[0] >= self.rows[0])
    }

    fn pays(&self) -> bool {
        let [source, result] = self.rows;
        if self.count() * result < LEAST_MOVED * self.element * self.runs.len() as u64 {
            return false;
        }
        let bursts = |run: &Run| if run.is_contiguous(self.element) { 1 } else { run.count };
        let apart: u64 = self.runs.iter().map(bursts).sum();
        apart > 1 && result < SHORT_RUN * apart && source <= MOST_LOADED * result
    }

    /// Rows.
    pub(crate) fn count(&self) -> u64 {
        self.sides.iter().map(|side| side.count).product()
    }

    /// Beats of the vector unit for one row.
    pub(crate) fn beats(&self, lanes: u64) -> u64 {
        let of = |run: &Run| match run.is_contiguous(self.element) {
            true => (run.count * self.element).div_ceil(lanes),
            false => run.count,
        };
        self.runs.iter().map(of).sum()
    }
}

fn side((from, to): &(View, View), k: usize) -> &View {
    if k == 0 { from } else { to }
}

/// The axes before one, each with its strides in source and destination.
fn outer((from, to): &(View, View), axis: usize) -> Vec<JointSide<2>> {
    let of =
        |axis: usize| JointSide { count: from.shape[axis], strides: [from.strides[axis], to.strides[axis]] };
    (0..axis).rev().map(of).filter(|side| side.count > 1).collect()
}

/// As few sides as possible, innermost first, at least one.
fn merged(sides: Vec<JointSide<2>>) -> Vec<JointSide<2>> {
    let mut found: Vec<JointSide<2>> = Vec::new();
    for side in sides {
        match found.last_mut() {
            Some(last) if (0..2).all(|k| side.strides[k] == last.count * last.strides[k]) => {
                last.count *= side.count
            }
            _ => found.push(side),
        }
    }
    if found.is_empty() {
        found.push(JointSide { count: 1, strides: [0; 2] });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Channels of an image of 5 x 6 pixels of `channels` numbers of 4 bytes, so many of every `step`, into a dense image.
    fn picked(channels: u64, step: u64) -> Copy {
        let x = View::dense_of(1000, &[5, 6, channels], 4);
        let from = x.slice(2, 1, channels / step, step);
        let to = View::dense_of(90_000, &from.shape, 4);
        let parts = vec![(from.of_bytes(), to.of_bytes())];
        Copy { element: 4, own_row: x.row_bytes(), ..Copy::of(parts) }
    }

    #[test]
    fn every_second_channel_is_picked_out_of_whole_rows() {
        let picks = Picks::of(&picked(8, 2)).unwrap();
        let run = Run { offsets: [0, 0], count: 4, strides: [8, 4] };
        // From the first to the last that is picked: 7 of 8 numbers.
        let sides = vec![JointSide { count: 30, strides: [32, 16] }];
        let expected = Picks { element: 4, bases: [1004, 90_000], rows: [28, 16], sides, runs: vec![run] };
        assert_eq!(picks, expected);
        assert_eq!((picks.count(), picks.beats(32)), (30, 4));
    }

    #[test]
    fn a_shuffle_is_one_movement_of_rows() {
        let x = View::dense_of(0, &[70, 6], 2);
        let y = View { base: 5120, strides: vec![100, 2], ..View::dense_of(0, &[70, 6], 2) };
        let half = |start: u64| (x.slice(1, 3 * start, 3, 1).of_bytes(), y.slice(1, start, 3, 2).of_bytes());
        let copy = Copy { element: 2, own_row: 840, ..Copy::of(vec![half(0), half(1)]) };
        let picks = Picks::of(&copy).unwrap();
        assert_eq!((picks.rows, picks.bases), ([12, 12], [0, 5120]));
        assert_eq!(picks.sides, [JointSide { count: 70, strides: [12, 100] }]);
        assert_eq!(picks.runs[1], Run { offsets: [6, 2], count: 3, strides: [2, 4] });
        // Half of it leaves gaps in the destination.
        assert_eq!(Picks::of(&Copy { parts: vec![half(0)], ..copy }), None);
    }

    #[test]
    fn what_lies_between_may_be_anothers() {
        assert_eq!(Picks::of(&Copy { own_row: 0, ..picked(8, 2) }), None);
        assert_eq!(Picks::of(&Copy { element: 1, ..picked(8, 2) }), None);
    }

    #[test]
    fn a_few_elements_of_one_row_keep_their_bursts() {
        let x = View::dense_of(0, &[1, 40], 4);
        let y = View::dense_of(512, &[1, 8], 4);
        let turned = |at: u64| (x.slice(1, 8 - at, 1, 1).of_bytes(), y.slice(1, at, 1, 1).of_bytes());
        let parts = (0..8).map(turned).collect();
        assert_eq!(Picks::of(&Copy { element: 4, own_row: 160, ..Copy::of(parts) }), None);
    }

    #[test]
    fn a_transposition_is_none() {
        let x = View::dense_of(0, &[129, 4], 4);
        let from = View { shape: vec![4, 129], strides: vec![4, 16], ..x.clone() };
        let to = View::dense_of(9000, &[4, 129], 4);
        let parts = vec![(from.of_bytes(), to.of_bytes())];
        assert_eq!(Picks::of(&Copy { element: 4, own_row: x.row_bytes(), ..Copy::of(parts) }), None);
    }

    #[test]
    fn long_runs_and_rare_picks_keep_their_bursts() {
        let x = View::dense_of(0, &[40, 64], 4);
        let slice = x.slice(1, 16, 32, 1);
        let to = View::dense_of(90_000, &slice.shape, 4);
        let copy = Copy { element: 4, own_row: 10_240, ..Copy::of(vec![(slice.of_bytes(), to.of_bytes())]) };
        assert_eq!(Picks::of(&copy), None);
        assert_eq!(Picks::of(&picked(128, 64)), None);
    }
}
