//! What can be typed after `evals models` and `evals endpoints`. Types only; no logic.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::args::ListFormat;

#[derive(Debug, Subcommand)]
pub(super) enum ModelsCommand {
    /// Register a model; asks for what is missing at a terminal
    Add(Box<AddModelArgs>),
    /// Change a registered model; asks at a terminal when no flag is given
    Edit(Box<EditModelArgs>),
    /// Show a registered model
    Show(ShowEntryArgs),
    /// List the registered models
    List(ListEntriesArgs),
    /// Make a small call, to see that the connection works
    Test(TestModelArgs),
    /// Remove a registered model; says first what refers to it
    Rm(RmEntryArgs),
    /// Register the models in a CSV or YAML file: all of them or none
    Import(ImportArgs),
}

#[derive(Debug, Subcommand)]
pub(super) enum EndpointsCommand {
    /// Register an endpoint: an address with many models, `byo:SLUG/MODEL`
    Add(Box<AddEndpointArgs>),
    /// Change a registered endpoint; asks at a terminal when no flag is given
    Edit(Box<EditEndpointArgs>),
    /// Show a registered endpoint
    Show(ShowEntryArgs),
    /// List the registered endpoints
    List(ListEntriesArgs),
    /// Make a small call to one of its models, to see that the connection works
    Test(TestEndpointArgs),
    /// Remove a registered endpoint; says first what refers to it
    Rm(RmEntryArgs),
    /// Register the endpoints in a CSV or YAML file: all of them or none
    Import(ImportArgs),
}

#[derive(Debug, Args)]
pub(super) struct AddModelArgs {
    /// What the model is called
    #[arg(value_name = "NAME")]
    pub(super) name: Option<String>,
    /// What references call it, `byo:SLUG`; permanent [default: made from the name]
    #[arg(long, value_name = "SLUG")]
    pub(super) slug: Option<String>,
    /// The provider, or `custom` for a host of your own; permanent
    #[arg(long, value_name = "NAME")]
    pub(super) provider: Option<String>,
    #[command(flatten)]
    pub(super) model: ModelFlags,
    #[command(flatten)]
    pub(super) entry: EntryFlags,
    #[command(flatten)]
    pub(super) credential: CredentialFlags,
    /// Save it without a test call
    #[arg(long)]
    pub(super) no_test: bool,
}

#[derive(Debug, Args)]
pub(super) struct EditModelArgs {
    /// The model
    #[arg(value_name = "SLUG")]
    pub(super) target: String,
    /// What the model is called; empty: as its slug
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) permanent: PermanentFlags,
    #[command(flatten)]
    pub(super) model: ModelFlags,
    #[command(flatten)]
    pub(super) entry: EntryFlags,
    #[command(flatten)]
    pub(super) credential: CredentialFlags,
    /// Save it without a test call
    #[arg(long)]
    pub(super) no_test: bool,
}

#[derive(Debug, Args)]
pub(super) struct AddEndpointArgs {
    /// What the endpoint is called
    #[arg(value_name = "NAME")]
    pub(super) name: Option<String>,
    /// What references call it, `byo:SLUG/MODEL`; permanent [default: made from the name]
    #[arg(long, value_name = "SLUG")]
    pub(super) slug: Option<String>,
    /// The provider, or `custom` for a host of your own; permanent
    #[arg(long, value_name = "NAME")]
    pub(super) provider: Option<String>,
    #[command(flatten)]
    pub(super) endpoint: EndpointFlags,
    #[command(flatten)]
    pub(super) entry: EntryFlags,
    #[command(flatten)]
    pub(super) credential: CredentialFlags,
    /// The model that the test call asks [default: the first of --allow]
    #[arg(long, value_name = "MODEL")]
    pub(super) test_model: Option<String>,
    /// Save it without a test call
    #[arg(long)]
    pub(super) no_test: bool,
}

