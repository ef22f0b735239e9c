//! Rows of files in every text format, whatever their bytes are.
#![no_main]

use std::{fs, sync::LazyLock};

use evals::dataset::{Format, Source, fetch, rows};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
});

fuzz_target!(|data: &[u8]| {
    let Some((first, content)) = data.split_first() else { return };
    let formats = [Format::Csv, Format::Tsv, Format::Json, Format::Jsonl];
    let format = formats[usize::from(*first) % formats.len()];
    let path = std::env::temp_dir().join(format!("evals-fuzz-{}", std::process::id()));
    fs::write(&path, content).expect("a file");
    let source = Source {
        location: path.display().to_string(),
        format: Some(format),
        base_dir: std::path::PathBuf::new(),
    };
    if let Ok(local) = RUNTIME.block_on(fetch(&source, &mut tokio::io::empty())) {
        // An error ends the rows; it is the last thing that comes.
        for row in rows(&local) {
            if row.is_err() {
                break;
            }
        }
    }
});
