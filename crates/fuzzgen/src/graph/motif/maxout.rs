use ediacara_graph::ValueId;

use super::{Layers, Motif};

/// Convolutions of twice the channels, of which the larger of each pair is kept.
///
/// A point convolution of the same kind comes before some of them.
pub(super) const MOTIF: Motif = Motif {
    name: "max feature map",
    source: "Wu et al., A Light CNN for Deep Face Representation, arXiv 1511.02683",
    side: 1,
    append,
};

fn append(net: &mut Layers, x: ValueId) -> ValueId {
    let mut x = x;
    for _ in 0..net.random().between(1, 3) {
        let channels = net.channels(x);
        if net.random().chance(50) {
            let y = net.point(x, 2 * channels);
            x = halves(net, y, channels);
        }
        let wanted = net.random().pick(&[channels, channels, 2 * channels]);
        let width = net.window_width(x, wanted);
        let y = net.square(x, 2 * width, 3, 1);
        let y = halves(net, y, width);
        // The paper's residual blocks keep the width.
        x = if width == channels && net.random().chance(30) { net.add(y, x) } else { y };
    }
    x
}

fn halves(net: &mut Layers, x: ValueId, width: usize) -> ValueId {
    let [first, second] = [0, width].map(|from| net.channels_of(x, from, from + width));
    net.maximum(first, second)
}
