//! The geometry of a sliding window, shared by convolution and pooling.

use crate::KernelError;

/// A two-dimensional sliding window: kernel, stride, padding and dilation.
///
/// Index 0 is height, and index 1 is width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Kernel size `[height, width]`, at least 1.
    pub kernel: [usize; 2],
    /// Steps between windows `[height, width]`, at least 1.
    pub stride: [usize; 2],
    /// Padding `[top, left, bottom, right]`.
    pub padding: [usize; 4],
    /// Distance between kernel taps `[height, width]`, at least 1.
    pub dilation: [usize; 2],
}

impl Window {
    /// A window of 1 x 1 with stride 1 and no padding.
    pub const POINT: Self = Self { kernel: [1, 1], stride: [1, 1], padding: [0; 4], dilation: [1, 1] };

    /// A window of the given kernel with stride 1, no padding and no dilation.
    pub const fn of(kernel: [usize; 2]) -> Self {
        Self { kernel, ..Self::POINT }
    }

    /// Refuses a zero kernel, stride or dilation and sizes beyond `u32`, so that no later index computation
    /// overflows.
    pub(crate) fn check(&self, kernel: &'static str) -> Result<(), KernelError> {
        let named = [("kernel", self.kernel), ("stride", self.stride), ("dilation", self.dilation)];
        for (name, sizes) in named {
            if sizes.contains(&0) {
                let problem = format!("{name} {sizes:?} contains a zero; each entry must be at least 1");
                return Err(KernelError::shape(kernel, problem));
            }
        }
        let all = self.kernel.iter().chain(&self.stride).chain(&self.padding).chain(&self.dilation);
        if all.clone().any(|&size| size > 1 << 24) || self.extent().iter().any(|&size| size > 1 << 30) {
            return Err(KernelError::shape(kernel, format!("{self:?} has an entry beyond 2^24")));
        }
        Ok(())
    }

    /// Input rows and columns that one window spans, `dilation * (kernel - 1) + 1`.
    pub fn extent(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.dilation[axis] * (self.kernel[axis] - 1) + 1)
    }

    /// Output `[height, width]` over an input of `[height, width]`, rounding down: ONNX's `ceil_mode = 0`.
    ///
    /// # Errors
    /// A zero size, or a window that is larger than the padded input.
    pub fn output(&self, input: [usize; 2]) -> Result<[usize; 2], KernelError> {
        self.check("window")?;
        let extent = self.extent();
        let mut output = [0; 2];
        for axis in 0..2 {
            let padded = input[axis] + self.padding[axis] + self.padding[axis + 2];
            if padded < extent[axis] {
                let problem = format!(
                    "the window spans {} along axis {axis} but the padded input has only {padded}; \
                     shrink kernel or dilation, or pad more",
                    extent[axis]
                );
                return Err(KernelError::shape("window", problem));
            }
            output[axis] = (padded - extent[axis]) / self.stride[axis] + 1;
        }
        Ok(output)
    }

    /// Taps of one kernel, `height * width`.
    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Whether the window is a single tap that visits every input pixel in order.
    pub(crate) fn is_point(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.padding == [0; 4]
    }

    /// The taps along `axis` that fall inside the input for the window at output index `output`.
    ///
    /// They are a range of tap indices, with the input index of tap 0, which may lie in the padding.
    pub(crate) fn inside(&self, axis: usize, output: usize, input: usize) -> (std::ops::Range<usize>, isize) {
        let dilation = self.dilation[axis] as isize;
        let start = (output * self.stride[axis]) as isize - self.padding[axis] as isize;
        let first = if start < 0 { (-start + dilation - 1) / dilation } else { 0 };
        let room = input as isize - start;
        let last = if room <= 0 { 0 } else { (room + dilation - 1) / dilation };
        let last = last.clamp(0, self.kernel[axis] as isize);
        ((first.min(last) as usize)..(last as usize), start)
    }

    /// Whether the padded input is in proportion to the input and the output, so that a padded copy may be
    /// made.
    pub(crate) fn pads_little(&self, input: [usize; 2], output: [usize; 2]) -> bool {
        let plane = |[height, width]: [usize; 2]| height.saturating_mul(width);
        let padded = [0, 1].map(|axis| {
            input[axis].saturating_add(self.padding[axis]).saturating_add(self.padding[axis + 2])
        });
        plane(padded) <= plane(input).max(plane(output)).saturating_mul(16).max(1 << 16)
    }

    /// The taps along `axis` that fall inside the padded input, for the window at output index `output`.
    pub(crate) fn inside_padded(&self, axis: usize, output: usize, input: usize) -> std::ops::Range<usize> {
        let padded = Self { padding: [0; 4], ..*self };
        padded.inside(axis, output, input + self.padding[axis] + self.padding[axis + 2]).0
    }

    /// The output columns for which kernel column `tap` lies inside the input, and the first of their input
    /// columns.
    #[inline]
    pub(crate) fn columns_of_tap(
        &self,
        tap: usize,
        input: usize,
        output: usize,
    ) -> (std::ops::Range<usize>, usize) {
        self.columns_from(tap * self.dilation[1], input, output)
    }

    /// The same for a column that lies `offset` columns behind the first tap.
    #[inline]
    pub(crate) fn columns_from(
        &self,
        offset: usize,
        input: usize,
        output: usize,
    ) -> (std::ops::Range<usize>, usize) {
        let (stride, left) = (self.stride[1], self.padding[1]);
        // Column c reads input column c * stride + offset - left, which must be in 0..input.
        let first = left.saturating_sub(offset).div_ceil(stride).min(output);
        let end = (left + input).saturating_sub(offset).div_ceil(stride).min(output).max(first);
        (first..end, (first * stride + offset).saturating_sub(left))
    }
}
