//! The tables, and how an older file becomes one of today. The n-th upgrade leads from version n to n + 1; released
//! ones never change.

/// Marks a file as ours ("SESS").
pub(super) const APPLICATION_ID: i32 = 0x5345_5353;

/// The version that this library writes.
pub(super) const VERSION: i32 = UPGRADES.len() as i32;

pub(super) const UPGRADES: [&str; 1] = ["
    CREATE TABLE meta (
        key   TEXT PRIMARY KEY,
        value
    ) WITHOUT ROWID;

    CREATE TABLE namespaces (
        id                 INTEGER PRIMARY KEY,
        name               TEXT NOT NULL UNIQUE,
        settings           TEXT,
        session            TEXT,
        journal_id         INTEGER,
        journal_position   INTEGER,
        stored             INTEGER NOT NULL DEFAULT 0,
        stored_bytes       INTEGER NOT NULL DEFAULT 0,
        delivered          INTEGER NOT NULL DEFAULT 0,
        dropped_aged       INTEGER NOT NULL DEFAULT 0,
        dropped_overflowed INTEGER NOT NULL DEFAULT 0,
        dropped_erased     INTEGER NOT NULL DEFAULT 0,
        dropped_lost       INTEGER NOT NULL DEFAULT 0
    );

    CREATE TABLE events (
        position  INTEGER PRIMARY KEY,
        namespace INTEGER NOT NULL,
        sequence  INTEGER NOT NULL,
        id        BLOB NOT NULL,
        session   TEXT,
        time      INTEGER NOT NULL,
        kind      INTEGER NOT NULL,
        body      BLOB NOT NULL
    );

    CREATE TABLE history (
        position   INTEGER PRIMARY KEY,
        namespace  INTEGER NOT NULL,
        number     INTEGER NOT NULL,
        id         TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at   INTEGER NOT NULL,
        end_reason TEXT NOT NULL,
        record     TEXT NOT NULL
    );
"];

/// What must be there for a file to be usable: it prepares only if every table and column is.
pub(super) const VALIDATE: [&str; 4] = [
    "SELECT key, value FROM meta LIMIT 0",
    "SELECT id, name, settings, session, journal_id, journal_position, stored, stored_bytes, delivered, dropped_aged,
            dropped_overflowed, dropped_erased, dropped_lost FROM namespaces LIMIT 0",
    "SELECT position, namespace, sequence, id, session, time, kind, body FROM events LIMIT 0",
    "SELECT position, namespace, number, id, started_at, ended_at, end_reason, record FROM history LIMIT 0",
];
