//! Sets that grow together, as a forest.

/// The sets that numbers from 0 on belong to, each at first alone in its own.
#[derive(Debug, Clone)]
pub(crate) struct Forest {
    parents: Vec<usize>,
}

impl Forest {
    pub(crate) fn new(count: usize) -> Forest {
        Forest { parents: (0..count).collect() }
    }

    /// The number that stands for the set of `index`; the paths are made shorter on the way.
    pub(crate) fn root(&mut self, mut index: usize) -> usize {
        while self.parents[index] != index {
            self.parents[index] = self.parents[self.parents[index]];
            index = self.parents[index];
        }
        index
    }

    /// Makes one set of two; the smaller of their roots stands for it.
    pub(crate) fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.parents[one.max(other)] = one.min(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_joined_by_way_of_others() {
        let mut forest = Forest::new(6);
        forest.join(4, 5);
        forest.join(2, 3);
        forest.join(5, 3);
        let roots: Vec<usize> = (0..6).map(|index| forest.root(index)).collect();
        assert_eq!(roots, [0, 1, 2, 2, 2, 2]);
    }
}
