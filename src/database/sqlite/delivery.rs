//! Destinations in SQLite: how far each is, and what it has done.

use rusqlite::{Connection, Transaction, params};

use super::super::destination::{Destination, floor};
use super::super::ledger::{Leaving, Rows};
use super::super::{DeliveryCounts, Fate, Ledger, Row, Settlement};
use super::schema::{first_position, last_position};
use super::{SqliteDatabase, erasures, failed, namespace, outbox};
use crate::error::Result;

impl SqliteDatabase {
    /// Finds or makes the rows of the destinations in use. What was owed to others only leaves.
    pub(super) fn try_attach(&mut self, names: &[&str]) -> Result<Ledger> {
        let (destinations, ledger) = self.transact("the destinations cannot be prepared", |tx, this| {
            let found = names.iter().map(|name| find(tx, *this.namespace, name));
            let destinations = found.collect::<rusqlite::Result<Vec<_>>>()?;
            let mut ledger = *this.ledger;
            release(tx, *this.namespace, &destinations, &mut ledger)?;
            namespace::update_ledger(tx, *this.namespace, &ledger)?;
            Ok((destinations, ledger))
        })?;
        self.destinations = destinations;
        Ok(ledger)
    }

    /// Whether there ever were any.
    pub(super) fn has_destinations(&self) -> Result<bool> {
        let sql = "SELECT count(*) FROM destinations WHERE namespace = ?1";
        let found: rusqlite::Result<i64> = self.connection.query_row(sql, [self.namespace], |row| row.get(0));
        found.map(|count| count > 0).map_err(|e| failed("the destinations cannot be read", e))
    }

    /// The edition of this file, erased so often.
    pub(super) fn edition_of(&self, erasures: i64) -> u64 {
        self.edition << 32 | (erasures as u64 & u64::from(u32::MAX))
    }

    /// Stores what a destination has done.
    pub(super) fn try_settle(&mut self, settlement: &Settlement<'_>) -> Result<Option<Ledger>> {
        let mut destinations = self.destinations.clone();
        let Some(destination) = destinations.get_mut(settlement.destination) else { return Ok(None) };
        let known = self.edition_of(self.erasures) == settlement.edition;
        let advanced = settlement.up_to.saturating_sub(destination.cursor);
        // Fates may lie beyond: rows that were set aside behind items that are owed still.
        let within = settlement.fates.partition_point(|(number, _)| *number <= settlement.up_to) as u64;
        let skipped = advanced > within;
        destination.settle(settlement);
        let ledger = self.transact("what was delivered cannot be noted", |tx, this| {
            // Another tracker may have erased the database since.
            if !known || erasures(tx)? != *this.erasures {
                return Ok(None);
            }
            let mut ledger = *this.ledger;
            leave_or_mark(tx, *this.namespace, settlement, &destinations, skipped, &mut ledger)?;
            destinations.get(settlement.destination).map_or(Ok(()), |destination| store(tx, destination))?;
            namespace::update_ledger(tx, *this.namespace, &ledger)?;
            Ok(Some(ledger))
        })?;
        if ledger.is_some() {
            self.destinations = destinations;
        }
        Ok(ledger)
    }
}

/// What was settled leaves if nobody else is owed it.
fn leave_or_mark(
    tx: &Transaction<'_>,
    namespace: i64,
    settlement: &Settlement<'_>,
    destinations: &[Destination],
    skipped: bool,
    ledger: &mut Ledger,
) -> rusqlite::Result<()> {
    let (alone, mut remain) = (destinations.len() == 1, skipped);
    for run in runs(settlement.fates) {
        if !alone || !leave_at_once(tx, namespace, run, ledger)? {
            mark(tx, namespace, run)?;
            remain = true;
        }
    }
    if remain { release(tx, namespace, destinations, ledger) } else { Ok(()) }
}

const COLUMNS: &str = "id, cursor, progress, delivered, refused, oversize, unsendable, overflowed";

fn find(tx: &Transaction<'_>, namespace: i64, name: &str) -> rusqlite::Result<Destination> {
    tx.execute(
        "INSERT OR IGNORE INTO destinations (namespace, name) VALUES (?1, ?2)",
        params![namespace, name],
    )?;
    let sql = format!("SELECT {COLUMNS} FROM destinations WHERE namespace = ?1 AND name = ?2");
    tx.query_row(&sql, params![namespace, name], |row| {
        // Damaged numbers and texts cost what they say, not the file.
        let number = |at: usize| row.get::<_, i64>(at).map_or(0, i64::unsigned_abs);
        let counts = DeliveryCounts {
            delivered: number(3),
            refused: number(4),
            oversize: number(5),
            unsendable: number(6),
            overflowed: number(7),
        };
        let progress = row.get(2).unwrap_or_default();
        Ok(Destination { id: row.get(0)?, name: name.to_owned(), cursor: number(1), progress, counts })
    })
}

