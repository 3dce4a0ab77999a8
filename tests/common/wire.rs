//! What the tests of the protocols share.
#![allow(dead_code)] // each test program uses its own part

pub mod golden;
pub mod samples;
