//! The schemas that events and contexts follow, and how long they allow texts to be (in characters).

pub const PAYLOAD: &str = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4";
pub const CONTEXTS: &str = "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1";
pub const SELF_DESCRIBING: &str = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0";

pub const CLIENT_SESSION: &str = "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2";
pub const DESKTOP: &str = "iglu:com.snowplowanalytics.snowplow/desktop_context/jsonschema/1-0-0";
pub const MOBILE: &str = "iglu:com.snowplowanalytics.snowplow/mobile_context/jsonschema/1-0-3";
pub const APPLICATION: &str = "iglu:com.snowplowanalytics.mobile/application/jsonschema/1-0-0";

pub const SCREEN_VIEW: &str = "iglu:com.snowplowanalytics.mobile/screen_view/jsonschema/1-0-0";
pub const TIMING: &str = "iglu:com.snowplowanalytics.snowplow/timing/jsonschema/1-0-0";
pub const ERROR: &str = "iglu:com.snowplowanalytics.snowplow/application_error/jsonschema/1-0-2";
pub const FOREGROUND: &str = "iglu:com.snowplowanalytics.snowplow/application_foreground/jsonschema/1-0-0";
pub const BACKGROUND: &str = "iglu:com.snowplowanalytics.snowplow/application_background/jsonschema/1-0-0";
pub const INSTALL: &str = "iglu:com.snowplowanalytics.mobile/application_install/jsonschema/1-0-0";

// Ours.
pub const SESSION_ID: &str = "iglu:io.sessio/session_id/jsonschema/1-0-0";
pub const FIELDS: &str = "iglu:io.sessio/fields/jsonschema/1-0-0";
pub const TRAIL: &str = "iglu:io.sessio/trail/jsonschema/1-0-0";
pub const SESSION_START: &str = "iglu:io.sessio/session_start/jsonschema/1-0-0";
pub const SESSION_END: &str = "iglu:io.sessio/session_end/jsonschema/1-0-0";

/// The app's version and build.
pub const VERSION: usize = 255;
/// A mobile device's language.
pub const LANGUAGE: usize = 8;
/// A whole number of 32 bits with a sign: indices.
pub const INDEX: u32 = i32::MAX as u32;
pub const ERROR_MESSAGE: usize = 2_048;
pub const ERROR_NAME: usize = 1_024;
pub const STACK_TRACE: usize = 8_192;
/// The column of a structured event's label, which takes a log's message.
pub const LABEL: usize = 4_096;

/// The programming languages that `application_error` knows.
pub const LANGUAGES: [&str; 24] = [
    "JAVA",
    "SCALA",
    "KOTLIN",
    "GROOVY",
    "RUBY",
    "GOLANG",
    "JAVASCRIPT",
    "PHP",
    "PYTHON",
    "OBJECTIVEC",
    "SWIFT",
    "C",
    "CPLUSPLUS",
    "CSHARP",
    "ACTIONSCRIPT",
    "LUA",
    "RUST",
    "HASKELL",
    "CLOJURE",
    "ERLANG",
    "ELIXIR",
    "CRYSTAL",
    "PONY",
    "NIM",
];

/// The first `characters` of a text.
pub fn cut(text: &str, characters: usize) -> &str {
    // No text has more characters than bytes, so most need no counting.
    if text.len() <= characters {
        return text;
    }
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_counts_characters() {
        assert_eq!(cut("äöü", 2), "äö");
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("abc", 5), "abc");
        assert_eq!(cut("🎈🎈", 1), "🎈");
        assert_eq!(cut("", 0), "");
    }
}
