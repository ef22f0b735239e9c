//! `evals models` and `evals endpoints`: what the user has registered.
//!
//! Both are about entries of one kind or the other, and share everything but a few flags.

mod ask;
mod draft;
mod import;
mod list;
mod probe;
mod rm;
mod save;
mod show;

use std::path::Path;

use self::{probe::Probe, save::Request};
use super::{
    Out,
    args_models::{EndpointsCommand, ModelsCommand},
    catalog::OwnTable,
    env,
    exit::{Exit, Failure},
    home,
};
use crate::catalog::{
    Table,
    registry::{self, Around, Entry, Kind, Registry, RegistryError},
};

/// Runs `evals models`.
pub(super) fn models(command: ModelsCommand, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let kind = Kind::Model;
    match command {
        ModelsCommand::Add(args) => {
            save::run(Request::add_model(&args)?, out)?;
        }
        ModelsCommand::Edit(args) => {
            save::run(Request::edit_model(&args)?, out)?;
        }
        ModelsCommand::Show(args) => show::run(kind, &args, out)?,
        ModelsCommand::List(args) => list::run(kind, &args, out)?,
        ModelsCommand::Test(args) => test(kind, &args.slug, None, out)?,
        ModelsCommand::Rm(args) => rm::run(kind, &args, db, out)?,
        ModelsCommand::Import(args) => import::run(kind, &args, out)?,
    }
    Ok(Exit::Done)
}

/// Runs `evals endpoints`.
pub(super) fn endpoints(
    command: EndpointsCommand,
    db: &Path,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let kind = Kind::Endpoint;
    match command {
        EndpointsCommand::Add(args) => {
            save::run(Request::add_endpoint(&args)?, out)?;
        }
        EndpointsCommand::Edit(args) => {
            save::run(Request::edit_endpoint(&args)?, out)?;
        }
        EndpointsCommand::Show(args) => show::run(kind, &args, out)?,
        EndpointsCommand::List(args) => list::run(kind, &args, out)?,
        EndpointsCommand::Test(args) => test(kind, &args.slug, args.model.as_deref(), out)?,
        EndpointsCommand::Rm(args) => rm::run(kind, &args, db, out)?,
        EndpointsCommand::Import(args) => import::run(kind, &args, out)?,
    }
    Ok(Exit::Done)
}

/// What is registered now.
fn load() -> Result<Registry, Failure> {
    Ok(registry::load(&home::directory()?)?)
}

/// What the rules of the registry depend on: the environment and the catalog.
fn around(table: Table<'_>) -> Around<'_> {
    Around { lookup: &lookup, table }
}

/// Finds environment variables.
fn lookup(name: &str) -> Option<String> {
    env::variable(name)
}

/// `test`: a call with the stored credential. What is learnt is kept.
fn test(kind: Kind, slug: &str, model: Option<&str>, out: &mut Out) -> Result<(), Failure> {
    let registry = load()?;
    let entry = registry.find(kind, slug)?.clone();
    let home = home::Home::of(registry);
    let probe = Probe::of(kind, &entry, model, &home)?;
    let passed = probe.run()?;
    out.data(&passed.lines())?;
    let table = OwnTable::load()?;
    let saved = registry::update(&home::directory()?, |registry| {
        // Another process may have changed what was tested meanwhile.
        let current = registry.find(kind, &entry.slug)?;
        if !current.tests_like(&entry) {
            return Ok(None);
        }
        let mut tested = Entry { tested: Some(passed.tested), ..current.clone() };
        let filled = tested.fill_prices(table.table());
        registry.replace(kind, tested.clone());
        Ok::<_, RegistryError>(Some((tested, filled)))
    })?;
    if let Some((entry, filled)) = saved {
        tell_prices(kind, &entry, &filled, table.table(), out);
    }
    Ok(())
}

/// Says which prices came from the catalog, or that there are none.
fn tell_prices(kind: Kind, entry: &Entry, filled: &[String], table: Table<'_>, out: &mut Out) {
    if !filled.is_empty() {
        out.note(&format!("prices from the catalog: {}", filled.join(", ")));
    }
    let upstream = entry.model.as_deref().unwrap_or_default();
    if kind == Kind::Model && entry.price(upstream, table).is_none() {
        let slug = &entry.slug;
        out.note(&format!(
            "warning: the prices of `{slug}` are not known, so what its calls cost will not be \
             known either; `evals models edit {slug} --price input=USD --price output=USD` says them"
        ));
    }
}
