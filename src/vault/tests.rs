//! Attacks on the vault's file, its slots, its files on disk, and the keyring.
#![cfg(unix)]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::base::secret::Secret;

mod vectors;

const CANARY: &str = "sk-CANARY-0123456789abcdef-WXYZ";

fn dir() -> (TempDir, PathBuf) {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("home/vault.evals");
    (dir, path)
}

fn key(slug: &str) -> EntryKey {
    EntryKey {
        slug: slug.to_owned(),
        provider: "openai-compatible".to_owned(),
        field: "api_key".to_owned(),
        origin: "https://api.example.com:443".to_owned(),
    }
}

fn with_env(value: &Secret) -> Unlock<'static> {
    Unlock { env_key: Some(value.clone()), ..Unlock::default() }
}

/// A vault with two credentials, and the value of `EVALS_VAULT_KEY` that opens it.
fn filled(path: &Path) -> Secret {
    let env = new_env_key().expect("random numbers");
    let mut vault = Vault::create(path, &[NewSlot::Env(env.clone())]).expect("a vault");
    vault.put(&key("one"), &Secret::new(CANARY)).expect("stored");
    vault.put(&key("two"), &Secret::new("another-secret-of-someone")).expect("stored");
    env
}

/// What opening the vault says; it is not to open, nor to repeat a secret.
#[track_caller]
fn refusal(path: &Path, unlock: &Unlock<'_>) -> String {
    let text = Vault::open(path, unlock).expect_err("to be refused").to_string();
    assert!(!text.contains(CANARY), "{text}");
    text
}

/// Writes the file as its owner might, edited as JSON.
fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut json: Value = serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON");
    change(&mut json);
    let mut bytes = serde_json::to_vec_pretty(&json).expect("JSON");
    bytes.push(b'\n');
    fs::write(path, bytes).expect("written");
}

#[test]
fn what_was_put_in_comes_out_after_opening_again() {
    let (_dir, path) = dir();
    let env = filled(&path);
    let mut vault = Vault::open(&path, &with_env(&env)).expect("open");
    assert_eq!(vault.get(&key("one")).expect("a secret").expose(), CANARY);
    let list = vault.list();
    let shown: Vec<_> = list.iter().map(|info| (&*info.slug, &*info.shown)).collect();
    assert_eq!(shown, [("one", "****WXYZ"), ("two", "****eone")]);
    let locked = list_locked(&path).expect("a list");
    assert!(locked.iter().all(|info| info.shown == "****"));

    vault.put(&key("one"), &Secret::new("replaced-by-this")).expect("stored");
    assert_eq!(vault.get(&key("one")).expect("a secret").expose(), "replaced-by-this");
    assert_eq!(vault.remove("one").expect("removed"), 1);
    assert_eq!(vault.remove("one").expect("nothing to remove"), 0);
    assert!(matches!(vault.get(&key("one")), Err(VaultError::NoEntry { .. })));
    assert_eq!(vault.status().entries, 1);
    let text = fs::read_to_string(&path).expect("a file");
    assert!(!text.contains("CANARY") && !text.contains(env.expose()));
}

#[test]
fn nothing_empty_and_nothing_misnamed_is_stored() {
    let (_dir, path) = dir();
    let env = filled(&path);
    let mut vault = Vault::open(&path, &with_env(&env)).expect("open");
    for secret in ["", " \n"] {
        assert!(vault.put(&key("one"), &Secret::new(secret)).is_err());
    }
    assert!(vault.put(&key(""), &Secret::new("x")).is_err());
    assert!(vault.put(&key("a\nb"), &Secret::new("x")).is_err());
    assert!(vault.put(&key("a"), &Secret::new("x".repeat(70_000))).is_err());
    assert_eq!(vault.get(&key("one")).expect("as it was").expose(), CANARY);
}

#[test]
fn attack_01_any_byte_changed_is_noticed() {
    let (_dir, path) = dir();
    let env = filled(&path);
    let genuine = fs::read(&path).expect("a file");
    for at in 0..genuine.len() {
        for mask in [0x01, 0x20, 0x80] {
            let mut bytes = genuine.clone();
            bytes[at] ^= mask;
            fs::write(&path, &bytes).expect("written");
            refusal(&path, &with_env(&env));
        }
    }
    fs::write(&path, &genuine).expect("written");
    Vault::open(&path, &with_env(&env)).expect("the genuine one");
}

