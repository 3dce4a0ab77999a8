//! The outbox in SQLite: events that wait for delivery, in the order of their sequence, under caps.

use rusqlite::{Connection, Transaction, params};

use super::super::{Caps, Ledger};
use crate::event::Head;

/// How often events are looked through for too old ones. A month is long; a minute more does not matter.
const AGE_CHECK_EVERY_MS: i64 = 60_000;

/// Stores events as the journal has them.
pub(super) fn insert(
    tx: &Transaction<'_>,
    namespace: i64,
    events: &[&[u8]],
    ledger: &mut Ledger,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO events (namespace, sequence, id, session, time, kind, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut statement = tx.prepare_cached(sql)?;
    for body in events {
        // The journal's checksum has been verified: what is damaged here was never written whole.
        let Some(head) = Head::decode(body) else { continue };
        let session = head.session.map(|id| id.to_string());
        statement.execute(params![
            namespace,
            head.sequence as i64,
            head.id.as_bytes().as_slice(),
            session,
            head.time,
            head.kind,
            body
        ])?;
        ledger.stored += 1;
        ledger.stored_bytes += body.len() as u64;
    }
    Ok(())
}

/// Events with a sequence number over `after`, in order.
pub(super) fn read(
    connection: &Connection,
    namespace: i64,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<Vec<u8>>> {
    let sql = "SELECT body FROM events WHERE namespace = ?1 AND sequence > ?2 ORDER BY position LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // A row that is no event costs that row alone.
    let rows = statement
        .query_map(params![namespace, after as i64, limit], |row| Ok(row.get(0).unwrap_or_default()))?;
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
    if aged_at.is_none_or(|at| now.saturating_sub(at).unsigned_abs() >= AGE_CHECK_EVERY_MS.unsigned_abs()) {
        *aged_at = Some(now);
        let oldest_allowed = now.saturating_sub_unsigned(caps.max_age_ms);
        let aged = "namespace = ?1 AND time < ?2";
        ledger.dropped.aged += delete(tx, aged, namespace, oldest_allowed, ledger)?;
    }
    while ledger.stored > 0 && (ledger.stored > caps.max_events || ledger.stored_bytes > caps.max_bytes) {
        // Over the count: exactly as many as there are too many. Over the size: an estimate that errs on the small
        // side.
        let over = ledger.stored.saturating_sub(caps.max_events);
        let mean = (ledger.stored_bytes / ledger.stored).max(1);
        let heavy = ledger.stored_bytes.saturating_sub(caps.max_bytes) / mean / 2;
        let count = i64::try_from(over.max(heavy).max(1)).unwrap_or(i64::MAX);
        let oldest =
            "position IN (SELECT position FROM events WHERE namespace = ?1 ORDER BY position LIMIT ?2)";
        let dropped = delete(tx, oldest, namespace, count, ledger)?;
        if dropped == 0 {
            // The counters disagree with the table (a file changed by other hands): believe the table.
            (ledger.stored, ledger.stored_bytes) = (0, 0);
        }
        ledger.dropped.overflowed += dropped;
    }
    Ok(())
}

fn delete(
    tx: &Transaction<'_>,
    which: &str,
    namespace: i64,
    limit: i64,
    ledger: &mut Ledger,
) -> rusqlite::Result<u64> {
    let sum = format!("SELECT count(*), coalesce(sum(length(body)), 0) FROM events WHERE {which}");
    let (count, bytes): (i64, i64) =
        tx.prepare_cached(&sum)?.query_row([namespace, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if count > 0 {
        tx.prepare_cached(&format!("DELETE FROM events WHERE {which}"))?.execute([namespace, limit])?;
    }
    ledger.stored = ledger.stored.saturating_sub(count.unsigned_abs());
    ledger.stored_bytes = ledger.stored_bytes.saturating_sub(bytes.unsigned_abs());
    Ok(count.unsigned_abs())
}
