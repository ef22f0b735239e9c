//! The rules, on registries in memory and files in temporary directories.

use std::{fs, thread};

use super::*;

/// An environment without variables, and the shipped catalog.
fn around() -> Around<'static> {
    Around { lookup: &|_| None, table: Table::shipped() }
}

/// A model of one's own with a key in a variable.
fn draft(name: &str) -> Draft {
    Draft {
        name: Some(name.to_owned()),
        provider: Some("custom".to_owned()),
        model: Some("org/model".to_owned()),
        base_url: Some("https://llm.example.com/v1/".to_owned()),
        api_key_env: Some("LLM_KEY".to_owned()),
        ..Draft::default()
    }
}

fn endpoint(name: &str) -> Draft {
    Draft { model: None, ..draft(name) }
}

#[track_caller]
fn add(registry: &mut Registry, draft: &Draft) -> Entry {
    registry.add(Kind::Model, draft, 1, around()).expect("added").entry
}

#[track_caller]
fn refused(registry: &mut Registry, draft: &Draft) -> String {
    registry.add(Kind::Model, draft, 1, around()).expect_err("refused").to_string()
}

#[test]
fn a_model_has_the_documented_defaults() {
    let mut registry = Registry::default();
    let entry = add(&mut registry, &draft("My vLLM"));
    assert_eq!((entry.slug.as_str(), entry.title()), ("my-vllm", "My vLLM"));
    let takes = entry.takes(Kind::Model, Table::shipped());
    assert_eq!(takes.max_tokens, Some(4096));
    assert_eq!(entry.base_url.as_deref(), Some("https://llm.example.com/v1"));
    let on = takes.toggles;
    assert_eq!(
        (on.json, on.vision, on.tools, on.reasoning),
        (Some(true), Some(false), Some(true), Some(false))
    );
    let huge = Draft { max_tokens: Some(u64::MAX), slug: Some("huge".into()), ..draft("x") };
    let huge = add(&mut registry, &Draft { name: None, ..huge });
    let takes = huge.takes(Kind::Model, Table::shipped());
    assert_eq!(takes.max_tokens, Some(u64::MAX), "never clamped");
    assert_eq!(huge.title(), "huge", "the slug stands in for a name");
    let credential = registry.credential("my-vllm").expect("there");
    assert_eq!(credential.origin, "https://llm.example.com:443");
}

