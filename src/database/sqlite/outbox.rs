//! The outbox in SQLite: events, and starts and ends of sessions, that wait for delivery, in the order in which they
//! happened, under caps.

use rusqlite::{CachedStatement, Connection, Params, Transaction, params};

use super::super::ledger::{Leaving, LettingGo, Rows};
use super::super::sampled::Place;
use super::super::{COUNT_KIND, StartCount};
use super::super::{Caps, Entry, Fact, Fate, Ledger};
use super::held;
use super::schema::{first_position, last_position};
use crate::event::Head;
use crate::ids::SessionId;

/// How often events are looked through for too old ones. A month is long; a minute more does not matter.
const AGE_CHECK_EVERY_MS: i64 = 60_000;

const INSERT: &str = "INSERT INTO events (position, namespace, sequence, id, session, time, kind, body)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// The columns of a row, in the outbox or held.
pub(super) struct Columns<'a> {
    pub sequence: i64,
    pub id: &'a [u8],
    pub session: Option<String>,
    pub time: i64,
    pub kind: u8,
    pub body: &'a [u8],
}

/// Stores what happened where it belongs: in the outbox it is numbered on from `last_number`.
pub(super) fn insert(
    tx: &Transaction<'_>,
    namespace: i64,
    caps: &Caps,
    entries: &[Entry<'_>],
    last_number: &mut u64,
    ledger: &mut Ledger,
) -> rusqlite::Result<()> {
    let mut put = Put { tx, insert: tx.prepare_cached(INSERT)?, namespace, caps, last_number, ledger };
    entries.iter().try_for_each(|entry| put.entry(entry))
}

struct Put<'a> {
    tx: &'a Transaction<'a>,
    insert: CachedStatement<'a>,
    namespace: i64,
    caps: &'a Caps,
    last_number: &'a mut u64,
    ledger: &'a mut Ledger,
}

impl Put<'_> {
    fn entry(&mut self, entry: &Entry<'_>) -> rusqlite::Result<()> {
        match entry {
            Entry::Event(body) => self.event(body),
            Entry::Fact(fact) => self.fact(fact),
            Entry::Count(count) => self.count(count),
        }
    }

    fn event(&mut self, body: &[u8]) -> rusqlite::Result<()> {
        // The journal's checksum has been verified: what is damaged here was never written whole.
        let Some(head) = Head::decode(body) else { return Ok(()) };
        let place = Place::of_event(&head, self.caps);
        let Head { kind, time, id, session, .. } = &head;
        let session = session.as_ref().map(SessionId::to_string);
        let (sequence, id) = (head.sequence as i64, id.as_bytes().as_slice());
        let columns = Columns { sequence, id, session, time: *time, kind: *kind, body };
        if place == Place::Nowhere {
            self.ledger.dropped.sampled += 1;
        }
        self.row(place, &columns)
    }

    fn count(&mut self, count: &StartCount) -> rusqlite::Result<()> {
        let body = count.to_json();
        let columns = Columns {
            sequence: 0,
            id: &[],
            session: None,
            time: count.at,
            kind: COUNT_KIND,
            body: body.as_bytes(),
        };
        self.row(Place::Outbox, &columns)
    }

    fn fact(&mut self, fact: &Fact) -> rusqlite::Result<()> {
        let session = fact.session.id.to_string();
        if let Some(to) = fact.lets_go(self.caps) {
            self.let_go(&session, to)?;
        }
        let place = Place::of_fact(fact, self.caps);
        if place == Place::Nowhere {
            return Ok(());
        }
        let (kind, body) = (fact.kind as u8, fact.session.to_json());
        let body = body.as_bytes();
        self.row(place, &Columns { sequence: 0, id: &[], session: Some(session), time: fact.at, kind, body })
    }

    fn row(&mut self, place: Place, columns: &Columns<'_>) -> rusqlite::Result<()> {
        let rows = Rows::one(columns.kind, columns.body.len());
        match place {
            Place::Outbox => {
                let position = first_position(self.namespace) + *self.last_number as i64;
                let Columns { sequence, id, session, time, kind, body } = columns;
                let values = params![position, self.namespace, sequence, id, session, time, kind, body];
                self.insert.execute(values)?;
                *self.last_number += 1;
                self.ledger.enter(rows);
            }
            Place::Held => {
                held::insert(self.tx, self.namespace, columns)?;
                self.ledger.hold(rows);
            }
            Place::Nowhere => {}
        }
        Ok(())
    }

    /// What is held for a session goes the way of its end, as much of it as may be held.
    fn let_go(&mut self, session: &str, to: LettingGo) -> rusqlite::Result<()> {
        if self.ledger.held_rows() == 0 {
            return Ok(());
        }
        held::enforce_caps(self.tx, self.namespace, self.caps, self.ledger)?;
        if to == LettingGo::Outbox {
            *self.last_number += held::copy_to_outbox(self.tx, self.namespace, session, *self.last_number)?;
        }
        let which = "namespace = ?1 AND session = ?2";
        held::remove(self.tx, which, params![self.namespace, session], to, self.ledger).map(drop)
    }
}

