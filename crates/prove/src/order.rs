//! What comes before what, whatever the timing.
//!
//! Engines start and commit in order, and control issues in order into queues of a known depth. Between two
//! `sync`s one engine takes from a semaphore, so that there is never a choice who gets a token. Its posts
//! come one after another, whoever makes them. Then the k-th take meets the k-th post in every run. Suppose
//! that some take, the first to do so, went before its post: then a later post would have gone before an
//! earlier one. But these are put in order by what went before.
//!
//! So it does not depend on time which instruction waits for which, and a program that can be run to its end
//! in one order can be run in any. What an instruction knows to have committed is a vector clock (Mattern,
//! "Virtual time and global states of distributed systems", 1989) that is the same in every run.

use std::collections::VecDeque;

use ediacara_isa::Engine;

use crate::access::Accesses;

/// Engines with a queue.
pub(crate) const ENGINES: usize = 4;
/// An instruction's place among its engine's, from 1.
pub(crate) type Number = u32;
/// By engine, the last instruction that is known to have committed, and all before it with it.
pub(crate) type Clock = [Number; ENGINES];

/// The engines with a queue, by their index in clocks.
pub(crate) const QUEUED: [Engine; ENGINES] = [Engine::Load, Engine::Matrix, Engine::Vector, Engine::Store];

/// Semaphores of a core.
pub(crate) const SEMAPHORES: usize = 16;
/// The largest value of a counter.
const MAXIMUM: usize = 255;

/// The index of an engine that has a queue.
pub(crate) fn engine_index(engine: Engine) -> Option<usize> {
    QUEUED.iter().position(|&queued| queued == engine)
}

/// An instruction in a queue.
#[derive(Debug)]
pub(crate) struct Queued {
    /// Its index into the code.
    pub(crate) index: u64,
    pub(crate) wait: u16,
    pub(crate) post: u16,
    pub(crate) accesses: Accesses,
    /// What control knew when it issued it.
    issued: Known,
}

/// What control knows: commits that it has seen at `sync`s, and starts that it knows of since queues had
/// room.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    committed: Clock,
    started: Clock,
    /// Its own signals so far.
    signals: u64,
}

/// A party that posts or takes, and how often it had done so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Party {
    Control(u64),
    Engine(usize, Number),
}

impl Party {
    fn name(self) -> &'static str {
        match self {
            Party::Control(_) => "control",
            Party::Engine(engine, _) => QUEUED[engine].name(),
        }
    }

    /// Whether it comes before an instruction that knows this.
    fn precedes(self, known: &Known) -> bool {
        match self {
            Party::Control(signal) => signal <= known.signals,
            Party::Engine(engine, number) => number <= known.committed[engine],
        }
    }
}

#[derive(Debug, Default)]
struct Semaphore {
    /// What each post tells its taker, and the index of the instruction that posted, oldest first.
    tokens: VecDeque<(Clock, u64)>,
    /// Posts and takes in all.
    counts: [u64; 2],
    /// The party that posted last.
    poster: Option<Party>,
    /// The engine that takes since the last `sync`.
    taker: Option<usize>,
    /// Its value at the last `sync`, plus the posts since then.
    posted: usize,
    /// The instructions of the taker that took one since then, in order.
    takes: Vec<Number>,
    /// How often control has signalled in all.
    signalled: usize,
    /// Whether a problem with its parties was reported, so that nothing more is said.
    reported: bool,
}

/// What is wrong with a semaphore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SemaphoreProblem {
    Overflow(String),
    Pairing(String),
}

/// Posts of a semaphore that nothing took.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) semaphore: usize,
    /// Posts and takes of the whole program.
    pub(crate) posts: u64,
    pub(crate) takes: u64,
    /// The instructions whose posts are left, oldest first.
    pub(crate) posters: Vec<u64>,
}

/// Queues, semaphores, and what everybody knows.
#[derive(Debug)]
pub(crate) struct Order {
    queues: [VecDeque<Queued>; ENGINES],
    depth: usize,
    issued: Clock,
    /// By engine, what its next instruction knows from those before it.
    known: [Clock; ENGINES],
    control: Known,
    semaphores: [Semaphore; SEMAPHORES],
}

impl Order {
    /// Queues of `depth` entries each.
    pub(crate) fn new(depth: usize) -> Order {
        Order {
            queues: Default::default(),
            depth,
            issued: [0; ENGINES],
            known: Default::default(),
            control: Known::default(),
            semaphores: Default::default(),
        }
    }

    pub(crate) fn has_room(&self, engine: usize) -> bool {
        self.queues[engine].len() < self.depth
    }

    /// Puts an instruction into a queue that has room.
    pub(crate) fn issue(&mut self, engine: usize, index: u64, masks: (u16, u16), accesses: Accesses) {
        // Before number n enters a queue of depth q, number n - q has left it.
        self.issued[engine] += 1;
        let started = self.issued[engine].saturating_sub(self.depth as Number);
        self.control.started[engine] = self.control.started[engine].max(started);
        let (wait, post) = masks;
        self.queues[engine].push_back(Queued { index, wait, post, accesses, issued: self.control });
    }

