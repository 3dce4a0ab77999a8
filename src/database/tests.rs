//! One contract for every database.
