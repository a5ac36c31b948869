//! How a block is cut: a window on the vector unit and the convolutions around it, run tile by tile on chip.
//!
//! A tile is some output rows, at full width. Within it, groups of channels follow one another: a group is
//! expanded, goes through the window, and is added into the accumulators of the projection. An item (a tile and a
//! group) is cut once more, into pieces of a few rows, so that accumulators of the expansion fit ARAM twice.
//! At each step of the pipeline the four stages work on four consecutive pieces (`lower/block.rs`).

use std::fmt;

use crate::program::view::Image;
use crate::program::window::{Range, Tile};
use crate::tile::claim::Claim;
use crate::tile::convolution::{Chunk, Order, Problem, Slots, Tiling};
use crate::tile::cost::Rates;
use crate::tile::window::WindowProblem;

/// A block as the tiler sees it: at least one of `expand` and `project` is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlockProblem {
    /// The convolution before the window.
    pub expand: Option<Problem>,
    /// The depthwise convolution or pool. Its images have addresses only where no convolution is on that side.
    pub window: WindowProblem,
    /// The pointwise convolution after it.
    pub project: Option<Problem>,
}

/// How a block is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockTiling {
    /// Output rows of a tile.
    pub rows: u64,
    /// Channels of a group.
    pub channels: u64,
    /// Rows of the window's input that a piece adds.
    pub piece: u64,
    /// Slots of what is loaded.
    pub slots: BlockSlots,
}

/// Slots of each kind that holds something loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSlots {
    /// Tiles of the block's input.
    pub x: u64,
    /// Weights of a group: of the expansion, of the window, of the projection.
    pub weights: [u64; 3],
    /// Records of a group: of the expansion, of the window.
    pub records: [u64; 2],
}

/// A few rows of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Rows of the window's input that it adds; none if `count` is 0.
    pub input: Range,
    /// Output rows that these complete; none if `count` is 0.
    pub output: Range,
}

/// What a block claims of the memories.
#[derive(Debug, Clone, Copy)]
pub struct BlockClaims {
    /// The block's input, NRAM bytes.
    pub x: Claim,
    /// The window's input, NRAM bytes.
    pub middle: Claim,
    /// The window's output, where it is projected; NRAM bytes.
    pub between: Claim,
    /// The block's output, NRAM bytes.
    pub y: Claim,
    /// The window's weights, NRAM bytes.
    pub window_weights: Claim,
    /// Weights of the expansion, WRAM bytes.
    pub expand_weights: Claim,
    /// Weights of the projection, WRAM bytes.
    pub project_weights: Claim,
    /// Accumulators of the expansion.
    pub expanded: Claim,
    /// Accumulators of the projection.
    pub projected: Claim,
    /// Records of the expansion.
    pub expand_records: Claim,
    /// Records of the window.
    pub window_records: Claim,
    /// Records of the projection.
    pub project_records: Claim,
}

impl BlockClaims {
    /// What it claims of NRAM.
    pub fn nram(&self) -> [Claim; 5] {
        [self.x, self.middle, self.between, self.y, self.window_weights]
    }

    /// What it claims of WRAM.
    pub fn wram(&self) -> [Claim; 2] {
        [self.expand_weights, self.project_weights]
    }

    /// What it claims of ARAM.
    pub fn aram(&self) -> [Claim; 2] {
        [self.expanded, self.projected]
    }

    /// What it claims of PRAM.
    pub fn pram(&self) -> [Claim; 3] {
        [self.expand_records, self.window_records, self.project_records]
    }
}

/// The pieces in flight between the loads of a tile and the last use of its bytes, the addition.
const PIECES_IN_FLIGHT: u64 = 6;
/// Largest number of lanes' worth of channels that joined pixels form.
const JOINED_LANES: u64 = 4;

impl BlockProblem {
    /// Channels of the window.
    pub fn channels(&self) -> u64 {
        self.window.x.channels
    }

    /// What the block reads.
    pub fn x(&self) -> &Image {
        self.expand.as_ref().map_or(&self.window.x, |expand| &expand.x)
    }

    /// What the block writes.
    pub fn y(&self) -> &Image {
        self.project.as_ref().map_or(&self.window.y, |project| &project.y)
    }

