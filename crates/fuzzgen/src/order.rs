//! What engines know of one another, without time: queues, semaphores, and accesses that are not yet known
//! to have ended.

use std::collections::VecDeque;
use std::rc::Rc;

use ediacara_isa::Engine;

use crate::footprint::{Footprint, Problem};
use crate::semaphore::{Clock, Semaphore, learn};

const CONTROL: usize = Engine::Control as usize;
const VECTOR: usize = Engine::Vector as usize;

/// An instruction in a queue.
#[derive(Debug, Clone)]
struct Pending {
    wait: u16,
    post: u16,
    /// What control knew when it issued this.
    clock: Clock,
    footprint: Rc<Footprint>,
}

/// An access for which somebody may still have to wait.
#[derive(Debug, Clone)]
struct Access {
    engine: usize,
    number: u32,
    footprint: Rc<Footprint>,
}

/// An instruction that has been executed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Executed {
    pub(crate) engine: usize,
    pub(crate) number: u32,
    /// The clock that its posts carry.
    pub(crate) clock: Clock,
    /// The step of this model in which it was executed.
    pub(crate) step: u64,
}

/// The engines without time.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    known: [Clock; 5],
    pending: [VecDeque<Pending>; 5],
    queue_entries: usize,
    accesses: Vec<Access>,
    semaphores: [Semaphore; 16],
    /// The last step at which a semaphore was used.
    touched: [u64; 16],
    step: u64,
    last: [Option<Executed>; 5],
    pub(crate) has_table: bool,
}

/// Semaphores of a mask.
pub(crate) fn bits(mask: u16) -> impl Iterator<Item = usize> {
    (0..16).filter(move |bit| mask >> bit & 1 == 1)
}

impl Order {
    pub(crate) fn new(queue_entries: u32) -> Self {
        Self {
            known: Default::default(),
            pending: Default::default(),
            queue_entries: queue_entries as usize,
            accesses: Vec::new(),
            semaphores: Default::default(),
            touched: [0; 16],
            step: 0,
            last: [None; 5],
            has_table: false,
        }
    }

    /// For every engine, its last instruction that must have ended before one with this footprint may start.
    pub(crate) fn conflicts(&self, engine: Engine, footprint: &Footprint) -> Clock {
        let engine = engine as usize;
        let mut known = self.known[engine];
        learn(&mut known, &self.known[CONTROL]);
        self.unknown(engine, footprint, &known)
    }

    fn unknown(&self, engine: usize, footprint: &Footprint, known: &Clock) -> Clock {
        let mut conflicts = Clock::default();
        for access in self.accesses.iter().rev() {
            let other = access.engine;
            let is_open = other != engine && access.number > known[other].max(conflicts[other]);
            if is_open && access.footprint.conflicts(footprint) {
                conflicts[other] = access.number;
            }
        }
        conflicts
    }

    /// The last instruction that `engine` has executed.
    pub(crate) fn last(&self, engine: Engine) -> Option<Executed> {
        self.last[engine as usize]
    }

    /// Whether every instruction that was issued to it has been executed.
    pub(crate) fn is_drained(&self, engine: Engine) -> bool {
        self.pending[engine as usize].is_empty()
    }

    /// The semaphores that `poster` could have posted for `engine`'s next instruction to wait for.
    ///
    /// Nobody has seen them, and there is no doubt about who takes what.
    pub(crate) fn free_for(&self, poster: &Executed, engine: Engine) -> Vec<usize> {
        let free = |index: &usize| {
            let mut trial = self.semaphores[*index].clone();
            let engine = engine as usize;
            let mut known = self.known[engine];
            learn(&mut known, &self.known[CONTROL]);
            trial.count() == 0
                && self.touched[*index] < poster.step
                && trial.post(poster.engine, poster.number, poster.clock).is_ok()
                && trial.wait(engine, known[engine] + 1, &known).is_ok()
        };
        (0..16).filter(free).collect()
    }

