//! Floor 2: templates and what they become for a sample: messages.
//!
//! Text comes out as it went in: nothing is escaped, and what a dataset cell holds is never read as
//! a template. Templates read columns and nothing else: no files, no partials, no environment.

mod helpers;
mod image;
mod messages;
mod scan;
mod spec;
mod template;
mod walk;

pub use image::image_media_type;
pub use messages::{LoadImage, Prompt};
pub use spec::{MessageSpec, PartSpec, PromptError, PromptSpec};
pub use template::{Template, TemplateError};
