//! Lifecycle events, if the host wants them: the app went to background or foreground, the app was installed.

use crate::error::Result;
use crate::event::Event;
use crate::session::Input;

use super::commit::{Committer, lock};
use super::{Shared, Tracker};

impl Tracker {
    /// A change of background as an event of its own, judged by the state that is left (S3).
    pub(super) fn track_lifecycle(&self, background: bool) -> Result<()> {
        self.check_open()?;
        let index = {
            let core = self.shared.lock();
            if core.engine.memory().settings.background == background {
                return Ok(());
            }
            core.engine.changes_to(background).saturating_add(1)
        };
        let event = Event::lifecycle(background, index);
        let Ok(shown) = self.shared.shown(&event) else {
            // A callback dropped the event; the change is one all the same.
            return self.apply(Input::SetBackground(background)).map(drop);
        };
        let input =
            |core: &super::Core, id| Input::Lifecycle { background, id, instance_id: core.instance_id };
        self.shared.track_as(&shown.unwrap_or(event), None, input).map(drop)
    }
}

impl Shared {
    /// Tracks the installation, once for all namespaces of a database, as soon as tracking is on. On the worker's thread.
    pub(super) fn track_install(&self, committer: &Committer) -> Result<()> {
        let due = self.lifecycle_events && {
            let core = self.lock();
            let settings = &core.engine.memory().settings;
            settings.enabled && !settings.installed
        };
        if !due {
            return Ok(());
        }
        let first = lock(&committer.database).claim_install()?;
        // Noted in the same step as the event.
        self.lock().engine.set_installed(true);
        let shown = if first { self.shown(&Event::install()) } else { return Ok(()) };
        let Ok(shown) = shown else { return Ok(()) };
        let input = |core: &super::Core, id| Input::Event { id, instance_id: core.instance_id, error: None };
        let tracked = self.track_as(&shown.unwrap_or_else(Event::install), None, input);
        if tracked.is_err() {
            self.lock().engine.set_installed(false);
        }
        tracked.map(drop)
    }
}
