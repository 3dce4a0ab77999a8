//! Snowplow's requests.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "common/wire.rs"]
mod common;

use common::samples;

#[test]
fn samples_have_names_of_their_own() {
    let mut names: Vec<_> = samples::events().into_iter().map(|(name, _)| name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
