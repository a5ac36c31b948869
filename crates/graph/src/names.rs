//! Which value of a graph has a name, without a second copy of the names.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use crate::Value;

/// A table over the names of an arena of values.
///
/// Each method takes the arena. A value's name may change only between its removal and its next insertion.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// Positions in the arena, by the hash of the name there.
    positions: HashTable<u32>,
    hasher: RandomState,
}

impl Names {
    /// The position of the value of that name.
    pub(crate) fn find(&self, name: &str, values: &[Value]) -> Option<usize> {
        let is_it = |&position: &u32| values[position as usize].name == name;
        self.positions.find(self.hash(name), is_it).map(|&position| position as usize)
    }

    /// Registers the name of the value at `position`, which no other registered value has.
    pub(crate) fn insert(&mut self, position: usize, values: &[Value]) {
        let hash = self.hash(&values[position].name);
        let hasher = &self.hasher;
        let hash_at = |&position: &u32| hasher.hash_one(values[position as usize].name.as_str());
        self.positions.insert_unique(hash, position as u32, hash_at);
    }

    /// Forgets the name of the value at `position`.
    pub(crate) fn remove(&mut self, position: usize, values: &[Value]) {
        let hash = self.hash(&values[position].name);
        if let Ok(found) = self.positions.find_entry(hash, |&other| other as usize == position) {
            found.remove();
        }
    }

    fn hash(&self, name: &str) -> u64 {
        self.hasher.hash_one(name)
    }
}
