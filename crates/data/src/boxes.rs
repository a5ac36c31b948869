//! Boxes around things on photos: PASCAL VOC and YOLO annotations, lists of detections, and overlap.

use std::path::Path;

use crate::{DataError, files};

/// A rectangle in pixels; `right` and `bottom` are edges, not the last pixel inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rectangle {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Right edge, at least `left`.
    pub right: f32,
    /// Bottom edge, at least `top`.
    pub bottom: f32,
}

impl Rectangle {
    /// Area in square pixels.
    pub fn area(&self) -> f32 {
        (self.right - self.left).max(0.0) * (self.bottom - self.top).max(0.0)
    }

    /// Intersection over union, 0..=1; 0 where neither has an area.
    pub fn overlap(&self, other: &Self) -> f32 {
        let common = Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        };
        let union = self.area() + other.area() - common.area();
        if union > 0.0 { common.area() / union } else { 0.0 }
    }
}

/// One thing that is on a photo, by its annotators.
#[derive(Debug, Clone, PartialEq)]
pub struct Thing {
    /// The name of its class.
    pub class: String,
    /// Where it is.
    pub rectangle: Rectangle,
    /// VOC's mark for what evaluations leave out.
    pub difficult: bool,
}

/// The annotation of one photo.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// The photo's file name, without folder.
    pub photo: String,
    /// The photo's width in pixels.
    pub width: usize,
    /// The photo's height in pixels.
    pub height: usize,
    /// The things on it.
    pub things: Vec<Thing>,
}

/// One thing that a detector found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Class number.
    pub class: usize,
    /// Score, 0..=1.
    pub score: f32,
    /// Where it is.
    pub rectangle: Rectangle,
}

/// Reads all PASCAL VOC annotations (`*.xml`) of a folder, sorted by file name.
pub fn read_voc_folder(folder: &Path) -> Result<Vec<Annotation>, DataError> {
    files::sorted_files(folder, "xml")?.iter().map(|path| read_voc(path)).collect()
}

/// Reads one PASCAL VOC annotation.
///
/// VOC counts pixels from 1 and includes the last. Its numbers are taken as edges, as is usual. Boxes must
/// lie inside the photo.
pub fn read_voc(path: &Path) -> Result<Annotation, DataError> {
    let text = files::read_text(path)?;
    let missing = |tag: &str| DataError::format(path, format!("no <{tag}> where PASCAL VOC has one"));
    let take = |text: &str, tag: &str| {
        Ok::<_, DataError>(element(text, tag).ok_or_else(|| missing(tag))?.0.to_string())
    };
    let number = |text: &str, tag: &str| -> Result<f32, DataError> {
        let value = take(text, tag)?;
        let parsed = value.trim().parse::<f32>().ok().filter(|value| value.is_finite() && *value >= 0.0);
        parsed.ok_or_else(|| DataError::format(path, format!("<{tag}> holds '{value}', not a number")))
    };
    let size = take(&text, "size")?;
    let (width, height) = (number(&size, "width")?, number(&size, "height")?);
    let mut things = Vec::new();
    let mut rest = text.as_str();
    while let Some((object, after)) = element(rest, "object") {
        rest = after;
        let bounds = take(object, "bndbox")?;
        let rectangle = Rectangle {
            left: number(&bounds, "xmin")?,
            top: number(&bounds, "ymin")?,
            right: number(&bounds, "xmax")?,
            bottom: number(&bounds, "ymax")?,
        };
        let inside = rectangle.left <= rectangle.right
            && rectangle.top <= rectangle.bottom
            && rectangle.right <= width
            && rectangle.bottom <= height;
        if !inside {
            let problem =
                format!("the box {rectangle:?} does not lie inside the photo of {width} x {height}");
            return Err(DataError::format(path, problem));
        }
        let difficult = element(object, "difficult").is_some_and(|(value, _)| value.trim() == "1");
        things.push(Thing { class: take(object, "name")?.trim().to_string(), rectangle, difficult });
    }
    let photo = take(&text, "filename")?.trim().to_string();
    Ok(Annotation { photo, width: width as usize, height: height as usize, things })
}

/// The inside of the first `<tag>` and the text after it.
///
/// VOC's files have neither attributes nor an element inside one of its own name.
fn element<'a>(text: &'a str, tag: &str) -> Option<(&'a str, &'a str)> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let inside = text.find(&open)? + open.len();
    let end = inside + text[inside..].find(&close)?;
    Some((&text[inside..end], &text[end + close.len()..]))
}

/// Reads a YOLO annotation of a photo of `width` x `height`.
///
/// Its lines are class, centre x, centre y, width, height, the last four relative to the photo. `names` names
/// the classes.
pub fn read_yolo(path: &Path, names: &[&str], width: usize, height: usize) -> Result<Vec<Thing>, DataError> {
    let (width, height) = (width as f32, height as f32);
    let mut things = Vec::new();
    for (index, values) in number_lines(path, 5)?.into_iter().enumerate() {
        let class = names.get(values[0] as usize).ok_or_else(|| {
            DataError::format(path, format!("box {index}: class {} of {} names", values[0], names.len()))
        })?;
        if values.iter().skip(1).any(|value| !(0.0..=1.0).contains(value)) {
            let problem = format!("box {index}: centre and size must lie in 0..=1, found {:?}", &values[1..]);
            return Err(DataError::format(path, problem));
        }
        let (half_width, half_height) = (values[3] * width / 2.0, values[4] * height / 2.0);
        let rectangle = Rectangle {
            left: values[1] * width - half_width,
            top: values[2] * height - half_height,
            right: values[1] * width + half_width,
            bottom: values[2] * height + half_height,
        };
        things.push(Thing { class: (*class).to_string(), rectangle, difficult: false });
    }
    Ok(things)
}

/// Reads a list of detections: lines of class, score, left, top, right, bottom, in pixels.
pub fn read_detections(path: &Path) -> Result<Vec<Detection>, DataError> {
    let mut detections = Vec::new();
    for (index, values) in number_lines(path, 6)?.into_iter().enumerate() {
        if !(0.0..=1.0).contains(&values[1]) || values[2] > values[4] || values[3] > values[5] {
            let problem =
                format!("detection {index}: score of 0..=1 and ordered edges expected, found {values:?}");
            return Err(DataError::format(path, problem));
        }
        let rectangle = Rectangle { left: values[2], top: values[3], right: values[4], bottom: values[5] };
        detections.push(Detection { class: values[0] as usize, score: values[1], rectangle });
    }
    Ok(detections)
}

/// The numbers of a text file, `columns` a line.
///
/// The first is a class, a whole number of at least 0.
fn number_lines(path: &Path, columns: usize) -> Result<Vec<Vec<f32>>, DataError> {
    let text = files::read_text(path)?;
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let values: Result<Vec<f32>, _> = line.split_whitespace().map(str::parse).collect();
        let valid = values.ok().filter(|values| {
            values.len() == columns
                && values.iter().all(|value| value.is_finite())
                && values[0] >= 0.0
                && values[0].fract() == 0.0
        });
        rows.push(valid.ok_or_else(|| {
            DataError::format(
                path,
                format!("line {}: expected a class and {} numbers", index + 1, columns - 1),
            )
        })?);
    }
    Ok(rows)
}
