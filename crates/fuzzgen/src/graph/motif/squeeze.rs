use ediacara_graph::ValueId;

use super::{Layers, Motif};

/// An inverted bottleneck whose channels are weighed by a squeeze of the whole image.
pub(super) const MOTIF: Motif = Motif {
    name: "squeeze and excite",
    source: "Hu et al., arXiv 1709.01507; Howard et al., MobileNetV3 (h-swish), arXiv 1905.02244",
    side: 3,
    append,
};

fn append(net: &mut Layers, x: ValueId) -> ValueId {
    let mut x = x;
    for repeat in 0..net.random().between(1, 3) {
        let channels = net.channels(x);
        let expansion = net.random().pick(&[2, 3, 4, 6]);
        let width = net.width(x, expansion * channels);
        let kernel = net.random().pick(&[3, 5]);
        let stride = if repeat == 0 { net.random().pick(&[1, 1, 2]) } else { 1 };
        let swishes = net.random().chance(70);
        let bend = |net: &mut Layers, y| if swishes { net.hard_swish(y) } else { net.relu(y) };
        let y = net.point(x, width);
        let y = bend(net, y);
        let y = net.depthwise(y, kernel, stride);
        // MobileNetV3 bends before the squeeze, MnasNet does not.
        let y = if net.random().chance(70) { bend(net, y) } else { y };
        let y = excite(net, y);
        let stays = stride == 1 && net.random().chance(80);
        let outputs = if stays { channels } else { net.width(y, channels + 8) };
        let y = net.point(y, outputs);
        x = if stays { net.add(x, y) } else { y };
    }
    x
}

/// Mean of each channel, two products of one pixel, a factor for each channel.
fn excite(net: &mut Layers, x: ValueId) -> ValueId {
    let channels = net.channels(x);
    let y = net.global_average(x);
    let y = net.point(y, channels.div_ceil(4));
    let y = net.relu(y);
    let y = net.point(y, channels);
    let y = if net.random().chance(70) { net.hard_sigmoid(y) } else { net.sigmoid(y) };
    net.multiply(x, y)
}