#[test]
fn attack_02_a_file_cut_short_or_prolonged_is_noticed() {
    let (_dir, path) = dir();
    let env = filled(&path);
    let genuine = fs::read(&path).expect("a file");
    for length in 0..genuine.len() {
        fs::write(&path, &genuine[..length]).expect("written");
        refusal(&path, &with_env(&env));
    }
    for more in ["\n", " ", "{}", "\0"] {
        fs::write(&path, [&genuine, more.as_bytes()].concat()).expect("written");
        refusal(&path, &with_env(&env));
    }
}

/// Makes each change to the file, as its owner might; the vault is not to open after it.
#[track_caller]
fn none_of_these_opens(changes: &[fn(&mut Value)]) {
    let (_dir, path) = dir();
    let env = filled(&path);
    let genuine = fs::read(&path).expect("a file");
    for (number, change) in changes.iter().enumerate() {
        fs::write(&path, &genuine).expect("written");
        edit(&path, change);
        assert_ne!(fs::read(&path).expect("a file"), genuine, "change {number} changes nothing");
        refusal(&path, &with_env(&env));
    }
}

#[test]
fn attack_03_ciphertexts_swapped_between_entries_are_noticed() {
    none_of_these_opens(&[
        |json| {
            let first = json["entries"][0]["sealed"].take();
            json["entries"][0]["sealed"] = json["entries"][1]["sealed"].take();
            json["entries"][1]["sealed"] = first;
        },
        |json| {
            let (one, two) = (json["entries"][0].take(), json["entries"][1].take());
            json["entries"] = json!([
                {"slug": one["slug"], "field": one["field"], "provider": one["provider"],
                 "origin": one["origin"], "changed_ms": one["changed_ms"],
                 "nonce": two["nonce"], "sealed": two["sealed"]},
                two,
            ]);
        },
    ]);
}

/// The same in the header and in the slots.
#[test]
fn attack_06_entries_doubled_deleted_or_reordered_are_noticed() {
    none_of_these_opens(&[
        |json| {
            let copy = json["entries"][0].clone();
            json["entries"].as_array_mut().expect("entries").push(copy);
        },
        |json| json["entries"].as_array_mut().expect("entries").truncate(1),
        |json| json["entries"].as_array_mut().expect("entries").clear(),
        |json| json["entries"].as_array_mut().expect("entries").reverse(),
        |json| json["entries"][0]["slug"] = json!("renamed"),
        |json| json["entries"][0]["changed_ms"] = json!(0),
        |json| json["counter"] = json!(1),
        |json| json["key_version"] = json!(2),
        |json| json["vault_id"] = json!("0123456789abcdef0123456789abcdef"),
        |json| json["format"] = json!("evals.vault/2"),
        |json| json["extra"] = json!(1),
        |json| json["mac"] = json!(""),
        |json| {
            let mut copy = json["slots"][0].clone();
            copy["id"] = json!("0123456789abcdef");
            json["slots"].as_array_mut().expect("slots").push(copy);
        },
    ]);
}

#[test]
fn attack_04_an_entry_of_another_vault_is_noticed() {
    let ((_one, path), (_two, other)) = (dir(), dir());
    let env = filled(&path);
    let mut vault = Vault::create(&other, &[NewSlot::Env(env.clone())]).expect("a vault");
    vault.put(&key("one"), &Secret::new("belongs to the other")).expect("stored");
    let json: Value = serde_json::from_slice(&fs::read(&other).expect("a file")).expect("JSON");
    edit(&path, |mine| mine["entries"][0] = json["entries"][0].clone());
    refusal(&path, &with_env(&env));
}

