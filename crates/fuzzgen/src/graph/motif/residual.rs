use ediacara_graph::ValueId;
use ediacara_graph::ops::Conv;

use super::{Layers, Motif};

/// Basic blocks and bottlenecks, with a projection where sides or widths change, and with groups in the
/// manner of ResNeXt.
pub(super) const MOTIF: Motif = Motif {
    name: "residual block",
    source: "He et al., arXiv 1512.03385; Xie et al., ResNeXt, arXiv 1611.05431",
    side: 3,
    append,
};

fn append(net: &mut Layers, x: ValueId) -> ValueId {
    let mut x = x;
    for repeat in 0..net.random().between(1, 2) {
        let stride = if repeat == 0 { net.random().pick(&[1, 1, 2]) } else { 1 };
        let channels = net.channels(x);
        let projects = stride == 2 || net.random().chance(20);
        let wider = channels + net.random().below(channels + 1);
        let outputs = if projects { net.window_width(x, wider) } else { channels };
        let is_bottleneck = net.random().chance(50);
        let y = if is_bottleneck {
            let narrow = net.window_width(x, outputs.div_ceil(4));
            let y = net.point(x, narrow);
            let y = net.relu(y);
            let groups = if narrow.is_multiple_of(4) { net.random().pick(&[1, 1, 4]) } else { 1 };
            let conv = Conv { stride: [stride; 2], padding: [1; 4], groups, ..Conv::default() };
            let y = net.conv(y, narrow, [3, 3], conv);
            let y = net.relu(y);
            net.point(y, outputs)
        } else {
            let y = net.square(x, channels, 3, stride);
            let y = net.relu(y);
            net.square(y, outputs, 3, 1)
        };
        let shortcut = if projects {
            net.conv(x, outputs, [1, 1], Conv { stride: [stride; 2], ..Conv::default() })
        } else {
            x
        };
        let y = net.add(y, shortcut);
        x = net.relu(y);
    }
    x
}
