//! Activations that layers of a segment read, and somebody outside it too.
//!
//! What the host or another segment reads has to be in DRAM. It may stay in NRAM as well, for the layers of its own segment:
//! then they write and read a twin of it, at an address of its own, and one more layer stores the twin where the activation is
//! looked for. Whether the twin is kept is decided like that of any other activation.

use ediacara_graph::{Graph, ValueId};
use ediacara_isa::LayerInfo;

use crate::CompileError;
use crate::build::homes::Placement;
use crate::build::layers::Built;
use crate::keep::operands::{self, Place};
use crate::place::dram::DramImage;
use crate::place::segments::DlpPart;
use crate::program::layer::{Copy, Kind, Layer};
use crate::program::view::View;
use crate::tile::cost::Rates;

/// An activation in two places.
#[derive(Debug, Clone)]
pub(crate) struct Twin {
    value: ValueId,
    /// Where it is looked for.
    home: View,
    /// What layers write and read.
    pub(crate) twin: View,
}

/// An activation in the place where it is looked for.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) value: ValueId,
    /// The layer that stores it there.
    pub(crate) layer: u32,
    pub(crate) view: View,
}

impl Twin {
    fn is_in_home(&self, view: &View) -> bool {
        (self.home.base..self.home.base + self.home.bytes()).contains(&view.base)
    }
}

/// A twin for each activation that layers read and the segment gives away, if it takes half of NRAM at most.
///
/// # Errors
/// DRAM is full.
pub(crate) fn twins(
    graph: &Graph,
    part: &DlpPart,
    placement: &Placement,
    layers: &mut [Layer],
    (dram, rates): (&mut DramImage, &Rates),
) -> Result<Vec<Twin>, CompileError> {
    let (mut found, limit) = (Vec::new(), rates.nram / 2);
    for (value, home) in placement.buffers.iter().filter(|(_, home)| home.bytes() <= limit) {
        let mut twin = Twin { value: *value, home: home.clone(), twin: home.clone() };
        let is_given = |value: &ValueId| placement.homes.get(value).is_some_and(|view| twin.is_in_home(view));
        if part.outputs.iter().any(is_given) && layers.iter_mut().any(|layer| touches(layer, home, false)) {
            let what = format!("twin of activation `{}`", graph.value(*value).name);
            twin.twin.base = dram.reserve(home.bytes(), &what)?;
            found.push(twin);
        }
    }
    Ok(found)
}

/// Whether a layer writes, or reads, a part of a buffer.
fn touches(layer: &mut Layer, buffer: &View, written: bool) -> bool {
    let mut found = false;
    operands::visit(&mut layer.kind, &mut |operand| {
        let base = match operand.place {
            Place::Image(image) => image.base,
            Place::View(view) => view.base,
        };
        found |= operand.written == written && (buffer.base..buffer.base + buffer.bytes()).contains(&base);
    });
    found
}

/// The homes with the twins in the places of the activations.
pub(crate) fn moved(placement: &Placement, twins: &[Twin]) -> Placement {
    let mut placement = placement.clone();
    for view in placement.homes.values_mut() {
        if let Some(twin) = twins.iter().find(|twin| twin.is_in_home(view)) {
            view.base = view.base - twin.home.base + twin.twin.base;
        }
    }
    // They were reserved last, so that buffers stay in the order of addresses.
    placement.buffers.extend(twins.iter().map(|twin| (twin.value, twin.twin.clone())));
    placement
}

/// Adds a layer behind the last that writes each twin, which stores it: gives what lies in the `homes` of the activations
/// behind it.
pub(crate) fn store(graph: &Graph, homes: &Placement, built: &mut Built, twins: &[Twin]) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    for twin in twins {
        let Some(last) = built.layers.iter_mut().rposition(|layer| touches(layer, &twin.twin, true)) else {
            continue;
        };
        let value = graph.value(twin.value);
        let info = LayerInfo {
            name: format!("{} (stored)", value.name),
            op: "copy".to_owned(),
            shape: value.ty.shape.clone(),
            macs: 0,
            matrix_macs: 0,
            vector_operations: 0,
            weight_bytes: 0,
        };
        let parts = vec![(twin.twin.of_bytes(), twin.home.of_bytes())];
        let copy = Copy { element: twin.home.element, ..Copy::of(parts) };
        built.layers.insert(last + 1, Layer { info, kind: Kind::Copy(copy) });
        let stored = last as u32 + 1;
        let behind = all.iter_mut().map(|stored| &mut stored.layer).chain(built.completed_by.values_mut());
        behind.filter(|layer| **layer >= stored).for_each(|layer| *layer += 1);
        let lies_there = |(value, view): (&ValueId, &View)| {
            let is_computed = built.completed_by.contains_key(value) && twin.is_in_home(view);
            is_computed.then(|| Stored { value: *value, layer: stored, view: view.clone() })
        };
        all.extend(homes.homes.iter().filter_map(lies_there));
    }
    all
}
