//! Convolutions that pick channels, as products that multiply by fewer zeros.

use ediacara_graph::Tensor;

use crate::program::layer::{Conv, Weights};
use crate::program::view::Image;
use crate::program::window::Window;

/// A point convolution whose weights are ones and zeros, as one of groups.
#[derive(Debug, Clone)]
pub(crate) struct Regrouped {
    /// The input, with other pixels.
    pub x: Image,
    /// The window over them.
    pub window: Window,
    /// Groups.
    pub groups: u64,
    /// The weights `[O, 1, taps, channels of a group]`.
    pub values: Tensor,
}

/// The forms of groups that a gather of channels has: weights `[O, 1, 1, I]` of ones and zeros, and its input.
pub(crate) fn regrouped(weights: &Tensor, x: &Image) -> Vec<Regrouped> {
    let &[outputs, 1, 1, inputs] = weights.shape() else { return Vec::new() };
    let Some(picks) = weights.as_slice::<i8>().ok().and_then(|weights| picks(weights, inputs)) else {
        return Vec::new();
    };
    let shuffled = Shuffle::of(&picks, inputs).and_then(|shuffle| shuffle.regrouped(x));
    shuffled.into_iter().chain(block_diagonal(&picks, [outputs, inputs], x)).collect()
}

/// A gather of channels that stands as a point convolution, in its forms of groups.
pub(crate) fn forms(conv: &Conv) -> Vec<Conv> {
    let alone =
        conv.residual.is_none() && conv.computed.is_none() && conv.shared.is_none() && conv.order.is_none();
    if !alone || conv.window != Window::POINT || conv.groups != 1 || conv.w_zero != 0 {
        return Vec::new();
    }
    let form = |Regrouped { x, window, groups, values }| {
        let weights = Weights { values, ..conv.weights.clone() };
        Conv { x, window, groups, weights, ..conv.clone() }
    };
    regrouped(&conv.weights.values, &conv.x).into_iter().map(form).collect()
}

/// The channel that each output picks; nothing if a row is not zeros and a one.
pub(crate) fn picks(weights: &[i8], inputs: usize) -> Option<Vec<usize>> {
    let pick = |row: &[i8]| {
        let place = row.iter().position(|&weight| weight != 0)?;
        (row[place] == 1 && row[place + 1..].iter().all(|&weight| weight == 0)).then_some(place)
    };
    weights.chunks_exact(inputs.max(1)).map(pick).collect()
}

/// The gather as a convolution of the most groups in which outputs only pick from their own channels.
fn block_diagonal(picks: &[usize], [outputs, inputs]: [usize; 2], x: &Image) -> Option<Regrouped> {
    let is_inside = |groups: usize| {
        picks.iter().enumerate().all(|(output, pick)| output / (outputs / groups) == pick / (inputs / groups))
    };
    let divides = |&groups: &usize| inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups);
    let groups = (2..=inputs / 2).rev().filter(divides).find(|&groups| is_inside(groups))?;
    let each = inputs / groups;
    let row = |&pick: &usize| (0..each).map(move |channel| i8::from(channel == pick % each));
    let values = Tensor::from_vec(&[outputs, 1, 1, each], picks.iter().flat_map(row).collect()).ok()?;
    Some(Regrouped { x: *x, window: Window::POINT, groups: groups as u64, values })
}

/// A gather that takes channels in turn from stretches of equal length, as the shuffle behind grouped
/// convolutions does (Zhang et al. 2018, ShuffleNet): output `c * stretches + s` is channel `first + c` of stretch `s`.
///
/// As it stands, it multiplies every channel by every other. With the stretches as pixels of a row, it is a
/// convolution of as many groups as channels are taken, whose window is a row of stretches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shuffle {
    /// Stretches.
    stretches: u64,
    /// Channels of a stretch.
    length: u64,
    /// The first channel that is taken of each.
    first: u64,
    /// How many are taken of each.
    taken: u64,
}