/// Events with a sequence number over `after`, in order.
pub(super) fn read(
    connection: &Connection,
    namespace: i64,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<Vec<u8>>> {
    let sql = "SELECT body FROM events WHERE position BETWEEN ?1 AND ?2 AND sequence > ?3 ORDER BY position LIMIT ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (first, last) = (first_position(namespace), last_position(namespace));
    // A row that is no event costs that row alone.
    let rows = statement
        .query_map(params![first, last, after as i64, limit], |row| Ok(row.get(0).unwrap_or_default()))?;
    rows.collect()
}

/// Drops what is too old, then the oldest until the rest is within the caps.
pub(super) fn enforce_caps(
    tx: &Transaction<'_>,
    namespace: i64,
    caps: &Caps,
    now: i64,
    aged_at: &mut Option<i64>,
    ledger: &mut Ledger,
) -> rusqlite::Result<()> {
    let (first, last) = (first_position(namespace), last_position(namespace));
    if aged_at.is_none_or(|at| now.saturating_sub(at).unsigned_abs() >= AGE_CHECK_EVERY_MS.unsigned_abs()) {
        *aged_at = Some(now);
        let oldest_allowed = now.saturating_sub_unsigned(caps.max_age_ms);
        let aged = "position BETWEEN ?1 AND ?2 AND time < ?3";
        leave(tx, aged, params![first, last, oldest_allowed], Some(Leaving::Aged), ledger)?;
    }
    while ledger.rows() > 0 && (ledger.rows() > caps.max_events || ledger.stored_bytes > caps.max_bytes) {
        let count = too_many(ledger.rows(), caps.max_events, ledger.stored_bytes, caps.max_bytes);
        let oldest = "position IN (SELECT position FROM events WHERE position BETWEEN ?1 AND ?2 ORDER BY position LIMIT ?3)";
        if leave(tx, oldest, params![first, last, count], Some(Leaving::Overflowed), ledger)? == 0 {
            // The counters disagree with the table (a file changed by other hands): believe the table.
            (ledger.stored, ledger.facts, ledger.stored_bytes) = (0, 0, 0);
        }
    }
    Ok(())
}

/// How many rows to drop. Over the count: exactly as many as there are too many. Over the size: an estimate that errs
/// on the small side.
pub(super) fn too_many(rows: u64, max_rows: u64, bytes: u64, max_bytes: u64) -> i64 {
    let over = rows.saturating_sub(max_rows);
    let mean = (bytes / rows.max(1)).max(1);
    let heavy = bytes.saturating_sub(max_bytes) / mean / 2;
    i64::try_from(over.max(heavy).max(1)).unwrap_or(i64::MAX)
}

/// Removes rows: for the reason given, or as what became of each says. Gives how many.
pub(super) fn leave(
    tx: &Transaction<'_>,
    which: &str,
    parameters: impl Params + Clone,
    why: Option<Leaving>,
    ledger: &mut Ledger,
) -> rusqlite::Result<u64> {
    let sum = format!(
        "SELECT fate, sum(kind < 100), sum(kind >= 100), sum(length(body)) FROM events WHERE {which} GROUP BY fate"
    );
    let mut statement = tx.prepare_cached(&sum)?;
    let number = |row: &rusqlite::Row<'_>, at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
    let groups = statement.query_map(parameters.clone(), |row| {
        let rows = Rows { events: number(row, 1)?, facts: number(row, 2)?, bytes: number(row, 3)? };
        Ok((Fate::from_number(row.get(0)?), rows))
    })?;
    let mut left = 0;
    for group in groups {
        let (fate, rows) = group?;
        let Some(why) = why.map(|why| why.or_delivered(fate)).or(fate.map(Leaving::Settled)) else {
            continue;
        };
        ledger.leave(rows, why);
        left += rows.events + rows.facts;
    }
    if left > 0 {
        tx.prepare_cached(&format!("DELETE FROM events WHERE {which}"))?.execute(parameters)?;
    }
    Ok(left)
}