    /// Output rows.
    pub fn height(&self) -> u64 {
        self.window.y.height
    }

    /// Tiles of `rows` output rows, of all images.
    pub fn tiles(&self, rows: u64) -> u64 {
        self.window.y.batch * self.height().div_ceil(rows)
    }

    /// Tile of the window's input under output rows, for a group of `channels`.
    pub fn middle(&self, rows: Range, channels: u64) -> Tile {
        let [down, across] = self.window.axes();
        let [kernel_down, kernel_across] = self.window.window.kernel;
        Tile {
            rows: down.span(rows, Range::new(0, kernel_down)),
            columns: across.span(Range::new(0, self.window.y.width), Range::new(0, kernel_across)),
            pixel: channels,
        }
    }

    /// The pieces of a tile of output rows, each adding `size` rows of the window's input.
    pub fn pieces(&self, rows: Range, size: u64) -> Vec<Piece> {
        let [axis, _] = self.window.axes();
        let input = self.middle(rows, 1).rows;
        let end = rows.start + rows.count;
        let mut done = rows.start;
        let count = input.valid.div_ceil(size).max(1);
        let mut found = Vec::with_capacity(count as usize);
        for index in 0..count {
            let first = input.first + index * size;
            let size = size.min(input.valid - index * size);
            let start = done;
            while done < end {
                let taps = Range::new(0, self.window.window.kernel[0]);
                let last = axis.span(Range::new(done, 1), taps);
                if index + 1 < count && last.first + last.valid > first + size {
                    break;
                }
                done += 1;
            }
            found.push(Piece { input: Range::new(first, size), output: Range::new(start, done - start) });
        }
        found
    }

    /// Neighbouring output pixels that form one row of the vector unit for a group of `channels`.
    pub fn joined(&self, channels: u64, rates: &Rates) -> u64 {
        let columns = self.window.y.width;
        let apart = |image: &Image, elsewhere: bool| !elsewhere && !image.has_contiguous_pixels(channels);
        if !self.window.weighted
            || self.window.window.stride[1] != 1
            || channels.is_multiple_of(rates.lanes)
            || apart(&self.window.x, self.expand.is_some())
            || apart(&self.window.y, self.project.is_some())
        {
            return 1;
        }
        let beats = |joined: &u64| {
            columns / joined * (joined * channels).div_ceil(rates.lanes)
                + (columns % joined * channels).div_ceil(rates.lanes)
        };
        let few = |joined: &u64| *joined == 1 || joined * channels <= JOINED_LANES * rates.lanes;
        (1..=columns.min(8)).filter(few).min_by_key(beats).unwrap_or(1)
    }

    /// The groups of channels.
    pub fn groups(&self, channels: u64) -> Vec<Range> {
        Range::cut(self.channels(), channels)
    }
}

/// How one convolution of a block looks to the code that lays out weights: all taps, one chunk.
pub fn whole(problem: &Problem) -> (Tiling, Chunk) {
    let [down, across] = problem.window.kernel;
    let tiling = Tiling {
        pixels: [1, problem.y.width],
        blocks: 1,
        taps: problem.window.kernel,
        channels: problem.inputs,
        order: Order::PixelsOuter,
        shared_input: false,
        slots: Slots { x: 1, w: 1, p: 1, acc: 1, y: 1 },
    };
    let taps = [Range::new(0, down), Range::new(0, across)];
    (tiling, Chunk { taps, channels: Range::new(0, problem.inputs) })
}

/// WRAM rows of one block of output channels of the expansion.
pub fn expand_steps(problem: &Problem, rates: &Rates) -> u64 {
    let (tiling, chunk) = whole(problem);
    tiling.steps(problem, &chunk, rates)
}

/// What the largest tile and piece need.
#[derive(Debug, Clone, Copy, Default)]
struct Largest {
    x: u64,
    middle: u64,
    input_rows: u64,
    output_rows: u64,
    pieces: u64,
}

