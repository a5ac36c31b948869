//! The bursts that a strided transfer touches (T-DMA-BURSTS).

/// Walks the bursts of all rows: rows in order, dimension 1 innermost, a row's bursts in order.
#[derive(Debug, Clone)]
pub(crate) struct Bursts {
    shift: u32,
    base: u64,
    length: u64,
    counts: [u64; 3],
    strides: [u64; 3],
    index: [u64; 3],
    /// Address of the present row.
    row: u64,
    /// Present burst and the last one of the row, as numbers.
    burst: u64,
    last: u64,
}

impl Bursts {
    /// `shift` is the binary logarithm of the burst's bytes.
    pub(crate) fn new(shift: u32, base: u64, length: u64, counts: [u64; 3], strides: [u64; 3]) -> Self {
        let mut bursts =
            Self { shift, base, length, counts, strides, index: [0; 3], row: base, burst: 0, last: 0 };
        bursts.enter_row();
        bursts
    }

    fn enter_row(&mut self) {
        self.burst = self.row >> self.shift;
        self.last = (self.row + self.length - 1) >> self.shift;
    }

    /// Aligned address of the present burst.
    #[inline]
    pub(crate) fn address(&self) -> u64 {
        self.burst << self.shift
    }

    /// Bytes of the present burst that belong to the row.
    #[inline]
    pub(crate) fn payload(&self) -> u64 {
        let end = (self.row + self.length).min((self.burst + 1) << self.shift);
        end - self.row.max(self.address())
    }

    /// Goes to the next burst; `false` if there is none.
    #[inline]
    pub(crate) fn advance(&mut self) -> bool {
        if self.burst < self.last {
            self.burst += 1;
            return true;
        }
        for dimension in 0..3 {
            self.index[dimension] += 1;
            if self.index[dimension] < self.counts[dimension] {
                let offset = |d: usize| self.index[d] * self.strides[d];
                self.row = self.base + offset(0) + offset(1) + offset(2);
                self.enter_row();
                return true;
            }
            self.index[dimension] = 0;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_touch_whole_bursts() {
        let mut bursts = Bursts::new(6, 60, 10, [2, 2, 1], [64, 1000, 0]);
        let mut found = vec![(bursts.address(), bursts.payload())];
        while bursts.advance() {
            found.push((bursts.address(), bursts.payload()));
        }
        // Rows at 60, 124, 1060, 1124.
        let expected = [(0, 4), (64, 6), (64, 4), (128, 6), (1024, 10), (1088, 10)];
        assert_eq!(found, expected);
    }
}
