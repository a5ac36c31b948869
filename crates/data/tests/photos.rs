//! Decoding, resizing and preprocessing against figures of Pillow 13.0.0 and NumPy 2.4.6.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests may")]

use std::path::Path;

use ediacara_data::{ChannelOrder, Filter, Framing, Preprocess, RgbImage, bundled};
use ediacara_tensor::DType;

/// The 64-bit FNV-1a hash, which makes a whole picture one number in a test.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn chelsea() -> RgbImage {
    bundled::PHOTO.decode().unwrap()
}

#[test]
fn png_decodes_exactly() {
    let photo = chelsea();
    assert_eq!((photo.width(), photo.height()), (451, 300));
    assert_eq!(fingerprint(photo.pixels()), 0xb217_9687_9661_57a8);
}

/// The figures are those of `Image.resize` of Pillow, bit for bit: reductions, enlargements, one axis only,
/// one pixel.
///
/// Pillow 13 would do the last two vertically first. They are two resizes of Pillow, horizontally first.
#[test]
fn resize_equals_pillow() {
    let photo = chelsea();
    let cases = [
        (224, 224, Filter::Bilinear, 0xa9e2_50b4_dc9e_9a4c),
        (224, 224, Filter::Bicubic, 0xcf28_3c96_6729_4485),
        (100, 67, Filter::Bilinear, 0xf846_8421_6d48_0b26),
        (100, 67, Filter::Bicubic, 0x3697_8606_9656_f587),
        (900, 601, Filter::Bilinear, 0x8e06_6bf6_944f_dec6),
        (900, 601, Filter::Bicubic, 0x7fbe_fcd2_a927_a9e2),
        (451, 77, Filter::Bilinear, 0xc0f2_dc35_e06e_ba62),
        (451, 77, Filter::Bicubic, 0x1932_b1ed_106b_3704),
        (33, 300, Filter::Bilinear, 0x144e_6d86_791e_d11e),
        (33, 300, Filter::Bicubic, 0x6cde_07f8_2830_794c),
        (1, 1, Filter::Bilinear, 0xc100_cc1b_3336_9c95),
        (1, 1, Filter::Bicubic, 0xc100_c51b_3336_90b0),
        (1000, 2, Filter::Bilinear, 0x1508_c06f_5824_3aed),
        (1000, 2, Filter::Bicubic, 0x9b11_71d6_2b32_db5d),
    ];
    for (width, height, filter, expected) in cases {
        let resized = photo.resize(width, height, filter).unwrap();
        assert_eq!(fingerprint(resized.pixels()), expected, "{width} x {height} {filter:?}");
    }
    assert_eq!(photo.resize(451, 300, Filter::Bicubic).unwrap(), photo);
}

/// JPEG decoders round differently.
///
/// On 34 photos, the measured difference to libjpeg-turbo (in Pillow 13) is at most 8 steps at a pixel. The
/// mean distance is at most 0.39 steps, and the bias at most 0.46 steps. Here pixels must agree within 4
/// steps, and channel means within half a step.
#[test]
fn jpeg_decodes_nearly_as_libjpeg() {
    let cases = [
        ("coffee.jpg", (480, 320), [24_342_955_i64, 13_178_810, 7_923_459], [19, 14, 10], [128, 57, 39]),
        ("camera.jpg", (320, 320), [13_215_178; 3], [200; 3], [160; 3]),
    ];
    for (name, size, sums, first, inside) in cases {
        let photo = bundled::CALIBRATION.iter().find(|photo| photo.name == name).unwrap().decode().unwrap();
        assert_eq!((photo.width(), photo.height()), size, "{name}");
        let pixel = |x: usize, y: usize| &photo.pixels()[(y * photo.width() + x) * 3..][..3];
        for (x, y, expected) in [(0, 0, first), (200, 200, inside)] {
            for (&found, expected) in pixel(x, y).iter().zip(expected) {
                assert!((i32::from(found) - expected).abs() <= 4, "{name} ({x}, {y}): {:?}", pixel(x, y));
            }
        }
        for (channel, &expected) in sums.iter().enumerate() {
            let found: i64 =
                photo.pixels().iter().skip(channel).step_by(3).map(|&value| i64::from(value)).sum();
            let half_steps = (photo.width() * photo.height()) as i64;
            assert!((found - expected).abs() * 2 <= half_steps, "{name}: channel {channel} sums to {found}");
        }
    }
}

