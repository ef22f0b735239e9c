//! Floor 8: the command line. The only module that prints, reads the environment and decides exit
//! codes.

mod args;
mod args_compare;
mod args_judge;
mod args_models;
mod args_power;
mod args_resume;
mod args_score;
mod args_scorers;
mod ask;
mod asked;
mod audit;
mod baseline;
mod cache;
mod catalog;
mod ci;
mod command;
mod compare;
mod completions;
mod doctor;
mod env;
mod execute;
mod exit;
mod export;
mod gate;
mod git;
mod harden;
mod home;
mod init;
mod judge;
mod list;
mod log;
mod merge;
mod models;
mod out;
mod overlay;
mod plan;
mod power;
mod progress;
mod report;
mod resume;
mod rm;
mod run;
mod schema;
mod score;
mod scorers;
mod shell_init;
mod show;
mod stored;
mod tag;
mod vault;
mod watch;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser as _;

use crate::scorer;

use self::{
    args::{Cli, Command},
    exit::{Exit, Failure},
    out::Out,
};

/// Runs the program with `args`, the program's name included.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    harden::harden();
    let mut args = args.peekable();
    let own = args.next();
    if args.next_if(|word| word == scorer::CONFINED).is_some() {
        let error = scorer::confined(args);
        Out::new().failure(&Failure::usage(format!("the program cannot be confined: {error}")));
        return Exit::Usage.into();
    }
    let args = own.into_iter().chain(args);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is the reader's choice: `evals --help | head` ends quietly.
            error.print().ok();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let mut out = Out::new();
    match dispatch(cli, &mut out) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            out.failure(&failure);
            failure.exit.into()
        }
    }
}

fn dispatch(cli: Cli, out: &mut Out) -> Result<Exit, Failure> {
    let db = env::database(cli.db);
    match cli.command {
        Command::Init(args) => init::run(&args, out),
        Command::Run(args) => run::run(&args, &db, out),
        Command::Resume(args) => resume::run(&args, &db, out),
        Command::Score(args) => score::run(&args, &db, out),
        Command::Plan(args) => plan::run(&args, &db, out),
        Command::List(args) => list::run(&args, &db, out),
        Command::Power(args) => power::run(&args, &db, out),
        Command::Show(args) => show::run(&args, &db, out),
        Command::Compare(args) => compare::run(&args, &db, out),
        Command::Gate(args) => gate::run(&args, &db, out),
        Command::Merge(args) => merge::run(&args, &db, out),
        Command::Tag(args) => tag::run(&args, &db, out),
        Command::Report(args) => report::run(&args, &db, out),
        Command::Export(args) => export::run(&args, &db, out),
        Command::Rm(args) => rm::run(&args, &db, out),
        Command::Cache(command) => cache::run(&command, &db, out),
        Command::Catalog(args) => catalog::run(&args, out),
        Command::Models { command } => models::models(command, &db, out),
        Command::Endpoints { command } => models::endpoints(command, &db, out),
        Command::Vault(command) => vault::run(&command, out),
        Command::Audit(args) => audit::run(&args, out),
        Command::Judge { command } => judge::run(&command, &db, out),
        Command::Scorers { command } => scorers::run(&command, out),
        Command::Schema => schema::run(out),
        Command::Completions(args) => completions::run(&args, out),
        Command::ShellInit(args) => shell_init::run(&args, out),
        Command::Doctor => doctor::run(&db, out),
    }
}
