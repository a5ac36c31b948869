//! The prefetch FIFO (T-FETCH-*).

use std::collections::VecDeque;

/// Instructions between DRAM and control.
///
/// They are always consecutive, so that their number is enough.
pub(crate) struct Fetch {
    /// FIFO entries.
    entries: u64,
    /// Instructions of a burst.
    per_burst: u64,
    /// Instructions of the code segment.
    code_length: u64,
    /// Instructions that control can execute.
    occupancy: u64,
    /// Bursts in flight that are not stale: arrival, instructions to keep.
    live: VecDeque<(u64, u64)>,
    /// Index of the burst to present next or being presented.
    next_burst: u64,
    /// First instruction wanted of the next burst; those before it are dropped.
    wanted: u64,
    presenting: bool,
}

impl Fetch {
    pub(crate) fn new(entries: u64, per_burst: u64, code_length: u64) -> Self {
        let live = VecDeque::with_capacity((entries / per_burst) as usize + 1);
        Self {
            entries,
            per_burst,
            code_length,
            occupancy: 0,
            live,
            next_burst: 0,
            wanted: 0,
            presenting: false,
        }
    }

    /// Whether control has an instruction to look at.
    #[inline]
    pub(crate) fn has_instruction(&self) -> bool {
        self.occupancy > 0
    }

    /// T-FETCH-FIFO: the burst, counted from the code's base, that is presented in this cycle.
    ///
    /// Call it at the beginning of a cycle, before anything else happens in it.
    #[inline]
    pub(crate) fn request(&mut self) -> Option<u64> {
        self.presenting |= self.would_present();
        self.presenting.then_some(self.next_burst)
    }

    /// Whether a burst is or would be presented in the coming cycle.
    #[inline]
    pub(crate) fn would_present(&self) -> bool {
        self.presenting
            || self.next_burst * self.per_burst < self.code_length
                && self.occupancy + (self.live.len() as u64 + 1) * self.per_burst <= self.entries
    }

    /// Takes note that the presented burst was granted and returns in `arrival`.
    pub(crate) fn granted(&mut self, arrival: u64) {
        let end = ((self.next_burst + 1) * self.per_burst).min(self.code_length);
        self.live.push_back((arrival, end.saturating_sub(self.wanted)));
        self.next_burst += 1;
        self.wanted = self.next_burst * self.per_burst;
        self.presenting = false;
    }

    /// Takes note that control executed the head.
    pub(crate) fn pop(&mut self) {
        debug_assert!(self.occupancy > 0, "an instruction is taken from an empty FIFO");
        self.occupancy -= 1;
    }

    /// T-FETCH-DATA: instructions that return in `cycle` can be executed from the next cycle on.
    ///
    /// Call it at the cycle's end.
    #[inline]
    pub(crate) fn arrive(&mut self, cycle: u64) {
        if self.live.front().is_some_and(|&(arrival, _)| arrival == cycle) {
            self.occupancy += self.live.pop_front().map_or(0, |(_, kept)| kept);
            debug_assert!(self.occupancy <= self.entries, "the FIFO overflows");
        }
    }

    /// T-FETCH-REDIRECT: forgets everything and turns to `target` from the next cycle on.
    pub(crate) fn redirect(&mut self, target: u64) {
        self.occupancy = 0;
        self.live.clear();
        self.presenting = false;
        self.next_burst = target / self.per_burst;
        self.wanted = target;
    }

    /// The cycle of the next arrival.
    #[inline]
    pub(crate) fn next_arrival(&self) -> Option<u64> {
        self.live.front().map(|&(arrival, _)| arrival)
    }
}
