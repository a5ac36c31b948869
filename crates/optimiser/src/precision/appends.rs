//! Caches that rows are written into.

use ediacara_graph::Node;
use ediacara_graph::ops::TensorScatter;

use super::forms::{Form, Forms, Lowered};
use crate::Result;
use crate::islands::rewriter::Operand;

/// What a tensor_scatter becomes; nothing for other nodes. The cache stays an f32, as its input and its output are: written
/// where it lies, it has no other type.
///
/// # Errors
/// The graph refuses what was built.
pub(super) fn lower(forms: &mut Forms, node: &Node) -> Result<Option<Lowered>> {
    let Some(&scatter) = node.op_as::<TensorScatter>() else { return Ok(None) };
    let (Some(cache), Some(rows)) = (forms.given(node.inputs[0])?, forms.given(node.inputs[1])?) else {
        return Ok(Some(Err("its cache or its rows are not real".to_owned())));
    };
    let name = node.name.clone();
    let rows = forms.r.real(format!("{name}.rows"), rows)?;
    let value = forms.r.add(name, scatter, &[cache.value, rows, node.inputs[2]])?;
    Ok(Some(Ok(Form::Given(Operand { value, reading: Default::default() }))))
}