#[test]
fn a_base_model_says_what_the_user_does_not() {
    let mut registry = Registry::default();
    let of = |base: &str| Draft { base_model: Some(base.to_owned()), ..draft("A model") };
    let takes = |entry: &Entry| entry.takes(Kind::Model, Table::shipped());
    let row = |model| Table::shipped().find("openai", model, None).expect("a row");

    let entry = add(&mut registry, &of("openai/gpt-5-mini"));
    let takes_all = takes(&entry);
    let on = takes_all.toggles;
    assert_eq!((on.vision, on.tools, on.reasoning), (Some(true), Some(true), Some(true)));
    assert_eq!((takes_all.max_tokens, takes_all.schema), (Some(4096), Some(true)));
    assert_eq!(entry.price("org/model", Table::shipped()), row("gpt-5-mini").price);
    assert_eq!(entry.capabilities, Toggles::default(), "nothing of it is the user's word");

    let own = Draft { vision: Some(false), max_tokens: Some(200_000), ..Draft::default() };
    let entry = registry.edit(Kind::Model, "a-model", &own, around()).expect("changed").entry;
    let said = takes(&entry);
    assert_eq!((said.toggles.vision, said.max_tokens), (Some(false), Some(200_000)));
    let other = Draft { base_model: Some("openai/gpt-4".into()), ..Draft::default() };
    let entry = registry.edit(Kind::Model, "a-model", &other, around()).expect("changed").entry;
    assert_eq!(takes(&entry).toggles.reasoning, Some(false), "unknown is as usual");
    assert_eq!(takes(&entry).toggles.json, Some(true));

    // No more is asked for than the base model gives, unless the user says so.
    let small = Table::shipped().rows().find(|row| {
        row.mode == "chat"
            && row.max_output.is_some_and(|most| most < 4096)
            && !row.model.contains('/')
    });
    let small = small.expect("a model of short answers");
    let base = format!("{}/{}", small.provider, small.model);
    let entry = add(&mut registry, &Draft { name: Some("Small one".into()), ..of(&base) });
    assert_eq!(takes(&entry).max_tokens, small.max_output);

    for (base, part) in [
        ("gpt", "PROVIDER/MODEL"),
        ("openai/gpt-5-mni", "near: `openai/gpt-5-mini`"),
        ("opnai/gpt-5-mini", "no models of a provider `opnai`"),
    ] {
        let draft = Draft { name: Some("Wrong one".into()), ..of(base) };
        let message = refused(&mut registry, &draft);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn prices_are_for_a_token_a_million_or_a_call_and_further_categories_are_kept() {
    let mut registry = Registry::default();
    let price = |list: &[(&str, f64)]| -> std::collections::BTreeMap<String, Option<f64>> {
        list.iter().map(|(name, usd)| ((*name).to_owned(), Some(*usd))).collect()
    };
    let all = [
        ("input", 0.15),
        ("output", 0.6),
        ("cache_read", 0.015),
        ("cache_write", 0.3),
        ("request", 0.005),
        ("batch_input", 0.075),
    ];
    let million = add(&mut registry, &Draft { price: price(&all), ..draft("By million") });
    let token = all.map(|(name, usd)| (name, if name == "request" { usd } else { usd / 1e6 }));
    let token = Draft { price: price(&token), price_per: Per::Token, ..draft("By token") };
    let token = add(&mut registry, &token);
    assert_eq!(million.price_pico, token.price_pico);
    assert_eq!(million.price_pico["batch_input"], 75_000, "kept under its name");
    let counted = million.price("org/model", Table::shipped()).expect("known");
    assert_eq!((counted.input.pico(), counted.cache_read.pico()), (150_000, 15_000));
    assert_eq!(counted.request.map(crate::base::money::Money::pico), Some(5_000_000_000));
    let line = price_line(&million.price_pico);
    assert!(line.contains("input $0.15") && line.ends_with("request $0.005 per call"), "{line}");

    // Prices that were taken over keep what the catalog says of larger calls.
    let row = Table::shipped().rows().find(|row| {
        row.provider == "google" && row.price.as_ref().is_some_and(|price| !price.above.is_empty())
    });
    let row = row.expect("a model with thresholds");
    let model = Draft {
        provider: Some("google".into()),
        model: Some(row.model.into()),
        base_url: None,
        ..draft("With thresholds")
    };
    let mut entry = add(&mut registry, &model);
    assert!(entry.fill_prices(Table::shipped()).contains(&"input".to_owned()));
    assert!(entry.fill_prices(Table::shipped()).is_empty(), "only where there was none");
    assert_eq!(entry.price(row.model, Table::shipped()), row.price);
    entry.price_pico.insert("input".into(), 7);
    let own = entry.price(row.model, Table::shipped()).expect("known");
    assert_eq!((own.input.pico(), own.above.len()), (7, 0));
}

#[test]
fn ids_of_the_catalog_are_no_slugs() {
    let mut registry = Registry::default();
    let slug = |slug: &str| Draft { slug: Some(slug.into()), ..draft("x") };
    let message = refused(&mut registry, &slug("gpt-5-mini"));
    assert!(message.contains("taken: a model of the catalog has it as its id"), "{message}");
    let own = "# format\t1\nopenai\tnew-model\tchat\t\t\t\t\t\t\n";
    let around = Around { table: Table::read(own).expect("a table"), ..around() };
    let taken = |kind, draft: &Draft, registry: &mut Registry| {
        registry.add(kind, draft, 1, around).expect_err("refused").to_string()
    };
    assert!(
        taken(Kind::Model, &slug("new-model"), &mut registry).contains("taken"),
        "of an update"
    );
    let message = taken(Kind::Endpoint, &Draft { model: None, ..slug("gpt-4") }, &mut registry);
    assert!(message.contains("taken"), "{message}");
}

#[test]
fn a_setting_of_the_environment_is_kept_with_the_address() {
    let mut registry = Registry::default();
    let lookup = |name: &str| (name == "AWS_REGION").then(|| "eu-west-1".to_owned());
    let around = Around { lookup: &lookup, ..around() };
    let bedrock = Draft { provider: Some("bedrock".into()), base_url: None, ..draft("Claude") };
    let added = registry.add(Kind::Model, &bedrock, 1, around).expect("added");
    assert_eq!(added.entry.settings["region"], "eu-west-1");
    let origin = added.credential.expect("a credential").origin;
    assert_eq!(origin, "https://bedrock-runtime.eu-west-1.amazonaws.com:443");
}

#[test]
fn what_cannot_be_is_refused() {
    fn check(change: impl FnOnce(&mut Draft), part: &str) {
        let mut registry = Registry::default();
        let mut draft = draft("Some model");
        change(&mut draft);
        let message = refused(&mut registry, &draft);
        assert!(message.contains(part), "{part:?} in {message:?}");
        assert_eq!(registry, Registry::default(), "nothing is left of {message:?}");
    }
    check(|d| d.slug = Some("No".into()), "`No` is no slug");
    check(|d| d.name = Some("模型".into()), "gives no slug");
    check(|d| d.provider = Some("custm".into()), "did you mean `custom`");
    check(|d| d.provider = None, "custom");
    check(|d| d.model = None, "model");
    check(|d| d.base_url = None, "address");
    check(|d| d.base_url = Some("file:///etc/passwd".into()), "http");
    check(|d| d.base_url = Some("https://u:p@h/".into()), "password");
    check(|d| d.base_url = Some("https://h/?api_key=1".into()), "key");
    check(|d| d.max_tokens = Some(0), "1 is the least");
    check(|d| d.format = Some("opnai".into()), "did you mean `openai`");
    check(|d| d.flavour = Some("responses".into()), "chat or completion");
    check(|d| d.region = Some("eu".into()), "region");
    check(|d| d.allow = Some(vec!["x".into()]), "allow");
    check(|d| d.reasoning_param = Some("a..b".into()), "reasoning_param");
    check(|d| d.base_model = Some("gpt".into()), "PROVIDER/MODEL");
    check(|d| d.auth = Some(AuthMethod::Aws), "takes no credential of aws");
    check(|d| d.access_key_id = Some("AKIA".into()), "aws");
    check(|d| d.api_key_env = Some("sk-live-1".into()), "not a key");
    check(|d| d.credential = Some("No".into()), "no slug");
    check(|d| _ = d.price.insert("input".into(), Some(-1.0)), "no price");
    check(|d| _ = d.price.insert("input".into(), Some(f64::NAN)), "no price");
    check(|d| _ = d.price.insert("input".into(), Some(1e-9)), "too small");
    check(|d| _ = d.price.insert("In put".into(), Some(1.0)), "category");
    check(|d| _ = d.headers.insert("x y".into(), "1".into()), "header");
    check(|d| _ = d.headers.insert("host".into(), "1".into()), "host");
    check(|d| _ = d.headers.insert("x-a".into(), "1\n2".into()), "forbids");
    check(|d| _ = d.headers.insert("x-a".into(), "{{api_key".into()), "without");
    check(|d| _ = d.headers.insert("x-a".into(), "{{apikey}}".into()), "{{api_key}}");
    for (name, value) in [
        ("X-Api-Key", "sk-1"),
        ("Authorization", "Bearer abc"),
        ("authorization", "Bearer ${NAME}4f9d1c77"),
        ("Cookie", "session=4f9d1c77; theme={{model}}"),
        ("X-Auth-Sig", "$${NAME}"),
        ("x-team", "sk-proj-0123456789abcdef"),
        ("x-note", "bearer 0123456789abcdef0"),
    ] {
        check(|d| _ = d.headers.insert(name.into(), value.into()), "carries a secret");
    }
    let message = {
        let draft = Draft { api_key_env: Some("sk-live-1".into()), ..draft("Some model") };
        refused(&mut Registry::default(), &draft)
    };
    assert!(!message.contains("sk-live-1"), "{message}");
}

#[test]
fn slugs_clash_and_come_back() {
    let mut registry = Registry::default();
    add(&mut registry, &draft("One two"));
    registry.add(Kind::Endpoint, &endpoint("End point"), 1, around()).expect("added");
    assert!(refused(&mut registry, &draft("one TWO")).contains("taken"));
    assert!(refused(&mut registry, &draft("end point")).contains("endpoint of that slug"));
    let unused = registry.remove(Kind::Model, "byo:one-two", 5).expect("removed");
    assert_eq!(unused.len(), 1);
    let error = registry.remove(Kind::Model, "one-two", 6).expect_err("twice");
    assert!(error.to_string().contains("was removed"), "{error}");
    assert!(registry.resolve("one-two").expect_err("removed").to_string().contains("was removed"));

    let other = Draft { provider: Some("openai-compatible".into()), ..draft("one two") };
    assert!(refused(&mut registry, &other).contains("belonged to a model of provider `custom`"));
    let again = Draft { model: Some("other".into()), api_key_env: None, ..draft("one two") };
    let added = registry.add(Kind::Model, &again, 9, around()).expect("brought back");
    assert!(added.reactivated);
    assert_eq!(registry.models.len(), 1);
    let entry = registry.find(Kind::Model, "one-two").expect("there");
    assert_eq!((entry.model.as_deref(), &entry.credential), (Some("other"), &None));
}

#[test]
fn references_fail_in_four_ways() {
    let mut registry = Registry::default();
    add(&mut registry, &draft("A model"));
    let list = Draft { allow: Some(vec!["qwen/*".into(), "one".into()]), ..endpoint("Lab one") };
    registry.add(Kind::Endpoint, &list, 1, around()).expect("added");
    let (_, upstream) = registry.resolve("lab-one/qwen/Qwen3:free").expect("allowed");
    assert_eq!(upstream, "qwen/Qwen3:free");
    assert!(registry.resolve("lab-one/one").is_ok());
    let check = |rest: &str| registry.resolve(rest).expect_err("refused");
    assert!(matches!(check("lab-one/one2"), RegistryError::NotAllowed { .. }));
    assert!(matches!(check("lab-two/one"), RegistryError::Unknown { .. }));
    assert!(matches!(check("lab-one"), RegistryError::NeedsModel { .. }));
    assert!(matches!(check("lab-one/"), RegistryError::NeedsModel { .. }));
    assert!(matches!(check("a-model/x"), RegistryError::IsModel { .. }));
    assert!(matches!(check(""), RegistryError::Unknown { .. }));
    let off = Draft { disabled: Some(true), ..Draft::default() };
    registry.edit(Kind::Endpoint, "lab-one", &off, around()).expect("disabled");
    let error = registry.resolve("lab-one/one").expect_err("refused");
    assert!(matches!(error, RegistryError::Disabled { .. }));
}

#[test]
fn editing_keeps_what_is_not_said() {
    let mut registry = Registry::default();
    add(&mut registry, &draft("A model"));
    let mut tested = registry.models[0].clone();
    tested.tested =
        Some(Tested { at_ms: 1, latency_us: 2, input_tokens: None, output_tokens: None });
    registry.replace(Kind::Model, tested);
    let mut edit = |draft: &Draft| registry.edit(Kind::Model, "a-model", draft, around());

    let mut prices = Draft::default();
    prices.price.insert("input".into(), Some(0.15));
    let entry = edit(&prices).expect("changed").entry;
    assert!(entry.tested.is_some(), "prices ask for no new test");
    assert_eq!(entry.price_pico["input"], 150_000);
    let per_token =
        Draft { price: [("input".into(), Some(1.5e-7))].into(), price_per: Per::Token, ..prices };
    assert_eq!(edit(&per_token).expect("the same").entry.price_pico["input"], 150_000);
    let key = Draft { api_key_env: Some("OTHER".into()), ..Draft::default() };
    assert!(edit(&key).expect("changed").entry.tested.is_some(), "nor do credentials");
    let vision = Draft { vision: Some(true), ..Draft::default() };
    assert!(edit(&vision).expect("changed").entry.tested.is_none(), "a capability does");

    let slug = Draft { slug: Some("other".into()), ..Draft::default() };
    assert!(edit(&slug).expect_err("permanent").to_string().contains("permanent"));
    let moved = Draft { base_url: Some("https://evil.example".into()), ..Draft::default() };
    let error = edit(&moved).expect_err("the key stays with its host").to_string();
    assert!(error.contains("https://llm.example.com:443"), "{error}");
    let both = Draft { has_secret: true, ..moved };
    assert!(edit(&both).is_ok(), "a fresh key may go to another host");
    let credential = registry.credential("a-model").expect("there");
    assert_eq!(credential.key_env, None, "in the vault now");
    assert_eq!(credential.origin, "https://evil.example:443");
}

#[test]
fn credentials_are_reused_within_one_provider_and_origin() {
    let mut registry = Registry::default();
    add(&mut registry, &draft("First one"));
    let bare = Draft { api_key_env: None, ..draft("Bare one") };
    add(&mut registry, &bare);
    let again = |name: &str, of: &str| Draft {
        reuse_credentials_of: Some(of.to_owned()),
        ..Draft { api_key_env: None, ..draft(name) }
    };
    let entry = add(&mut registry, &again("Second one", "first-one"));
    assert_eq!(entry.credential.as_deref(), Some("first-one"));
    assert!(refused(&mut registry, &again("Third one", "bare-one")).contains("no credential"));
    assert!(refused(&mut registry, &again("Third one", "nobody")).contains("no registered"));
    let other =
        Draft { provider: Some("openai-compatible".into()), ..again("Third one", "first-one") };
    assert!(refused(&mut registry, &other).contains("within one provider"));
    let other = Draft { auth: Some(AuthMethod::Aws), ..again("Third one", "first-one") };
    assert!(refused(&mut registry, &other).contains("not of aws"));
    let other = Draft { base_url: Some("https://b.example".into()), ..again("3rd x", "first-one") };
    assert!(
        refused(&mut registry, &Draft { slug: Some("third".into()), ..other })
            .contains("is for https://llm.example.com:443")
    );
    assert!(registry.remove(Kind::Model, "first-one", 2).expect("removed").is_empty(), "in use");
    assert_eq!(registry.remove(Kind::Model, "second-one", 3).expect("removed").len(), 1);
}

#[test]
fn a_credential_that_others_use_keeps_its_host() {
    let mut registry = Registry::default();
    add(&mut registry, &draft("First one"));
    let second = Draft {
        reuse_credentials_of: Some("first-one".into()),
        api_key_env: None,
        ..draft("Second one")
    };
    add(&mut registry, &second);
    let moved = Draft {
        base_url: Some("https://b.example".into()),
        api_key_env: Some("B_KEY".into()),
        ..Draft::default()
    };
    let error = registry.edit(Kind::Model, "first-one", &moved, around()).expect_err("refused");
    assert!(error.to_string().contains("a credential `first-one` for https://llm"), "{error}");
    let named = Draft { credential: Some("first-b".into()), ..moved };
    registry.edit(Kind::Model, "first-one", &named, around()).expect("under another name");
    let kept = registry.credential("first-one").expect("the second one uses it");
    assert_eq!(kept.origin, "https://llm.example.com:443");
}

/// Regions and ways to sign in of Bedrock.
#[test]
fn a_credential_of_bedrock_is_reused_in_other_regions_and_in_its_own_way() {
    let mut registry = Registry::default();
    let bedrock = |name: &str, region: &str| Draft {
        provider: Some("bedrock".into()),
        base_url: None,
        region: Some(region.to_owned()),
        api_key_env: None,
        ..draft(name)
    };
    let pair = Draft {
        access_key_id: Some("AKIA1".into()),
        has_secret: true,
        ..bedrock("The pair", "us-east-1")
    };
    let pair = registry.add(Kind::Model, &pair, 1, around()).expect("added");
    assert_eq!(pair.credential.expect("a credential").auth, AuthMethod::Aws, "by its id");
    let key = Draft { has_secret: true, ..bedrock("The key", "us-east-1") };
    let key = registry.add(Kind::Model, &key, 1, around()).expect("added");
    assert_eq!(key.credential.expect("a credential").auth, AuthMethod::Key);

    let of = |name: &str, source: &str| Draft {
        reuse_credentials_of: Some(source.to_owned()),
        ..bedrock(name, "eu-west-1")
    };
    let elsewhere = registry.add(Kind::Model, &of("In Europe", "the-pair"), 1, around());
    let elsewhere = elsewhere.expect("added");
    let reuse = elsewhere.reuse.expect("the secret goes along");
    assert_eq!((&*reuse.from.slug, &*reuse.to.slug), ("the-pair", "in-europe"));
    assert_eq!(reuse.to.origin, "https://bedrock-runtime.eu-west-1.amazonaws.com:443");
    assert_eq!(reuse.to.access_key_id.as_deref(), Some("AKIA1"));

    let mut edit = |slug: &str, draft: Draft| {
        registry.edit(Kind::Model, slug, &draft, around()).map_err(|error| error.to_string())
    };
    let reused = Draft { reuse_credentials_of: Some("the-key".into()), ..Draft::default() };
    let message = edit("in-europe", reused).expect_err("another way to sign in");
    assert!(message.contains("switching from aws to key needs a fresh API key"), "{message}");
    let switch = Draft { auth: Some(AuthMethod::Key), ..Draft::default() };
    let message = edit("in-europe", switch.clone()).expect_err("nothing fresh");
    assert!(message.contains("switching from aws to key needs a fresh API key"), "{message}");
    let fresh = edit("in-europe", Draft { has_secret: true, ..switch }).expect("fresh");
    let fresh = fresh.credential.expect("a credential");
    assert_eq!((fresh.auth, fresh.access_key_id), (AuthMethod::Key, None));
    let back = Draft { access_key_id: Some("AKIA2".into()), ..Draft::default() };
    let message = edit("the-key", back).expect_err("the id alone");
    assert!(message.contains("switching from key to aws needs a fresh secret access key"));
    // The region is part of the address; the same secret may follow within the provider.
    let moved = Draft { region: Some("eu-west-1".into()), ..Draft::default() };
    let message = edit("the-pair", moved.clone()).expect_err("bound");
    assert!(message.contains("is for https://bedrock-runtime.us-east-1."), "{message}");
    let itself = Draft { reuse_credentials_of: Some("the-pair".into()), ..moved };
    let moved = edit("the-pair", itself).expect("moved with its secret");
    let reuse = moved.reuse.expect("the secret goes along");
    assert_ne!(reuse.from.origin, reuse.to.origin);
}

#[test]
fn switching_how_to_sign_in_needs_a_fresh_secret() {
    let mut registry = Registry::default();
    let vertex = Draft {
        provider: Some("vertex".into()),
        base_url: None,
        project: Some("my-project".into()),
        auth: Some(AuthMethod::ServiceAccount),
        ..draft("A model")
    };
    add(&mut registry, &vertex);
    let switch = Draft { auth: Some(AuthMethod::Key), ..Draft::default() };
    let error = registry.edit(Kind::Model, "a-model", &switch, around()).expect_err("refused");
    let message = error.to_string();
    assert!(message.contains("switching from service-account to key needs a fresh"), "{message}");
    let aws = Draft { auth: Some(AuthMethod::Aws), has_secret: true, ..Draft::default() };
    let error = registry.edit(Kind::Model, "a-model", &aws, around()).expect_err("refused");
    assert!(error.to_string().contains("takes no credential of aws"), "{error}");
}

#[test]
fn imported_rows_are_read_from_csv_and_yaml() {
    let csv = "name,provider,model,base_url,vision,tags,max_tokens,price_input,header_x-team\n\
               A one,custom,m,http://h/v1,yes,a; b,7,0.5,blue\n\
               B two,custom,m,http://h/v1,,,,,\n";
    let rows = rows(csv, "m.csv", true).expect("read");
    let first = rows[0].as_ref().expect("a row");
    assert_eq!((first.vision, first.max_tokens), (Some(true), Some(7)));
    assert_eq!(first.tags, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(first.price["input"], Some(0.5));
    assert_eq!(first.headers["x-team"], "blue");
    let second = rows[1].as_ref().expect("a row");
    assert_eq!((second.vision, &second.tags), (None, &None));
    let yaml = "- {name: A one, provider: custom, model: m, base_url: 'http://h/v1', vision: true,\n  \
                tags: [a, b], max_tokens: 7, price: {input: 0.5}, headers: {x-team: blue}}\n";
    assert_eq!(super::rows(yaml, "m.yaml", false).expect("read")[0].as_ref(), Ok(first));
}

#[test]
fn all_rows_that_are_wrong_are_named() {
    let csv = "name,provider,model,base_url,max_tokens\nOne,custom,m,http://h,x\n\
               Two,custom,m,,1\nThree,custom,m,http://h,1\nThree,custom,m,http://h,1\nFour\n";
    let rows = rows(csv, "m.csv", true).expect("read");
    let mut registry = Registry::default();
    let error = registry.import(Kind::Model, &rows, "m.csv", (1, around())).expect_err("wrong");
    let ImportError::Rows(lines) = error else { panic!("rows: {error}") };
    let numbers: Vec<&str> =
        lines.iter().map(|line| line.split(": ").nth(1).expect("a number")).collect();
    assert_eq!(numbers, ["row 1", "row 2", "row 4", "row 5"], "{lines:?}");
    for (text, csv, part) in [
        ("- {nme: x}", false, "did you mean `name`"),
        ("- {name: x, api_key: sk-1}", false, "does not belong in a file"),
        ("- 3", false, "mapping"),
        ("name,api_key\nx,sk-1\n", true, "does not belong in a file"),
        ("- {name: x, max_tokens: -1}", false, "-1"),
    ] {
        let rows = super::rows(text, "f", csv).expect("read");
        let message = rows[0].as_ref().expect_err("wrong");
        assert!(message.contains(part) && !message.contains("sk-1"), "{message}");
    }
    assert!(super::rows("", "f", true).is_err());
    assert!(super::rows("a: [", "f", false).is_err());
}

#[test]
fn the_file_survives_what_happens_to_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let home = directory.path().join("deep/home");
    assert_eq!(load(&home).expect("nothing there"), Registry::default());
    let change =
        |registry: &mut Registry| registry.add(Kind::Model, &draft("A model"), 1, around());
    update(&home, change).expect("saved");
    let error = update(&home, change).expect_err("twice");
    assert!(error.to_string().contains("taken"), "{error}");
    assert_eq!(load(&home).expect("read").models.len(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| {
            fs::metadata(path).expect("there").permissions().mode() & 0o777
        };
        assert_eq!((mode(&home), mode(&home.join(FILE_NAME))), (0o700, 0o600));
    }

    let path = home.join(FILE_NAME);
    let sound = fs::read(&path).expect("read");
    for cut in 0..sound.len() - 2 {
        fs::write(&path, &sound[..cut]).expect("written");
        let error = load(&home).expect_err("damaged").to_string();
        assert!(error.contains("is damaged: "), "{error}");
    }
    fs::write(&path, br#"{"version": 2, "news": []}"#).expect("written");
    let error = load(&home).expect_err("newer").to_string();
    assert!(error.contains("is of version 2"), "{error}");
}

#[test]
fn writers_wait_for_each_other() {
    let directory = tempfile::tempdir().expect("a directory");
    thread::scope(|scope| {
        for writer in 0..8 {
            let home = directory.path();
            scope.spawn(move || {
                let draft = draft(&format!("Model no {writer}"));
                update(home, |registry| registry.add(Kind::Model, &draft, 1, around()))
                    .expect("saved")
            });
        }
    });
    assert_eq!(load(directory.path()).expect("read").models.len(), 8);
}