#[derive(Debug, Args)]
pub(super) struct EditEndpointArgs {
    /// The endpoint
    #[arg(value_name = "SLUG")]
    pub(super) target: String,
    /// What the endpoint is called; empty: as its slug
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) permanent: PermanentFlags,
    #[command(flatten)]
    pub(super) endpoint: EndpointFlags,
    /// Refuse to use it for now
    #[arg(long, conflicts_with = "enable")]
    pub(super) disable: bool,
    /// Allow it to be used again
    #[arg(long)]
    pub(super) enable: bool,
    #[command(flatten)]
    pub(super) entry: EntryFlags,
    #[command(flatten)]
    pub(super) credential: CredentialFlags,
    /// The model that the test call asks [default: the first of --allow]
    #[arg(long, value_name = "MODEL")]
    pub(super) test_model: Option<String>,
    /// Save it without a test call
    #[arg(long)]
    pub(super) no_test: bool,
}

/// Taken so that the error can say why they cannot be changed.
#[derive(Debug, Args)]
pub(super) struct PermanentFlags {
    #[arg(long, hide = true)]
    pub(super) slug: Option<String>,
    #[arg(long, hide = true)]
    pub(super) provider: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ModelFlags {
    /// The id that the provider knows the model by
    #[arg(short, long, value_name = "ID")]
    pub(super) model: Option<String>,
    /// The model of the catalog whose schema it shares, PROVIDER/MODEL
    #[arg(long, value_name = "MODEL")]
    pub(super) base_model: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct EndpointFlags {
    /// A model that may be asked for; `*` at the end stands for anything. May be repeated
    /// [default: all]
    #[arg(long, value_name = "MODEL")]
    pub(super) allow: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct EntryFlags {
    /// The address, where it is not the provider's own
    #[arg(long, value_name = "URL", help_heading = "Address")]
    pub(super) base_url: Option<String>,
    /// custom: what the host speaks: openai, anthropic or cohere [default: openai]
    #[arg(long, value_name = "FORMAT", help_heading = "Address")]
    pub(super) format: Option<String>,
    /// Which of its endpoints is called: chat or completion [default: chat]
    #[arg(long, value_name = "FLAVOUR", help_heading = "Address")]
    pub(super) flavour: Option<String>,
    /// A further header; VALUE may hold `{{api_key}}`, `{{model}}`, `{{email}}`, `${NAME}`. May be
    /// repeated
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Address")]
    pub(super) header: Vec<String>,
    /// Amazon Web Services: the region
    #[arg(long, value_name = "REGION", help_heading = "Address")]
    pub(super) region: Option<String>,
    /// Google Cloud: the project
    #[arg(long, value_name = "PROJECT", help_heading = "Address")]
    pub(super) google_project: Option<String>,
    /// Google Cloud: the location
    #[arg(long, value_name = "LOCATION", help_heading = "Address")]
    pub(super) location: Option<String>,
    /// Azure: the resource
    #[arg(long, value_name = "RESOURCE", help_heading = "Address")]
    pub(super) resource: Option<String>,
    /// Azure: the deployment
    #[arg(long, value_name = "DEPLOYMENT", help_heading = "Address")]
    pub(super) deployment: Option<String>,
    /// The version of the provider's interface
    #[arg(long, value_name = "VERSION", help_heading = "Address")]
    pub(super) api_version: Option<String>,

    /// Longest answer, in tokens [default for models: 4096]
    #[arg(long, value_name = "N", help_heading = "Capabilities")]
    pub(super) max_tokens: Option<u64>,
    /// Answers in JSON by the provider's own mode [default for models: on]
    #[arg(long, value_name = "ON|OFF", help_heading = "Capabilities", hide_possible_values = true)]
    pub(super) json_mode: Option<Switch>,
    /// Images in prompts [default for models: off]
    #[arg(long, value_name = "ON|OFF", help_heading = "Capabilities", hide_possible_values = true)]
    pub(super) vision: Option<Switch>,
    /// Functions that it may ask to call [default for models: on]
    #[arg(long, value_name = "ON|OFF", help_heading = "Capabilities", hide_possible_values = true)]
    pub(super) tools: Option<Switch>,
    /// Thinking that can be set [default for models: off]
    #[arg(long, value_name = "ON|OFF", help_heading = "Capabilities", hide_possible_values = true)]
    pub(super) reasoning: Option<Switch>,
    /// Answers in pieces [default: on]
    #[arg(long, value_name = "ON|OFF", help_heading = "Capabilities", hide_possible_values = true)]
    pub(super) streaming: Option<Switch>,
    /// The field of the request that says how much to think, such as `thinking.budget`
    #[arg(long, value_name = "FIELD", help_heading = "Capabilities")]
    pub(super) reasoning_param: Option<String>,
    /// A label. May be repeated
    #[arg(long, value_name = "TAG", help_heading = "Capabilities")]
    pub(super) tag: Vec<String>,

    /// Requests a minute of its account; 0: as many as it takes
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(super) rpm: Option<u64>,
    /// Tokens a minute of its account, of prompts and answers; 0: as many as it takes
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(super) tpm: Option<u64>,
    /// Requests of its account in flight; 0: found out
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(super) concurrency: Option<u32>,

    /// A price in US dollars: `input`, `output`, `cache_read`, `cache_write`, or another one; empty
    /// takes one away. May be repeated
    #[arg(long, value_name = "CATEGORY=USD", help_heading = "Prices")]
    pub(super) price: Vec<String>,
    /// What the prices are for
    #[arg(long, value_enum, default_value_t, value_name = "UNIT", help_heading = "Prices")]
    pub(super) price_per: Unit,
}

#[derive(Debug, Args)]
pub(super) struct CredentialFlags {
    /// The environment variable that holds the key (with `--auth aws`: the secret access key)
    #[arg(long, value_name = "NAME", help_heading = "Credential")]
    pub(super) api_key_env: Option<String>,
    /// Read the key from standard input, for the vault; empty keeps the stored one
    #[arg(long, conflicts_with = "api_key_env", help_heading = "Credential")]
    pub(super) api_key_stdin: bool,
    /// How the provider is told who asks
    #[arg(long, value_enum, value_name = "METHOD", help_heading = "Credential")]
    pub(super) auth: Option<Method>,
    /// Amazon Web Services: the id of the key
    #[arg(long, value_name = "ID", help_heading = "Credential")]
    pub(super) access_key_id: Option<String>,
    /// Amazon Web Services: the environment variable that holds the token of a temporary key
    #[arg(long, value_name = "NAME", help_heading = "Credential")]
    pub(super) session_token_env: Option<String>,
    /// A registered credential, or what the new one is called [default: as the slug]
    #[arg(long, value_name = "SLUG", help_heading = "Credential")]
    pub(super) credential: Option<String>,
    /// Use the credential of another model or endpoint of the same provider
    #[arg(long, value_name = "SLUG", help_heading = "Credential")]
    pub(super) reuse_credentials_of: Option<String>,
    /// Limit the credential to configs with this `project:`. May be repeated; empty: no limit
    #[arg(long, value_name = "PROJECT", help_heading = "Credential")]
    pub(super) only_project: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Switch {
    /// Yes.
    On,
    /// No.
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Unit {
    /// One token.
    Token,
    /// A million tokens.
    #[default]
    Million,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Method {
    /// A key.
    Key,
    /// A key pair of Amazon Web Services.
    Aws,
    /// A Google service account.
    ServiceAccount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ShowFormat {
    /// Lines for people.
    #[default]
    Table,
    /// One JSON object.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct ShowEntryArgs {
    /// Its slug
    pub(super) slug: String,
    /// How it is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: ShowFormat,
}

#[derive(Debug, Args)]
pub(super) struct ListEntriesArgs {
    /// How the list is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: ListFormat,
    /// Also those that were removed
    #[arg(short, long)]
    pub(super) all: bool,
}

#[derive(Debug, Args)]
pub(super) struct TestModelArgs {
    /// Its slug
    pub(super) slug: String,
}

#[derive(Debug, Args)]
pub(super) struct TestEndpointArgs {
    /// Its slug
    pub(super) slug: String,
    /// The model that is asked [default: the first that the endpoint allows]
    #[arg(short, long, value_name = "MODEL")]
    pub(super) model: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct RmEntryArgs {
    /// Its slug
    pub(super) slug: String,
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The file: .csv, .yaml or .yml
    pub(super) file: PathBuf,
}
