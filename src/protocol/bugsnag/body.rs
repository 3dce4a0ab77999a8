//! What the bodies for both endpoints have in common: notifier, app, device, user.

use super::Bugsnag;
use crate::event::User;
use crate::ids::UserId;
use crate::protocol::Source;
use crate::protocol::json::Json;
use crate::protocol::text::utc;
use crate::session::SessionRecord;

impl Bugsnag {
    /// The body for the sessions endpoint; `sessions` adds what it is about.
    pub(super) fn report(
        &self,
        user_id: UserId,
        version: Option<&str>,
        source: &Source,
        sessions: impl FnOnce(&mut Json),
    ) -> String {
        let mut json = Json::default();
        json.object(|json| {
            notifier(json);
            json.key("app").object(|json| self.write_app(json, version, source));
            json.key("device").object(|json| self.write_device(json, user_id, source));
            sessions(json);
        });
        json.into_text()
    }

    /// The fields of `app`.
    pub(super) fn write_app(&self, json: &mut Json, version: Option<&str>, source: &Source) {
        let own = [
            ("id", source.app_id.as_deref()),
            ("version", version),
            ("bundleVersion", source.build_of(version)),
            ("releaseStage", Some(&*self.release_stage)),
        ];
        self.app.write(json, &own);
    }

    /// The fields of `device`, without those that tell a momentary state.
    pub(super) fn write_device(&self, json: &mut Json, user_id: UserId, source: &Source) {
        let device = &source.device;
        json.key("id").text(&user_id.to_string());
        let own = [
            ("osName", device.os_name.as_deref()),
            ("osVersion", device.os_version.as_deref()),
            ("locale", device.locale.as_deref()),
            ("manufacturer", device.manufacturer.as_deref()),
            ("model", device.model.as_deref()),
        ];
        self.device.write(json, &own);
        if let Some(bytes) = device.total_memory {
            json.key("totalMemory").raw(bytes);
        }
        if let Some(architecture) = &device.architecture {
            json.key("cpuAbi").array(|json| json.text(architecture));
        }
        if !self.runtimes.is_empty() {
            json.key("runtimeVersions").object(|json| self.runtimes.write(json, &[]));
        }
    }
}

/// Who reports.
pub(super) fn notifier(json: &mut Json) {
    json.key("notifier").object(|json| {
        json.key("name").text("Sessio");
        json.key("version").text(env!("CARGO_PKG_VERSION"));
        json.key("url").text("https://crates.io/crates/sessio");
    });
}

/// One element of `sessions`.
pub(super) fn session(start: &SessionRecord) -> String {
    let mut json = Json::default();
    json.object(|json| {
        json.key("id").text(&start.id.to_string());
        json.key("startedAt").text(&utc(start.started_at.wall));
        user(json, start.user.as_deref(), start.user_id());
    });
    json.into_text()
}

/// The user; with none set, the device stands for them.
pub(super) fn user(json: &mut Json, user: Option<&User>, device: UserId) {
    json.key("user").object(|json| match user {
        Some(user) => {
            json.key("id").text(user.id());
            json.field("email", user.email());
            json.field("name", user.name());
        }
        None => json.key("id").text(&device.to_string()),
    });
}
