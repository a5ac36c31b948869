//! The machines that come with the tools, one file each in `machines/`.

/// Names of the presets: ours, smallest first, then those modelled on published ones.
pub(crate) const NAMES: [&str; 7] = ["dlp4", "dlp8", "dlp16", "dlp16f", "dlp32", "gemmini16", "textbook1"];

/// The description of a preset.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    match name {
        "dlp4" => Some(include_str!("../machines/dlp4.toml")),
        "dlp8" => Some(include_str!("../machines/dlp8.toml")),
        "dlp16" => Some(include_str!("../machines/dlp16.toml")),
        "dlp16f" => Some(include_str!("../machines/dlp16f.toml")),
        "dlp32" => Some(include_str!("../machines/dlp32.toml")),
        "gemmini16" => Some(include_str!("../machines/gemmini16.toml")),
        "textbook1" => Some(include_str!("../machines/textbook1.toml")),
        _ => None,
    }
}
