//! What a run does, and how its environment can ask for more.

/// RTL cycles of a run of CI, over all shapes.
const CYCLES: u64 = 20_000_000;
/// The fewest programs that a run of CI must compare: a few long ones would be too much alike.
pub(crate) const LEAST_PROGRAMS: u64 = 3_500;
/// The fewest networks that a run of CI must compare.
pub(crate) const LEAST_NETWORKS: u64 = 1_500;
/// The fewest values of these networks in which host and simulator must be compared.
pub(crate) const LEAST_VALUES: usize = 1_500;
/// The fewest of these networks that must be made of motifs.
pub(crate) const LEAST_OF_MOTIFS: u64 = 150;
/// The fewest networks that must have each operator, and each kind of convolution and pool.
pub(crate) const LEAST_OF_EACH: u64 = 15;
/// The share of every shape in a hundred: small ones run faster, and each program finds as much.
const SHARES: &[(&str, u64)] =
    &[("fuzz-4x4", 36), ("fuzz-8x8", 24), ("fuzz-16x16", 10), ("fuzz-16x8", 16), ("fuzz-4x16", 14)];

/// How long, from which seed, on which shape.
pub(crate) struct Settings {
    /// RTL cycles over all shapes (`EDIACARA_FUZZ_CYCLES`).
    pub(crate) cycles: u64,
    /// Seed of the first program (`EDIACARA_FUZZ_SEED`).
    pub(crate) seed: u64,
    /// The most programs of a shape (`EDIACARA_FUZZ_PROGRAMS`).
    pub(crate) programs: u64,
    /// The only network (`EDIACARA_FUZZ_NETWORK`), by its seed.
    pub(crate) network: Option<u64>,
    /// The only shape (`EDIACARA_FUZZ_SHAPE`).
    shape: Option<String>,
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        let text = |name: &str| std::env::var(name).ok();
        let number = |name: &str| {
            text(name).map(|text| text.replace('_', "").parse().unwrap_or_else(|_| panic!("{name}={text}")))
        };
        let programs = number("EDIACARA_FUZZ_PROGRAMS");
        // A user who asks for so many programs does not ask for cycles.
        let cycles = if programs.is_some() { 0 } else { CYCLES };
        Self {
            cycles: number("EDIACARA_FUZZ_CYCLES").unwrap_or(cycles),
            seed: number("EDIACARA_FUZZ_SEED").unwrap_or(0),
            programs: programs.unwrap_or(u64::MAX),
            network: number("EDIACARA_FUZZ_NETWORK"),
            shape: text("EDIACARA_FUZZ_SHAPE"),
        }
    }

    pub(crate) fn wants(&self, shape: &str) -> bool {
        self.shape.as_deref().is_none_or(|name| name == shape)
    }

    /// Cycles to reach on a shape.
    pub(crate) fn cycles_of(&self, shape: &str) -> u64 {
        let known = SHARES.iter().find(|(name, _)| *name == shape);
        let share = if self.shape.is_some() { 100 } else { known.map_or(10, |(_, share)| *share) };
        self.cycles.saturating_mul(share).div_ceil(100)
    }

    /// Whether the run is long and wide enough to show everything that programs can do.
    pub(crate) fn is_whole(&self) -> bool {
        self.shape.is_none() && self.network.is_none() && self.programs == u64::MAX && self.cycles >= CYCLES
    }
}

#[test]
fn shares_are_a_hundred_and_name_every_shape() {
    assert_eq!(SHARES.iter().map(|(_, share)| share).sum::<u64>(), 100);
    let names: Vec<_> = ediacara_fuzzgen::shapes().into_iter().map(|shape| shape.name).collect();
    assert_eq!(SHARES.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
}