impl BlockTiling {
    fn largest(&self, problem: &BlockProblem) -> Largest {
        let mut largest = Largest { pieces: u64::MAX, ..Largest::default() };
        for rows in Range::cut(problem.height(), self.rows) {
            let middle = problem.middle(rows, self.channels);
            largest.middle = largest.middle.max(middle.bytes());
            if let Some(expand) = &problem.expand {
                largest.x = largest.x.max(x_tile(expand, &middle).bytes());
            }
            let pieces = problem.pieces(rows, self.piece);
            largest.pieces = largest.pieces.min(pieces.len() as u64);
            for piece in pieces {
                largest.input_rows = largest.input_rows.max(piece.input.count);
                largest.output_rows = largest.output_rows.max(piece.output.count);
            }
        }
        largest
    }

    /// Claims on the memories.
    pub fn claims(&self, problem: &BlockProblem, rates: &Rates) -> BlockClaims {
        self.claims_of(&self.largest(problem), problem, rates)
    }

    fn claims_of(&self, largest: &Largest, problem: &BlockProblem, rates: &Rates) -> BlockClaims {
        let BlockSlots { x, weights, records } = self.slots;
        let (window, columns) = (problem.window, rates.columns);
        let weighted = |count: u64| if window.weighted { count } else { 0 };
        let width = window.y.width;
        let blocks = self.channels.div_ceil(columns);
        let groups = problem.groups(self.channels);
        let joined = groups.iter().map(|g| g.count * problem.joined(g.count, rates)).max().unwrap_or(1);
        let taps = window.window.kernel[0] * window.window.kernel[1];
        let claim = |there: bool, size: u64, count: u64| Claim::new(size, if there { count } else { 0 }, 1);
        let rows = |size: u64, count: u64| Claim::new(size * rates.row_bytes(), count, rates.row_bytes());
        let (expands, projects) = (problem.expand.is_some(), problem.project.is_some());
        let loaded = !problem.x().is_kept();
        let middle = match (expands, loaded) {
            (true, _) => 1,
            (false, true) => x,
            (false, false) => 0,
        };
        let piece = largest.output_rows * width;
        let outputs = problem.project.map_or(self.channels, |project| project.outputs);
        let output_blocks = problem.project.map_or(0, |project| project.blocks(rates));
        let steps = problem.expand.map_or(0, |expand| expand_steps(&expand, rates));
        BlockClaims {
            x: claim(expands && loaded, largest.x, x),
            middle: Claim::new(largest.middle, middle, 1),
            between: claim(projects, piece * self.channels, 2),
            y: claim(!problem.y().is_kept(), piece * outputs, 2),
            window_weights: Claim::new(taps * joined, weighted(weights[1]), 1),
            expand_weights: rows(blocks * steps, if expands { weights[0] } else { 0 }),
            project_weights: rows(
                self.channels.div_ceil(rates.rows) * output_blocks,
                if projects { weights[2] } else { 0 },
            ),
            expanded: claim(expands, largest.input_rows * window.x.width * blocks * columns, 2),
            projected: claim(projects, self.rows * width * output_blocks * columns, 1),
            expand_records: claim(expands, self.channels, records[0]),
            window_records: Claim::new(joined, weighted(records[1]), 1),
            project_records: claim(projects, outputs, 1),
        }
    }

    /// Gives out what room there is: two of everything, then whole sets where they fit, so that nothing is
    /// loaded again for the next tile. Nothing if two do not fit.
    pub(super) fn with_slots(mut self, problem: &BlockProblem, rates: &Rates) -> Option<BlockTiling> {
        let groups = self.groups(problem);
        let tiles = problem.tiles(self.rows);
        // Slots do not change what the largest tile needs.
        let largest = self.largest(problem);
        let pieces = largest.pieces.max(1);
        let ahead = if problem.expand.is_some_and(|_| problem.project.is_some_and(|p| p.residual.is_some())) {
            1 + PIECES_IN_FLIGHT.div_ceil(groups * pieces)
        } else {
            2
        };
        let two = groups.min(2);
        let x = match problem.expand {
            _ if problem.x().is_kept() => 0,
            Some(_) => ahead.min(tiles),
            None => 3.min(tiles * groups),
        };
        self.slots = BlockSlots { x, weights: [two; 3], records: [two; 2] };
        if !self.fits(&largest, problem, rates) {
            return None;
        }
        for deep in [groups.min(3), groups] {
            for index in 0..3 {
                let mut more = self;
                more.slots.weights[index] = deep;
                if more.fits(&largest, problem, rates) {
                    self = more;
                }
            }
            for index in 0..2 {
                let mut more = self;
                more.slots.records[index] = deep;
                if more.fits(&largest, problem, rates) {
                    self = more;
                }
            }
        }
        Some(self)
    }

