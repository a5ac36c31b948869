use ediacara_graph::ValueId;

use super::{Layers, Motif};

/// Expansion, depthwise convolution, projection, around which narrow images pass.
pub(super) const MOTIF: Motif = Motif {
    name: "inverted bottleneck",
    source: "Sandler et al., MobileNetV2, arXiv 1801.04381; Tan and Le, EfficientNet, arXiv 1905.11946 (5 x 5)",
    side: 3,
    append,
};

fn append(net: &mut Layers, x: ValueId) -> ValueId {
    let expansion = net.random().pick(&[1, 3, 4, 6, 6]);
    let mut x = x;
    for repeat in 0..net.random().between(1, 3) {
        let channels = net.channels(x);
        let stride = if repeat == 0 { net.random().pick(&[1, 2]) } else { 1 };
        let kernel = net.random().pick(&[3, 3, 5]);
        let mut y = x;
        if expansion > 1 {
            let width = net.width(x, expansion * channels);
            y = net.point(y, width);
            y = net.relu6(y);
        }
        y = net.depthwise(y, kernel, stride);
        y = net.relu6(y);
        let stays = stride == 1 && net.random().chance(80);
        let outputs = if stays { channels } else { channels + net.random().below(channels + 8) };
        let outputs = if stays { outputs } else { net.window_width(y, outputs) };
        y = net.point(y, outputs);
        x = if stays { net.add(x, y) } else { y };
    }
    x
}