/// By what is asked for, and by what the file says.
#[test]
fn attack_05_a_credential_is_given_out_for_its_place_alone() {
    let (_dir, path) = dir();
    let env = filled(&path);
    let vault = Vault::open(&path, &with_env(&env)).expect("open");
    let asked = |change: fn(&mut EntryKey)| {
        let mut key = key("one");
        change(&mut key);
        vault.get(&key).expect_err("to be refused").to_string()
    };
    for origin in [
        "http://api.example.com:443",
        "https://api.example.com:8443",
        "https://api.example.org:443",
        "https://api.example.com:443 ",
        "",
    ] {
        let key = EntryKey { origin: origin.to_owned(), ..key("one") };
        let text = vault.get(&key).expect_err("to be refused").to_string();
        assert!(text.contains("was stored for openai-compatible at https://api.example.com:443"));
        assert!(!text.contains(CANARY));
    }
    asked(|key| key.provider = "anthropic".to_owned());
    asked(|key| key.field = "secret_access_key".to_owned());
    asked(|key| key.slug = "on".to_owned());
    // Pieces that read the same when joined are still two places.
    asked(|key| {
        key.provider = "openai-compatibl".to_owned();
        key.origin = "ehttps://api.example.com:443".to_owned();
    });

    let genuine = fs::read(&path).expect("a file");
    for (field, value) in [
        ("provider", "anthropic"),
        ("field", "token"),
        ("origin", "http://api.example.com:443"),
        ("origin", "https://evil.example:443"),
        ("origin", "https://api.example.com:444"),
    ] {
        fs::write(&path, &genuine).expect("written");
        edit(&path, |json| json["entries"][0][field] = json!(value));
        refusal(&path, &with_env(&env));
    }
}

#[test]
fn origins_are_written_in_one_way() {
    let same = "https://api.example.com:443";
    for url in
        ["https://api.example.com/v1", "https://API.example.com:443", "https://u@api.example.com"]
    {
        assert_eq!(origin(url).as_deref(), Some(same), "{url}");
    }
    assert_eq!(origin("http://[::1]:8080/x").as_deref(), Some("http://[::1]:8080"));
    assert_eq!(origin("https://api.example.com\\@evil.example").as_deref(), Some(same));
    for url in ["api.example.com", "file:///etc/passwd", "ftp://x", "", "https://"] {
        assert_eq!(origin(url), None, "{url}");
    }
}

fn passphrase_vault(path: &Path, passphrase: &str) {
    let slot = NewSlot::Passphrase(Secret::new(passphrase));
    Vault::create(path, &[slot])
        .expect("a vault")
        .put(&key("one"), &Secret::new(CANARY))
        .expect("ok");
}

/// Makes each change to a vault with a passphrase; each is to be refused before the passphrase is so
/// much as asked for, so before anything is derived from it.
#[track_caller]
fn refused_unread(changes: &[fn(&mut Value)]) {
    let (_dir, path) = dir();
    passphrase_vault(&path, "correct horse battery");
    let genuine = fs::read(&path).expect("a file");
    let never = || panic!("asked for a passphrase");
    let unlock = Unlock { passphrase: Some(&never), ..Unlock::default() };
    for (number, change) in changes.iter().enumerate() {
        fs::write(&path, &genuine).expect("written");
        edit(&path, change);
        let text = refusal(&path, &unlock);
        assert!(text.contains("damaged or was changed"), "{number}: {text}");
        assert!(status(&path).is_err(), "{number}");
    }
}

/// `tests/it` measures what it takes.
#[test]
fn attack_07_parameters_that_would_stop_the_machine_are_refused_unread() {
    refused_unread(&[
        |json| json["slots"][0]["argon2id"]["memory_kib"] = json!(2 * 1024 * 1024),
        |json| json["slots"][0]["argon2id"]["memory_kib"] = json!(u32::MAX),
        |json| json["slots"][0]["argon2id"]["passes"] = json!(11),
        |json| json["slots"][0]["argon2id"]["passes"] = json!(u32::MAX),
        |json| json["slots"][0]["argon2id"]["lanes"] = json!(17),
    ]);
}

#[test]
fn attack_08_parameters_that_would_protect_nothing_are_refused_unread() {
    refused_unread(&[
        |json| json["slots"][0]["argon2id"]["memory_kib"] = json!(8),
        |json| json["slots"][0]["argon2id"]["memory_kib"] = json!(19 * 1024 - 1),
        |json| json["slots"][0]["argon2id"]["memory_kib"] = json!(-1),
        |json| json["slots"][0]["argon2id"]["passes"] = json!(0),
        |json| json["slots"][0]["argon2id"]["lanes"] = json!(0),
        |json| json["slots"][0]["argon2id"]["salt"] = json!("AAAA"),
    ]);
}

#[test]
fn attack_09_two_passphrases_five_slots_or_none_are_refused_unread() {
    refused_unread(&[
        |json| json["slots"] = json!([json["slots"][0], json["slots"][0]]),
        |json| json["slots"] = json!(vec![json["slots"][0].clone(); 5]),
        |json| json["slots"] = json!([]),
        |json| json["slots"][0]["kind"] = json!("env"),
    ]);
}

