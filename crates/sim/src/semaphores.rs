//! Sixteen counters (T-SEMAPHORE).

/// How many there are.
pub(crate) const COUNT: usize = 16;
/// The largest value of a counter.
pub(crate) const MAXIMUM: u32 = 255;

/// The counters, with what the present cycle takes and posts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Semaphores {
    /// At the beginning of the cycle, less what has been taken in it.
    values: [u32; COUNT],
    /// Bit i: `values[i]` is above zero. So a wait mask can be decided at once.
    available: u16,
    posted: [u32; COUNT],
    any_posted: u16,
    /// Over the whole run: posted less taken less lost to overflow, which is what the counters hold.
    balance: [i64; COUNT],
}

impl Semaphores {
    /// Whether every semaphore of `mask` is above zero.
    #[inline]
    pub(crate) fn satisfy(&self, mask: u16) -> bool {
        mask & !self.available == 0
    }

    /// The semaphores of `mask` that are zero.
    pub(crate) fn missing(&self, mask: u16) -> u16 {
        mask & !self.available
    }

    /// Takes one from each of `mask`, which must be satisfied.
    pub(crate) fn take(&mut self, mask: u16) {
        debug_assert!(self.satisfy(mask), "a semaphore is taken below zero");
        for index in bits(mask) {
            self.values[index] -= 1;
            self.balance[index] -= 1;
            if self.values[index] == 0 {
                self.available &= !(1 << index);
            }
        }
    }

    /// Adds one to each of `mask` from the next cycle on.
    pub(crate) fn post(&mut self, mask: u16) {
        self.any_posted |= mask;
        for index in bits(mask) {
            self.posted[index] += 1;
        }
    }

    /// Ends the cycle, and returns the lowest-numbered semaphore that was raised above its maximum.
    #[inline]
    pub(crate) fn end_cycle(&mut self) -> Option<usize> {
        if self.any_posted == 0 {
            return None;
        }
        let mut overflow = None;
        for index in bits(self.any_posted) {
            let sum = self.values[index] + self.posted[index];
            if sum > MAXIMUM && overflow.is_none() {
                overflow = Some(index);
            }
            self.values[index] = sum.min(MAXIMUM);
            self.balance[index] += i64::from(self.posted[index]) - i64::from(sum - self.values[index]);
            self.posted[index] = 0;
        }
        self.available |= self.any_posted;
        self.any_posted = 0;
        overflow
    }

    /// Whether nothing was created or lost: every token posted was taken, lost to a reported overflow, or
    /// is still there.
    pub(crate) fn is_balanced(&self) -> bool {
        self.values.iter().zip(&self.balance).all(|(&value, &balance)| i64::from(value) == balance)
    }
}

/// Indices of the set bits, ascending.
pub(crate) fn bits(mut mask: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if mask == 0 {
            return None;
        }
        let index = mask.trailing_zeros() as usize;
        mask &= mask - 1;
        Some(index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_are_seen_a_cycle_later() {
        let mut semaphores = Semaphores::default();
        semaphores.post(0b101);
        assert!(!semaphores.satisfy(0b1));
        assert_eq!(semaphores.end_cycle(), None);
        assert!(semaphores.satisfy(0b101));
        semaphores.take(0b1);
        assert!(!semaphores.satisfy(0b1));
        assert_eq!(semaphores.missing(0b111), 0b11);
    }

    #[test]
    fn taking_makes_room_in_the_same_cycle() {
        let mut semaphores = Semaphores::default();
        for _ in 0..255 {
            semaphores.post(0b11);
            assert_eq!(semaphores.end_cycle(), None);
        }
        semaphores.take(0b1);
        semaphores.post(0b1);
        assert_eq!(semaphores.end_cycle(), None);
        semaphores.post(0b11);
        assert_eq!(semaphores.end_cycle(), Some(0));
    }
}
