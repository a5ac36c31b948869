//! Which bytes a step touches, precisely enough that two steps that do not meet are not ordered.

use std::fmt;

use ediacara_isa::Memory;
use smallvec::SmallVec;

/// `count` repetitions at a distance of `stride`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dimension {
    /// Units from one repetition to the next.
    pub stride: u64,
    /// Repetitions, at least 2 in a region.
    pub count: u64,
}

/// A run of `length` units, repeated along up to three dimensions, in one memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// The memory.
    pub memory: Memory,
    /// First unit.
    pub start: u64,
    /// Units in one run.
    pub length: u64,
    /// Repetitions; a count of 1 stands for none.
    pub dimensions: [Dimension; 3],
}

impl Region {
    /// One run.
    pub fn run(memory: Memory, start: u64, length: u64) -> Region {
        Region { memory, start, length, dimensions: [Dimension { stride: 0, count: 1 }; 3] }
    }

    /// A run repeated along dimensions; those without extent are dropped, those that join up with the run
    /// are merged.
    pub fn strided(memory: Memory, start: u64, length: u64, dimensions: &[Dimension]) -> Region {
        let mut region = Region::run(memory, start, length);
        let mut used = 0;
        for &dimension in dimensions {
            if dimension.count <= 1 || dimension.stride == 0 {
                continue;
            }
            // Overlapping or touching repetitions with nothing between are one longer run.
            if used == 0 && dimension.stride <= region.length {
                region.length += (dimension.count - 1) * dimension.stride;
                continue;
            }
            region.dimensions[used] = dimension;
            used += 1;
        }
        region
    }

    /// One past the last unit.
    pub fn end(&self) -> u64 {
        self.start + self.extent(u64::MAX)
    }

    /// Units spanned by the run and those dimensions whose stride is not a multiple of `modulus`.
    fn extent(&self, modulus: u64) -> u64 {
        let inner = self.dimensions.iter().filter(|d| d.count > 1 && !d.stride.is_multiple_of(modulus));
        self.length + inner.map(|d| (d.count - 1) * d.stride).sum::<u64>()
    }

    /// Whether the two may share a unit: never a false "no"; a false "yes" only for patterns that are not
    /// boxes of one common tensor.
    pub fn overlaps(&self, other: &Region) -> bool {
        if self.memory != other.memory || self.end() <= other.start || other.end() <= self.start {
            return false;
        }
        let strides = self.dimensions.iter().chain(&other.dimensions).filter(|d| d.count > 1);
        let moduli: SmallVec<[u64; 6]> = strides.map(|d| d.stride).collect();
        // Seen modulo a pitch, boxes of disjoint channels (or columns) lie in disjoint ranges of the pitch.
        !moduli.iter().any(|&modulus| disjoint_modulo(self, other, modulus))
    }
}

fn disjoint_modulo(left: &Region, right: &Region, modulus: u64) -> bool {
    let (left_extent, right_extent) = (left.extent(modulus), right.extent(modulus));
    if left_extent + right_extent > modulus {
        return false;
    }
    // Distance from the left's start to the right's, going upwards around the circle of residues.
    let distance = (right.start % modulus + modulus - left.start % modulus) % modulus;
    distance >= left_extent && distance + right_extent <= modulus
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{:#x}+{}", self.memory.name(), self.start, self.length)?;
        for dimension in self.dimensions.iter().filter(|d| d.count > 1) {
            write!(f, " {}x{}", dimension.count, dimension.stride)?;
        }
        f.write_str("]")
    }
}

/// The regions that a step reads and the one that it writes.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Read.
    pub reads: SmallVec<[Region; 4]>,
    /// Written.
    pub writes: SmallVec<[Region; 1]>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn units(region: &Region) -> HashSet<u64> {
        let [a, b, c] = region.dimensions;
        let mut set = HashSet::new();
        for k in 0..c.count {
            for j in 0..b.count {
                for i in 0..a.count {
                    let start = region.start + i * a.stride + j * b.stride + k * c.stride;
                    set.extend(start..start + region.length);
                }
            }
        }
        set
    }

    fn dimension(stride: u64, count: u64) -> Dimension {
        Dimension { stride, count }
    }

    #[test]
    fn channel_ranges_of_one_tensor_do_not_meet() {
        let pitch = [dimension(64, 7), dimension(448, 5)];
        let left = Region::strided(Memory::Dram, 0x100, 16, &pitch);
        let right = Region::strided(Memory::Dram, 0x110, 48, &pitch);
        assert!(!left.overlaps(&right));
        assert!(left.overlaps(&Region::strided(Memory::Dram, 0x10f, 48, &pitch)));
        assert!(left.overlaps(&Region::run(Memory::Dram, 0x100 + 64, 1)));
    }

    #[test]
    fn column_ranges_do_not_meet() {
        let left = Region::strided(Memory::Nram, 0, 8, &[dimension(16, 3), dimension(160, 4)]);
        let right = Region::strided(Memory::Nram, 48, 8, &[dimension(16, 4), dimension(160, 4)]);
        assert!(!left.overlaps(&right));
    }

    #[test]
    fn a_disjoint_answer_is_always_right() {
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut disjoint = 0;
        for _ in 0..20_000 {
            let mut make = || {
                let dims = [
                    dimension(random(40), 1 + random(4)),
                    dimension(random(90), 1 + random(4)),
                    dimension(random(200), 1 + random(3)),
                ];
                Region::strided(Memory::Nram, random(100), 1 + random(20), &dims)
            };
            let (left, right) = (make(), make());
            if !left.overlaps(&right) {
                disjoint += 1;
                assert!(units(&left).is_disjoint(&units(&right)), "{left} and {right}");
            }
        }
        assert!(disjoint > 1000);
    }
}
