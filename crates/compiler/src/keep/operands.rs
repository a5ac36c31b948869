//! What layers read and write, in one place for those who ask and those who move it.

use crate::keep::residence::Frame;
use crate::program::boxes::{joint, turned, turned_wide};
use crate::program::layer::{Conv, Copy, Kind, Middle, Pool};
use crate::program::rows::Rows;
use crate::program::view::{Image, View};
use crate::program::window::{Axis, Range, Window};

/// An operand of a layer.
#[derive(Debug)]
pub(crate) struct Operand<'a> {
    /// Where it lies.
    pub place: Place<'a>,
    /// Whether the layer writes it.
    pub written: bool,
    /// The padding that the layer wants around it.
    pub frame: Frame,
    /// Whether the layer can do with it in NRAM.
    pub keepable: bool,
    /// Whether its rows have to be contiguous.
    pub by_rows: bool,
}

/// A tensor of a layer.
#[derive(Debug)]
pub(crate) enum Place<'a> {
    /// As images.
    Image(&'a mut Image),
    /// As any tensor.
    View(&'a mut View),
}

/// No padding.
const BARE: Frame = Frame { before: [0; 2], after: [0; 2], pad: 0 };

/// Calls `visit` with every activation of a layer.
pub(crate) fn visit(kind: &mut Kind, visit: &mut dyn FnMut(Operand)) {
    match kind {
        Kind::Conv(conv) | Kind::Depthwise(conv) => {
            convolution_input(conv, visit);
            match &mut conv.epilogue {
                Some(rows) => chain(rows, visit),
                None => image(&mut conv.y, true, BARE, visit),
            }
        }
        Kind::Block(block) => {
            match (&mut block.expand, &mut block.middle) {
                (Some(conv), _) => convolution_input(conv, visit),
                (None, Middle::Depthwise(conv)) => convolution_input(conv, visit),
                (None, Middle::MaxPool(pool)) => pool_input(pool, visit),
            }
            match (&mut block.project, &mut block.middle) {
                (Some(conv), _) => {
                    if let Some(residual) = &mut conv.residual {
                        image(&mut residual.image, false, BARE, visit);
                    }
                    image(&mut conv.y, true, BARE, visit);
                }
                (None, Middle::Depthwise(conv)) => image(&mut conv.y, true, BARE, visit),
                (None, Middle::MaxPool(pool)) => image(&mut pool.y, true, BARE, visit),
            }
        }
        Kind::Pool(pool) => {
            pool_input(pool, visit);
            image(&mut pool.y, true, BARE, visit);
        }
        Kind::FloatWindow(layer) => {
            for (image, written) in [(&mut layer.x, false), (&mut layer.y, true)] {
                visit(Operand {
                    place: Place::Image(image),
                    written,
                    frame: BARE,
                    keepable: false,
                    by_rows: false,
                });
            }
        }
        Kind::Binary(binary) => {
            view(&mut binary.a, false, true, visit);
            view(&mut binary.b, false, true, visit);
            view(&mut binary.d, true, true, visit);
        }
        Kind::Table(table) => {
            view(&mut table.a, false, true, visit);
            view(&mut table.d, true, true, visit);
        }
        Kind::Rows(rows) => chain(rows, visit),
        Kind::Copy(copy) => copied(copy, visit),
    }
}

fn image(image: &mut Image, written: bool, frame: Frame, visit: &mut dyn FnMut(Operand)) {
    visit(Operand { place: Place::Image(image), written, frame, keepable: true, by_rows: false });
}

fn view(view: &mut View, written: bool, keepable: bool, visit: &mut dyn FnMut(Operand)) {
    visit(Operand { place: Place::View(view), written, frame: BARE, keepable, by_rows: false });
}

fn chain(rows: &mut Rows, visit: &mut dyn FnMut(Operand)) {
    for value in &mut rows.values {
        if let Some(tensor) = &mut value.tensor {
            let (written, keepable, by_rows) = (value.written, true, true);
            visit(Operand { place: Place::View(tensor), written, frame: BARE, keepable, by_rows });
        }
    }
}

fn convolution_input(conv: &mut Conv, visit: &mut dyn FnMut(Operand)) {
    let frame = frame(&conv.window, &conv.x, &conv.y, conv.x_zero);
    image(&mut conv.x, false, frame, visit);
    if let Some(residual) = &mut conv.residual {
        image(&mut residual.image, false, BARE, visit);
    }
    if let Some(matrix) = &mut conv.computed {
        view(matrix, false, matrix.packing.is_none(), visit);
    }
}

fn pool_input(pool: &mut Pool, visit: &mut dyn FnMut(Operand)) {
    let frame = frame(&pool.window, &pool.x, &pool.y, pool.pad());
    image(&mut pool.x, false, frame, visit);
}

fn copied(copy: &mut Copy, visit: &mut dyn FnMut(Operand)) {
    for (from, to) in &mut copy.parts {
        // Whole runs move within NRAM, and what is transposed on the way may come from there.
        let sides = joint([&*from, &*to]);
        let runs = sides[0].strides == [1, 1] && turned_wide(&sides, copy.element).is_none();
        view(from, false, sides[0].strides == [1, 1] || turned(&sides).is_some(), visit);
        view(to, true, runs, visit);
    }
    for filled in copy.fill.iter_mut().flat_map(|(views, _)| views) {
        view(filled, true, true, visit);
    }
}

/// How far a window reaches beyond an image, over all outputs. The first window begins in the padding, however far that is
/// from the image.
fn frame(window: &Window, x: &Image, y: &Image, pad: i8) -> Frame {
    let after = [0, 1].map(|index| {
        let outputs = Range::new(0, [y.height, y.width][index]);
        Axis::of(window, x, index).span(outputs, Range::new(0, window.kernel[index])).after
    });
    Frame { before: window.before, after, pad }
}
