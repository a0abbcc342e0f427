//! A 128-bit digest that tells whether a record changed since the last run. Not cryptographic: it must never protect anything.

/// FNV-1a's 128-bit offset basis and prime (draft-eastlake-fnv).
const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// A running digest; its outcome depends on nothing but what was fed, so it holds across runs, hosts and compilers.
pub(crate) struct Fingerprint(u128);

impl Fingerprint {
    /// Starts a digest of one kind of record, so that a person and a group never agree by accident.
    pub(crate) fn new(kind: &str) -> Self {
        let mut fresh = Self(BASIS);
        fresh.text(kind);
        fresh
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }

    /// Feeds a number.
    pub(crate) fn number(&mut self, number: u128) {
        self.bytes(&number.to_le_bytes());
    }

    /// Feeds a text, its length first: `"ab","c"` and `"a","bc"` differ.
    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.bytes(text.as_bytes());
    }

    /// Feeds a text that may be absent; absent and empty differ.
    pub(crate) fn maybe(&mut self, text: Option<&str>) {
        match text {
            Some(text) => {
                self.bytes(&[1]);
                self.text(text);
            }
            None => self.bytes(&[0]),
        }
    }

    /// Feeds a list in its order.
    pub(crate) fn list(&mut self, texts: &[String]) {
        self.number(texts.len() as u128);
        for text in texts {
            self.text(text);
        }
    }

    /// The digest as a number, mixed once more because FNV's last bytes reach the high bits poorly.
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