/// Whatever is wrong with a passphrase, the same is said; `tests/it` measures that it costs the same.
#[test]
fn attack_10_wrong_passphrases_look_alike() {
    let (_dir, path) = dir();
    passphrase_vault(&path, "correct horse battery");
    let try_it = |passphrase: &'static str| {
        let ask = || Some(Secret::new(passphrase));
        let unlock = Unlock { passphrase: Some(&ask), ..Unlock::default() };
        Vault::open(&path, &unlock).map(|vault| vault.get(&key("one")).expect("a secret"))
    };
    assert_eq!(try_it("correct horse battery").expect("open").expose(), CANARY);
    let texts: Vec<String> = ["", "x", "correct horse batter", "correct horse battery ", "ż"]
        .map(|wrong| try_it(wrong).expect_err("to be refused").to_string())
        .into();
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    let short = NewSlot::Passphrase(Secret::new("1234567"));
    assert!(matches!(
        Vault::create(&path.with_file_name("other"), &[short]),
        Err(VaultError::Passphrase { .. })
    ));
}

#[test]
fn nobody_is_asked_where_nobody_can_answer() {
    let (_dir, path) = dir();
    passphrase_vault(&path, "correct horse battery");
    let text = refusal(&path, &Unlock::default());
    assert!(text.contains("there is no terminal to ask at"), "{text}");
    let text = refusal(&path, &with_env(&new_env_key().expect("a key")));
    assert!(text.contains("`EVALS_VAULT_KEY` is set, and the vault was not made"), "{text}");
}

#[test]
fn a_value_that_cannot_be_a_key_is_refused_whatever_else_would_open() {
    let (_dir, path) = dir();
    let env = filled(&path);
    for wrong in ["x", "password", &"A".repeat(42), &"A".repeat(44), &format!("{}=", env.expose())]
    {
        assert!(matches!(
            Vault::open(&path, &with_env(&Secret::new(wrong))),
            Err(VaultError::EnvKey)
        ));
    }
    let text = refusal(&path, &with_env(&Secret::new("")));
    assert!(text.contains("is not set"), "{text}");
    let text = refusal(&path, &with_env(&new_env_key().expect("a key")));
    assert!(text.contains("is not the key of this vault"), "{text}");
    // A secret store of a CI system may add a line feed.
    let line = Secret::new(format!("{}\n", env.expose()));
    Vault::open(&path, &with_env(&line)).expect("open");
}

#[test]
fn attack_11_files_are_the_users_own() {
    let (_dir, path) = dir();
    let env = filled(&path);
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    };
    let home = path.parent().expect("a parent");
    assert_eq!((mode(&path), mode(home)), (0o600, 0o700));
    for open in [0o640, 0o604, 0o620, 0o601, 0o777] {
        set(&path, open);
        let text = refusal(&path, &with_env(&env));
        assert!(text.contains("chmod 600"), "{text}");
    }
    set(&path, 0o600);
    for open in [0o777, 0o720, 0o702] {
        set(home, open);
        let text = refusal(&path, &with_env(&env));
        assert!(text.contains("chmod 700"), "{text}");
    }
    set(home, 0o755);
    let mut vault = Vault::open(&path, &with_env(&env)).expect("open");
    vault.put(&key("three"), &Secret::new("x")).expect("stored");
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn attack_12_links_are_not_followed() {
    let (dir, path) = dir();
    let env = filled(&path);
    let victim = dir.path().join("victim");
    fs::write(&victim, "untouched").expect("written");
    let genuine = fs::read(&path).expect("a file");
    let home = path.parent().expect("a parent");

    let mut vault = Vault::open(&path, &with_env(&env)).expect("open");
    for name in ["vault.evals.tmp", "vault.evals.lock"] {
        let link = home.join(name);
        fs::remove_file(&link).ok();
        symlink(&victim, &link).expect("a link");
        let error = vault.put(&key("three"), &Secret::new("x")).expect_err("to be refused");
        assert!(matches!(error, VaultError::NotAFile { .. }), "{error}");
        fs::remove_file(&link).expect("removed");
    }
    // What a killed writer left is no attack.
    fs::write(home.join("vault.evals.tmp"), "half").expect("written");
    vault.put(&key("three"), &Secret::new("x")).expect("stored");

    fs::write(dir.path().join("moved"), &genuine).expect("written");
    fs::set_permissions(dir.path().join("moved"), fs::Permissions::from_mode(0o600)).expect("set");
    fs::remove_file(&path).expect("removed");
    symlink(dir.path().join("moved"), &path).expect("a link");
    assert!(refusal(&path, &with_env(&env)).contains("links are not followed"));
    assert!(vault.put(&key("four"), &Secret::new("x")).is_err());
    assert!(matches!(
        Vault::create(&path, &[NewSlot::Env(env.clone())]),
        Err(VaultError::Exists { .. })
    ));
    assert_eq!(fs::read_to_string(&victim).expect("there"), "untouched");

    for thing in ["audit.jsonl", "other/audit.jsonl"] {
        let log = home.join(thing);
        fs::create_dir_all(log.parent().expect("a parent")).expect("made");
        symlink(&victim, &log).expect("a link");
        assert!(audit::append(&log, &record("x")).is_err());
        assert!(audit::read(&log).is_err());
    }
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("made");
    assert!(refusal(&path, &with_env(&env)).contains("not a regular file"));
}

