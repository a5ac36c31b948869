//! Pages of docs/ with parts that tasks write.

use std::path::Path;

use anyhow::{Context as _, Result};

/// Puts `text` between the lines `<!-- cargo xtask TASK -->` and `<!-- end of cargo xtask TASK -->` of a page.
pub(crate) fn replace(root: &Path, page: &str, task: &str, text: &str) -> Result<()> {
    let path = root.join(page);
    let old = std::fs::read_to_string(&path).with_context(|| format!("cannot read {page}"))?;
    let new = replaced(&old, task, text).with_context(|| format!("{page} has no place for `{task}`"))?;
    let beside = path.with_extension("new");
    std::fs::write(&beside, new).with_context(|| format!("cannot write {page}"))?;
    std::fs::rename(&beside, &path).with_context(|| format!("cannot write {page}"))
}

/// Whether `text` is what stands between these lines of a page.
pub(crate) fn holds(root: &Path, page: &str, task: &str, text: &str) -> Result<bool> {
    let old = std::fs::read_to_string(root.join(page)).with_context(|| format!("cannot read {page}"))?;
    let new = replaced(&old, task, text).with_context(|| format!("{page} has no place for `{task}`"))?;
    Ok(old == new)
}

fn replaced(page: &str, task: &str, text: &str) -> Option<String> {
    let (begin, end) =
        (format!("<!-- cargo xtask {task} -->\n"), format!("<!-- end of cargo xtask {task} -->"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{text}\n\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn only_what_lies_between_the_markers_is_replaced() {
        let page = "a\n<!-- cargo xtask t -->\nold\n<!-- end of cargo xtask t -->\nb\n";
        let new = "a\n<!-- cargo xtask t -->\n\nnew\n\n<!-- end of cargo xtask t -->\nb\n";
        assert_eq!(replaced(page, "t", "new").as_deref(), Some(new));
        assert_eq!(replaced(new, "t", "new").as_deref(), Some(new));
        assert_eq!(replaced(page, "other", "new"), None);
    }
}
