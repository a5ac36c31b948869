//! What a block will cost: its pipeline replayed piece by piece, without the bytes.
//!
//! The replay keeps the order in which `lower/block.rs` writes the stages, and what they wait for: the engine, the stage
//! before, and slots that are used in turn. DRAM is assumed to keep up, and to be what limits the block where it cannot.

use ediacara_arch::RECORD_BYTES;

use crate::program::window::Range;
use crate::tile::block::tiling::{
    BlockClaims, BlockProblem, BlockSlots, BlockTiling, Piece, expand_steps, x_tile,
};
use crate::tile::claim::Claim;
use crate::tile::cost::{Estimate, Rates};

/// Instructions of a piece, configuration included, about.
const INSTRUCTIONS: f64 = 14.0;

/// Beats of the stages of one piece.
#[derive(Debug, Clone, Copy, Default)]
struct Beats {
    expand: u64,
    requantise: u64,
    window: u64,
    project: u64,
    /// Requantisation of the result, if the piece completes its rows.
    finish: u64,
    /// The addition after that.
    residual: u64,
    /// Whether the piece overwrites accumulators of the tile before.
    overwrites: bool,
}

/// What a tiling will cost.
pub(crate) fn estimate(tiling: &BlockTiling, problem: &BlockProblem, rates: &Rates) -> Estimate {
    let pieces = all_pieces(tiling, problem, rates);
    let batch = problem.window.y.batch as f64;
    let matrix: u64 = pieces.iter().map(|piece| piece.expand + piece.project).sum();
    let vector: u64 =
        pieces.iter().map(|piece| piece.requantise + piece.window + piece.finish + piece.residual).sum();
    let pipeline = replay(&pieces, rates) as f64;
    let instructions = INSTRUCTIONS * pieces.len() as f64 * batch * 32.0 / rates.burst as f64;
    let claims = tiling.claims(problem, rates);
    let dram = dram(tiling, problem, rates, &claims) + instructions * rates.burst_cycles;
    let first = if problem.expand.is_some() { claims.x } else { claims.middle };
    let last = claims.y;
    let transfer = |claim: &Claim| match claim.count {
        0 => 0.0,
        _ => rates.dram_latency + rates.bursts(claim.size as f64) * rates.burst_cycles,
    };
    let (start, drain) = (transfer(&first).max(rates.dram_latency), rates.vector_latency + transfer(&last));
    let steady = (pipeline * batch).max(dram);
    Estimate { matrix: matrix as f64 * batch, vector: vector as f64 * batch, dram, steady, start, drain }
}

/// The pieces of one image, in program order.
fn all_pieces(tiling: &BlockTiling, problem: &BlockProblem, rates: &Rates) -> Vec<Beats> {
    let groups = problem.groups(tiling.channels);
    let mut found = Vec::new();
    for rows in Range::cut(problem.height(), tiling.rows) {
        let pieces = problem.pieces(rows, tiling.piece);
        for (index, group) in groups.iter().enumerate() {
            for (at, piece) in pieces.iter().enumerate() {
                let mut beats = beats(problem, rates, piece, group.count);
                beats.overwrites = index == 0 && at == 0;
                if let (Some(project), true) = (&problem.project, index + 1 == groups.len()) {
                    let pixels = piece.output.count * project.y.width;
                    beats.finish = pixels * project.outputs.div_ceil(rates.lanes);
                    if project.residual.is_some() {
                        beats.residual = (pixels * project.outputs).div_ceil(rates.lanes);
                    }
                }
                found.push(beats);
            }
        }
    }
    found
}

fn beats(problem: &BlockProblem, rates: &Rates, piece: &Piece, channels: u64) -> Beats {
    let window = &problem.window;
    let joined = problem.joined(channels, rates);
    let width = window.y.width;
    let row = if !window.weighted && window.window.stride[1] == 1 {
        (width * channels).div_ceil(rates.lanes)
    } else {
        width / joined * (joined * channels).div_ceil(rates.lanes)
            + (width % joined * channels).div_ceil(rates.lanes)
    };
    let taps = window.window.kernel[0] * window.window.kernel[1];
    let mut beats = Beats { window: piece.output.count * row * taps, ..Beats::default() };
    if let Some(expand) = &problem.expand {
        let pixels = piece.input.count * window.x.width;
        let steps = channels.div_ceil(rates.columns) * expand_steps(expand, rates);
        beats.expand = array(pixels, steps, rates);
        beats.requantise = pixels * channels.div_ceil(rates.lanes);
    }
    if let Some(project) = &problem.project {
        let steps = channels.div_ceil(rates.rows) * project.blocks(rates);
        beats.project = array(piece.output.count * width, steps, rates);
    }
    beats
}

