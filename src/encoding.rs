//! The bytes of our own formats (stored events, the journal's session record): little-endian numbers, and text
//! with its length before it. Readers check every length, so that damaged bytes give `None` and never a panic.

use uuid::Uuid;

/// Appends values to a buffer. Inlined also where size is optimized for: calls with their checks were an eighth of a
/// `track`.
pub(crate) trait Put {
    fn bytes(&mut self, bytes: &[u8]);

    #[inline(always)]
    fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    #[inline(always)]
    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    #[inline(always)]
    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    #[inline(always)]
    fn i64(&mut self, value: i64) {
        self.bytes(&value.to_le_bytes());
    }

    #[inline(always)]
    fn uuid(&mut self, value: &Uuid) {
        self.bytes(value.as_bytes());
    }

    #[inline(always)]
    fn text(&mut self, value: &str) {
        // Limits elsewhere keep every text far below 4 GiB.
        self.u32(value.len() as u32);
        self.bytes(value.as_bytes());
    }

    /// A marker, then the value if there is one.
    fn option<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.u8(0),
            Some(value) => {
                self.u8(1);
                put(self, value);
            }
        }
    }
}

impl Put for Vec<u8> {
    #[inline(always)]
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// A buffer that is used again and again. What is small is stored in place: calls to append it to a vector were a tenth of a
/// `track`.
#[derive(Default)]
pub(crate) struct Buffer {
    memory: Vec<u8>,
    /// How much of it is written.
    length: usize,
}

impl Buffer {
    pub(crate) const fn new() -> Self {
        Self { memory: Vec::new(), length: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    pub(crate) fn written(&self) -> &[u8] {
        &self.memory[..self.length]
    }

    pub(crate) fn capacity(&self) -> usize {
        self.memory.capacity()
    }

    #[cold]
    fn grow(&mut self, length: usize) {
        const LEAST: usize = 1_024;
        self.memory.resize(length.max(self.memory.len() * 2).max(LEAST), 0);
    }
}

impl Put for Buffer {
    #[inline(always)]
    fn bytes(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if end > self.memory.len() {
            self.grow(end);
        }
        self.memory[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }
}

/// Takes values from the front of a slice.
pub(crate) struct Take<'a>(pub(crate) &'a [u8]);

impl<'a> Take<'a> {
    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        Some(self.array::<1>()?[0])
    }

    pub(crate) fn bool(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        Some(i64::from_le_bytes(self.array()?))
    }

    pub(crate) fn uuid(&mut self) -> Option<Uuid> {
        Some(Uuid::from_bytes(self.array()?))
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = self.u32()? as usize;
        std::str::from_utf8(self.bytes(length)?).ok()
    }

    /// The outer `None` is damage, the inner one an absent value.
    pub(crate) fn option<T>(&mut self, take: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.bool()? { take(self).map(Some) } else { Some(None) }
    }
}
