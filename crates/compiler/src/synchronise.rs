//! Waits and posts: who must have finished before whom may start.
//!
//! The engines run their steps in order and beside one another. For every step this pass finds, on each
//! other engine, the last earlier step in program order that touches the same bytes while one of the two
//! writes, and makes the step wait for it. What is known already is dropped: an engine that waited for a
//! step knows that everything before it on that engine, and everything which that step had waited for, is
//! done.
//!
//! Each ordered pair of engines has a semaphore of its own. Along a pair, waits are for ever later steps,
//! so the k-th wait takes the k-th post.

use crate::program::region::Access;
use crate::program::step::{Engine, Step};

/// Engines that run steps.
const ENGINES: usize = Engine::ALL.len();
/// The largest value of a semaphore.
const SEMAPHORE_LIMIT: usize = 255;

/// A step with its masks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ordered {
    /// The step.
    pub step: Step,
    /// Semaphores it takes one from before it starts.
    pub wait: u16,
    /// Semaphores it adds one to when it commits.
    pub post: u16,
}

/// The semaphore on which `to` waits for `from`.
pub fn semaphore(from: Engine, to: Engine) -> u8 {
    let (from, to) = (from.index(), to.index());
    (from * (ENGINES - 1) + if to < from { to } else { to - 1 }) as u8
}

/// How many steps of each engine are known to be complete.
type Clock = [usize; ENGINES];

/// Per pair of engines, whether a wait is for the engine's latest step rather than for the latest that
/// matters.
type Eager = [[bool; ENGINES]; ENGINES];

struct Seen {
    /// Index among all steps.
    index: usize,
    access: Access,
    /// What was known complete when it started.
    clock: Clock,
}

fn conflict(earlier: &Access, later: &Access) -> bool {
    let meets = |left: &[crate::program::region::Region], right: &[crate::program::region::Region]| {
        left.iter().any(|l| right.iter().any(|r| l.overlaps(r)))
    };
    meets(&earlier.writes, &later.reads)
        || meets(&earlier.writes, &later.writes)
        || meets(&earlier.reads, &later.writes)
}

fn merge(clock: &mut Clock, other: &Clock) {
    for (mine, theirs) in clock.iter_mut().zip(other) {
        *mine = (*mine).max(*theirs);
    }
}

/// The steps of a program with waits and posts; `queue_entries` bounds how far control runs ahead of an
/// engine.
pub fn synchronise(steps: &[Step], queue_entries: usize) -> Vec<Ordered> {
    let mut eager = Eager::default();
    loop {
        let ordered = order(steps, &eager);
        let crowded = crowded_pairs(&ordered, queue_entries);
        if crowded.is_empty() {
            return ordered;
        }
        for (from, to) in crowded {
            eager[from][to] = true;
        }
    }
}

fn order(steps: &[Step], eager: &Eager) -> Vec<Ordered> {
    let mut ordered: Vec<Ordered> = steps.iter().map(|&step| Ordered { step, wait: 0, post: 0 }).collect();
    let mut seen: [Vec<Seen>; ENGINES] = Default::default();
    let mut known = [Clock::default(); ENGINES];
    for (index, step) in steps.iter().enumerate() {
        let engine = step.engine().index();
        let access = step.access();
        let mut clock = known[engine];
        for (from, ordinal) in needed(&seen, engine, &clock, &access, &eager.map(|row| row[engine])) {
            let other = &seen[from][ordinal];
            let bit = 1 << semaphore(Engine::ALL[from], Engine::ALL[engine]);
            ordered[index].wait |= bit;
            ordered[other.index].post |= bit;
            merge(&mut clock, &other.clock);
            clock[from] = clock[from].max(ordinal + 1);
        }
        known[engine] = clock;
        // The engine's own steps before this one are done when this one is.
        clock[engine] = seen[engine].len();
        seen[engine].push(Seen { index, access, clock });
    }
    ordered
}

/// The steps (engine, ordinal) to wait for, none of which is implied by another.
fn needed(
    seen: &[Vec<Seen>; ENGINES],
    engine: usize,
    clock: &Clock,
    access: &Access,
    eager: &[bool; ENGINES],
) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for from in (0..ENGINES).filter(|&from| from != engine) {
        let last = (clock[from]..seen[from].len()).rev().find(|&at| conflict(&seen[from][at].access, access));
        if let Some(at) = last {
            found.push((from, if eager[from] { seen[from].len() - 1 } else { at }));
        }
    }
    let implied = |&(from, at): &(usize, usize)| {
        found.iter().any(|&(other, other_at)| other != from && seen[other][other_at].clock[from] > at)
    };
    found.iter().copied().filter(|wait| !implied(wait)).collect()
}