impl Shuffle {
    /// What a gather of these channels does; nothing if it is no shuffle.
    fn of(picks: &[usize], inputs: usize) -> Option<Shuffle> {
        let (&first, &second) = (picks.first()?, picks.get(1)?);
        let length =
            second.checked_sub(first).filter(|&length| length > 1 && inputs.is_multiple_of(length))?;
        let stretches = inputs / length;
        let in_turn =
            |(place, &pick): (usize, &usize)| pick == place % stretches * length + first + place / stretches;
        let taken = picks.len() / stretches;
        let fits = stretches > 1 && picks.len().is_multiple_of(stretches) && first + taken <= length;
        let [stretches, length, first, taken] = [stretches, length, first, taken].map(|number| number as u64);
        (fits && picks.iter().enumerate().all(in_turn)).then_some(Shuffle { stretches, length, first, taken })
    }

    fn regrouped(&self, x: &Image) -> Option<Regrouped> {
        let [outputs, stretches] =
            [self.taken * self.stretches, self.stretches].map(|number| number as usize);
        let values = Tensor::from_vec(&[outputs, 1, stretches, 1], self.weights()).ok()?;
        Some(Regrouped { x: self.image(x)?, window: self.window(), groups: self.taken, values })
    }

    /// The input with stretches as pixels; nothing if they are not evenly apart from pixel to pixel.
    fn image(&self, x: &Image) -> Option<Image> {
        (x.pixel_stride == x.channels).then_some(Image {
            base: x.base + self.first,
            width: x.width * self.stretches,
            channels: self.taken,
            pixel_stride: self.length,
            ..*x
        })
    }

    /// The window over the stretches of a pixel.
    fn window(&self) -> Window {
        Window { kernel: [1, self.stretches], stride: [1, self.stretches], ..Window::POINT }
    }

    /// The weights `[O, 1, stretches, 1]`: each output takes its stretch.
    fn weights(&self) -> Vec<i8> {
        let outputs = 0..self.taken * self.stretches;
        let row = |output: u64| (0..self.stretches).map(move |s| i8::from(s == output % self.stretches));
        outputs.flat_map(row).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where it fails")]
mod tests {
    use super::*;
    use crate::program::view::View;

    #[test]
    fn shuffles_are_told_from_other_gathers() {
        let found = |picks: &[usize], inputs| Shuffle::of(picks, inputs);
        let all = Shuffle { stretches: 3, length: 2, first: 0, taken: 2 };
        assert_eq!(found(&[0, 2, 4, 1, 3, 5], 6), Some(all));
        let second_half = Shuffle { stretches: 2, length: 4, first: 2, taken: 2 };
        assert_eq!(found(&[2, 6, 3, 7], 8), Some(second_half));
        assert_eq!(found(&[0, 1, 2, 3], 4), None, "in order");
        assert_eq!(found(&[0, 4, 2, 6], 8), None, "every other channel");
        assert_eq!(found(&[0, 2, 4, 1, 3], 6), None, "a part of a turn");
        assert_eq!(picks(&[2, 0, 0, 0, 0, 1, 0, 0], 4), None, "a weight that is not one");
        assert_eq!(picks(&[1, 0, 1, 0, 0, 1, 0, 0], 4), None, "a sum");
    }

    #[test]
    fn every_other_channel_is_picked_in_groups_of_two() {
        let x = View::dense(0, &[1, 1, 1, 8]).image().unwrap();
        let form = block_diagonal(&[0, 2, 4, 6], [4, 8], &x).unwrap();
        assert_eq!((form.groups, form.values.to_vec::<i8>().unwrap()), (4, [1, 0].repeat(4)));
        assert!(block_diagonal(&[0, 4, 1, 5], [4, 8], &x).is_none());
    }

    #[test]
    fn weights_take_the_stretches_in_turn() {
        let shuffle = Shuffle { stretches: 2, length: 3, first: 1, taken: 2 };
        assert_eq!(shuffle.weights(), [1, 0, 0, 1, 1, 0, 0, 1]);
    }
}
