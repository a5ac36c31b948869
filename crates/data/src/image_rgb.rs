//! Decoded photos: 8-bit RGB, row by row.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use crate::{DataError, Filter, jpeg, resize};

/// The largest file that is decoded, in bytes.
const FILE_LIMIT_BYTES: u64 = 256 << 20;
/// The largest decoded photo, in bytes of the decoder's memory.
///
/// A photo of 100 megapixels needs 300 MB.
const DECODED_LIMIT_BYTES: u64 = 512 << 20;
/// The most pixels of a photo: 300 MB as RGB.
const PIXEL_LIMIT: u64 = 100_000_000;
/// The largest width and height, in pixels.
const SIDE_LIMIT: u32 = 32_768;

/// A photo of 8-bit RGB pixels.
#[derive(Clone, PartialEq, Eq)]
pub struct RgbImage {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl std::fmt::Debug for RgbImage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "RgbImage({} x {})", self.width, self.height)
    }
}

impl RgbImage {
    /// A photo from its pixels, `height * width * 3` bytes, row by row, red first.
    ///
    /// Both sides are at least 1.
    pub fn from_pixels(width: usize, height: usize, pixels: Vec<u8>) -> Result<Self, DataError> {
        let expected = width.checked_mul(height).and_then(|count| count.checked_mul(3));
        if width == 0 || height == 0 || expected != Some(pixels.len()) {
            let found = pixels.len();
            let problem = format!("a photo of {width} x {height} RGB pixels cannot be made of {found} bytes");
            return Err(DataError::Request(problem));
        }
        Ok(Self { width, height, pixels })
    }

    /// Decodes a PNG or JPEG file, as [`RgbImage::decode`] does.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let bytes =
            ediacara_files::read(path, FILE_LIMIT_BYTES).map_err(|source| DataError::read(path, source))?;
        Self::decode(&bytes, path)
    }

    /// Decodes a PNG or JPEG; `name` only appears in errors.
    ///
    /// Grey pixels are repeated in the three channels, and transparency is dropped. A photo that its camera
    /// marked as rotated is turned upright. PNG pixels are exact. JPEG pixels differ from those of
    /// libjpeg-turbo by a few steps (see `tests/photos.rs` for the measured figures).
    pub fn decode(bytes: &[u8], name: &Path) -> Result<Self, DataError> {
        let problem = |error: image::ImageError| {
            DataError::format(name, format!("not a readable PNG or JPEG photo: {error}"))
        };
        let mut reader = ImageReader::new(Cursor::new(bytes));
        let mut limits = Limits::default();
        limits.max_image_width = Some(SIDE_LIMIT);
        limits.max_image_height = Some(SIDE_LIMIT);
        limits.max_alloc = Some(DECODED_LIMIT_BYTES);
        reader.limits(limits);
        let reader = reader.with_guessed_format().map_err(|source| DataError::read(name, source))?;
        if let Some(length) = jpeg::breaks_off_at(bytes) {
            let problem = format!("truncated: it ends after {length} bytes, before the end of the photo");
            return Err(DataError::format(name, problem));
        }
        let mut decoder = reader.into_decoder().map_err(problem)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > PIXEL_LIMIT {
            let problem = format!("{width} x {height} pixels are more than the limit of {PIXEL_LIMIT}");
            return Err(DataError::format(name, problem));
        }
        let orientation = decoder.orientation().map_err(problem)?;
        let mut decoded = DynamicImage::from_decoder(decoder).map_err(problem)?;
        decoded.apply_orientation(orientation);
        let rgb = decoded.into_rgb8();
        let (width, height) = (rgb.width() as usize, rgb.height() as usize);
        Self::from_pixels(width, height, rgb.into_raw())
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels, row by row, red first.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The part that starts at (`left`, `top`), which must lie inside.
    pub fn crop(&self, left: usize, top: usize, width: usize, height: usize) -> Result<Self, DataError> {
        let fits = |start: usize, size: usize, limit: usize| {
            size > 0 && start.checked_add(size).is_some_and(|end| end <= limit)
        };
        if !fits(left, width, self.width) || !fits(top, height, self.height) {
            let problem =
                format!("{width} x {height} pixels at ({left}, {top}) do not lie inside a photo of {self:?}");
            return Err(DataError::Request(problem));
        }
        let mut pixels = Vec::with_capacity(width * height * 3);
        for row in top..top + height {
            let start = (row * self.width + left) * 3;
            pixels.extend_from_slice(&self.pixels[start..start + width * 3]);
        }
        Ok(Self { width, height, pixels })
    }

    /// The centred part of this size; with an odd margin the smaller half lies left and above.
    pub fn centre_crop(&self, width: usize, height: usize) -> Result<Self, DataError> {
        let (left, top) = (self.width.saturating_sub(width) / 2, self.height.saturating_sub(height) / 2);
        self.crop(left, top, width, height)
    }

    /// The photo at another size, antialiased.
    ///
    /// It is equal to the bit to Pillow's `Image.resize` (see `resize.rs`). Both sides are 1..=32768.
    pub fn resize(&self, width: usize, height: usize, filter: Filter) -> Result<Self, DataError> {
        let limit = SIDE_LIMIT as usize;
        if !(1..=limit).contains(&width) || !(1..=limit).contains(&height) {
            let problem =
                format!("a photo cannot be resized to {width} x {height} pixels; sides are 1..={limit}");
            return Err(DataError::Request(problem));
        }
        let pixels = resize::resize(&self.pixels, (self.width, self.height), (width, height), filter);
        Ok(Self { width, height, pixels })
    }
}
