//! What is known about the device: its fields by name, what is allowed in them, and whose word goes first.

use crate::error::{Error, Result, invalid};
use crate::event::limits;

use super::given::number;

/// No memory is larger than what receivers keep in a number with a sign.
const MOST_MEMORY: u64 = i64::MAX as u64;

/// What is known about the device. Fields that neither the host nor the system tells are left out.
///
/// Given by a host ([`crate::ConfigBuilder::device`]), each field goes before what the library finds out by itself. An
/// empty text, or the number 0, means that the field is not told to anybody.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Device {
    /// `Linux`, `Android`, `macOS`, `iOS`, `Windows`.
    pub os_name: Option<String>,
    /// As the system numbers itself: `6.8.0-45-generic`, `14`, `10.0.22631`.
    pub os_version: Option<String>,
    /// `x86_64`, `aarch64` …
    pub architecture: Option<String>,
    /// Who made the device.
    pub manufacturer: Option<String>,
    /// What its maker calls it.
    pub model: Option<String>,
    /// The user's language, BCP 47: `de-AT`.
    pub locale: Option<String>,
    /// A name of the IANA's: `Europe/Vienna`.
    pub time_zone: Option<String>,
    /// How many processors the app may use.
    pub processor_count: Option<u32>,
    /// The memory of the device, in bytes; at most 2^63 - 1.
    pub total_memory: Option<u64>,
}

impl Device {
    /// Sets a field by its name, as text: empty if it is not to be told, none if it is as detected.
    #[cfg_attr(not(feature = "capi"), allow(dead_code))] // Rust sets fields
    pub(crate) fn set(&mut self, field: &str, value: Option<&str>) -> Result<()> {
        let named = |e: Error| Error::new(e.kind(), format!("{field}: {e}"));
        match field {
            "processor_count" => self.processor_count = value.map(count).transpose().map_err(named)?,
            "total_memory" => self.total_memory = value.map(count).transpose().map_err(named)?,
            _ => *self.text(field)? = value.map(str::to_owned),
        }
        self.check()
    }

    fn text(&mut self, field: &str) -> Result<&mut Option<String>> {
        Ok(match field {
            "os_name" => &mut self.os_name,
            "os_version" => &mut self.os_version,
            "architecture" => &mut self.architecture,
            "manufacturer" => &mut self.manufacturer,
            "model" => &mut self.model,
            "locale" => &mut self.locale,
            "time_zone" => &mut self.time_zone,
            other => return Err(invalid(format!("a device has no field {other:?}"))),
        })
    }

    fn texts(&self) -> [(&'static str, &Option<String>); 7] {
        [
            ("os_name", &self.os_name),
            ("os_version", &self.os_version),
            ("architecture", &self.architecture),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
            ("locale", &self.locale),
            ("time_zone", &self.time_zone),
        ]
    }

    /// Whether each field is within its limits.
    pub(crate) fn check(&self) -> Result<()> {
        for (field, text) in self.texts() {
            limits::length(field, text.as_deref().unwrap_or_default(), limits::DEVICE)?;
        }
        match self.total_memory {
            Some(bytes) if bytes > MOST_MEMORY => Err(invalid("total_memory: the number is too large")),
            _ => Ok(()),
        }
    }

    /// What receivers are told: these fields, and of another device's those that are not given here.
    pub(crate) fn over(&self, detected: &Self) -> Self {
        let text = |own: &Option<String>, found: &Option<String>| {
            own.as_ref().or(found.as_ref()).filter(|text| !text.is_empty()).cloned()
        };
        Self {
            os_name: text(&self.os_name, &detected.os_name),
            os_version: text(&self.os_version, &detected.os_version),
            architecture: text(&self.architecture, &detected.architecture),
            manufacturer: text(&self.manufacturer, &detected.manufacturer),
            model: text(&self.model, &detected.model),
            locale: text(&self.locale, &detected.locale),
            time_zone: text(&self.time_zone, &detected.time_zone),
            processor_count: self.processor_count.or(detected.processor_count).filter(|count| *count > 0),
            total_memory: self.total_memory.or(detected.total_memory).filter(|bytes| *bytes > 0),
        }
    }
}

/// A number of at least 1; 0 stands for none that is told.
fn count<N: TryFrom<u64> + Default + PartialEq>(text: &str) -> Result<N> {
    if text.is_empty() {
        return Ok(N::default());
    }
    let count = number(text)?;
    if count == N::default() { Err(invalid("it is 0")) } else { Ok(count) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const FIELDS: [(&str, &str); 9] = [
        ("os_name", "Linux"),
        ("os_version", "6.8"),
        ("architecture", "x86_64"),
        ("manufacturer", "Acme"),
        ("model", "Desk 3"),
        ("locale", "de-AT"),
        ("time_zone", "Europe/Vienna"),
        ("processor_count", "8"),
        ("total_memory", "9223372036854775807"),
    ];

    fn full() -> Device {
        let mut device = Device::default();
        FIELDS.iter().for_each(|(field, value)| device.set(field, Some(value)).unwrap());
        device
    }

    #[test]
    fn each_field_is_set_by_its_name_and_goes_before_what_is_detected() {
        let own = full();
        assert_eq!(own.texts().map(|(field, text)| (field, text.as_deref().unwrap())), FIELDS[..7]);
        assert_eq!((own.processor_count, own.total_memory), (Some(8), Some(MOST_MEMORY)));
        let detected =
            Device { os_name: Some("other".into()), processor_count: Some(2), ..Device::default() };
        assert_eq!(own.over(&detected), own);
        assert_eq!(Device::default().over(&own), own);
        for (field, value) in FIELDS {
            let mut suppressed = Device::default();
            suppressed.set(field, Some("")).unwrap();
            let told = suppressed.over(&own);
            assert!(told != own, "{field} is told");
            let mut again = told;
            again.set(field, Some(value)).unwrap();
            assert_eq!(again, own, "another than {field} is kept back");
            suppressed.set(field, None).unwrap();
            assert_eq!(suppressed, Device::default());
        }
    }

    #[test]
    fn what_is_no_good_is_refused_by_name_and_leaves_the_rest() {
        let long = "x".repeat(limits::DEVICE + 1);
        let refused = |field: &str, value: &str| full().set(field, Some(value)).unwrap_err();
        for (field, _) in &FIELDS[..7] {
            let error = refused(field, &long);
            assert!(error.kind() == ErrorKind::TooLarge && error.to_string().contains(field), "{error}");
        }
        for field in ["processor_count", "total_memory"] {
            for bad in ["0", "-1", "1.5", " 1", "many", "18446744073709551616"] {
                let error = refused(field, bad);
                assert!(
                    error.kind() == ErrorKind::InvalidArgument && error.to_string().contains(field),
                    "{error}"
                );
            }
        }
        assert!(refused("processor_count", "4294967296").to_string().contains("too large"));
        assert!(refused("total_memory", "9223372036854775808").to_string().contains("too large"));
        for field in ["", "Model", "model ", "screen"] {
            assert!(refused(field, "x").to_string().contains(&format!("{field:?}")));
        }
    }
}
