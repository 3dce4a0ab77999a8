//! What is held of sampled out sessions in SQLite, in the order in which it happened, until their end.

use rusqlite::{Params, ToSql, Transaction, params};

use super::super::ledger::{LettingGo, Rows};
use super::super::{Caps, Ledger};
use super::outbox::{Columns, too_many};
use super::schema::first_position;
use crate::ids::SessionId;

pub(super) fn insert(tx: &Transaction<'_>, namespace: i64, columns: &Columns<'_>) -> rusqlite::Result<()> {
    let sql = "INSERT INTO held (namespace, sequence, id, session, time, kind, body)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let Columns { sequence, id, session, time, kind, body } = columns;
    let session = session.as_deref().unwrap_or_default();
    tx.prepare_cached(sql)?.execute(params![namespace, sequence, id, session, time, kind, body]).map(drop)
}

/// Copies what is held for a session, numbered on from `last_number`. Gives how many rows.
pub(super) fn copy_to_outbox(
    tx: &Transaction<'_>,
    namespace: i64,
    session: &str,
    last_number: u64,
) -> rusqlite::Result<u64> {
    let sql = "INSERT INTO events (position, namespace, sequence, id, session, time, kind, body)
               SELECT ?3 + row_number() OVER (ORDER BY position), namespace, sequence, id, session, time, kind, body
               FROM held WHERE namespace = ?1 AND session = ?2";
    let last = first_position(namespace) - 1 + last_number as i64;
    tx.prepare_cached(sql)?.execute(params![namespace, session, last]).map(|rows| rows as u64)
}

/// Removes rows, and counts them where they went. Gives how many.
pub(super) fn remove(
    tx: &Transaction<'_>,
    which: &str,
    parameters: impl Params + Clone,
    to: LettingGo,
    ledger: &mut Ledger,
) -> rusqlite::Result<u64> {
    let sum = format!("SELECT count(*), total(kind < 100), total(length(body)) FROM held WHERE {which}");
    let read =
        |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, f64>(1)?, row.get::<_, f64>(2)?));
    let (count, events, bytes) = tx.prepare_cached(&sum)?.query_row(parameters.clone(), read)?;
    let (count, events) = (count.unsigned_abs(), events as u64);
    ledger.let_go(Rows { events, facts: count - events, bytes: bytes as u64 }, to);
    tx.prepare_cached(&format!("DELETE FROM held WHERE {which}"))?.execute(parameters)?;
    Ok(count)
}

/// Drops the oldest events until the rest is within the caps. A start stays longer, so that a crash has one.
pub(super) fn enforce_caps(
    tx: &Transaction<'_>,
    namespace: i64,
    caps: &Caps,
    ledger: &mut Ledger,
) -> rusqlite::Result<()> {
    while ledger.held_rows() > 0 && caps.hold_too_much(ledger) {
        let count = too_many(ledger.held_rows(), caps.max_held, ledger.held_bytes, caps.max_held_bytes);
        let oldest = "position IN (SELECT position FROM held WHERE namespace = ?1 ORDER BY kind >= 100, position LIMIT ?2)";
        if remove(tx, oldest, params![namespace, count], LettingGo::Nowhere, ledger)? == 0 {
            // The counters disagree with the table (a file changed by other hands): believe the table.
            (ledger.held, ledger.held_facts, ledger.held_bytes) = (0, 0, 0);
        }
    }
    Ok(())
}

/// Drops what is held for sessions other than these.
pub(super) fn drop_others(
    tx: &Transaction<'_>,
    namespace: i64,
    sessions: &[SessionId],
    ledger: &mut Ledger,
) -> rusqlite::Result<()> {
    let places: Vec<String> = (0..sessions.len()).map(|at| format!("?{}", at + 2)).collect();
    let which = format!("namespace = ?1 AND session NOT IN ({})", places.join(", "));
    let ids: Vec<String> = sessions.iter().map(SessionId::to_string).collect();
    let mut parameters: Vec<&dyn ToSql> = vec![&namespace];
    parameters.extend(ids.iter().map(|id| id as &dyn ToSql));
    remove(tx, &which, parameters.as_slice(), LettingGo::Nowhere, ledger).map(drop)
}