#[test]
fn a_vault_is_never_made_in_place_of_another() {
    let (_dir, path) = dir();
    let env = filled(&path);
    let before = fs::read(&path).expect("a file");
    let error = Vault::create(&path, &[NewSlot::Env(env)]).expect_err("to be refused");
    assert!(matches!(error, VaultError::Exists { .. }), "{error}");
    assert_eq!(fs::read(&path).expect("a file"), before);
}

/// Within a process; `tests/it` does it with two.
#[test]
fn attack_14_writers_take_turns() {
    let (_dir, path) = dir();
    let env = filled(&path);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (path, env) = (&path, &env);
            scope.spawn(move || {
                let mut vault = Vault::open(path, &with_env(env)).expect("open");
                for entry in 0..8 {
                    let slug = format!("w{writer}-{entry}");
                    vault.put(&key(&slug), &Secret::new(slug.clone())).expect("stored");
                }
            });
        }
    });
    let vault = Vault::open(&path, &with_env(&env)).expect("open");
    assert_eq!(vault.list().len(), 2 + 4 * 8);
    assert_eq!(vault.status().counter, 1 + 2 + 4 * 8);
    assert_eq!(vault.get(&key("w3-7")).expect("a secret").expose(), "w3-7");
}

#[test]
fn rekey_changes_what_opens_and_nothing_else() {
    let (_dir, path) = dir();
    let env = filled(&path);
    let mut vault = Vault::open(&path, &with_env(&env)).expect("open");
    let entries = |path: &Path| {
        let json: Value = serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON");
        json["entries"].clone()
    };
    let before = entries(&path);
    let passphrase = NewSlot::Passphrase(Secret::new("correct horse battery"));
    vault.rekey(&[passphrase], Others::Keep).expect("rekeyed");
    assert_eq!(vault.status().slots, [SlotKind::Env, SlotKind::Passphrase]);
    let other = new_env_key().expect("a key");
    vault.rekey(&[NewSlot::Env(other.clone())], Others::Keep).expect("rekeyed");
    assert_eq!(vault.status().slots, [SlotKind::Passphrase, SlotKind::Env]);
    refusal(&path, &with_env(&env));
    vault.rekey(&[NewSlot::Env(other.clone())], Others::Drop).expect("rekeyed");
    assert_eq!(vault.status().slots, [SlotKind::Env]);
    assert_eq!(entries(&path), before);

    assert!(vault.rekey(&[], Others::Drop).is_err(), "nothing would open it");
    let five = vec![NewSlot::Env(other.clone()); 5];
    assert!(vault.rekey(&five, Others::Drop).is_err());
    let two = vec![NewSlot::Passphrase(Secret::new("correct horse battery")); 2];
    assert!(vault.rekey(&two, Others::Keep).is_err());
    let vault = Vault::open(&path, &with_env(&other)).expect("as it was");
    assert_eq!(vault.get(&key("one")).expect("a secret").expose(), CANARY);
}

