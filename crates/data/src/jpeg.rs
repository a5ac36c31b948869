//! Whether a JPEG is whole.
//!
//! The decoder shows what there is of a truncated JPEG and fills the rest with grey. So its end is looked for
//! here (ITU-T T.81, annex B).

/// Where a JPEG breaks off: its length if no end-of-image marker follows the last scan.
///
/// It is nothing for a whole JPEG, and for what is no JPEG.
pub(crate) fn breaks_off_at(bytes: &[u8]) -> Option<usize> {
    bytes.starts_with(&[0xff, 0xd8]).then_some(())?;
    let mut position = 2;
    loop {
        // Any number of fill bytes 0xff may stand between segments.
        while matches!(bytes.get(position..), Some([0xff, 0xff, ..])) {
            position += 1;
        }
        match bytes.get(position..) {
            Some([0xff, 0xd9, ..]) => return None,
            // Markers without a length: restarts and TEM.
            Some([0xff, 0x01 | 0xd0..=0xd7, ..]) => position += 2,
            Some(&[0xff, marker, high, low, ..]) => {
                position += 2 + usize::from(u16::from_be_bytes([high, low]));
                if marker == 0xda {
                    position += scan_bytes(bytes.get(position..).unwrap_or_default());
                }
            }
            // The decoder refuses anything else than a marker.
            Some([first, _, ..]) if *first != 0xff => return None,
            _ => return Some(bytes.len()),
        }
    }
}

/// Bytes of a scan up to the marker that ends it.
///
/// 0xff before 0x00 is data, and restarts belong to the scan.
fn scan_bytes(bytes: &[u8]) -> usize {
    let ends = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff);
    bytes.windows(2).position(ends).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::breaks_off_at;

    /// SOI, a comment, a scan of a header of two bytes and data with a stuffed byte and a restart, EOI.
    const WHOLE: &[u8] = &[
        0xff, 0xd8, 0xff, 0xfe, 0, 4, 0xff, 0xd9, 0xff, 0xda, 0, 2, 1, 0xff, 0, 2, 0xff, 0xd3, 3, 0xff, 0xd9,
    ];

    #[test]
    fn every_beginning_of_a_jpeg_breaks_off_and_the_whole_does_not() {
        assert_eq!(breaks_off_at(WHOLE), None);
        for length in 2..WHOLE.len() {
            assert_eq!(breaks_off_at(&WHOLE[..length]), Some(length), "{length}");
        }
        // The end may be followed by anything.
        assert_eq!(breaks_off_at(&[WHOLE, &[1, 2, 3]].concat()), None);
    }

    #[test]
    fn what_is_no_jpeg_does_not_break_off() {
        assert_eq!(breaks_off_at(b"\x89PNG"), None);
        assert_eq!(breaks_off_at(&[0xff, 0xd8, 7, 7, 7]), None);
    }
}
