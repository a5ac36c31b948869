//! The operators that the command knows beside Ediacara's own: those of Deeploy's graphs.
//!
//! A command with operators of your own lists their crates here.

use ediacara::Error;
use ediacara::graph::Registry;
use ediacara::onnx::Operators;

/// What imports them.
pub(crate) fn imported() -> Operators {
    ediacara_deeploy::operators()
}

/// What reads them from the text of a graph, which compiled networks hold.
///
/// # Errors
/// Two operators have one name.
pub(crate) fn registry() -> Result<Registry, Error> {
    let mut registry = Registry::core();
    ediacara_deeploy::register(&mut registry).map_err(|error| Error::Invalid(error.to_string()))?;
    Ok(registry)
}
