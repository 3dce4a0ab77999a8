//! What led to an error: the last events of its session, in short. Remembered in a ring of bytes, in the form in which
//! they are stored, so that `track` neither allocates nor encodes them twice.

use std::collections::VecDeque;

use super::{Event, EventKind};
use crate::encoding::{Put, Take};

/// The most bytes of a crumb's name.
const NAME: usize = 100;
/// What stands before the name: kind, time, the name's length.
const FRONT: usize = 10;
/// The bytes that the ring has for each crumb: names are short, mostly.
const USUAL: usize = 64;

/// An event that came before an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breadcrumb {
    /// The name of its kind, see [`EventKind::name`].
    pub kind: &'static str,
    /// What it was, up to 100 bytes, cut between letters: a screen's name or else its id, `category/action`, a schema,
    /// `category/variable`, a log's message, an error's type, a feature. Empty for events of the app's lifecycle.
    pub name: String,
    /// When it was tracked: UTC, milliseconds since 1970.
    pub time: i64,
}

impl Breadcrumb {
    /// Reads what `Trail::encode` wrote.
    pub(super) fn decode_all(from: &mut Take<'_>) -> Option<Vec<Self>> {
        // The number may be damaged, so no room is made for it.
        let mut trail = Vec::new();
        for _ in 0..from.u32()? {
            trail.push(Self::decode(from)?);
        }
        Some(trail)
    }

    fn decode(from: &mut Take<'_>) -> Option<Self> {
        let (kind, time) = (EventKind::name_of(from.u8()?)?, from.i64()?);
        let length = Some(usize::from(from.u8()?)).filter(|length| *length <= NAME)?;
        let name = std::str::from_utf8(from.bytes(length)?).ok()?.to_owned();
        Some(Self { kind, name, time })
    }
}

/// The last events of a session, oldest first. Its memory is bounded, and taken once, with the first event.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    most: usize,
    count: usize,
    bytes: VecDeque<u8>,
}

impl Trail {
    /// Remembers at most that many events, in at most 64 bytes each on average, but always one. 0: none.
    pub fn new(most: usize) -> Self {
        Self { most, count: 0, bytes: VecDeque::new() }
    }

    /// Remembers an event; the oldest ones leave for it.
    pub fn push(&mut self, event: &Event, time: i64) {
        if self.most == 0 {
            return;
        }
        // Without memory for it nothing is remembered: that is no reason to stop an app.
        if self.bytes.capacity() == 0 && self.bytes.try_reserve_exact(self.room()).is_err() {
            return;
        }
        let mut crumb = [0; FRONT + NAME];
        let length = write(event.kind(), time, &mut crumb);
        // One always has room, so that this ends.
        while self.count >= self.most || self.bytes.len() + length > self.room() {
            self.forget_oldest();
        }
        self.bytes.extend(&crumb[..length]);
        self.count += 1;
    }

    /// Forgets them all: another session began. The memory is kept.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    /// How many events it remembers at the most.
    pub fn most(&self) -> usize {
        self.most
    }

    /// How many events are remembered.
    pub fn len(&self) -> usize {
        self.count
    }

    /// How many bytes `encode` writes.
    pub fn encoded_len(&self) -> usize {
        size_of::<u32>() + self.bytes.len()
    }

    /// Writes their number and what is remembered of each. It goes right behind the event.
    pub fn encode(&self, out: &mut impl Put) {
        // Each takes ten bytes at least: more than a u32 counts do not fit into memory that a host would give.
        out.u32(self.count as u32);
        let (front, back) = self.bytes.as_slices();
        out.bytes(front);
        out.bytes(back);
    }

    fn room(&self) -> usize {
        self.most.saturating_mul(USUAL).max(FRONT + NAME)
    }

    fn forget_oldest(&mut self) {
        let name = self.bytes.get(FRONT - 1).map_or(0, |length| usize::from(*length));
        self.bytes.drain(..(FRONT + name).min(self.bytes.len()));
        self.count -= 1;
    }
}