#[test]
fn rotate_seals_everything_anew_and_needs_what_opens_each_slot() {
    let (_dir, path) = dir();
    let env = filled(&path);
    let mut vault = Vault::open(&path, &with_env(&env)).expect("open");
    let mut stale = Vault::open(&path, &with_env(&env)).expect("open");
    let passphrase = "correct horse battery";
    vault.rekey(&[NewSlot::Passphrase(Secret::new(passphrase))], Others::Keep).expect("rekeyed");
    let old = fs::read_to_string(&path).expect("a file");

    let error = vault.rotate(&with_env(&env), Others::Keep).expect_err("to be refused").to_string();
    assert!(error.contains("a passphrase would open it"), "{error}");
    assert_eq!(fs::read_to_string(&path).expect("a file"), old);

    let ask = || Some(Secret::new(passphrase));
    let both = Unlock { passphrase: Some(&ask), ..with_env(&env) };
    vault.rotate(&both, Others::Keep).expect("rotated");
    assert_eq!(vault.status().key_version, 2);
    let new: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
    for entry in new["entries"].as_array().expect("entries") {
        assert!(!old.contains(entry["sealed"].as_str().expect("text")));
    }
    for unlock in [&with_env(&env), &Unlock { passphrase: Some(&ask), ..Unlock::default() }] {
        let vault = Vault::open(&path, unlock).expect("open");
        assert_eq!(vault.get(&key("one")).expect("a secret").expose(), CANARY);
    }
    // Who opened it before writes no entry that nobody can read.
    let error = stale.put(&key("three"), &Secret::new("x")).expect_err("to be refused");
    assert!(matches!(error, VaultError::Changed), "{error}");

    vault.rotate(&with_env(&env), Others::Drop).expect("rotated");
    assert_eq!(vault.status().slots, [SlotKind::Env]);
    assert_eq!(vault.get(&key("two")).expect("a secret").expose(), "another-secret-of-someone");
}

/// What a keyring of the tests does.
#[derive(Debug, Clone, Copy)]
enum Mood {
    Works,
    Absent,
    Locked,
    Hangs,
    Garbage,
    Forgets,
}

#[derive(Debug)]
struct Ring {
    mood: Mutex<Mood>,
    keys: Mutex<BTreeMap<String, Secret>>,
}

impl Ring {
    fn new() -> Arc<Self> {
        Arc::new(Self { mood: Mutex::new(Mood::Works), keys: Mutex::default() })
    }

    fn set_mood(&self, mood: Mood) {
        *self.mood.lock().expect("a mood") = mood;
    }

    fn keys(&self) -> usize {
        self.keys.lock().expect("keys").len()
    }

    fn check(&self) -> Result<Mood, KeyStoreError> {
        let mood = *self.mood.lock().expect("a mood");
        match mood {
            Mood::Absent => Err(KeyStoreError("is absent".to_owned())),
            Mood::Locked => Err(KeyStoreError("is locked".to_owned())),
            Mood::Hangs => {
                let (sender, never) = mpsc::channel::<()>();
                std::mem::forget(sender);
                never.recv().expect("never");
                Ok(mood)
            }
            mood => Ok(mood),
        }
    }
}

impl KeyStore for Ring {
    fn get(&self, account: &str) -> Result<Option<Secret>, KeyStoreError> {
        match self.check()? {
            Mood::Garbage => Ok(Some(Secret::new("\u{1b}[31m not a key \0"))),
            Mood::Forgets => Ok(None),
            _ => Ok(self.keys.lock().expect("keys").get(account).cloned()),
        }
    }

    fn set(&self, account: &str, secret: &Secret) -> Result<(), KeyStoreError> {
        self.check()?;
        self.keys.lock().expect("keys").insert(account.to_owned(), secret.clone());
        Ok(())
    }

    fn delete(&self, account: &str) -> Result<(), KeyStoreError> {
        self.check()?;
        self.keys.lock().expect("keys").remove(account);
        Ok(())
    }
}

#[test]
fn attack_23_a_keyring_that_fails_lies_or_hangs_is_told_of_and_replaced_by_nothing() {
    let (_dir, path) = dir();
    let ring = Ring::new();
    let store: Arc<dyn KeyStore> = Arc::<Ring>::clone(&ring);
    let never = || panic!("asked for a passphrase that the vault does not have");
    let unlock =
        Unlock { keyring: Some(Arc::clone(&store)), passphrase: Some(&never), ..Unlock::default() };
    Vault::create(&path, &[NewSlot::Keyring(Arc::clone(&store))])
        .expect("a vault")
        .put(&key("one"), &Secret::new(CANARY))
        .expect("stored");
    let vault = Vault::open(&path, &unlock).expect("open");
    assert_eq!(vault.get(&key("one")).expect("a secret").expose(), CANARY);
    for (mood, said) in [
        (Mood::Absent, "the keyring is absent"),
        (Mood::Locked, "the keyring is locked"),
        (Mood::Hangs, "the keyring did not answer within 3 s"),
        (Mood::Garbage, "the keyring gave something that is no key of this vault"),
        (Mood::Forgets, "the keyring of this machine has no key for it"),
    ] {
        ring.set_mood(mood);
        let text = refusal(&path, &unlock);
        assert!(text.contains(said), "{mood:?}: {text}");
        let other = path.with_file_name(format!("{mood:?}"));
        let created = Vault::create(&other, &[NewSlot::Keyring(Arc::clone(&store))]);
        assert!(created.is_err(), "{mood:?}");
        assert!(!other.exists(), "{mood:?}: there is no other way to keep the key");
    }
    ring.set_mood(Mood::Works);
    Vault::open(&path, &unlock).expect("open");
    let text = refusal(&path, &Unlock::default());
    assert!(text.contains("not available on this system"), "{text}");
}

