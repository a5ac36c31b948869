//! Places on chip: rings of slots, and slots that remember what they hold.
//!
//! A layer claims all its slots of one memory at once. Claims go around the memory, so that a layer's first
//! slots are those that have been idle longest, and its loads can start while the layer before it still
//! computes. Nothing is ever waited for here: who must wait for whom follows later, from the regions that
//! steps touch.

use crate::tile::claim::Claim;

/// What a slot holds; the meaning of the numbers is the lowering's.
pub(crate) type Key = [u32; 4];

/// Claims slots around one memory.
#[derive(Debug, Clone)]
pub(crate) struct Ring {
    size: u64,
    cursor: u64,
}

impl Ring {
    /// A ring over a memory of `size` units.
    pub(crate) fn new(size: u64) -> Ring {
        Ring { size, cursor: 0 }
    }

    /// Leaves the first `size` units to claims.
    pub(crate) fn limit(&mut self, size: u64) {
        self.size = size;
    }

    /// Slots for all `claims`, none of which overlap; nothing if they do not fit.
    pub(crate) fn claim<const N: usize>(&mut self, claims: [Claim; N]) -> Option<[Pool; N]> {
        let start = self.cursor.min(self.size);
        let (pools, cursor) = self.place(claims, start).or_else(|| self.place(claims, 0))?;
        self.cursor = cursor;
        Some(pools)
    }

    fn place<const N: usize>(&self, claims: [Claim; N], start: u64) -> Option<([Pool; N], u64)> {
        let (mut cursor, mut wrapped) = (start, false);
        let mut pools = [(); N].map(|()| Pool::default());
        for (pool, claim) in pools.iter_mut().zip(claims) {
            let mut bases = Vec::new();
            for _ in 0..claim.count {
                let mut base = cursor.next_multiple_of(claim.alignment);
                if base + claim.size > self.size && !wrapped {
                    (base, wrapped) = (0, true);
                }
                let end = base + claim.size;
                if end > if wrapped { start } else { self.size } {
                    return None;
                }
                bases.push(base);
                cursor = end;
            }
            *pool = Pool::new(claim.size, bases);
        }
        Some((pools, cursor))
    }
}

/// Slots of one size; the least recently used is given away first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool {
    slots: Vec<Slot>,
    size: u64,
    clock: u64,
}

#[derive(Debug, Clone)]
struct Slot {
    base: u64,
    key: Option<Key>,
    used: u64,
    note: Option<Key>,
}

impl Pool {
    /// Slots one after the other from `start`, as many as a claim asks for.
    pub(crate) fn at(start: u64, claim: &Claim) -> Pool {
        let pitch = claim.size.next_multiple_of(claim.alignment);
        Pool::new(claim.size, (0..claim.count).map(|slot| start + slot * pitch).collect())
    }

    fn new(size: u64, bases: Vec<u64>) -> Pool {
        let slots = bases.into_iter().map(|base| Slot { base, key: None, used: 0, note: None });
        Pool { slots: slots.collect(), size, clock: 0 }
    }

    /// The slot that holds `key`, and whether it held it before; the least recently used one takes it
    /// otherwise.
    pub(crate) fn take(&mut self, key: Key) -> (usize, bool) {
        self.clock += 1;
        let held = self.slots.iter().position(|slot| slot.key == Some(key));
        let index = held.unwrap_or_else(|| {
            let oldest = self.slots.iter().enumerate().min_by_key(|(_, slot)| slot.used);
            oldest.map_or(0, |(index, _)| index)
        });
        let slot = &mut self.slots[index];
        slot.key = Some(key);
        slot.used = self.clock;
        (index, held.is_some())
    }

    /// The next slot in turn, whatever it held.
    pub(crate) fn next(&mut self) -> u64 {
        self.clock += 1;
        let key = [u32::MAX, u32::MAX, (self.clock >> 32) as u32, self.clock as u32];
        let (index, _) = self.take(key);
        self.base(index)
    }

    /// Slots.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Units of a slot.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Address of a slot.
    pub(crate) fn base(&self, index: usize) -> u64 {
        self.slots[index].base
    }

    /// What the lowering noted about a slot's frame.
    pub(crate) fn note(&self, index: usize) -> Option<Key> {
        self.slots[index].note
    }

    /// Notes something about a slot.
    pub(crate) fn set_note(&mut self, index: usize, note: Option<Key>) {
        self.slots[index].note = note;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bases(pool: &Pool) -> Vec<u64> {
        pool.slots.iter().map(|slot| slot.base).collect()
    }

    #[test]
    fn claims_go_around() {
        let mut ring = Ring::new(100);
        let [long, short] = ring.claim([Claim::new(20, 2, 1), Claim::new(10, 1, 1)]).unwrap();
        assert_eq!((bases(&long), bases(&short)), (vec![0, 20], vec![40]));
        let [pool] = ring.claim([Claim::new(30, 2, 1)]).unwrap();
        assert_eq!(bases(&pool), vec![50, 0]);
        // 30..50 and 80..100 would fit singly, but a claim is contiguous around the ring.
        let [pool] = ring.claim([Claim::new(50, 2, 1)]).unwrap();
        assert_eq!(bases(&pool), vec![0, 50]);
        assert!(ring.claim([Claim::new(51, 2, 1)]).is_none());
    }

    #[test]
    fn the_least_recently_used_slot_goes_first() {
        let mut ring = Ring::new(30);
        let [mut pool] = ring.claim([Claim::new(10, 3, 1)]).unwrap();
        let key = |i: u32| [i, 0, 0, 0];
        assert_eq!(pool.take(key(1)), (0, false));
        assert_eq!(pool.take(key(2)), (1, false));
        assert_eq!(pool.take(key(1)), (0, true));
        assert_eq!(pool.take(key(3)), (2, false));
        assert_eq!(pool.take(key(4)), (1, false));
    }
}
