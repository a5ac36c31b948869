//! The search for the best tiling of a block.

use crate::program::window::Range;
use crate::tile::block::cost::estimate;
use crate::tile::block::tiling::{BlockProblem, BlockSlots, BlockTiling};
use crate::tile::convolution::parts;
use crate::tile::cost::{Choice, Rates, Search};

/// The best tiling found, with its estimate and the next best; nothing if no tiling at full width fits.
pub(crate) fn choose(problem: &BlockProblem, rates: &Rates) -> Option<Choice<BlockTiling>> {
    let channels = problem.channels();
    // Groups end where blocks of columns and steps of rows end.
    let unit = rates.columns.max(rates.rows).max(rates.lanes);
    let mut groups: Vec<u64> = Vec::new();
    for unit in [unit, rates.columns.max(rates.rows)] {
        groups
            .extend(parts(channels.div_ceil(unit), 8).into_iter().map(|units| (units * unit).min(channels)));
    }
    groups.sort_unstable();
    groups.dedup();
    let mut search = Search::new();
    for &rows in &parts(problem.height(), 16) {
        // A tile of nothing but padding has nothing to expand.
        let painted = |rows: &Range| problem.middle(*rows, 1).is_padding();
        if Range::cut(problem.height(), rows).iter().any(painted) {
            continue;
        }
        let input = problem.middle(Range::new(0, rows), 1).rows.valid.max(1);
        for &channels in &groups {
            for &piece in &parts(input, 8) {
                let slots = BlockSlots { x: 1, weights: [1; 3], records: [1; 2] };
                let tiling = BlockTiling { rows, channels, piece, slots };
                let Some(tiling) = tiling.with_slots(problem, rates) else { continue };
                let estimate = estimate(&tiling, problem, rates);
                search.offer(tiling, estimate, estimate.cycles() + estimate.traffic_share());
            }
        }
    }
    search.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::view::View;
    use crate::program::window::Window;
    use crate::tile::window::WindowProblem;

    #[test]
    fn what_does_not_fit_is_no_block() {
        let mut rates = Rates::of(&ediacara_arch::Machine::preset("dlp16").unwrap());
        let image = View::dense(0, &[1, 14, 14, 48]).image().unwrap();
        let window =
            Window { kernel: [3; 2], stride: [1; 2], before: [1; 2], after: [1; 2], dilation: [1; 2] };
        let window = WindowProblem { x: image, y: image, window, weighted: true, table: false, element: 1 };
        let problem = BlockProblem { expand: None, window, project: None };
        assert!(choose(&problem, &rates).is_some());
        rates.nram = 1000;
        assert!(choose(&problem, &rates).is_none());
    }
}