/// Pairs of engines whose semaphore might count beyond its limit: control may issue posts up to the
/// instruction that finds the waiting engine's queue full.
fn crowded_pairs(ordered: &[Ordered], queue_entries: usize) -> Vec<(usize, usize)> {
    let mut positions: [Vec<usize>; ENGINES] = Default::default();
    for (index, entry) in ordered.iter().enumerate() {
        positions[entry.step.engine().index()].push(index);
    }
    let mut crowded = Vec::new();
    for from in 0..ENGINES {
        for to in (0..ENGINES).filter(|&to| to != from) {
            let bit = 1 << semaphore(Engine::ALL[from], Engine::ALL[to]);
            let posts: Vec<usize> =
                positions[from].iter().copied().filter(|&at| ordered[at].post & bit != 0).collect();
            let mut taken = 0;
            for (ordinal, &at) in positions[to].iter().enumerate() {
                if ordered[at].wait & bit == 0 {
                    continue;
                }
                let horizon = positions[to].get(ordinal + queue_entries).copied().unwrap_or(usize::MAX);
                if posts.partition_point(|&post| post < horizon) - taken > SEMAPHORE_LIMIT {
                    crowded.push((from, to));
                    break;
                }
                taken += 1;
            }
        }
    }
    crowded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::step::{Transfer, Work};
    use crate::program::vector::Vector;
    use ediacara_isa::{Memory, VectorOperation};

    fn load(dram: u64, chip: u64) -> Step {
        Step { work: Work::Load(Transfer::row(Memory::Nram, dram, chip, 16)), layer: 0, tile: None }
    }

    fn store(chip: u64, dram: u64) -> Step {
        Step { work: Work::Store(Transfer::row(Memory::Nram, dram, chip, 16)), layer: 0, tile: None }
    }

    fn copy(a: u64, d: u64) -> Step {
        Step {
            work: Work::Vector(Vector { a, ..Vector::new(VectorOperation::Copy, d, 16) }),
            layer: 0,
            tile: None,
        }
    }

    fn masks(steps: &[Step]) -> Vec<(u16, u16)> {
        synchronise(steps, 16).iter().map(|o| (o.wait, o.post)).collect()
    }

    const LOAD_VECTOR: u16 = 1 << 1;
    const VECTOR_STORE: u16 = 1 << 8;

    #[test]
    fn every_pair_has_its_own_semaphore() {
        let mut used = std::collections::HashSet::new();
        for from in Engine::ALL {
            for to in Engine::ALL.into_iter().filter(|&to| to != from) {
                assert!(semaphore(from, to) < 12 && used.insert(semaphore(from, to)));
            }
        }
    }

    #[test]
    fn a_chain_waits_link_by_link() {
        let steps = [load(0x1000, 0), copy(0, 16), store(16, 0x2000)];
        assert_eq!(masks(&steps), [(0, LOAD_VECTOR), (LOAD_VECTOR, VECTOR_STORE), (VECTOR_STORE, 0)]);
    }

    #[test]
    fn what_is_implied_is_dropped() {
        // The store overwrites what the load read, but the vector step it waits for had waited for the load.
        let steps = [load(0x1000, 0), copy(0, 16), store(16, 0x1000)];
        assert_eq!(masks(&steps)[2], (VECTOR_STORE, 0));
    }

    #[test]
    fn semaphores_never_count_beyond_their_limit() {
        let mut steps = Vec::new();
        for i in 0..400 {
            steps.push(load(0x1000, i * 16));
        }
        for i in 0..400 {
            steps.push(copy(i * 16, 0x10_0000));
        }
        let ordered = synchronise(&steps, 16);
        assert!(crowded_pairs(&ordered, 16).is_empty());
        let waits = ordered.iter().filter(|o| o.wait != 0).count();
        assert_eq!(waits, ordered.iter().filter(|o| o.post != 0).count());
        assert!(waits < 400);
    }
}
