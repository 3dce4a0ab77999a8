//! The outbox in SQLite: events, and starts and ends of sessions, that wait for delivery, in the order in which they
//! happened, under caps.

use rusqlite::{Connection, Params, Transaction, params};

use super::super::ledger::{Leaving, Rows};
use super::super::{Caps, Entry, Fact, Fate, Ledger};
use super::schema::{first_position, last_position};
use crate::event::Head;

/// How often events are looked through for too old ones. A month is long; a minute more does not matter.
const AGE_CHECK_EVERY_MS: i64 = 60_000;

const INSERT: &str = "INSERT INTO events (position, namespace, sequence, id, session, time, kind, body)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Stores what happened, numbered on from `last_number`.
pub(super) fn insert(
    tx: &Transaction<'_>,
    namespace: i64,
    entries: &[Entry<'_>],
    last_number: &mut u64,
    ledger: &mut Ledger,
) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(INSERT)?;
    for entry in entries {
        let position = first_position(namespace) + *last_number as i64;
        let stored = match entry {
            Entry::Event(body) => {
                // The journal's checksum has been verified: what is damaged here was never written whole.
                let Some(head) = Head::decode(body) else { continue };
                let session = head.session.map(|id| id.to_string());
                let id = head.id.as_bytes().as_slice();
                let sequence = head.sequence as i64;
                statement.execute(params![
                    position, namespace, sequence, id, session, head.time, head.kind, body
                ])?;
                Rows::one(head.kind, body.len())
            }
            Entry::Fact(fact) if fact.owed => insert_fact(&mut statement, position, namespace, fact)?,
            Entry::Fact(_) => continue,
        };
        *last_number += 1;
        ledger.enter(stored);
    }
    Ok(())
}

fn insert_fact(
    statement: &mut rusqlite::Statement<'_>,
    position: i64,
    namespace: i64,
    fact: &Fact,
) -> rusqlite::Result<Rows> {
    let (body, id) = (fact.session.to_json(), fact.session.id.to_string());
    let kind = fact.kind as u8;
    statement.execute(params![
        position,
        namespace,
        0,
        [0u8; 0].as_slice(),
        id,
        fact.at,
        kind,
        body.as_bytes()
    ])?;
    Ok(Rows::one(kind, body.len()))
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
        // Over the count: exactly as many as there are too many. Over the size: an estimate that errs on the small
        // side.
        let over = ledger.rows().saturating_sub(caps.max_events);
        let mean = (ledger.stored_bytes / ledger.rows()).max(1);
        let heavy = ledger.stored_bytes.saturating_sub(caps.max_bytes) / mean / 2;
        let count = i64::try_from(over.max(heavy).max(1)).unwrap_or(i64::MAX);
        let oldest = "position IN (SELECT position FROM events WHERE position BETWEEN ?1 AND ?2 ORDER BY position LIMIT ?3)";
        if leave(tx, oldest, params![first, last, count], Some(Leaving::Overflowed), ledger)? == 0 {
            // The counters disagree with the table (a file changed by other hands): believe the table.
            (ledger.stored, ledger.facts, ledger.stored_bytes) = (0, 0, 0);
        }
    }
    Ok(())
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