/// Beats of `steps` WRAM rows for each of `pixels` pixels (T-DOT, T-DOT-SYSTOLIC-WS).
fn array(pixels: u64, steps: u64, rates: &Rates) -> u64 {
    if pixels == 0 { 0 } else { steps * pixels.max(rates.hold) + rates.hold }
}

/// Cycles from the first beat to the last.
fn replay(pieces: &[Beats], rates: &Rates) -> u64 {
    let (matrix_latency, vector_latency) = (rates.matrix_latency as u64, rates.vector_latency as u64);
    // When each engine can take its next instruction, and when each stage of each piece is complete.
    let (mut matrix, mut vector, mut finished) = (0_u64, 0_u64, 0);
    let [mut expanded, mut windowed, mut projected] = [(); 3].map(|()| vec![0_u64; pieces.len()]);
    let [mut accumulators, mut outputs] = [(); 2].map(|()| Vec::with_capacity(pieces.len()));
    let (mut expansions, mut windows) = (0, 0);
    // Two slots in turn, of those pieces that use any.
    let free = |times: &[u64], used: usize| used.checked_sub(2).and_then(|at| times.get(at)).copied();
    for step in 0..pieces.len() + 5 {
        let piece = |ahead: usize| {
            let at = (step + ahead).checked_sub(5)?;
            pieces.get(at).map(|beats| (at, beats))
        };
        if let Some((at, beats)) = piece(0).filter(|(_, beats)| beats.finish > 0) {
            vector = vector.max(projected[at]) + beats.finish;
            if beats.residual > 0 {
                vector += vector_latency + beats.residual;
            }
            finished = vector + vector_latency;
        }
        if let Some((at, beats)) = piece(4).filter(|(_, beats)| beats.expand > 0) {
            matrix = matrix.max(free(&accumulators, expansions).unwrap_or(0)) + beats.expand;
            expansions += 1;
            expanded[at] = matrix + matrix_latency;
        }
        if let Some((at, beats)) = piece(2).filter(|(_, beats)| beats.window > 0) {
            vector = (vector + vector_latency).max(free(&outputs, windows).unwrap_or(0)) + beats.window;
            windows += 1;
            windowed[at] = vector + vector_latency;
        }
        if let Some((at, beats)) = piece(3).filter(|(_, beats)| beats.requantise > 0) {
            vector = vector.max(expanded[at]) + beats.requantise;
            accumulators.push(vector + vector_latency);
        }
        if let Some((at, beats)) = piece(1).filter(|(_, beats)| beats.project > 0) {
            let room = if beats.overwrites { finished } else { 0 };
            matrix = matrix.max(windowed[at]).max(room) + beats.project;
            projected[at] = matrix + matrix_latency;
            outputs.push(projected[at]);
        }
    }
    matrix.max(vector)
}

/// DRAM cycles of all loads and stores, without instructions.
fn dram(tiling: &BlockTiling, problem: &BlockProblem, rates: &Rates, claims: &BlockClaims) -> f64 {
    let tiles = problem.tiles(tiling.rows) as f64;
    let items = tiles * tiling.groups(problem) as f64;
    let groups = tiling.groups(problem);
    let per = |slots: u64| if slots >= groups { groups as f64 } else { items };
    let BlockSlots { weights, records, .. } = tiling.slots;
    let mut bursts = 0.0;
    if problem.window.weighted {
        bursts += per(weights[1]) * rates.bursts(claims.window_weights.size as f64)
            + per(records[1]) * rates.bursts((RECORD_BYTES * claims.window_records.size) as f64);
    }
    let y = problem.y();
    let all = Range::new(0, tiling.rows.min(y.height));
    if problem.expand.is_some() {
        bursts += per(weights[0]) * rates.bursts(claims.expand_weights.size as f64)
            + per(records[0]) * rates.bursts((RECORD_BYTES * tiling.channels) as f64);
    }
    let middle = problem.middle(all, tiling.channels);
    let loaded = match &problem.expand {
        _ if problem.x().is_kept() => 0.0,
        Some(expand) => {
            let tile = x_tile(expand, &middle);
            let [rows, columns] = [tile.rows.valid as f64, tile.columns.valid as f64];
            tiles * rates.image_bursts(&expand.x, rows, columns, expand.x.channels)
        }
        None => {
            let [rows, columns] = [middle.rows.valid as f64, middle.columns.valid as f64];
            items * rates.image_bursts(&problem.window.x, rows, columns, tiling.channels)
        }
    };
    bursts += loaded;
    let channels = if problem.project.is_some() {
        bursts += per(weights[2]) * rates.bursts(claims.project_weights.size as f64);
        y.channels
    } else {
        tiling.channels
    };
    if !y.is_kept() {
        let stores = tiles * y.channels.div_ceil(channels) as f64;
        bursts += stores * rates.image_bursts(y, all.count as f64, y.width as f64, channels);
    }
    bursts * rates.burst_cycles
}
