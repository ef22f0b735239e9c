//! A sample and what each prompt says about it.

use std::{fs, path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::Plan;
use crate::{
    dataset::DatasetError,
    domain::{
        fault::{Fault, FaultKind},
        message::Message,
        sample::{Sample, Vars},
    },
    prompt::image_media_type,
};

/// The largest image that is sent along with a prompt, in bytes.
const MAX_IMAGE: u64 = 20 * 1024 * 1024;

/// A sample and what each prompt becomes for it.
#[derive(Debug, Clone)]
pub struct Row {
    /// The sample.
    pub sample: Arc<Sample>,
    /// One entry a prompt, in order.
    pub prompts: Vec<Result<Arc<[Message]>, Fault>>,
}

impl Plan {
    /// Reads the dataset from its beginning. A row that cannot be read ends it.
    ///
    /// # Errors
    /// The dataset cannot be opened.
    pub fn rows(
        &self,
    ) -> Result<impl Iterator<Item = Result<Row, DatasetError>> + '_, DatasetError> {
        let samples = self.dataset.samples()?;
        Ok(samples.map(|sample| sample.map(|sample| render(self, sample))))
    }
}

fn render(plan: &Plan, sample: Sample) -> Row {
    // `{{input}}` is the sample's input also where the dataset calls the column otherwise.
    let with_input: Option<Vars> = match &sample.input {
        Some(input) if reads_input(plan) && !sample.vars.contains_key("input") => {
            let mut vars = sample.vars.clone();
            vars.insert("input".to_owned(), input.clone().into());
            Some(vars)
        }
        _ => None,
    };
    let vars = with_input.as_ref().unwrap_or(&sample.vars);
    let load = |path: &str| load_image(&plan.base_dir, path);
    let prompts = plan
        .prompts
        .iter()
        .map(|prompt| {
            prompt
                .render(vars, &load)
                .map(Arc::from)
                .map_err(|error| Fault::new(FaultKind::Prompt, error.to_string()))
        })
        .collect();
    Row { sample: Arc::new(sample), prompts }
}

/// Whether a prompt has a use for the input under its own name.
fn reads_input(plan: &Plan) -> bool {
    plan.prompts.iter().any(|prompt| prompt.reads("input"))
}

fn load_image(base_dir: &Path, path: &str) -> Result<String, String> {
    let path = base_dir.join(path);
    let shown = path.display();
    let failed = |error: std::io::Error| format!("failed to read image `{shown}`: {error}");
    let size = fs::metadata(&path).map_err(failed)?.len();
    if size > MAX_IMAGE {
        return Err(format!("image `{shown}` has {size} bytes, more than {MAX_IMAGE}"));
    }
    let bytes = fs::read(&path).map_err(failed)?;
    let kind = image_media_type(&bytes)
        .ok_or_else(|| format!("`{shown}` is no PNG, JPEG, GIF or WebP image"))?;
    Ok(format!("data:{kind};base64,{}", STANDARD.encode(bytes)))
}
