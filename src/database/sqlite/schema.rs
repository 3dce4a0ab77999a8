//! The tables, and how an older file becomes one of today. The n-th upgrade leads from version n to n + 1; released
//! ones never change.

/// Marks a file as ours ("SESS").
pub(super) const APPLICATION_ID: i32 = 0x5345_5353;

/// The version that this library writes.
pub(super) const VERSION: i32 = UPGRADES.len() as i32;

pub(in crate::database) const UPGRADES: [&str; 3] = [
    "
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
",
    // Delivery: how far each destination is, and what became of each event. Positions say the namespace from now on.
    "
    ALTER TABLE events ADD COLUMN fate INTEGER NOT NULL DEFAULT 0;
    UPDATE events SET position = (namespace << 40) + position;

    ALTER TABLE namespaces ADD COLUMN last_number INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE namespaces ADD COLUMN facts INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE namespaces ADD COLUMN dropped_refused INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE namespaces ADD COLUMN dropped_oversize INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE namespaces ADD COLUMN dropped_unsendable INTEGER NOT NULL DEFAULT 0;
    UPDATE namespaces SET last_number =
        coalesce((SELECT max(position) & ((1 << 40) - 1) FROM events WHERE namespace = namespaces.id), 0);

    CREATE TABLE destinations (
        id         INTEGER PRIMARY KEY,
        namespace  INTEGER NOT NULL,
        name       TEXT NOT NULL,
        cursor     INTEGER NOT NULL DEFAULT 0,
        progress   TEXT NOT NULL DEFAULT '',
        delivered  INTEGER NOT NULL DEFAULT 0,
        refused    INTEGER NOT NULL DEFAULT 0,
        oversize   INTEGER NOT NULL DEFAULT 0,
        unsendable INTEGER NOT NULL DEFAULT 0,
        overflowed INTEGER NOT NULL DEFAULT 0,
        UNIQUE (namespace, name)
    );
",
    // Sampling: what is held of sessions that are kept only if they crash.
    "
    ALTER TABLE namespaces ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE namespaces ADD COLUMN held_facts INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE namespaces ADD COLUMN held_bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE namespaces ADD COLUMN dropped_sampled INTEGER NOT NULL DEFAULT 0;

    CREATE TABLE held (
        position  INTEGER PRIMARY KEY,
        namespace INTEGER NOT NULL,
        sequence  INTEGER NOT NULL,
        id        BLOB NOT NULL,
        session   TEXT NOT NULL,
        time      INTEGER NOT NULL,
        kind      INTEGER NOT NULL,
        body      BLOB NOT NULL
    );
",
];

/// A row's position is its namespace, and in the lower 40 bits its number there: the rows of a namespace lie
/// together, in order, and a number is never given twice.
const NUMBER_BITS: u32 = 40;

/// The position of the first row a namespace can have, number 1.
pub(super) const fn first_position(namespace: i64) -> i64 {
    (namespace << NUMBER_BITS) + 1
}

/// The position of the last one.
pub(super) const fn last_position(namespace: i64) -> i64 {
    ((namespace + 1) << NUMBER_BITS) - 1
}

/// What must be there for a file to be usable: it prepares only if every table and column is.
pub(super) const VALIDATE: [&str; 6] = [
    "SELECT key, value FROM meta LIMIT 0",
    "SELECT id, name, settings, session, journal_id, journal_position, stored, stored_bytes, delivered, dropped_aged,
            dropped_overflowed, dropped_erased, dropped_lost, last_number, facts, dropped_refused, dropped_oversize,
            dropped_unsendable, held, held_facts, held_bytes, dropped_sampled FROM namespaces LIMIT 0",
    "SELECT position, namespace, sequence, id, session, time, kind, body, fate FROM events LIMIT 0",
    "SELECT position, namespace, sequence, id, session, time, kind, body FROM held LIMIT 0",
    "SELECT id, namespace, name, cursor, progress, delivered, refused, oversize, unsendable, overflowed
            FROM destinations LIMIT 0",
    "SELECT position, namespace, number, id, started_at, ended_at, end_reason, record FROM history LIMIT 0",
];