/// The figures are the tensors of Pillow and NumPy, by channel means and three elements.
///
/// Framing is exact, and arithmetic is within 2e-6.
#[test]
fn presets_equal_numpy() {
    type Case = (&'static str, usize, usize, [f64; 3], [f32; 3]);
    let cases: [Case; 5] = [
        (
            "lite",
            224,
            224,
            [0.151_470_729_282_924_1, -0.166_656_805_544_484_42, -0.417_522_819_674_744_9],
            [0.320_312_5, -0.187_5, 0.179_687_5],
        ),
        (
            "tf",
            224,
            224,
            [0.148_159_143_558_883_93, -0.171_244_103_301_135_93, -0.423_118_618_078_178_2],
            [0.309_803_96, -0.192_156_85, 0.168_627_5],
        ),
        (
            "caffe",
            227,
            227,
            [-29.943_876_263_851_422, -11.118_399_347_939_995, 23.464_903_258_359_37],
            [11.0, -30.0, 70.0],
        ),
        (
            "imagenet",
            224,
            224,
            [0.389_145_573_342_848_7, -0.185_406_933_799_631_4, -0.521_572_192_899_707_2],
            [0.793_304_26, -0.267_506_96, 0.809_934_8],
        ),
        (
            "none",
            48,
            64,
            [147.668_294_270_833_34, 111.438_802_083_333_33, 86.801_106_770_833_33],
            [148.0, 90.0, 144.0],
        ),
    ];
    for (name, height, width, means, elements) in cases {
        let tensor = Preprocess::preset(name).unwrap().apply(&chelsea(), 3, height, width).unwrap();
        assert_eq!((tensor.dtype(), tensor.shape()), (DType::F32, [1, 3, height, width].as_slice()));
        let values = tensor.as_slice::<f32>().unwrap();
        let plane = height * width;
        for (channel, mean) in means.iter().enumerate() {
            let sum: f64 = values[channel * plane..][..plane].iter().map(|&value| f64::from(value)).sum();
            let found = sum / plane as f64;
            assert!(
                (found - mean).abs() < 2e-6 * mean.abs().max(1.0),
                "{name}: channel {channel} has mean {found}"
            );
        }
        let found = [values[0], values[plane + 20 * width + 30], values[3 * plane - 1]];
        for (found, expected) in found.iter().zip(elements) {
            assert!((found - expected).abs() < 2e-6, "{name}: {found} for {expected}");
        }
    }
}

#[test]
fn torch_is_imagenet() {
    assert_eq!(Preprocess::preset("torch").unwrap(), Preprocess::preset("imagenet").unwrap());
}

#[test]
fn unit_scale_is_the_same_as_the_preset() {
    let none = Preprocess::preset("none").unwrap();
    let scaled = none.with_unit_scale([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    let preset = Preprocess::preset("imagenet").unwrap();
    for (found, expected) in
        scaled.mean.iter().chain(&scaled.deviation).zip(preset.mean.iter().chain(&preset.deviation))
    {
        assert!((found - expected).abs() < 1e-4);
    }
}

#[test]
fn bgr_reverses_the_channels() {
    let rgb = Preprocess::preset("none").unwrap();
    let bgr = Preprocess { order: ChannelOrder::Bgr, ..rgb.clone() };
    let (rgb, bgr) = (rgb.apply(&chelsea(), 3, 9, 8).unwrap(), bgr.apply(&chelsea(), 3, 9, 8).unwrap());
    let (rgb, bgr) = (rgb.to_vec::<f32>().unwrap(), bgr.to_vec::<f32>().unwrap());
    assert_eq!([&rgb[144..], &rgb[72..144], &rgb[..72]].concat(), bgr);
}

#[test]
fn one_channel_is_pillows_luminance() {
    let grey = Preprocess::preset("none").unwrap().apply(&chelsea(), 1, 300, 451).unwrap();
    let bytes: Vec<u8> = grey.as_slice::<f32>().unwrap().iter().map(|&value| value as u8).collect();
    assert_eq!(fingerprint(&bytes), 0xf897_d819_1ba4_26bf);
}

#[test]
fn batches_are_photos_one_after_the_other() {
    let lite = Preprocess::preset("lite").unwrap();
    let photos = [chelsea(), bundled::CALIBRATION[0].decode().unwrap()];
    let batch = lite.apply_batch(&photos, 3, 16, 24).unwrap();
    assert_eq!(batch.shape(), [2, 3, 16, 24]);
    let singles: Vec<f32> = photos
        .iter()
        .flat_map(|photo| lite.apply(photo, 3, 16, 24).unwrap().to_vec::<f32>().unwrap())
        .collect();
    assert_eq!(batch.to_vec::<f32>().unwrap(), singles);
    assert!(lite.apply_batch(&[], 3, 16, 16).is_err());
}

/// Every framing gives the size that was asked for, whatever the photo's aspect.
#[test]
fn framings_keep_the_requested_size() {
    for (photo_width, photo_height) in [(1, 1), (1, 50), (50, 1), (13, 7), (640, 480), (333, 500)] {
        let photo = RgbImage::from_pixels(photo_width, photo_height, vec![9; photo_width * photo_height * 3])
            .unwrap();
        for (name, framing) in Framing::NAMES {
            for (width, height) in [(1, 1), (7, 7), (224, 224), (64, 32), (31, 90)] {
                let framed = framing.apply(&photo, width, height, Filter::Bilinear).unwrap();
                assert_eq!((framed.width(), framed.height()), (width, height), "{name}");
                assert!(framed.pixels().iter().all(|&value| value == 9), "{name} keeps a plain colour");
            }
        }
    }
}

#[test]
fn errors_say_what_to_do() {
    let message =
        |result: Result<_, ediacara_data::DataError>| result.map(|_: RgbImage| ()).unwrap_err().to_string();
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.png");
    assert!(message(RgbImage::open(&missing)).starts_with(&format!("cannot read {}: ", missing.display())));
    let text = folder.path().join("text.png");
    std::fs::write(&text, "no photo").unwrap();
    let expected = format!("{}: not a readable PNG or JPEG photo: ", text.display());
    assert!(message(RgbImage::open(&text)).starts_with(&expected));
    let half = &bundled::PHOTO.file[..100_000];
    assert!(message(RgbImage::decode(half, Path::new("half.png"))).starts_with("half.png: not a readable"));
    assert_eq!(
        message(chelsea().resize(0, 5, Filter::Bilinear)),
        "a photo cannot be resized to 0 x 5 pixels; sides are 1..=32768"
    );
    assert_eq!(
        message(chelsea().crop(400, 0, 52, 1)),
        "52 x 1 pixels at (400, 0) do not lie inside a photo of RgbImage(451 x 300)"
    );
    assert_eq!(
        Preprocess::preset("keras").unwrap_err().to_string(),
        "unknown preprocessing 'keras'; there are imagenet, torch, caffe, tf, lite, none"
    );
    assert_eq!(
        "area".parse::<Framing>().unwrap_err().to_string(),
        "unknown framing 'area'; there are crop-resize, resize-crop, stretch"
    );
    let none = Preprocess::preset("none").unwrap();
    assert!(none.apply(&chelsea(), 4, 8, 8).unwrap_err().to_string().contains("the network's input has 4"));
    let zero = Preprocess { deviation: [1.0, 0.0, 1.0], ..none };
    assert!(
        zero.apply(&chelsea(), 3, 8, 8).unwrap_err().to_string().starts_with("deviations must be finite")
    );
}