    /// How many groups of channels there are.
    pub fn groups(&self, problem: &BlockProblem) -> u64 {
        problem.channels().div_ceil(self.channels)
    }

    fn fits(&self, largest: &Largest, problem: &BlockProblem, rates: &Rates) -> bool {
        let claims = self.claims_of(largest, problem, rates);
        let total = |claims: &[Claim]| claims.iter().map(Claim::units).sum::<u64>();
        total(&claims.nram()) <= rates.nram
            && total(&claims.wram()) <= rates.wram
            && total(&claims.aram()) <= rates.aram
            && total(&claims.pram()) <= rates.pram
    }
}

impl fmt::Display for BlockTiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BlockTiling { rows, channels, piece, slots } = self;
        let ([expand, window, project], x) = (slots.weights, slots.x);
        write!(
            f,
            "{rows} output rows, groups of {channels} channels, pieces of {piece} rows; \
             slots: {x} inputs, {expand} + {window} + {project} weights"
        )
    }
}

/// Tile of the block's input under a tile of the expansion's output, of which only what the window reads is computed.
pub fn x_tile(expand: &Problem, middle: &Tile) -> Tile {
    let (tiling, chunk) = whole(expand);
    let pixels = [middle.rows, middle.columns].map(|span| Range::new(span.first, span.valid));
    tiling.tile(expand, pixels, &chunk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::view::View;
    use crate::program::window::Window;

    fn image(shape: [u64; 4]) -> Image {
        View::dense(0, &shape).image().unwrap()
    }

    fn depthwise(stride: u64, kernel: u64) -> BlockProblem {
        let half = kernel / 2;
        let window = Window {
            kernel: [kernel; 2],
            stride: [stride; 2],
            before: [half; 2],
            after: [half; 2],
            dilation: [1; 2],
        };
        let (x, y) = (image([1, 14, 14, 48]), image([1, 14 / stride, 14 / stride, 48]));
        let window = WindowProblem { x, y, window, weighted: true, table: false, element: 1 };
        BlockProblem { expand: None, window, project: None }
    }

    #[test]
    fn a_row_is_computed_in_the_piece_that_completes_its_window() {
        let ranges = |problem: &BlockProblem, rows: Range, size: u64| -> Vec<[u64; 4]> {
            let all = problem.pieces(rows, size).into_iter();
            all.map(|p| [p.input.start, p.input.count, p.output.start, p.output.count]).collect()
        };
        // Row o of a 3 x 3 window needs rows o-1 to o+1: four rows complete 0 to 2, the last padding row 13.
        let whole = ranges(&depthwise(1, 3), Range::new(0, 14), 4);
        assert_eq!(whole, [[0, 4, 0, 3], [4, 4, 3, 4], [8, 4, 7, 4], [12, 2, 11, 3]]);
        let lower = ranges(&depthwise(1, 3), Range::new(7, 7), 8);
        assert_eq!(lower, [[6, 8, 7, 7]]);
        // With stride 2, rows 2o-1 to 2o+1: one row alone completes none, or one.
        let strided = ranges(&depthwise(2, 3), Range::new(0, 3), 1);
        let outputs: Vec<u64> = strided.iter().map(|piece| piece[3]).collect();
        assert_eq!((strided.len(), outputs), (6, vec![0, 1, 0, 1, 0, 1]));
    }

    #[test]
    fn pixels_are_joined_where_that_fills_lanes() {
        let rates = Rates::of(&ediacara_arch::Machine::preset("dlp16").unwrap());
        // 14 pixels of 48 channels on 32 lanes: 28 beats one by one, 21 in pairs.
        assert_eq!(depthwise(1, 3).joined(48, &rates), 2);
        assert_eq!(depthwise(1, 3).joined(64, &rates), 1);
        assert_eq!(depthwise(2, 3).joined(48, &rates), 1);
    }
}
