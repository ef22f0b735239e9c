//! `evals export`: a run's trials for other programs.

use std::path::Path;

use super::{
    Out,
    args::{ExportArgs, ExportFormat},
    env,
    exit::{Exit, Failure},
    report::as_io,
    stored::{Stored, directory_of, persist, write_file},
};
use crate::report::{csv, jsonl, parquet};

pub(super) fn run(args: &ExportArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let stored = Stored::load(db, &args.run)?;
    let header = &stored.run.header;
    let text = |to: &mut dyn std::io::Write| match args.format {
        ExportFormat::Csv => csv::write_csv(header, &stored, to, args.csv_raw),
        _ => jsonl::write_jsonl(header, &stored, to),
    };
    let path = args.output.as_deref().filter(|path| *path != Path::new("-"));
    match (args.format, path) {
        (ExportFormat::Parquet, None) => {
            return Err(Failure::usage("Parquet is written to a file")
                .hint("name it: evals export --format parquet -o trials.parquet"));
        }
        (ExportFormat::Parquet, Some(path)) => {
            write_parquet(&stored, path)?;
            out.note(&format!("wrote {}", env::shown(path)));
        }
        (_, None) => out.with(|to| text(to).map_err(as_io))?,
        (_, Some(path)) => {
            write_file(path, |file| text(file).map_err(Failure::from))?;
            out.note(&format!("wrote {}", env::shown(path)));
        }
    }
    Ok(Exit::Done)
}

fn write_parquet(stored: &Stored, path: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(format!("failed to write `{}`: {error}", path.display()))
    };
    let file = tempfile::NamedTempFile::new_in(directory_of(path)).map_err(failed)?;
    let handle = file.reopen().map_err(failed)?;
    parquet::write_parquet(&stored.run.header, stored, handle)?;
    persist(file, path).map_err(failed)
}
