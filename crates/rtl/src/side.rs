//! The simulator's side of a comparison: it runs in a thread of its own, a little ahead.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use ediacara_sim::{Event, Outcome, Simulator};

/// Events that travel together.
const BATCH: usize = 4_096;
/// The most batches that may wait, which bounds the memory of a comparison.
const WAITING: usize = 64;

/// What the simulator's thread sends.
pub(crate) enum News {
    Events(Vec<Event>),
    /// The run is over; it computed for this long.
    End(Box<Outcome>, Duration),
}

/// The two ends of the line between both sides.
pub(crate) fn line() -> (SyncSender<News>, Receiver<News>) {
    sync_channel(WAITING)
}

/// Runs the simulator; ends early when nobody listens any more.
pub(crate) fn simulate(simulator: &mut Simulator, to: &SyncSender<News>) {
    let start = Instant::now();
    let (mut batch, mut waited) = (Vec::with_capacity(BATCH), Duration::ZERO);
    let outcome = simulator.run_observed(&mut |event| {
        batch.push(event);
        if batch.len() < BATCH {
            return true;
        }
        let sending = Instant::now();
        let heard = to.send(News::Events(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))).is_ok();
        waited += sending.elapsed();
        heard
    });
    let worked = start.elapsed().saturating_sub(waited);
    // Nobody may be there to hear it, which is no loss.
    let _ = to.send(News::Events(batch));
    let _ = to.send(News::End(Box::new(outcome), worked));
}

/// The simulator's events, one after the other.
pub(crate) struct Simulated {
    from: Receiver<News>,
    batch: std::iter::Peekable<std::vec::IntoIter<Event>>,
    /// The end of the run, once there are no more events.
    pub(crate) end: Option<(Box<Outcome>, Duration)>,
}

impl Simulated {
    pub(crate) fn new(from: Receiver<News>) -> Self {
        Self { from, batch: Vec::new().into_iter().peekable(), end: None }
    }

    /// Waits for the next event, and leaves it in place.
    pub(crate) fn peek(&mut self) -> Option<Event> {
        while self.batch.peek().is_none() && self.end.is_none() {
            match self.from.recv() {
                Ok(News::Events(events)) => self.batch = events.into_iter().peekable(),
                Ok(News::End(outcome, worked)) => self.end = Some((outcome, worked)),
                // Its thread died; the scope that started it passes the panic on.
                Err(_) => return None,
            }
        }
        self.batch.peek().copied()
    }

    pub(crate) fn next(&mut self) -> Option<Event> {
        let event = self.peek();
        self.batch.next();
        event
    }
}
