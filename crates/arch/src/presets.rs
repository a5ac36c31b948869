//! The machines that come with the tools, one file each in `machines/`.

/// Names of the presets: ours, smallest first, then those modelled on published machines.
pub(crate) const NAMES: [&str; 5] = ["dlp4", "dlp8", "dlp16", "dlp32", "gemmini16"];

/// The description of a preset.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    match name {
        "dlp4" => Some(include_str!("../machines/dlp4.toml")),
        "dlp8" => Some(include_str!("../machines/dlp8.toml")),
        "dlp16" => Some(include_str!("../machines/dlp16.toml")),
        "dlp32" => Some(include_str!("../machines/dlp32.toml")),
        "gemmini16" => Some(include_str!("../machines/gemmini16.toml")),
        _ => None,
    }
}
