//! The window attributes that convolution and pooling share: strides, dilations, padding, and their defaults.

use crate::error::{NodeError, NodeResult};
use crate::node::{Node, sizes};

/// How a window moves over the spatial axes; one element for each axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) kernel: Vec<usize>,
    pub(super) stride: Vec<usize>,
    pub(super) dilation: Vec<usize>,
    /// Padding before the first element of each axis.
    pub(super) before: Vec<usize>,
    /// Padding behind the last element of each axis.
    pub(super) after: Vec<usize>,
}

impl Window {
    /// Reads stride and dilation of a node over `rank` spatial axes with a window of `kernel`; padding stays
    /// zero.
    pub(super) fn read_unpadded(node: &Node<'_>, rank: usize, kernel: &[usize]) -> NodeResult<Window> {
        let (stride, dilation) = (list(node, "strides", 1, rank)?, list(node, "dilations", 1, rank)?);
        for (what, values) in
            [("strides", &stride), ("dilations", &dilation), ("kernel_shape", &kernel.to_vec())]
        {
            if values.contains(&0) {
                return Err(NodeError::new(format!(
                    "{what} {values:?} has a zero in it; each has to be at least 1"
                )));
            }
        }
        Ok(Window { kernel: kernel.to_vec(), stride, dilation, before: vec![0; rank], after: vec![0; rank] })
    }

    /// Reads the attributes of a node over an input of `input` spatial sizes with a window of `kernel`.
    pub(super) fn read(node: &Node<'_>, input: &[usize], kernel: &[usize]) -> NodeResult<Window> {
        let rank = input.len();
        let mut window = Window::read_unpadded(node, rank, kernel)?;
        match node.string_or("auto_pad", "NOTSET")? {
            "NOTSET" | "" => {
                let pads = list(node, "pads", 0, 2 * rank)?;
                window.before.copy_from_slice(&pads[..rank]);
                window.after.copy_from_slice(&pads[rank..]);
            }
            "VALID" => {}
            "SAME_UPPER" => window.pad_same(input, 1),
            "SAME_LOWER" => window.pad_same(input, 0),
            other => {
                return Err(NodeError::new(format!(
                    "auto_pad is '{other}'; it has to be NOTSET, VALID, SAME_UPPER or SAME_LOWER"
                )));
            }
        }
        Ok(window)
    }

    /// Pads so that the output has ceil(input / stride) elements.
    ///
    /// An odd element of padding goes behind (`odd_after` 1) or before (0).
    fn pad_same(&mut self, input: &[usize], odd_after: usize) {
        for (axis, &size) in input.iter().enumerate() {
            let output = size.div_ceil(self.stride[axis]);
            let needed =
                (output.saturating_sub(1) * self.stride[axis] + self.extent(axis)).saturating_sub(size);
            let small = needed / 2;
            let large = needed - small;
            (self.before[axis], self.after[axis]) =
                if odd_after == 1 { (small, large) } else { (large, small) };
        }
    }

    /// The elements that the dilated window spans on an axis.
    pub(super) fn extent(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1).saturating_mul(self.dilation[axis]).saturating_add(1)
    }

    /// The sizes of the output.
    ///
    /// With `ceil`, a last window that only partly lies over the input counts, unless it starts behind the
    /// input and its leading padding.
    pub(super) fn output(&self, input: &[usize], ceil: bool) -> NodeResult<Vec<usize>> {
        let mut output = Vec::with_capacity(input.len());
        for (axis, &size) in input.iter().enumerate() {
            let padded = size.saturating_add(self.before[axis]).saturating_add(self.after[axis]);
            let Some(room) = padded.checked_sub(self.extent(axis)) else {
                return Err(NodeError::new(format!(
                    "its window spans {} elements of spatial axis {axis}, which has only {padded} with padding",
                    self.extent(axis)
                )));
            };
            let stride = self.stride[axis];
            let mut steps = if ceil { room.div_ceil(stride) } else { room / stride };
            if ceil && steps > 0 && steps.saturating_mul(stride) >= size.saturating_add(self.before[axis]) {
                steps -= 1;
            }
            output.push(steps + 1);
        }
        Ok(output)
    }
}

/// An attribute of `count` sizes.
fn list(node: &Node<'_>, name: &str, default: usize, count: usize) -> NodeResult<Vec<usize>> {
    let Some(values) = node.ints(name)? else { return Ok(vec![default; count]) };
    if values.len() != count {
        let found = values.len();
        return Err(NodeError::new(format!(
            "attribute '{name}' has {found} numbers, it has to have {count} here"
        )));
    }
    sizes(values, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kernel: usize, stride: usize, before: usize, after: usize) -> Window {
        Window {
            kernel: vec![kernel],
            stride: vec![stride],
            dilation: vec![1],
            before: vec![before],
            after: vec![after],
        }
    }

    #[test]
    fn output_sizes() {
        assert_eq!(window(3, 2, 0, 0).output(&[6], false).unwrap(), [2]);
        assert_eq!(window(3, 2, 0, 0).output(&[6], true).unwrap(), [3]);
        // The third window would start in the trailing padding.
        assert_eq!(window(1, 2, 0, 1).output(&[2], true).unwrap(), [1]);
        assert!(window(5, 1, 0, 0).output(&[4], false).is_err());
    }

    #[test]
    fn same_padding() {
        let mut upper = window(3, 2, 0, 0);
        upper.pad_same(&[6], 1);
        assert_eq!((upper.before[0], upper.after[0]), (0, 1));
        let mut lower = window(3, 2, 0, 0);
        lower.pad_same(&[6], 0);
        assert_eq!((lower.before[0], lower.after[0]), (1, 0));
    }
}
