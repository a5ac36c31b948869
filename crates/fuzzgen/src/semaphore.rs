//! What a wait on a semaphore tells, whatever the pace of the engines.
//!
//! A token carries no name, so that it may depend on time which post a wait takes. A program may rest on what
//! holds for every pace:
//!
//! - While the posts are ordered one after the other, a wait that has k waits before it in order takes its
//!   token after the first k + 1 posts.
//! - Where posts are not ordered, only the wait that takes the last token, after all others, knows them all.
//!   That holds only if no later post can come earlier, which is looked at when there is one.

use crate::footprint::Problem;

/// For every engine, in the order of the table, how many of its instructions are known to have committed.
///
/// Control counts its signals.
pub(crate) type Clock = [u32; 5];

/// Who did something: an engine and the number of its instruction.
type Doer = (usize, u32);

/// One of the sixteen semaphores.
#[derive(Debug, Clone, Default)]
pub(crate) struct Semaphore {
    posts: Vec<(Doer, Clock)>,
    waits: Vec<Doer>,
    /// Whether the posts are not ordered one after the other.
    gathers: bool,
    /// Whether a wait that knows all posts took the last token.
    closed: bool,
}

/// The most tokens that a semaphore holds.
const MOST: usize = 255;

fn knows(clock: &Clock, (engine, number): Doer) -> bool {
    clock[engine] >= number
}

impl Semaphore {
    /// Tokens that are there.
    pub(crate) fn count(&self) -> usize {
        self.posts.len() - self.waits.len()
    }

    /// Adds a post by instruction `number` of `engine`, which commits knowing `clock`, itself included.
    pub(crate) fn post(&mut self, engine: usize, number: u32, clock: Clock) -> Result<(), Problem> {
        let taken = self.waits.iter().filter(|wait| knows(&clock, **wait)).count();
        if self.posts.len() + 1 - taken > MOST {
            return Err(Problem::Ambiguous);
        }
        let follows = self.posts.last().is_none_or(|(last, _)| knows(&clock, *last));
        let after_all = self.count() == 0 && taken == self.waits.len();
        if self.closed || !follows {
            if after_all {
                *self = Self::default();
            } else if self.closed || (!self.waits.is_empty() && !self.gathers) {
                return Err(Problem::Ambiguous);
            } else {
                self.gathers = true;
            }
        }
        self.posts.push(((engine, number), clock));
        Ok(())
    }

    /// Adds a wait by instruction `number` of `engine`, which starts knowing `clock`, and returns what it
    /// learns.
    pub(crate) fn wait(&mut self, engine: usize, number: u32, clock: &Clock) -> Result<Clock, Problem> {
        if self.count() == 0 {
            return Err(Problem::Deadlock);
        }
        let before = self.waits.iter().filter(|wait| wait.0 == engine || knows(clock, **wait)).count();
        let all = before == self.waits.len();
        self.waits.push((engine, number));
        if !self.gathers {
            return Ok(self.posts[before].1);
        }
        if self.count() > 0 || !all {
            return Ok(Clock::default());
        }
        self.closed = true;
        let mut learned = Clock::default();
        self.posts.iter().for_each(|(_, clock)| learn(&mut learned, clock));
        Ok(learned)
    }
}

/// Adds what `other` knows.
pub(crate) fn learn(clock: &mut Clock, other: &Clock) {
    clock.iter_mut().zip(other).for_each(|(known, other)| *known = (*known).max(*other));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordered_posts_pass_in_order() {
        let mut semaphore = Semaphore::default();
        semaphore.post(1, 1, [0, 1, 0, 0, 0]).unwrap();
        semaphore.post(1, 2, [0, 2, 0, 0, 0]).unwrap();
        assert_eq!(semaphore.wait(3, 1, &[0; 5]), Ok([0, 1, 0, 0, 0]));
        // Another engine may have come first, so that it can only be sure of the first post.
        assert_eq!(semaphore.wait(2, 1, &[0; 5]), Ok([0, 1, 0, 0, 0]));
        assert_eq!(semaphore.wait(2, 2, &[0; 5]), Err(Problem::Deadlock));
    }

    #[test]
    fn the_last_of_a_gathering_knows_all() {
        let mut semaphore = Semaphore::default();
        semaphore.post(1, 1, [0, 1, 0, 0, 0]).unwrap();
        semaphore.post(2, 1, [0, 0, 1, 0, 0]).unwrap();
        assert_eq!(semaphore.wait(3, 1, &[0; 5]), Ok([0; 5]));
        assert_eq!(semaphore.wait(3, 2, &[0; 5]), Ok([0, 1, 1, 0, 0]));
        // One of them could have taken a post that may have come before.
        assert_eq!(semaphore.clone().post(1, 2, [0, 2, 0, 0, 0]), Err(Problem::Ambiguous));
        assert_eq!(semaphore.post(1, 2, [0, 2, 0, 2, 0]), Ok(()));
    }

    #[test]
    fn a_stranger_may_post_when_all_is_taken_and_known() {
        let mut semaphore = Semaphore::default();
        semaphore.post(1, 1, [0, 1, 0, 0, 0]).unwrap();
        semaphore.wait(3, 1, &[0; 5]).unwrap();
        assert_eq!(semaphore.clone().post(2, 1, [0, 0, 1, 0, 0]), Err(Problem::Ambiguous));
        assert_eq!(semaphore.post(2, 1, [0, 0, 1, 1, 0]), Ok(()));
        assert_eq!(semaphore.count(), 1);
    }

    #[test]
    fn at_most_255() {
        let mut semaphore = Semaphore::default();
        for number in 1..=255 {
            semaphore.post(1, number, [0, number, 0, 0, 0]).unwrap();
        }
        assert_eq!(semaphore.post(1, 256, [0, 256, 0, 0, 0]), Err(Problem::Ambiguous));
    }
}
