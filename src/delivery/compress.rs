//! Smaller bodies.

use crate::protocol::Request;

pub(crate) fn compress(request: Request) -> Request {
    request
}
