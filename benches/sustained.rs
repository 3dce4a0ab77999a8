//! How fast events get from `track` into SQLite for good, beside a bare batched insert of the very same rows.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use sessio::Tracker;
use support::{Budget, Folder, config, event, timed};

/// As many as the outbox keeps by default.
const EVENTS: usize = 100_000;
const ROUNDS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(30);
const USUAL_BATCH: usize = 500;
/// What the library stores in one transaction at the most.
const OWN_BATCH: usize = 4_000;
const COLUMNS: &str = "position, namespace, sequence, id, session, time, kind, body";

type Row = Vec<Value>;

fn main() -> ExitCode {
    support::run("sustained", |report| {
        let (mut tracked, mut usual, mut own) = (0.0f64, 0.0f64, 0.0f64);
        // In turns, so that a slow moment of the machine meets all of them; the best of each counts.
        for _ in 0..ROUNDS {
            let folder = Folder::new();
            tracked = tracked.max(track(&folder.path("app.db")));
            let (table, rows) = rows(&folder.path("app.db"));
            usual = usual.max(insert(&folder.path("usual.db"), &table, &rows, USUAL_BATCH));
            own = own.max(insert(&folder.path("own.db"), &table, &rows, OWN_BATCH));
        }
        report.line("track until committed, one thread", tracked, "events/s", Budget::None);
        report.line("bare insert of the same rows, 500 a transaction", usual, "events/s", Budget::None);
        report.line("bare insert of the same rows, 4,000 a transaction", own, "events/s", Budget::None);
        report.line(
            "share of the bare insert, 500 a transaction",
            100.0 * tracked / usual,
            "%",
            Budget::AtLeast(60.0),
        );
        report.line(
            "share of the bare insert, 4,000 a transaction",
            100.0 * tracked / own,
            "%",
            Budget::AtLeast(60.0),
        );
    })
}

/// Events a second from the first `track` until all are committed. A full journal makes the caller wait, as it would
/// an app.
fn track(path: &Path) -> f64 {
    let config = config(path).full_wait(PATIENCE).build().unwrap();
    let (tracker, event) = (Tracker::open(config).unwrap(), event());
    let (time, ()) = timed(|| {
        support::track(&tracker, &event, EVENTS);
        tracker.poll().unwrap();
    });
    assert_eq!(tracker.stats().unwrap().stored, EVENTS as u64);
    tracker.close(PATIENCE).unwrap();
    EVENTS as f64 / time.as_secs_f64()
}

/// The table of events as the library made it, and its rows.
fn rows(path: &Path) -> (String, Vec<Row>) {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let table = "SELECT sql FROM sqlite_schema WHERE name = 'events'";
    let table = connection.query_row(table, [], |row| row.get(0)).unwrap();
    let mut select = connection.prepare(&format!("SELECT {COLUMNS} FROM events ORDER BY sequence")).unwrap();
    let columns = select.column_count();
    let rows = select.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).unwrap();
    let rows: Vec<Row> = rows.map(Result::unwrap).collect();
    assert_eq!(rows.len(), EVENTS);
    (table, rows)
}

/// Rows a second by one prepared statement, nothing else.
fn insert(path: &Path, table: &str, rows: &[Row], batch: usize) -> f64 {
    let mut connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;").unwrap();
    connection.execute_batch(table).unwrap();
    let sql = format!("INSERT INTO events ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    let (time, ()) = timed(|| {
        for rows in rows.chunks(batch) {
            let transaction = connection.transaction().unwrap();
            let mut statement = transaction.prepare_cached(&sql).unwrap();
            for row in rows {
                statement.execute(params_from_iter(row)).unwrap();
            }
            drop(statement);
            transaction.commit().unwrap();
        }
    });
    rows.len() as f64 / time.as_secs_f64()
}