/// Writes a crumb, and tells how long it is.
fn write(kind: &EventKind, time: i64, crumb: &mut [u8; FRONT + NAME]) -> usize {
    let mut length = 0;
    for part in name(kind) {
        let taken = part.floor_char_boundary(NAME - length);
        crumb[FRONT + length..][..taken].copy_from_slice(&part.as_bytes()[..taken]);
        length += taken;
        if taken < part.len() {
            break;
        }
    }
    crumb[0] = kind.number();
    crumb[1..FRONT - 1].copy_from_slice(&time.to_le_bytes());
    crumb[FRONT - 1] = length as u8;
    FRONT + length
}

/// The parts of a crumb's name.
fn name(kind: &EventKind) -> [&str; 3] {
    match kind {
        EventKind::ScreenView { name, id } => [name.as_deref().or(id.as_deref()).unwrap_or_default(), "", ""],
        EventKind::Structured { category: a, action: b }
        | EventKind::Timing { category: a, variable: b, .. } => [a, "/", b],
        EventKind::SelfDescribing { schema: one, .. }
        | EventKind::Log { message: one, .. }
        | EventKind::Error { error_type: one, .. }
        | EventKind::Feature { name: one } => [one, "", ""],
        EventKind::Foreground { .. } | EventKind::Background { .. } | EventKind::Install => [""; 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Severity;

    fn bytes(trail: &Trail) -> Vec<u8> {
        let mut bytes = Vec::new();
        trail.encode(&mut bytes);
        assert_eq!(bytes.len(), trail.encoded_len());
        bytes
    }

    fn crumbs(trail: &Trail) -> Vec<Breadcrumb> {
        let bytes = bytes(trail);
        let mut from = Take(&bytes);
        let crumbs = Breadcrumb::decode_all(&mut from).unwrap();
        assert!(from.0.is_empty() && crumbs.len() == trail.len());
        crumbs
    }

    fn feature(name: &str) -> Event {
        Event::feature(name).unwrap()
    }

    #[test]
    fn every_kind_has_its_name() {
        let schema = "iglu:a/b/jsonschema/1-0-0";
        let expected = [
            (Event::screen_view(Some("Cart"), Some("7")), "screen_view", "Cart"),
            (Event::screen_view(None, Some("7")), "screen_view", "7"),
            (Event::structured("cart", "add"), "structured", "cart/add"),
            (Event::self_describing(schema, "{}"), "self_describing", schema),
            (Event::timing("load", "cart", 1), "timing", "load/cart"),
            (Event::log(Severity::INFO, Some("s"), "m\n2"), "log", "m\n2"),
            (Event::error("E", "m", false), "error", "E"),
            (Event::feature("f"), "feature", "f"),
            (Ok(Event::lifecycle(false, 1)), "foreground", ""),
            (Ok(Event::lifecycle(true, 1)), "background", ""),
            (Ok(Event::install()), "install", ""),
        ];
        let mut trail = Trail::new(20);
        for (time, (event, _, _)) in (-1..).zip(&expected) {
            trail.push(event.as_ref().unwrap(), time);
        }
        let crumb = |(time, (_, kind, name)): (i64, &(_, &'static str, &str))| Breadcrumb {
            kind,
            name: (*name).to_owned(),
            time,
        };
        assert_eq!(crumbs(&trail), (-1..).zip(&expected).map(crumb).collect::<Vec<_>>());
    }

    #[test]
    fn long_names_are_cut_between_letters() {
        let mut trail = Trail::new(9);
        trail.push(&feature(&"x".repeat(101)), 0);
        trail.push(&feature(&format!("x{}", "ä".repeat(50))), 0);
        trail.push(&Event::structured(&"c".repeat(99), "äb").unwrap(), 0);
        trail.push(&Event::structured(&"c".repeat(98), "äb").unwrap(), 0);
        trail.push(&Event::structured(&"ä".repeat(60), "b").unwrap(), 0);
        let names: Vec<_> = crumbs(&trail).into_iter().map(|crumb| crumb.name).collect();
        assert_eq!(names[0], "x".repeat(100));
        assert_eq!(names[1], format!("x{}", "ä".repeat(49)));
        assert_eq!(names[2], format!("{}/", "c".repeat(99)));
        assert_eq!(names[3], format!("{}/", "c".repeat(98)), "half a letter does not count");
        assert_eq!(names[4], "ä".repeat(50));
    }

    #[test]
    fn the_oldest_leave_first_and_the_memory_stays_as_it_was_taken() {
        let mut trail = Trail::new(7);
        assert_eq!(trail.bytes.capacity(), 0);
        trail.push(&feature("0"), 0);
        let capacity = trail.bytes.capacity();
        for time in 1..10_000_i64 {
            // Of every length, so that each place of the ring is once the seam.
            trail.push(&feature(&"x".repeat(1 + (time * 37 % 120) as usize)), time);
            let times: Vec<_> = crumbs(&trail).iter().map(|crumb| crumb.time).collect();
            let first = time + 1 - times.len() as i64;
            assert_eq!(times, (first..=time).collect::<Vec<_>>());
            assert!((1..=7).contains(&times.len()) && trail.bytes.len() <= 7 * USUAL);
            assert!(times.len() >= 4 || time < 4, "7 × 64 bytes hold four of the longest");
        }
        assert_eq!(trail.bytes.capacity(), capacity);
        trail.clear();
        assert_eq!((trail.len(), bytes(&trail)), (0, vec![0; 4]));
        trail.push(&feature("again"), 1);
        assert_eq!((trail.bytes.capacity(), crumbs(&trail).len()), (capacity, 1));
    }

    #[test]
    fn the_memory_is_used_to_the_last_byte() {
        let mut trail = Trail::new(7);
        (0..7).for_each(|time| trail.push(&feature(&"x".repeat(USUAL - FRONT)), time));
        assert_eq!((trail.len(), trail.bytes.len()), (7, trail.room()));
        trail.push(&feature(&"x".repeat(USUAL - FRONT + 1)), 7);
        assert_eq!(trail.len(), 6, "one byte more takes the place of two");
    }

    #[test]
    fn none_are_none_and_one_always_fits() {
        let mut off = Trail::new(0);
        off.push(&feature("f"), 1);
        assert_eq!((off.len(), off.bytes.capacity()), (0, 0));
        let mut too_much = Trail::new(usize::MAX);
        too_much.push(&feature("f"), 1);
        assert_eq!(too_much.len(), 0);
        let mut one = Trail::new(1);
        for time in 0..3 {
            one.push(&feature(&"x".repeat(1_000)), time);
            assert_eq!(crumbs(&one)[0], Breadcrumb { kind: "feature", name: "x".repeat(NAME), time });
        }
    }

    #[test]
    fn damaged_bytes_are_refused_without_harm() {
        let mut trail = Trail::new(5);
        ["a", "ä", "z"].iter().for_each(|name| trail.push(&feature(name), 1));
        let bytes = bytes(&trail);
        let decode = |bytes: &[u8]| Breadcrumb::decode_all(&mut Take(bytes));
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), None, "cut at {end}");
        }
        let with = |at: usize, byte: u8| {
            let mut damaged = bytes.clone();
            damaged[at] = byte;
            decode(&damaged)
        };
        for at in 0..bytes.len() {
            (0..=255).for_each(|byte| drop(with(at, byte)));
        }
        assert_eq!(with(3, 0xff), None, "a number that nothing could hold");
        assert_eq!(with(4, 0), None, "no kind");
        assert_eq!(with(4, 11), None, "a newer kind");
        assert_eq!(with(4 + 11 + FRONT, 0xff), None, "no text");
        let long = [&[1, 0, 0, 0, 7][..], &[0; 8], &[101], &[b'x'; 101]].concat();
        assert_eq!(decode(&long), None, "a name longer than is written");
    }
}
