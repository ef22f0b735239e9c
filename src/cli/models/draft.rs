//! From flags to what they say of an entry.

use super::{
    super::{
        args_models::{
            AddEndpointArgs, AddModelArgs, CredentialFlags, EditEndpointArgs, EditModelArgs,
            EntryFlags, Method, Switch, Unit,
        },
        exit::Failure,
    },
    save::{Request, Target},
};
use crate::{
    catalog::registry::{AuthMethod, Draft, Kind, Per},
    domain::limits::Limits,
};

impl Request {
    pub(super) fn add_model(args: &AddModelArgs) -> Result<Self, Failure> {
        let draft = Draft {
            name: args.name.clone(),
            slug: args.slug.clone(),
            provider: args.provider.clone(),
            model: args.model.model.clone(),
            base_model: args.model.base_model.clone(),
            ..draft(&args.entry, &args.credential)?
        };
        Ok(Self {
            kind: Kind::Model,
            target: Target::New,
            draft,
            secret_from_stdin: args.credential.api_key_stdin,
            no_test: args.no_test,
            test_model: None,
        })
    }

    pub(super) fn edit_model(args: &EditModelArgs) -> Result<Self, Failure> {
        let draft = Draft {
            name: args.name.clone(),
            slug: args.permanent.slug.clone(),
            provider: args.permanent.provider.clone(),
            model: args.model.model.clone(),
            base_model: args.model.base_model.clone(),
            ..draft(&args.entry, &args.credential)?
        };
        Ok(Self {
            kind: Kind::Model,
            target: Target::Known(args.target.clone()),
            draft,
            secret_from_stdin: args.credential.api_key_stdin,
            no_test: args.no_test,
            test_model: None,
        })
    }

    pub(super) fn add_endpoint(args: &AddEndpointArgs) -> Result<Self, Failure> {
        let draft = Draft {
            name: args.name.clone(),
            slug: args.slug.clone(),
            provider: args.provider.clone(),
            allow: several(&args.endpoint.allow),
            ..draft(&args.entry, &args.credential)?
        };
        Ok(Self {
            kind: Kind::Endpoint,
            target: Target::New,
            draft,
            secret_from_stdin: args.credential.api_key_stdin,
            no_test: args.no_test,
            test_model: args.test_model.clone(),
        })
    }

    pub(super) fn edit_endpoint(args: &EditEndpointArgs) -> Result<Self, Failure> {
        let draft = Draft {
            name: args.name.clone(),
            slug: args.permanent.slug.clone(),
            provider: args.permanent.provider.clone(),
            allow: several(&args.endpoint.allow),
            disabled: (args.disable || args.enable).then_some(args.disable),
            ..draft(&args.entry, &args.credential)?
        };
        Ok(Self {
            kind: Kind::Endpoint,
            target: Target::Known(args.target.clone()),
            draft,
            secret_from_stdin: args.credential.api_key_stdin,
            no_test: args.no_test,
            test_model: args.test_model.clone(),
        })
    }
}

fn draft(entry: &EntryFlags, credential: &CredentialFlags) -> Result<Draft, Failure> {
    let on = |switch: Option<Switch>| switch.map(|switch| switch == Switch::On);
    let mut draft = Draft {
        base_url: entry.base_url.clone(),
        format: entry.format.clone(),
        flavour: entry.flavour.clone(),
        region: entry.region.clone(),
        project: entry.google_project.clone(),
        location: entry.location.clone(),
        resource: entry.resource.clone(),
        deployment: entry.deployment.clone(),
        api_version: entry.api_version.clone(),
        max_tokens: entry.max_tokens,
        limits: Limits { rpm: entry.rpm, tpm: entry.tpm, concurrency: entry.concurrency },
        json: on(entry.json_mode),
        vision: on(entry.vision),
        tools: on(entry.tools),
        reasoning: on(entry.reasoning),
        streaming: on(entry.streaming),
        reasoning_param: entry.reasoning_param.clone(),
        tags: several(&entry.tag),
        price_per: match entry.price_per {
            Unit::Token => Per::Token,
            Unit::Million => Per::Million,
        },
        api_key_env: credential.api_key_env.clone(),
        auth: credential.auth.map(|method| match method {
            Method::Key => AuthMethod::Key,
            Method::Aws => AuthMethod::Aws,
            Method::ServiceAccount => AuthMethod::ServiceAccount,
        }),
        access_key_id: credential.access_key_id.clone(),
        session_token_env: credential.session_token_env.clone(),
        credential: credential.credential.clone(),
        reuse_credentials_of: credential.reuse_credentials_of.clone(),
        projects: several(&credential.only_project),
        ..Draft::default()
    };
    for written in &entry.header {
        // The value is not repeated in messages: it may be a secret.
        let (name, value) = written
            .split_once('=')
            .ok_or_else(|| Failure::usage("--header: a header is written NAME=VALUE"))?;
        draft.headers.insert(name.trim().to_owned(), value.to_owned());
    }
    for written in &entry.price {
        let (category, usd) = price(written)?;
        draft.price.insert(category, usd);
    }
    Ok(draft)
}

/// A price as it is typed: `input=0.15`; with nothing behind it, none.
pub(super) fn price(written: &str) -> Result<(String, Option<f64>), Failure> {
    let wrong = || {
        Failure::usage(format!("--price: `{written}` is not of the form CATEGORY=USD"))
            .hint("for example `--price input=0.15 --price output=0.60`, per million tokens")
    };
    let (category, usd) = written.split_once('=').ok_or_else(wrong)?;
    let usd = usd.trim().trim_start_matches('$');
    let usd = if usd.is_empty() { None } else { Some(usd.parse().map_err(|_| wrong())?) };
    Ok((category.trim().to_owned(), usd))
}

fn several(written: &[String]) -> Option<Vec<String>> {
    (!written.is_empty()).then(|| written.to_vec())
}
