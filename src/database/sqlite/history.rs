//! The history: one row per ended session.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::database::Entry;
use crate::ids::SessionId;
use crate::session::SessionRecord;

/// Adds sessions that ended, and forgets the oldest over `keep`.
pub(super) fn insert(
    tx: &Transaction<'_>,
    namespace: i64,
    entries: &[Entry<'_>],
    keep: u64,
) -> rusqlite::Result<()> {
    let mut ended = entries.iter().filter_map(Entry::ended).peekable();
    if ended.peek().is_none() {
        return Ok(());
    }
    let mut insert = tx.prepare_cached(
        "INSERT INTO history (namespace, number, id, started_at, ended_at, end_reason, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for session in ended {
        let reason = session.end_reason.map_or("", |reason| reason.name());
        let ended_at = session.ended_at.unwrap_or_default();
        insert.execute(params![
            namespace,
            session.index,
            session.id.to_string(),
            session.started_at.wall,
            ended_at,
            reason,
            session.to_json()
        ])?;
    }
    let prune = "DELETE FROM history WHERE namespace = ?1 AND position <=
                 (SELECT position FROM history WHERE namespace = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2)";
    tx.prepare_cached(prune)?.execute(params![namespace, i64::try_from(keep).unwrap_or(i64::MAX)])?;
    Ok(())
}

/// The newest records as text, newest first.
pub(super) fn read(connection: &Connection, namespace: i64, limit: usize) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT record FROM history WHERE namespace = ?1 ORDER BY position DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // A row that is no text costs that row alone.
    let rows = statement.query_map(params![namespace, limit], |row| Ok(row.get(0).unwrap_or_default()))?;
    rows.collect()
}

/// Changes the newest session of that id. One that cannot be read is none.
pub(super) fn amend(
    tx: &Transaction<'_>,
    namespace: i64,
    id: &SessionId,
    change: &mut dyn FnMut(&mut SessionRecord),
) -> rusqlite::Result<Option<SessionRecord>> {
    let sql = "SELECT position, record FROM history WHERE namespace = ?1 AND id = ?2 ORDER BY position DESC LIMIT 1";
    let found = tx.query_row(sql, params![namespace, id.to_string()], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1).unwrap_or_default()))
    });
    let Some((position, text)) = found.optional()? else { return Ok(None) };
    let Ok(mut record) = SessionRecord::from_json(&text) else { return Ok(None) };
    change(&mut record);
    tx.execute("UPDATE history SET record = ?2 WHERE position = ?1", params![position, record.to_json()])?;
    Ok(Some(record))
}
