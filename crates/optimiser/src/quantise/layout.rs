//! How a real value's elements lie in its int8 counterpart.

use ediacara_graph::TensorType;

/// The order of the elements of a stored value relative to the real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// The same order.
    Plain,
    /// Axis 1 (channels) moved to the end: `[N,C,...]` is stored as `[N,...,C]`; rank 3 or more.
    ChannelsLast,
    /// Another axis, at least 2, moved to the end: what a transposition or a split of the batch makes of channels.
    AxisLast(usize),
    /// `[N, C * pixels]` in the real graph, `[N, pixels * C]` stored: a flattened image.
    Flat {
        /// Channels, more than 1.
        channels: usize,
        /// Height times width, more than 1.
        pixels: usize,
    },
}

impl Layout {
    /// The layout that an input of the graph is stored in; nothing if it has none.
    pub(crate) fn of_input(ty: &TensorType) -> Option<Layout> {
        match ty.rank() {
            2 => Some(Layout::Plain),
            3.. => Some(Layout::ChannelsLast),
            _ => None,
        }
    }

    /// Per-axis numbers of the real value in the order of the stored axes.
    pub(crate) fn store<T: Copy>(self, per_axis: &[T]) -> Vec<T> {
        match self {
            Layout::ChannelsLast | Layout::AxisLast(_) => {
                self.permutation(per_axis.len()).iter().map(|&axis| per_axis[axis]).collect()
            }
            Layout::Plain | Layout::Flat { .. } => per_axis.to_vec(),
        }
    }

    /// The stored axis of a real one; nothing if it has none of its own.
    pub(crate) fn axis(self, rank: usize, axis: usize) -> Option<usize> {
        match self {
            Layout::Plain => Some(axis),
            Layout::ChannelsLast | Layout::AxisLast(_) => {
                self.permutation(rank).iter().position(|&real| real == axis)
            }
            Layout::Flat { .. } => (axis == 0).then_some(0),
        }
    }

    /// The permutation whose entry `k` is the real axis of stored axis `k`.
    ///
    /// It is the identity unless an axis is moved to the end.
    pub(crate) fn permutation(self, rank: usize) -> Vec<usize> {
        match self.last_axis() {
            Some(last) => (0..rank).filter(|&axis| axis != last).chain([last]).collect(),
            None => (0..rank).collect(),
        }
    }

    /// The axis that is moved to the end, if one is.
    pub(crate) fn last_axis(self) -> Option<usize> {
        match self {
            Layout::ChannelsLast => Some(1),
            Layout::AxisLast(axis) => Some(axis),
            Layout::Plain | Layout::Flat { .. } => None,
        }
    }

    /// The layout that moves an axis to the end.
    pub(crate) fn with_last(axis: usize) -> Layout {
        if axis == 1 { Layout::ChannelsLast } else { Layout::AxisLast(axis) }
    }
}

/// The inverse of a permutation.
pub(crate) fn inverse(permutation: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; permutation.len()];
    for (position, &axis) in permutation.iter().enumerate() {
        inverse[axis] = position;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_go_last() {
        let layout = Layout::ChannelsLast;
        assert_eq!(layout.permutation(4), [0, 2, 3, 1]);
        assert_eq!(inverse(&layout.permutation(4)), [0, 3, 1, 2]);
        assert_eq!(layout.store(&[1, 8, 5, 6]), [1, 5, 6, 8]);
        assert_eq!(layout.axis(4, 1), Some(3));
        assert_eq!(layout.axis(4, 3), Some(2));
        assert_eq!(layout.axis(3, 1), Some(2));
        assert_eq!(Layout::Plain.axis(2, 1), Some(1));
        assert_eq!(Layout::with_last(2).permutation(5), [0, 1, 3, 4, 2]);
        assert_eq!(Layout::with_last(1), layout);
    }
}
