//! Questions at a terminal. They go to standard error; keys are typed unseen.

use std::io::{self, Write as _};

use super::{
    super::{
        Out,
        ask::{can_ask, typed},
        exit::Failure,
        vault,
    },
    lookup,
    save::Request,
};
use crate::{
    base::{secret::Secret, text::visible},
    catalog::{
        Table,
        registry::{
            self, AuthMethod, CUSTOM, Entry, Format, Kind, Registry, Takes, derived, is_slug,
            is_variable, shown_price,
        },
    },
    provider::{Auth, PROVIDERS},
};

/// Asks for what is missing of a new entry; where there is nobody to ask, what is missing is told by
/// the checks that follow.
pub(super) fn for_new(
    request: &mut Request,
    secret: &mut Option<Secret>,
    table: Table<'_>,
    out: &mut Out,
) -> Result<(), Failure> {
    let draft = &request.draft;
    let nameless = draft.name.is_none() && draft.slug.is_none();
    let modelless =
        request.kind == Kind::Model && draft.model.is_none() && draft.deployment.is_none();
    let custom = draft.provider.as_deref() == Some(CUSTOM);
    let missing =
        nameless || modelless || draft.provider.is_none() || (custom && draft.base_url.is_none());
    if !can_ask() {
        return Ok(());
    }
    if missing {
        out.note("Enter takes what stands in brackets; Ctrl-C saves nothing.");
        identity(request)?;
        address(request)?;
    }
    let draft = &request.draft;
    if draft.api_key_env.is_none()
        && secret.is_none()
        && draft.credential.is_none()
        && draft.reuse_credentials_of.is_none()
    {
        *secret = credential(request, missing)?;
    }
    if missing && request.kind == Kind::Model {
        let base_model = request.draft.base_model.clone();
        abilities(request, Entry { base_model, ..Entry::default() }.takes(request.kind, table))?;
        prices(request, None)?;
    }
    Ok(())
}

/// Asks for the secret of a credential that flags describe, where they bring none.
pub(super) fn for_credential(
    request: &Request,
    secret: &mut Option<Secret>,
) -> Result<(), Failure> {
    let draft = &request.draft;
    let described = (draft.access_key_id.is_some() || draft.auth.is_some())
        && draft.credential.is_none()
        && draft.reuse_credentials_of.is_none();
    if described && secret.is_none() && draft.api_key_env.is_none() && can_ask() {
        let auth = draft.auth.unwrap_or(AuthMethod::Aws);
        *secret = hidden(&format!("{} (blank for none)", auth.secret()))?;
    }
    Ok(())
}