#[test]
fn a_locked_vault_needs_another_way_to_be_opened() {
    let (_dir, path) = dir();
    let (here, there) = (Ring::new(), Ring::new());
    let (here_store, there_store): (Arc<dyn KeyStore>, Arc<dyn KeyStore>) =
        (Arc::<Ring>::clone(&here), Arc::<Ring>::clone(&there));
    let mut vault =
        Vault::create(&path, &[NewSlot::Keyring(Arc::clone(&here_store))]).expect("a vault");
    assert!(matches!(vault.lock(&here_store), Err(VaultError::Slots(_))));
    assert_eq!(here.keys(), 1);

    // Another machine has a slot of its own; renewing one leaves the other, and no key behind.
    vault.rekey(&[NewSlot::Keyring(Arc::clone(&there_store))], Others::Keep).expect("rekeyed");
    vault.rekey(&[NewSlot::Keyring(Arc::clone(&there_store))], Others::Keep).expect("rekeyed");
    assert_eq!(vault.status().slots, [SlotKind::Keyring; 2]);
    assert_eq!((here.keys(), there.keys()), (1, 1));

    assert_eq!(vault.lock(&here_store).expect("locked"), 1);
    assert_eq!((here.keys(), there.keys()), (0, 1));
    let with = |store: &Arc<dyn KeyStore>| Unlock {
        keyring: Some(Arc::clone(store)),
        ..Unlock::default()
    };
    refusal(&path, &with(&here_store));
    Vault::open(&path, &with(&there_store)).expect("open");
}

#[test]
fn attack_24_masks_show_four_characters_of_long_secrets() {
    for length in 0..=64 {
        let secret: String = ('a'..='z').cycle().take(length).collect();
        let shown = masked(&secret);
        if length < 12 {
            assert_eq!(shown, "****", "{length}");
        } else {
            assert_eq!(shown, format!("****{}", &secret[length - 4..]), "{length}");
        }
    }
    assert_eq!(masked("żółćżółćżółć"), "****żółć");
}

fn record(action: &str) -> audit::Record {
    audit::Record {
        when_ms: 1_700_000_000_000,
        action: action.to_owned(),
        slug: Some("a\nb\"".to_owned()),
        run: None,
    }
}

#[test]
fn the_log_keeps_whole_lines_of_all_writers() {
    let (_dir, path) = dir();
    let log = path.with_file_name("audit.jsonl");
    assert_eq!(audit::read(&log).expect("no log"), audit::Log::default());
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let log = &log;
            scope.spawn(move || {
                for _ in 0..8 {
                    audit::append(log, &record(&format!("writer.{writer}"))).expect("appended");
                }
            });
        }
    });
    assert_eq!(audit::read(&log).expect("a log").records.len(), 32);
    assert_eq!(fs::metadata(&log).expect("there").permissions().mode() & 0o777, 0o600);

    // A crash in the middle of a line loses that line and no other.
    let mut bytes = fs::read(&log).expect("a log");
    bytes.truncate(bytes.len() - 10);
    fs::write(&log, bytes).expect("written");
    audit::append(&log, &record("after")).expect("appended");
    let audit::Log { records, unreadable } = audit::read(&log).expect("a log");
    assert_eq!((records.len(), unreadable), (32, 1));
    assert_eq!(records[31], record("after"));

    // Whatever stands there already stays as it is.
    let before = fs::read(&log).expect("a log");
    audit::append(&log, &record("more")).expect("appended");
    let after = fs::read(&log).expect("a log");
    assert!(after.starts_with(&before) && after.len() > before.len());
}
