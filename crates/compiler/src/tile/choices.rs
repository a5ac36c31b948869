//! The tilings of layers and blocks, each searched for once.
//!
//! What a search finds follows from the machine's rates and the problem alone: extents, strides, window, and how
//! bases lie to bursts. Layers that agree in those share one choice, and a layer that was weighed while blocks were
//! looked for is not weighed again when it is lowered.

use std::collections::HashMap;
use std::hash::Hash;

use crate::program::view::Image;
use crate::tile::block::search;
use crate::tile::block::tiling::{BlockProblem, BlockTiling};
use crate::tile::convolution::{self, Problem, Shortage, Tiling};
use crate::tile::cost::{Choice, Rates, Space};
use crate::tile::window::{self, WindowProblem, WindowTiling};

/// What was chosen so far, for one machine.
#[derive(Debug)]
pub(crate) struct Choices {
    rates: Rates,
    products: HashMap<(Problem, Space), Result<Choice<Tiling>, Shortage>>,
    windows: HashMap<(WindowProblem, Space), Result<Choice<WindowTiling>, Shortage>>,
    blocks: HashMap<(BlockProblem, Space), Option<Choice<BlockTiling>>>,
}

impl Choices {
    /// Nothing chosen yet.
    pub(crate) fn new(rates: Rates) -> Choices {
        Choices { rates, products: HashMap::new(), windows: HashMap::new(), blocks: HashMap::new() }
    }

    /// The machine's rates.
    pub(crate) fn rates(&self) -> &Rates {
        &self.rates
    }

    /// [`convolution::choose`] in that space.
    pub(crate) fn product(&mut self, problem: &Problem, space: Space) -> Result<Choice<Tiling>, Shortage> {
        let key = (without_address(problem, self.rates.burst), space);
        let rates = self.rates.within(space);
        once(&mut self.products, key, |(problem, _)| convolution::choose(problem, &rates))
    }

    /// [`window::choose`] in that space.
    pub(crate) fn window(
        &mut self,
        problem: &WindowProblem,
        space: Space,
    ) -> Result<Choice<WindowTiling>, Shortage> {
        let key = (window_without_address(problem, self.rates.burst), space);
        let rates = self.rates.within(space);
        once(&mut self.windows, key, |(problem, _)| window::choose(problem, &rates))
    }

    /// [`search::choose`] in that space.
    pub(crate) fn block(&mut self, problem: &BlockProblem, space: Space) -> Option<Choice<BlockTiling>> {
        let burst = self.rates.burst;
        let problem = BlockProblem {
            expand: problem.expand.map(|expand| without_address(&expand, burst)),
            window: window_without_address(&problem.window, burst),
            project: problem.project.map(|project| without_address(&project, burst)),
        };
        let rates = self.rates.within(space);
        once(&mut self.blocks, (problem, space), |(problem, _)| search::choose(problem, &rates))
    }
}

fn once<K: Eq + Hash, V: Copy>(found: &mut HashMap<K, V>, key: K, search: impl FnOnce(&K) -> V) -> V {
    match found.get(&key) {
        Some(&value) => value,
        None => {
            let value = search(&key);
            found.insert(key, value);
            value
        }
    }
}

/// The image as if it lay in the first burst: whether bursts are aligned is all that costs depend on, in NRAM not even
/// that.
fn moved(image: &Image, burst: u64) -> Image {
    Image { base: if image.is_kept() { 0 } else { image.base % burst }, ..*image }
}

fn without_address(problem: &Problem, burst: u64) -> Problem {
    let residual = problem.residual.map(|image| moved(&image, burst));
    Problem { x: moved(&problem.x, burst), y: moved(&problem.y, burst), residual, ..*problem }
}

fn window_without_address(problem: &WindowProblem, burst: u64) -> WindowProblem {
    WindowProblem { x: moved(&problem.x, burst), y: moved(&problem.y, burst), ..*problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::view::View;
    use crate::program::window::Window;
    use crate::tile::convolution::{Staging, Summation};

    #[test]
    fn layers_that_differ_in_nothing_but_their_place_share_a_choice() {
        let rates = Rates::of(&ediacara_arch::Machine::preset("dlp16").unwrap());
        let mut choices = Choices::new(rates);
        let problem = |base: u64, channels: u64| {
            let image = View::dense(base, &[1, 14, 14, channels]).image().unwrap();
            let summation = Summation::Any;
            let (inputs, outputs) = (channels, channels);
            let (x, y, window) = (image, image, Window::POINT);
            let (epilogue, residual, table) = (None, None, false);
            let (staging, held) = (Staging::Constant, false);
            Problem {
                x,
                y,
                window,
                groups: 1,
                inputs,
                outputs,
                summation,
                epilogue,
                residual,
                table,
                staging,
                held,
            }
        };
        let first = choices.product(&problem(0x1000, 64), rates.space()).unwrap();
        assert_eq!(choices.product(&problem(0x8040, 64), rates.space()).unwrap(), first);
        assert_eq!(choices.products.len(), 1);
        assert_eq!(first, convolution::choose(&problem(0x8040, 64), &rates).unwrap());
        // Another alignment and another shape are other problems.
        choices.product(&problem(0x8041, 64), rates.space()).unwrap();
        choices.product(&problem(0x1000, 32), rates.space()).unwrap();
        assert_eq!(choices.products.len(), 3);
    }
}
