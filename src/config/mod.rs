//! Floor 2: the experiment file as written, every value with its place.
//!
//! Reading happens in two steps: this module turns text into [`file::File`], refusing unknown keys
//! and wrong types; `plan` turns that into something that can be executed. The JSON Schema is
//! generated from the same types.

pub mod at;
pub mod budget;
pub mod engine;
pub mod entry;
pub mod error;
pub mod file;
pub mod route;
pub mod stop;
pub mod variables;

pub use at::{At, Place};
pub use error::ConfigError;
pub use file::File;

/// Reads the text of a config file, YAML or JSON. `path` is only for messages.
///
/// # Errors
/// The first thing that is wrong, with its place and the nearest right spelling.
pub fn parse(text: &str, path: &str) -> Result<File, ConfigError> {
    from_yaml(text, path)
}

/// Reads one value written on the command line, in YAML, as a config entry. `flag` is only for
/// messages.
///
/// # Errors
/// The first thing that is wrong, naming the flag.
pub fn parse_flag<T: serde::de::DeserializeOwned>(
    text: &str,
    flag: &str,
) -> Result<T, ConfigError> {
    from_yaml(text, flag)
}

/// The JSON Schema of a config file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(File).to_value()
}

fn from_yaml<T: serde::de::DeserializeOwned>(text: &str, origin: &str) -> Result<T, ConfigError> {
    let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| error::located(origin, &error))
}

#[cfg(test)]
mod tests;
