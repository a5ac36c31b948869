//! An engine: its queue, what it works on, and what has yet to commit (T-START, T-COMMIT).

use std::collections::VecDeque;

use crate::bursts::Bursts;
use crate::work::{Clock, Entry};

/// Later than everything.
pub(crate) const NEVER: u64 = u64::MAX;

/// An instruction that has started and whose commit is known.
#[derive(Debug, Clone)]
pub(crate) struct InFlight {
    pub(crate) commit: u64,
    pub(crate) post: u16,
    pub(crate) instruction: u32,
    /// What is known to have committed once this has (checked mode).
    pub(crate) clock: Clock,
}

/// A transfer whose bursts are still being granted.
#[derive(Debug, Clone)]
pub(crate) struct Active {
    pub(crate) bursts: Bursts,
    /// The cycle in which it presents its first burst.
    pub(crate) presents_from: u64,
    /// Bytes granted so far, and bytes of all rows.
    pub(crate) moved_bytes: u64,
    pub(crate) wanted_bytes: u64,
    pub(crate) layer: usize,
    pub(crate) post: u16,
    pub(crate) instruction: u32,
    pub(crate) clock: Clock,
}

/// An engine other than control.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) queue: VecDeque<Entry>,
    /// In order of commit.
    pub(crate) in_flight: VecDeque<InFlight>,
    pub(crate) active: Option<Active>,
    /// The first cycle in which the engine is ready; `NEVER` while bursts are still to be granted.
    pub(crate) ready: u64,
    /// Beats of what started last: `beats.0 .. beats.1`.
    pub(crate) beats: (u64, u64),
    /// The layer of what started last.
    pub(crate) beats_layer: usize,
    pub(crate) instructions: u64,
}

impl Lane {
    pub(crate) fn new(queue_entries: usize, in_flight: usize) -> Self {
        Self {
            queue: VecDeque::with_capacity(queue_entries),
            in_flight: VecDeque::with_capacity(in_flight),
            ..Self::default()
        }
    }

    /// T-START: whether everything that has started has committed.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.active.is_none() && self.in_flight.is_empty()
    }

    /// Whether it presents a burst in `cycle`.
    #[inline]
    pub(crate) fn presents(&self, cycle: u64) -> bool {
        self.active.as_ref().is_some_and(|active| active.presents_from <= cycle)
    }

    /// The cycle of the next known commit.
    #[inline]
    pub(crate) fn next_commit(&self) -> u64 {
        self.in_flight.front().map_or(NEVER, |front| front.commit)
    }
}