    /// Starts the first instruction that can, if there is one.
    ///
    /// The instruction takes what it waits for, and the clock is what it knows, its own number included.
    pub(crate) fn start(&mut self) -> Option<(usize, Queued, Clock, Option<SemaphoreProblem>)> {
        let engine = (0..ENGINES).find(|&engine| {
            self.queues[engine].front().is_some_and(|head| self.missing(head.wait).next().is_none())
        })?;
        let queued = self.queues[engine].pop_front()?;
        let number = self.known[engine][engine] + 1;
        learn(&mut self.known[engine], &queued.issued.committed);
        let mut problem = None;
        for index in bits(queued.wait) {
            let semaphore = &mut self.semaphores[index];
            if let Some((token, _)) = semaphore.tokens.pop_front() {
                learn(&mut self.known[engine], &token);
            }
            semaphore.counts[1] += 1;
            semaphore.takes.push(number);
            problem = problem.or(semaphore.take(index, engine));
        }
        self.known[engine][engine] = number;
        Some((engine, queued, self.known[engine], problem))
    }

    /// Posts what an instruction posts when it commits.
    pub(crate) fn commit(
        &mut self,
        engine: usize,
        queued: &Queued,
        clock: &Clock,
    ) -> Option<SemaphoreProblem> {
        let mut known = Known { committed: *clock, ..queued.issued };
        learn(&mut known.started, clock);
        self.post(queued.post, Party::Engine(engine, clock[engine]), &known, queued.index)
    }

    /// Takes an engine to know another's instruction from now on, since the missing order was reported.
    pub(crate) fn assume(&mut self, engine: usize, other: usize, number: Number) {
        let known = &mut self.known[engine][other];
        *known = (*known).max(number);
    }

    /// Posts for control, at once.
    pub(crate) fn signal(&mut self, mask: u16, index: u64) -> Option<SemaphoreProblem> {
        self.control.signals += 1;
        for index in bits(mask) {
            self.semaphores[index].signalled += 1;
        }
        let known = self.control;
        self.post(mask, Party::Control(known.signals), &known, index)
    }

    fn post(&mut self, mask: u16, party: Party, known: &Known, instruction: u64) -> Option<SemaphoreProblem> {
        let mut problem = None;
        for index in bits(mask) {
            let semaphore = &mut self.semaphores[index];
            semaphore.tokens.push_back((known.committed, instruction));
            semaphore.counts[0] += 1;
            semaphore.posted += 1;
            // The taker may be as late as the poster allows.
            let late = semaphore.taker.map_or(0, |taker| known.started[taker]);
            let taken = semaphore.takes.partition_point(|&number| number <= late);
            let value = semaphore.posted - taken;
            if value > MAXIMUM && !semaphore.reported {
                semaphore.reported = true;
                let detail = format!("semaphore {index} can rise to {value}; its counter ends at {MAXIMUM}");
                problem = problem.or(Some(SemaphoreProblem::Overflow(detail)));
            }
            let found = semaphore.follow(index, party, known);
            problem = problem.or(found);
        }
        problem
    }

    /// Notes that every engine was seen idle.
    pub(crate) fn sync(&mut self) {
        self.control = Known { committed: self.issued, started: self.issued, ..self.control };
        for semaphore in &mut self.semaphores {
            (semaphore.poster, semaphore.taker) = (None, None);
            semaphore.posted = semaphore.tokens.len();
            semaphore.takes.clear();
        }
    }

    /// Whether all queues are empty.
    pub(crate) fn is_idle(&self) -> bool {
        self.queues.iter().all(VecDeque::is_empty)
    }

    /// The engine, the instruction's index and the missing semaphores of every head that waits.
    pub(crate) fn waiting(&self) -> Vec<(Engine, u64, Vec<usize>)> {
        let heads =
            self.queues.iter().zip(QUEUED).filter_map(|(queue, engine)| Some((queue.front()?, engine)));
        heads.map(|(head, engine)| (engine, head.index, self.missing(head.wait).collect())).collect()
    }

    /// Semaphores that hold more than control signalled.
    pub(crate) fn left(&self) -> impl Iterator<Item = Left> + '_ {
        let left = |(semaphore, state): (usize, &Semaphore)| {
            let posters = state.tokens.iter().map(|&(_, index)| index).collect();
            let [posts, takes] = state.counts;
            (state.tokens.len() > state.signalled).then_some(Left { semaphore, posts, takes, posters })
        };
        self.semaphores.iter().enumerate().filter_map(left)
    }

    fn missing(&self, mask: u16) -> impl Iterator<Item = usize> + '_ {
        bits(mask).filter(|&index| self.semaphores[index].tokens.is_empty())
    }
}

impl Semaphore {
    /// Remembers which engine takes: there is one until the next `sync`.
    fn take(&mut self, index: usize, engine: usize) -> Option<SemaphoreProblem> {
        let first = *self.taker.get_or_insert(engine);
        let detail = || {
            format!(
                "semaphore {index} is taken by the {} and the {} engine without a `sync` in between: which is first depends on timing",
                QUEUED[first], QUEUED[engine]
            )
        };
        (first != engine && !std::mem::replace(&mut self.reported, true))
            .then(|| SemaphoreProblem::Pairing(detail()))
    }

    /// Remembers who posts: it must know the party that posted before it.
    fn follow(&mut self, index: usize, party: Party, known: &Known) -> Option<SemaphoreProblem> {
        let before = self.poster.replace(party)?;
        let detail = || {
            format!(
                "semaphore {index} is posted by {} and by {} without an order between the two: which is first depends on timing",
                before.name(),
                party.name()
            )
        };
        (!before.precedes(known) && !std::mem::replace(&mut self.reported, true))
            .then(|| SemaphoreProblem::Pairing(detail()))
    }
}

fn learn(known: &mut Clock, other: &Clock) {
    for (known, other) in known.iter_mut().zip(other) {
        *known = (*known).max(*other);
    }
}

/// Indices of the set bits, ascending.
fn bits(mask: u16) -> impl Iterator<Item = usize> {
    (0..SEMAPHORES).filter(move |index| mask >> index & 1 == 1)
}
