//! Weights and records as the machine wants them in DRAM.

use ediacara_arch::RECORD_BYTES;

use crate::CompileError;
use crate::lower::lowering::Context;
use crate::program::layer::{Scaling, Weights};
use crate::program::window::Range;
use crate::tile::convolution::{Chunk, Problem, Tiling};
use crate::tile::grouping::Grouping;

/// The constants of a convolution as plain slices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slices<'a> {
    /// Weights, [O][KH][KW][C / groups].
    pub values: &'a [i8],
    bias: &'a [i32],
    scaling: Factors<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Factors<'a> {
    /// Multiplier and shift.
    Integer(&'a [i32], &'a [u8]),
    Real(&'a [f32]),
}

/// The slices of the constants, with every record's range checked.
pub(crate) fn slices<'a>(weights: &'a Weights, context: Context) -> Result<Slices<'a>, CompileError> {
    let bad = |problem: String| CompileError::Layer { layer: context.name.to_owned(), problem };
    let wrong = |error: ediacara_tensor::TensorError| bad(error.to_string());
    let scaling = match &weights.scaling {
        Scaling::Real(scale) => Factors::Real(scale.as_slice().map_err(wrong)?),
        Scaling::Integer { multiplier, shift } => {
            let multiplier: &[i32] = multiplier.as_slice().map_err(wrong)?;
            let shift: &[u8] = shift.as_slice().map_err(wrong)?;
            let refused = multiplier.iter().zip(shift).position(|(&m, &s)| m < 0 || !(1..=62).contains(&s));
            if let Some(channel) = refused {
                return Err(bad(format!(
                    "channel {channel} has multiplier {} and shift {}; the machine takes 0 and more, and 1 to 62",
                    multiplier[channel], shift[channel]
                )));
            }
            Factors::Integer(multiplier, shift)
        }
    };
    let (values, bias) = (&weights.values, &weights.bias);
    Ok(Slices { values: values.as_slice().map_err(wrong)?, bias: bias.as_slice().map_err(wrong)?, scaling })
}

impl Slices<'_> {
    /// The records of a range of output channels.
    pub(crate) fn records(&self, channels: Range) -> Vec<u8> {
        self.records_of(channels.start as usize..(channels.start + channels.count) as usize)
    }

    /// The records of some output channels.
    pub(crate) fn records_of(&self, channels: impl Iterator<Item = usize>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(channels.size_hint().0 * RECORD_BYTES as usize);
        for channel in channels {
            bytes.extend(self.bias[channel].to_le_bytes());
            match self.scaling {
                Factors::Integer(multiplier, shift) => {
                    bytes.extend(multiplier[channel].to_le_bytes());
                    bytes.extend([shift[channel], 0, 0, 0]);
                }
                Factors::Real(scale) => {
                    bytes.extend(scale[channel].to_le_bytes());
                    bytes.extend([0; 4]);
                }
            }
        }
        bytes
    }
}

/// The WRAM image of one tile: a chunk of the reduction of `blocks` blocks of output channels of one
/// (merged) group.
pub(crate) struct TileImage<'a> {
    /// Constants.
    pub slices: Slices<'a>,
    /// Value of a weight that stands for zero.
    pub zero: i8,
    /// Grouping.
    pub grouping: Grouping,
    /// By output, the channel that it is, if they are not in order.
    pub order: Option<&'a [u32]>,
    /// The problem.
    pub problem: &'a Problem,
    /// How it is cut.
    pub tiling: &'a Tiling,
    /// Rows and columns of the array.
    pub array: [u64; 2],
}

impl TileImage<'_> {
    /// Bytes `[block][stretch][step][column][row]` of blocks of (merged) group `group`.
    pub(crate) fn bytes(&self, group: u64, blocks: Range, chunk: &Chunk) -> Vec<u8> {
        let [rows, columns] = self.array;
        let (stretch, across) = self.tiling.stretch(self.problem, chunk);
        let steps = stretch.div_ceil(rows);
        let stretches = chunk.taps[0].count * across;
        let block_bytes = stretches * steps * rows * columns;
        let mut bytes = vec![self.zero as u8; (blocks.count * block_bytes) as usize];
        for block in 0..blocks.count {
            for column in 0..columns {
                let output = (blocks.start + block) * columns + column;
                if output >= self.problem.outputs {
                    continue;
                }
                for index in 0..stretches {
                    let start = block * block_bytes + index * steps * rows * columns + column * rows;
                    self.stretch(group, output, chunk, index, |offset, weights| {
                        // A stretch is cut into steps of `rows`, which lie a whole row of the array apart.
                        for (i, &weight) in weights.iter().enumerate() {
                            let at = offset + i as u64;
                            let place = start + at / rows * rows * columns + at % rows;
                            bytes[place as usize] = weight as u8;
                        }
                    });
                }
            }
        }
        bytes
    }

    /// Calls `put(offset, weights)` with the runs of weights of one stretch of one output channel.
    fn stretch(&self, group: u64, output: u64, chunk: &Chunk, index: u64, mut put: impl FnMut(u64, &[i8])) {
        let (_, across) = self.tiling.stretch(self.problem, chunk);
        let taps = chunk.taps[1];
        let down = chunk.taps[0].start + index / across;
        // Either one stretch holds all taps of the row, or each has its own.
        let columns = if across == 1 {
            taps.start..taps.start + taps.count
        } else {
            let tap = taps.start + index % across;
            tap..tap + 1
        };
        let Grouping { merged, inputs, outputs, joint } = self.grouping;
        // Which of the joined pixels, and of the merged groups.
        let (pixel, output) = (output / (merged * outputs), output % (merged * outputs));
        let output = self.order.map_or(output, |order| order[output as usize].into());
        let member = output / outputs;
        let channel = (group * merged + member) * outputs + output % outputs;
        // The group's own input channels lie at this offset among those of the merged groups.
        let own = Range::new(member * inputs, inputs);
        let first = own.start.max(chunk.channels.start);
        let last = (own.start + own.count).min(chunk.channels.start + chunk.channels.count);
        if first >= last {
            return;
        }
        let [rows, all] = self.problem.window.kernel;
        // The pixel's own taps lie at this offset among those of the joined pixels.
        let (before, width) = (pixel * joint.step, all - (joint.pixels - 1) * joint.step);
        for (position, tap) in columns.enumerate() {
            let Some(tap) = tap.checked_sub(before).filter(|&tap| tap < width) else { continue };
            let base = ((channel * rows + down) * width + tap) * inputs;
            let weights =
                &self.slices.values[(base + first - own.start) as usize..(base + last - own.start) as usize];
            put(position as u64 * chunk.channels.count + first - chunk.channels.start, weights);
        }
    }
}