    /// Semaphores that hold nothing and that control may post.
    pub(crate) fn free_for_control(&self) -> Vec<usize> {
        let mut clock = self.known[CONTROL];
        clock[CONTROL] += 1;
        let free = |index: &usize| {
            let semaphore = &self.semaphores[*index];
            semaphore.count() == 0 && semaphore.clone().post(CONTROL, clock[CONTROL], clock).is_ok()
        };
        (0..16).filter(free).collect()
    }

    /// Adds a post to an instruction that was executed before, as if it had always had it.
    pub(crate) fn post_late(&mut self, semaphore: usize, poster: &Executed) -> Result<(), Problem> {
        self.post(1 << semaphore, poster.engine, poster.number, poster.clock)
    }

    fn post(&mut self, mask: u16, engine: usize, number: u32, clock: Clock) -> Result<(), Problem> {
        for index in bits(mask) {
            self.touched[index] = self.step;
            self.semaphores[index].post(engine, number, clock)?;
        }
        Ok(())
    }

    /// Control posts.
    pub(crate) fn signal(&mut self, mask: u16) -> Result<(), Problem> {
        self.step += 1;
        self.known[CONTROL][CONTROL] += 1;
        let clock = self.known[CONTROL];
        self.post(mask, CONTROL, clock[CONTROL], clock)?;
        self.settle()
    }

    /// Control waits for everybody.
    pub(crate) fn sync(&mut self) -> Result<(), Problem> {
        if self.pending.iter().any(|queue| !queue.is_empty()) {
            return Err(Problem::Deadlock);
        }
        for engine in 0..5 {
            self.known[CONTROL][engine] = self.known[engine][engine];
        }
        self.accesses.clear();
        Ok(())
    }

    /// Control issues an instruction.
    pub(crate) fn issue(
        &mut self,
        engine: Engine,
        (wait, post): (u16, u16),
        footprint: Rc<Footprint>,
    ) -> Result<(), Problem> {
        let clock = self.known[CONTROL];
        let queue = &mut self.pending[engine as usize];
        // One may have started and wait for nothing. With more than the queue takes, control waits.
        if queue.len() >= self.queue_entries {
            return Err(Problem::Deadlock);
        }
        queue.push_back(Pending { wait, post, clock, footprint });
        // No later post may take these for free.
        bits(wait).for_each(|index| self.touched[index] = self.step);
        self.settle()
    }

    /// Executes what can be executed.
    fn settle(&mut self) -> Result<(), Problem> {
        loop {
            let mut is_done = true;
            for engine in 1..5 {
                while let Some(head) = self.pending[engine].front() {
                    if bits(head.wait).any(|index| self.semaphores[index].count() == 0) {
                        break;
                    }
                    let head = head.clone();
                    self.pending[engine].pop_front();
                    self.execute(engine, head)?;
                    is_done = false;
                }
            }
            if is_done {
                return Ok(());
            }
        }
    }

    fn execute(&mut self, engine: usize, entry: Pending) -> Result<(), Problem> {
        self.step += 1;
        let mut clock = self.known[engine];
        learn(&mut clock, &entry.clock);
        let number = clock[engine] + 1;
        let before = clock;
        for index in bits(entry.wait) {
            self.touched[index] = self.step;
            let learned = self.semaphores[index].wait(engine, number, &before)?;
            learn(&mut clock, &learned);
        }
        if self.unknown(engine, &entry.footprint, &clock) != Clock::default() {
            return Err(Problem::Race);
        }
        if entry.footprint.reads_table && !self.has_table {
            return Err(Problem::Hazard);
        }
        self.has_table |= engine == VECTOR && entry.footprint.writes_table;
        clock[engine] = number;
        self.known[engine] = clock;
        self.last[engine] = Some(Executed { engine, number, clock, step: self.step });
        self.accesses.push(Access { engine, number, footprint: entry.footprint });
        self.post(entry.post, engine, number, clock)
    }
}