/// Asks what shall change of `entry`.
pub(super) fn for_changes(
    request: &mut Request,
    entry: &Entry,
    (registry, table): (&Registry, Table<'_>),
    secret: &mut Option<Secret>,
    out: &mut Out,
) -> Result<(), Failure> {
    if !can_ask() {
        let command = request.kind.command();
        return Err(Failure::usage("nothing to change was given")
            .hint(format!("`evals {command} edit --help` lists what can be changed")));
    }
    out.note("Enter keeps what stands in brackets; Ctrl-C changes nothing.");
    let changed = |said: String, was: &str| (said != was).then_some(said);
    let was = entry.title().to_owned();
    request.draft.name = changed(line("Name", Some(&was))?, &was);
    if request.kind == Kind::Model {
        let was = entry.model.clone().unwrap_or_default();
        request.draft.model = changed(line("Model id", Some(&was))?, &was);
    }
    if let Some(was) = &entry.base_url {
        request.draft.base_url = changed(line("Address", Some(was))?, was);
    }
    let stored = entry.credential.as_deref().and_then(|slug| registry.credential(slug).ok());
    *secret = match stored {
        Some(stored) => {
            hidden(&format!("{} (blank keeps {})", stored.auth.secret(), stored.shown()))?
        }
        None => {
            let auth = registry::auth_methods(entry)?[0];
            self::secret(request, auth, "blank for none")?
        }
    };
    if request.kind == Kind::Model {
        abilities(request, entry.takes(request.kind, table))?;
        prices(request, Some(entry))?;
    }
    Ok(())
}

fn identity(request: &mut Request) -> Result<(), Failure> {
    let draft = &mut request.draft;
    if draft.name.is_none() && draft.slug.is_none() {
        draft.name = Some(needed("Name")?);
    }
    if draft.slug.is_none() {
        let suggested = draft.name.as_deref().and_then(derived);
        loop {
            let slug = line("Slug", suggested.as_deref())?;
            if is_slug(&slug) {
                draft.slug = Some(slug);
                break;
            }
            tell("3 to 40 of a-z, 0-9 and -, a letter first, a letter or digit last");
        }
    }
    if draft.provider.is_none() {
        let known: Vec<&str> = PROVIDERS.iter().map(|p| p.name()).chain([CUSTOM]).collect();
        tell(&format!("Providers: {}", known.join(", ")));
        loop {
            let name = line("Provider", Some(CUSTOM))?;
            if known.contains(&name.as_str()) {
                draft.provider = Some(name);
                break;
            }
            let meant = crate::base::text::nearest(&name, known.iter().copied());
            let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
            tell(&format!("there is no provider `{name}`{meant}"));
        }
    }
    Ok(())
}

fn address(request: &mut Request) -> Result<(), Failure> {
    let draft = &mut request.draft;
    let custom = draft.provider.as_deref() == Some(CUSTOM);
    let own = PROVIDERS.iter().any(|provider| {
        Some(provider.name()) == draft.provider.as_deref()
            && provider.card().base_url.is_none()
            && provider.card().settings.is_empty()
    });
    if (custom || own) && draft.base_url.is_none() {
        draft.base_url = Some(needed("Address, such as http://localhost:8000/v1")?);
    }
    if custom && draft.format.is_none() {
        let known = Format::ALL.map(Format::name);
        draft.format = Some(one_of("It speaks", &known)?);
    }
    if custom && draft.flavour.is_none() && draft.format.as_deref() == Some("openai") {
        draft.flavour = Some(one_of("Flavour", &["chat", "completion"])?);
    }
    if request.kind == Kind::Model && draft.model.is_none() && draft.deployment.is_none() {
        draft.model = Some(needed("Model id, as the provider knows it")?);
    }
    if request.kind == Kind::Endpoint && draft.allow.is_none() {
        let text = line("Models that may be asked for, commas between (blank: all)", None)?;
        let list: Vec<String> = text.split(',').map(|model| model.trim().to_owned()).collect();
        let list: Vec<String> = list.into_iter().filter(|model| !model.is_empty()).collect();
        draft.allow = (!list.is_empty()).then_some(list);
    }
    Ok(())
}

/// Asks for what proves who asks: in a conversation always, else only where the environment has
/// none.
fn credential(request: &mut Request, conversation: bool) -> Result<Option<Secret>, Failure> {
    let provider = request.draft.provider.clone().unwrap_or_default();
    let entry = Entry { provider, ..Entry::default() };
    let Ok(wire) = registry::wire(&entry) else { return Ok(None) };
    let card = wire.card();
    let optional = card.auth == Auth::OptionalKey || entry.provider == CUSTOM;
    let in_environment = card.key_env.iter().copied().find(|name| lookup(name).is_some());
    let said = request.draft.auth.is_some();
    if !conversation && !said && in_environment.is_some() {
        return Ok(None);
    }
    let methods = registry::auth_methods(&entry)?;
    let auth = match request.draft.auth {
        Some(auth) => auth,
        None if methods.len() > 1 && conversation => {
            let names: Vec<&str> = methods.iter().map(|method| method.name()).collect();
            let chosen = one_of("It is told who asks by", &names)?;
            methods.iter().copied().find(|method| method.name() == chosen).unwrap_or(methods[0])
        }
        None => methods[0],
    };
    if auth == AuthMethod::Aws && request.draft.access_key_id.is_none() {
        let id = line("Access key id (blank for none of its own)", None)?;
        if id.is_empty() {
            return Ok(None);
        }
        request.draft.access_key_id = Some(id);
    }
    let none = match in_environment.filter(|_| !optional && auth == AuthMethod::Key) {
        Some(name) => format!("blank takes ${name} at every call"),
        None => "blank for none".to_owned(),
    };
    let given = secret(request, auth, &none)?;
    if given.is_some() || request.draft.api_key_env.is_some() {
        request.draft.auth = Some(auth);
    }
    Ok(given)
}

/// The secret of a new credential; where there is no vault to keep it in, the name of a variable
/// that holds it goes into the draft instead.
fn secret(request: &mut Request, auth: AuthMethod, none: &str) -> Result<Option<Secret>, Failure> {
    let what = auth.secret();
    if vault::Places::find().is_ok_and(|places| places.vault.exists()) {
        return hidden(&format!("{what} ({none})"));
    }
    tell("There is no vault to keep a key in; `evals vault init` makes one.");
    loop {
        let name = line(&format!("Environment variable with the {what} ({none})"), None)?;
        if name.is_empty() {
            return Ok(None);
        }
        if is_variable(&name) {
            request.draft.api_key_env = Some(name);
            return Ok(None);
        }
        // What was typed is not repeated: it may be the key itself.
        tell("the name of a variable is needed, such as MY_KEY, and not the key");
    }
}

/// Asks for what the model can take; `was` is how it stands.
fn abilities(request: &mut Request, was: Takes) -> Result<(), Failure> {
    let draft = &mut request.draft;
    if draft.max_tokens.is_none() {
        let shown = was.max_tokens.map(|tokens| tokens.to_string());
        loop {
            let text = line("Longest answer, in tokens", shown.as_deref())?;
            match text.parse::<u64>() {
                Ok(tokens) if tokens > 0 => {
                    draft.max_tokens =
                        Some(tokens).filter(|tokens| Some(*tokens) != was.max_tokens);
                    break;
                }
                _ if text.is_empty() => break,
                _ => tell("a whole number, 1 at least"),
            }
        }
    }
    let was = was.toggles;
    for (label, was, slot) in [
        ("JSON mode", was.json, &mut draft.json),
        ("Images in prompts", was.vision, &mut draft.vision),
        ("Tools", was.tools, &mut draft.tools),
        ("Reasoning", was.reasoning, &mut draft.reasoning),
    ] {
        if slot.is_none() {
            *slot = yes(label, was)?.filter(|said| Some(*said) != was);
        }
    }
    Ok(())
}

fn prices(request: &mut Request, entry: Option<&Entry>) -> Result<(), Failure> {
    for category in ["input", "output"] {
        if request.draft.price.contains_key(category) {
            continue;
        }
        let was = entry.and_then(|entry| entry.price_pico.get(category).copied());
        let was = was.map(|pico| shown_price(category, pico).to_string());
        loop {
            let label = format!("Price of a million {category} tokens in USD");
            let shown = was.clone().unwrap_or_else(|| "unknown".to_owned());
            let text = line(&label, Some(&shown))?;
            if text == shown {
                break;
            }
            match text.trim_start_matches('$').parse::<f64>() {
                Ok(usd) if usd.is_finite() && usd >= 0.0 => {
                    request.draft.price.insert(category.to_owned(), Some(usd));
                    break;
                }
                _ => tell("a number, such as 0.15"),
            }
        }
    }
    Ok(())
}

fn tell(text: &str) {
    // Nothing to be done about a terminal that went away.
    writeln!(io::stderr(), "{}", visible(text)).ok();
}

/// A line, or what stands in brackets.
fn line(label: &str, default: Option<&str>) -> Result<String, Failure> {
    let shown = default.filter(|text| !text.is_empty());
    let shown = shown.map(|text| format!(" [{}]", visible(text))).unwrap_or_default();
    write!(io::stderr(), "{label}{shown}: ").ok();
    let mut text = String::new();
    match io::stdin().read_line(&mut text) {
        Ok(0) | Err(_) => Err(gone()),
        Ok(_) if text.trim().is_empty() => Ok(default.unwrap_or_default().to_owned()),
        Ok(_) => Ok(text.trim().to_owned()),
    }
}

fn needed(label: &str) -> Result<String, Failure> {
    loop {
        let text = line(label, None)?;
        if !text.is_empty() {
            return Ok(text);
        }
    }
}

fn one_of(label: &str, known: &[&str]) -> Result<String, Failure> {
    loop {
        let text = line(&format!("{label} ({})", known.join(", ")), Some(known[0]))?;
        if known.contains(&text.as_str()) {
            return Ok(text);
        }
        tell(&format!("one of {}", known.join(", ")));
    }
}

fn yes(label: &str, default: Option<bool>) -> Result<Option<bool>, Failure> {
    let shown = match default {
        Some(true) => "on",
        Some(false) => "off",
        None => "unknown",
    };
    loop {
        let text = line(&format!("{label}, on or off"), Some(shown))?;
        match text.to_lowercase().as_str() {
            "on" | "y" | "yes" => return Ok(Some(true)),
            "off" | "n" | "no" => return Ok(Some(false)),
            "unknown" => return Ok(None),
            _ => tell("on or off"),
        }
    }
}

/// A secret, typed unseen; none for an empty line.
fn hidden(label: &str) -> Result<Option<Secret>, Failure> {
    let secret = typed(label).ok_or_else(gone)?;
    let text = secret.expose().trim();
    Ok((!text.is_empty()).then(|| Secret::new(text)))
}

fn gone() -> Failure {
    Failure::usage("the conversation ended; nothing was saved")
}
