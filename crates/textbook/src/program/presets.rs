//! Machines and programs that come with the tools, one file each in `machines/` and `programs/`.

/// Name and text of each machine.
const MACHINES: [(&str, &str); 2] = [
    ("book_core", include_str!("../../machines/book_core.toml")),
    ("book_cluster", include_str!("../../machines/book_cluster.toml")),
];

/// A program that comes with the tools: its name, and what it computes.
pub const PROGRAMS: [(&str, &str); 7] = [
    ("fc_1x256x1", "fully connected, 1 x 256 by 256 x 1"),
    ("fc_32x256x128", "fully connected, 32 x 256 by 256 x 128"),
    ("fc_1024x256x128", "fully connected, 1024 x 256 by 256 x 128"),
    ("fc_1024x256x128_compressed", "the same, compressed in DRAM, dense in the unit"),
    ("fc_1024x256x128_zero_skipping", "the same, compressed in DRAM, zeros skipped in the unit"),
    ("fc_32x256x128_cluster", "fully connected, 32 x 256 by 256 x 128, four cores"),
    ("fc_1024x256x2048_cluster", "fully connected, 1024 x 256 by 256 x 2048, four cores"),
];

pub(super) fn machine_names() -> impl Iterator<Item = &'static str> {
    MACHINES.iter().map(|(name, _)| *name)
}

pub(super) fn machine_text(name: &str) -> Option<&'static str> {
    MACHINES.iter().find(|(preset, _)| *preset == name).map(|(_, text)| *text)
}

/// The text of the program called `name`.
pub fn program_text(name: &str) -> Option<&'static str> {
    Some(match name {
        "fc_1x256x1" => include_str!("../../programs/fc_1x256x1.dlpa"),
        "fc_32x256x128" => include_str!("../../programs/fc_32x256x128.dlpa"),
        "fc_1024x256x128" => include_str!("../../programs/fc_1024x256x128.dlpa"),
        "fc_1024x256x128_compressed" => include_str!("../../programs/fc_1024x256x128_compressed.dlpa"),
        "fc_1024x256x128_zero_skipping" => include_str!("../../programs/fc_1024x256x128_zero_skipping.dlpa"),
        "fc_32x256x128_cluster" => include_str!("../../programs/fc_32x256x128_cluster.dlpa"),
        "fc_1024x256x2048_cluster" => include_str!("../../programs/fc_1024x256x2048_cluster.dlpa"),
        _ => return None,
    })
}