fn store(tx: &Transaction<'_>, destination: &Destination) -> rusqlite::Result<()> {
    let sql =
        "UPDATE destinations SET cursor = ?2, progress = ?3, delivered = ?4, refused = ?5, oversize = ?6,
               unsendable = ?7, overflowed = ?8 WHERE id = ?1";
    let DeliveryCounts { delivered, refused, oversize, unsendable, overflowed } = destination.counts;
    let number = |n: u64| n as i64;
    let (id, progress) = (destination.id, &destination.progress);
    tx.prepare_cached(sql)?
        .execute(params![
            id,
            number(destination.cursor),
            progress,
            number(delivered),
            number(refused),
            number(oversize),
            number(unsendable),
            number(overflowed)
        ])
        .map(drop)
}

/// Items next to each other with the same fate.
fn runs(fates: &[(u64, Fate)]) -> impl Iterator<Item = &[(u64, Fate)]> {
    fates.chunk_by(|a, b| a.1 == b.1 && a.0 + 1 == b.0)
}

/// What became of rows at one destination. Where several had them, the greatest counts.
fn mark(tx: &Transaction<'_>, namespace: i64, run: &[(u64, Fate)]) -> rusqlite::Result<()> {
    let (Some(&(first, fate)), Some(&(last, _))) = (run.first(), run.last()) else { return Ok(()) };
    let position = |number| position(namespace, number);
    let sql = "UPDATE events SET fate = max(fate, ?3) WHERE position BETWEEN ?1 AND ?2";
    tx.prepare_cached(sql)?.execute(params![position(first), position(last), fate as u8]).map(drop)
}

fn position(namespace: i64, number: u64) -> i64 {
    first_position(namespace) - 1 + number as i64
}

/// Where there is but one destination nothing need be marked: half the time of a settlement. Gives whether that could
/// be done; not for rows that another destination had before it was removed.
fn leave_at_once(
    tx: &Transaction<'_>,
    namespace: i64,
    run: &[(u64, Fate)],
    ledger: &mut Ledger,
) -> rusqlite::Result<bool> {
    let (Some(&(first, fate)), Some(&(last, _))) = (run.first(), run.last()) else { return Ok(true) };
    let range = [position(namespace, first), position(namespace, last)];
    let sql = "SELECT count(*), total(kind < 100), total(length(body)), total(fate) FROM events WHERE position BETWEEN ?1 AND ?2";
    let (count, events, bytes, fates): (i64, f64, f64, f64) = tx
        .prepare_cached(sql)?
        .query_row(range, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    if fates > 0.0 {
        return Ok(false);
    }
    let (count, events) = (count.unsigned_abs(), events as u64);
    ledger.leave(Rows { events, facts: count - events, bytes: bytes as u64 }, Leaving::Settled(fate));
    tx.prepare_cached("DELETE FROM events WHERE position BETWEEN ?1 AND ?2")?.execute(range)?;
    Ok(true)
}

/// What no destination is owed any more leaves, if one had it.
fn release(
    tx: &Transaction<'_>,
    namespace: i64,
    destinations: &[Destination],
    ledger: &mut Ledger,
) -> rusqlite::Result<()> {
    let first = first_position(namespace);
    let last =
        first.saturating_sub(1).saturating_add_unsigned(floor(destinations)).min(last_position(namespace));
    outbox::leave(tx, "position BETWEEN ?1 AND ?2 AND fate > 0", [first, last], None, ledger).map(drop)
}

/// Rows with a number over `after`, until they have reached `bytes`.
pub(super) fn read(
    connection: &Connection,
    namespace: i64,
    after: u64,
    rows: usize,
    bytes: usize,
) -> rusqlite::Result<Vec<Row>> {
    let sql = "SELECT position, kind, time, body FROM events WHERE position BETWEEN ?1 AND ?2 ORDER BY position LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let first = first_position(namespace);
    let from = first.saturating_add_unsigned(after);
    let limit = i64::try_from(rows).unwrap_or(i64::MAX);
    let mut found = statement.query(params![from, last_position(namespace), limit])?;
    let (mut read, mut size) = (Vec::new(), 0);
    while size < bytes
        && let Some(row) = found.next()?
    {
        // A damaged column makes a row that nobody can read, which leaves as such.
        let body: Vec<u8> = row.get(3).unwrap_or_default();
        size += body.len();
        let number = (row.get::<_, i64>(0)? - first + 1).unsigned_abs();
        read.push(Row {
            number,
            kind: row.get(1).unwrap_or_default(),
            time: row.get(2).unwrap_or_default(),
            body,
        });
    }
    Ok(read)
}
