//! The port of a memory that cores share: who presents a burst, who is granted one, and for how long the
//! others waited.

use crate::dram::{DramModel, Grant};
use crate::lane::NEVER;

/// A burst that a requester presents.
#[derive(Debug, Clone, Copy)]
struct Request {
    /// The first cycle in which it is presented.
    from: u64,
    /// Aligned address.
    address: u64,
}

/// Cycles in which a burst was presented and none of this requester was granted, counted from the start.
///
/// Between two moments at both of which a requester presents, the differences are its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Waits {
    /// Another requester was granted a burst.
    pub(crate) contention: u64,
    /// None was granted for want of bandwidth.
    pub(crate) bandwidth: u64,
}

/// The port of DRAM.
pub(crate) struct DramPort<D> {
    model: D,
    requests: Vec<Request>,
    /// The requesters that present a burst, now or from a later cycle on.
    pending: u32,
    /// Waits before `counted`.
    waits: Waits,
    counted: u64,
    /// Waits before the present cycle.
    before: Waits,
}

impl<D: DramModel> DramPort<D> {
    pub(crate) fn new(model: D, requesters: usize) -> Self {
        let requests = vec![Request { from: NEVER, address: 0 }; requesters];
        Self { model, requests, pending: 0, waits: Waits::default(), counted: 0, before: Waits::default() }
    }

    /// Says what a requester presents: from which cycle on, and which burst.
    #[inline]
    pub(crate) fn present(&mut self, requester: usize, request: Option<(u64, u64)>) {
        match request {
            Some((from, address)) => {
                self.requests[requester] = Request { from, address };
                self.pending |= 1 << requester;
            }
            None => self.pending &= !(1 << requester),
        }
    }

    /// The burst that a requester presents.
    pub(crate) fn address(&self, requester: usize) -> u64 {
        self.requests[requester].address
    }

    /// The requesters that present a burst in a cycle.
    fn presented(&self, cycle: u64) -> u32 {
        let (mut rest, mut presented) = (self.pending, 0);
        while rest != 0 {
            let requester = rest.trailing_zeros();
            presented |= u32::from(self.requests[requester as usize].from <= cycle) << requester;
            rest &= rest - 1;
        }
        presented
    }

    /// Decides a cycle, which comes after those decided before. What was presented until then still was.
    pub(crate) fn decide(&mut self, cycle: u64) -> Option<Grant> {
        if self.pending == 0 {
            // Nobody waits, so that nothing is counted.
            self.before = self.waits;
            self.counted = cycle + 1;
            return None;
        }
        self.waits.bandwidth += self.model.refusals(self.counted, cycle).bandwidth;
        self.before = self.waits;
        let grant = self.model.grant(cycle, self.presented(cycle));
        match grant {
            Some(_) => self.waits.contention += 1,
            None => self.waits.bandwidth += self.model.refusals(cycle, cycle + 1).bandwidth,
        }
        self.counted = cycle + 1;
        grant
    }

    /// Waits before the cycle that was decided last.
    pub(crate) fn waits_before(&self) -> Waits {
        self.before
    }

    /// Waits in and before the cycle that was decided last.
    pub(crate) fn waits(&self) -> Waits {
        self.waits
    }

    /// Waits before `cycle`, until which nothing is granted.
    pub(crate) fn waits_until(&self, cycle: u64) -> Waits {
        let bandwidth = self.waits.bandwidth + self.model.refusals(self.counted, cycle).bandwidth;
        Waits { bandwidth, ..self.waits }
    }

    /// A cycle, `from` or later, before which nothing is granted.
    pub(crate) fn next_grant(&self, from: u64) -> u64 {
        let (mut rest, mut first) = (self.pending, NEVER);
        while rest != 0 {
            first = first.min(self.requests[rest.trailing_zeros() as usize].from);
            rest &= rest - 1;
        }
        if first == NEVER { NEVER } else { self.model.next_grant(first.max(from)) }
    }
}
