//! A 128-bit digest that tells whether a record changed since the last run. Not cryptographic: it must never protect anything.

/// Where a digest starts, and the odd number it is multiplied by: digits of π and of the golden ratio, so that nothing hides in them.
const START: u128 = 0x243f_6a88_85a3_08d3_1319_8a2e_0370_7344;
const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
/// Brings the well-mixed high bits down to where the next word enters.
const TURN: u32 = 71;

/// A running digest; its outcome depends on nothing but what was fed, so it holds across runs, hosts and compilers.
pub(crate) struct Fingerprint(u128);

impl Fingerprint {
    /// Starts a digest of one kind of record, so that a person and a group never agree by accident.
    pub(crate) fn new(kind: &str) -> Self {
        let mut fresh = Self(START);
        fresh.text(kind);
        fresh
    }

    fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ u128::from(word)).wrapping_mul(FACTOR).rotate_left(TURN);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            // The length of a text goes before it, so the zeros that fill the last word say nothing.
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            self.word(u64::from_le_bytes(word));
        }
    }

    /// Feeds a number.
    pub(crate) fn number(&mut self, number: u128) {
        self.bytes(&number.to_le_bytes());
    }

    /// Feeds a text, its length first: `"ab","c"` and `"a","bc"` differ.
    pub(crate) fn text(&mut self, text: &str) {
        self.word(u64::try_from(text.len()).unwrap_or(u64::MAX));
        self.bytes(text.as_bytes());
    }

    /// Feeds a text that may be absent; absent and empty differ.
    pub(crate) fn maybe(&mut self, text: Option<&str>) {
        match text {
            Some(text) => {
                self.word(1);
                self.text(text);
            }
            None => self.word(0),
        }
    }

    /// Feeds a list in its order.
    pub(crate) fn list(&mut self, texts: &[String]) {
        self.number(texts.len() as u128);
        for text in texts {
            self.text(text);
        }
    }

    /// The digest as a number, mixed once more for the sake of the last words.
    pub(crate) fn value(&self) -> u128 {
        let mut mixed = self.0;
        mixed ^= mixed >> 65;
        mixed = mixed.wrapping_mul(0xff51_afd7_ed55_8ccd_c4ce_b9fe_1a85_ec53);
        mixed ^= mixed >> 67;
        mixed
    }

    /// The digest as it is stored.
    pub(crate) fn finish(&self) -> [u8; 16] {
        self.value().to_be_bytes()
    }
}
