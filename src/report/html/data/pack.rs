//! Bytes as text that a page of UTF-8 can hold: seven bits to each byte of the file, where Base64 has
//! six.
//!
//! A group of seven bits is the ASCII character of that number. Fourteen of these must not stand in a
//! page or should not: what HTML, line ends, terminals or editors take for something else. Such a
//! character and the group behind it are one character of two bytes together, of which there are
//! exactly enough from U+0100 to U+07FF. So no text that is packed ends an element or begins one.
//!
//! Idea: Kevin Albertson's base-122.

/// The characters that are replaced; `reports/assets/data.js` has the same list.
const REPLACED: [u8; 14] =
    [0x00, 0x05, 0x07, 0x08, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x1A, 0x1B, b'<', 0x7F];
/// The first of the characters that replace them.
const FIRST: u32 = 0x100;

/// `bytes` as text. Whoever reads it must know their number.
pub(super) fn pack(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 7 + 2);
    let mut groups = Groups { bytes, at: 0 };
    while let Some(group) = groups.next() {
        match REPLACED.iter().position(|replaced| *replaced == group) {
            None => text.push(char::from(group)),
            Some(place) => {
                let further = u32::from(groups.next().unwrap_or(0));
                text.extend(char::from_u32(FIRST + ((place as u32) << 7 | further)));
            }
        }
    }
    text
}

/// Groups of seven bits, the most significant ones first; the last is filled up with zeros.
struct Groups<'a> {
    bytes: &'a [u8],
    /// The bit that comes next.
    at: usize,
}

impl Iterator for Groups<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (byte, bit) = (self.at / 8, self.at % 8);
        let first = u16::from(*self.bytes.get(byte)?);
        let second = u16::from(self.bytes.get(byte + 1).copied().unwrap_or(0));
        self.at += 7;
        Some(((first << 8 | second) << bit >> 9) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the page's script does.
    fn unpack(text: &str, n: usize) -> Vec<u8> {
        let groups = text.chars().flat_map(|c| match u32::from(c) {
            group @ 0..0x80 => vec![group],
            pair => vec![u32::from(REPLACED[(pair as usize - 0x100) >> 7]), (pair - 0x100) & 127],
        });
        let bits = groups.flat_map(|group| (0..7).rev().map(move |bit| group >> bit & 1));
        let bits: Vec<u32> = bits.collect();
        bits.chunks(8)
            .take(n)
            .map(|b| b.iter().fold(0, |byte, bit| byte << 1 | *bit as u8))
            .collect()
    }

    #[test]
    fn every_byte_comes_back_and_nothing_that_means_something_is_written() {
        let mut noise = 1_u32;
        let noise = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8
        });
        let noise: Vec<u8> = noise.take(20_000).collect();
        let tags = b"</script><!--<script>\0\r\n\x1b[31m".repeat(50);
        for bytes in [&[][..], &[0], &[255; 9], &[0; 10], &noise, &noise[..4_999], &tags] {
            let text = pack(bytes);
            assert_eq!(unpack(&text, bytes.len()), bytes);
            assert!(!text.bytes().any(|byte| REPLACED.contains(&byte)));
            assert!(text.len() <= bytes.len() * 8 / 7 + 2, "{} of {}", text.len(), bytes.len());
        }
    }
}
