//! `evals shell-init`: a shell function for those who want to type `eval run`.
//!
//! `eval` is a builtin of every shell. The function hands the program's own subcommands to the
//! program, and everything else to the builtin.

use clap::CommandFactory as _;

use super::{
    Out,
    args::{Cli, FunctionShell, ShellInitArgs},
    exit::{Exit, Failure},
};

pub(super) fn run(args: &ShellInitArgs, out: &mut Out) -> Result<Exit, Failure> {
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let function = match args.shell {
        FunctionShell::Bash | FunctionShell::Zsh => format!(
            "# eval \"$(evals shell-init {shell})\" in your startup file makes `eval run` work.\n\
             eval() {{\n  case \"${{1-}}\" in\n    {names}) command evals \"$@\" ;;\n    \
             *) builtin eval \"$@\" ;;\n  esac\n}}\n",
            shell = if args.shell == FunctionShell::Bash { "bash" } else { "zsh" },
            names = names.join("|"),
        ),
        FunctionShell::Fish => format!(
            "# evals shell-init fish | source in config.fish makes `eval run` work.\n\
             function eval\n    switch \"$argv[1]\"\n        case {names}\n            \
             command evals $argv\n        case '*'\n            builtin eval $argv\n    \
             end\nend\n",
            names = names.join(" "),
        ),
    };
    out.data(&function)?;
    Ok(Exit::Done)
}
