//! What a command line asks for: a config, with the flags laid over it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{args::RunArgs, exit::Failure, overlay};
use crate::config::{self, File};

/// Names of the config that is used when none is named.
pub(super) const CONFIG_NAMES: [&str; 4] = ["evals.yaml", "evals.yml", "eval.yaml", "eval.yml"];

/// What the user asked for: the config with the flags laid over it.
pub(super) struct Asked {
    pub(super) file: File,
    /// The config's path, or `command line`.
    pub(super) origin: String,
    /// What paths in the config are relative to.
    pub(super) base_dir: PathBuf,
}

impl Asked {
    /// Who said what stands at `place`: the config, or a flag.
    pub(super) fn origin_of<'a>(&'a self, place: config::Place, flag: &'a str) -> &'a str {
        if place.line == 0 { flag } else { &self.origin }
    }

    pub(super) fn read(args: &RunArgs) -> Result<Self, Failure> {
        let source = args.source.as_deref();
        let is_config = source.is_some_and(|source| {
            let extension = Path::new(source).extension().map(std::ffi::OsStr::to_ascii_lowercase);
            args.config.is_none() && extension.is_some_and(|e| e == "yaml" || e == "yml")
        });
        let config = match (&args.config, source) {
            (Some(config), _) => Some(config.clone()),
            (None, Some(source)) if is_config => Some(PathBuf::from(source)),
            (None, Some(_)) => None,
            (None, None) => Some(found_config()?),
        };
        let dataset = source.filter(|_| !is_config);
        let Some(config) = config else {
            let file = overlay::file(args, dataset)?;
            return Ok(Self { file, origin: "command line".to_owned(), base_dir: PathBuf::new() });
        };
        let origin = config.display().to_string();
        let text = read_config(&config, &origin)?;
        let base_dir = super::stored::directory_of(&config).to_owned();
        // Paths on the command line are relative to where it is typed, those in a file to the file.
        let here = std::env::current_dir().unwrap_or_default();
        let dataset = dataset.map(|path| absolute(&here, path));
        let mut over = overlay::file(args, dataset.as_deref())?;
        for prompt in &mut over.prompts {
            if let Some(file) = &mut prompt.value.0.file {
                file.value = absolute(&here, &file.value);
            }
        }
        for model in &mut over.models {
            if let Some(reference) = &mut model.value.0.reference
                && let Some(path) = reference.value.strip_prefix("replay:")
            {
                model.value.0.id.get_or_insert_with(|| reference.clone());
                reference.value = format!("replay:{}", absolute(&here, path));
            }
        }
        let mut file = config::parse(&text, &origin)?;
        if let Some(report) = &mut file.report {
            report.value = base_dir.join(&report.value);
        }
        Ok(Self { file: file.overridden_by(over), origin, base_dir })
    }
}

/// `path` as seen from anywhere; addresses and standard input stay what they are.
fn absolute(here: &Path, path: &str) -> String {
    if path == "-" || path.contains("://") {
        return path.to_owned();
    }
    here.join(path).display().to_string()
}

fn found_config() -> Result<PathBuf, Failure> {
    CONFIG_NAMES.iter().map(PathBuf::from).find(|path| path.is_file()).ok_or_else(|| {
        Failure::usage("there is no `evals.yaml` here, and nothing else was named").hint(
            "`evals init` writes a starter; or name a config or a dataset: evals run rows.csv -m \
             sim/good -p '{{question}}' --expected answer -s exact_match",
        )
    })
}

fn read_config(path: &Path, origin: &str) -> Result<String, Failure> {
    let bytes = fs::read(path)
        .map_err(|error| Failure::usage(format!("failed to read config `{origin}`: {error}")))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = String::from_utf8_lossy(valid).matches('\n').count() + 1;
        Failure::usage(format!("{origin}:{line}: the config is not UTF-8 text"))
    })
}
