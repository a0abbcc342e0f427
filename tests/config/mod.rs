//! Tests of the configuration: what wins over what, and what each wrong setting is answered.

mod reference;
mod wrong;

use std::path::{Path, PathBuf};

use passerelle::config::{Accepted, Config, ConfigError, Format, Level, MasterKey, settings};

/// Loads a file's text and some variables.
fn load(text: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passerelle.toml");
    std::fs::write(&file, text).unwrap();
    Config::load(Some(&file), variables(env), None)
}

fn variables(env: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>().into_iter()
}

/// What the configuration's author reads.
fn refusal(text: &str, env: &[(&str, &str)]) -> String {
    load(text, env).expect_err("this configuration is wrong").to_string()
}

#[test]
fn nothing_set_is_the_default() {
    let config = Config::load(None, variables(&[("HOME", "/root"), ("PASSERELLE_PASSPHRASE", "x")]), None).unwrap();
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    assert_eq!(config.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.folder(), Path::new("./data"));
}

#[test]
fn the_environment_wins_over_the_file_and_data_over_both() {
    let text =
        "public_url = 'https://id.example.fr'\n[store]\nurl = 'sqlite:/srv/a'\n[log]\nlevel = 'warn'\n[limits]\nsession_idle_s = 600";
    let env =
        [("PASSERELLE__LOG__LEVEL", "debug"), ("PASSERELLE__STORE__URL", "sqlite:/srv/b"), ("PASSERELLE__LIMITS__BODY_MAX_BYTES", "9000")];

    let config = load(text, &env).unwrap();
    assert_eq!(config.public_url, "https://id.example.fr");
    assert_eq!((config.log.level, config.log.format), (Level::Debug, Format::Text));
    assert_eq!((config.limits.session_idle_s, config.limits.body_max_bytes), (600, 9000));
    assert_eq!(config.folder(), Path::new("/srv/b"));

    let with_data = Config::load(None, variables(&env), Some(Path::new("/srv/c"))).unwrap();
    assert_eq!(with_data.folder(), Path::new("/srv/c"));
}

#[test]
fn every_setting_can_be_set_in_the_environment() {
    for setting in settings() {
        let value = match setting.accepted {
            Accepted::Number { max, .. } if ["session_lifetime", "window", "drain"].iter().any(|part| setting.key.contains(part)) => {
                max.to_string()
            }
            Accepted::Number { min, .. } => min.to_string(),
            Accepted::OneOf(words) => words.last().unwrap().to_string(),
            Accepted::Text { .. } => match setting.key {
                "public_url" => "https://id.example.fr:8443".to_owned(),
                "listen.address" => "[::1]:0".to_owned(),
                "listen.trusted_proxies" => "127.0.0.1, 10.0.0.0/8".to_owned(),
                "store.url" => "sqlite:elsewhere".to_owned(),
                "egress.private_hosts_allowed" => "scodoc.lycee.lan, 10.20.0.0/16".to_owned(),
                "store.placements" => "lyon=postgres://gateway:hunter2@db/x nord=sqlite:/srv/nord".to_owned(),
                "store.folder" => "/var/lib/passerelle".to_owned(),
                "secrets.master_key" => "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned(),
                "secrets.master_key_file" => "/etc/passerelle/key".to_owned(),
                "archives.folder" => "/backup/passerelle".to_owned(),
                "archives.recipient" => "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p".to_owned(),
                "mail.host" => "smtp.example.fr".to_owned(),
                "mail.username" => "passerelle".to_owned(),
                "mail.password" => "correct horse".to_owned(),
                "mail.password_file" => "/etc/passerelle/mail".to_owned(),
                "mail.from" | "mail.reply_to" => "Passerelle <noreply@example.fr>".to_owned(),
                "mail.ca_file" => "/etc/passerelle/ca.pem".to_owned(),
                unknown => panic!("give a value for {unknown}"),
            },
        };
        // A server alone is a contradiction: it needs a sender.
        let beside = if setting.key == "mail.host" { &[("PASSERELLE__MAIL__FROM", "b@example.fr")][..] } else { &[] };
        let before = Config::load(None, variables(beside), None).unwrap();
        let variable = setting.variable();
        let config = Config::load(None, variables(&[beside, &[(&variable, &value)]].concat()), None);
        let config = config.unwrap_or_else(|error| panic!("{} = {value}: {error}", setting.key));
        assert_ne!(format!("{config:?}"), format!("{before:?}"), "{} changes nothing", setting.key);
    }
}

#[test]
fn every_bound_is_accepted_and_the_next_number_refused() {
    // The contradictions between settings are another test's matter: these are the ones that limit others.
    let wide = "session_lifetime_s = 2592000\nsign_in_window_s = 86400\nrefresh_token_lifetime_s = 31536000\n";
    let mut tried = 0;
    for setting in settings() {
        let Accepted::Number { min, max, .. } = setting.accepted else { continue };
        let (section, name) = setting.key.split_once('.').unwrap();
        let header = if section == "limits" { String::new() } else { format!("[{section}]\n") };
        let others: String = wide.lines().filter(|line| !line.starts_with(name)).flat_map(|line| [line, "\n"]).collect();
        let small = "session_idle_s = 60\nsign_in_delay_s = 1\naccess_token_lifetime_s = 60\n";
        let smallest: String = small.lines().filter(|line| !line.starts_with(name)).flat_map(|line| [line, "\n"]).collect();
        let text = |value: i64| format!("[limits]\n{others}{smallest}{header}{name} = {value}");
        load(&text(min.into()), &[]).unwrap();
        load(&text(max.into()), &[]).unwrap();
        assert!(refusal(&text(i64::from(min) - 1), &[]).contains("is too small"), "{name}");
        assert!(refusal(&text(i64::from(max) + 1), &[]).contains("is too large"), "{name}");
        tried += 1;
    }
    assert!(tried > 10);
}

#[test]
fn the_master_key_is_given_or_in_a_file_beside_the_store() {
    let file_of = |config: &Config| match config.master_key() {
        MasterKey::File(path) => path,
        MasterKey::Given(_) => panic!("no key was given"),
    };
    assert_eq!(file_of(&load("[store]\nurl = 'sqlite:/srv/p'", &[]).unwrap()), PathBuf::from("/srv/p/master.key"));
    assert_eq!(file_of(&load("[secrets]\nmaster_key_file = '/etc/p.key'", &[]).unwrap()), PathBuf::from("/etc/p.key"));

    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let config = load("", &[("PASSERELLE__SECRETS__MASTER_KEY", key)]).unwrap();
    assert!(matches!(config.master_key(), MasterKey::Given(secret) if secret.expose() == key));
    assert!(!format!("{config:?}").contains("AAEC"), "a secret stands in Debug");
    assert!(!toml::to_string(&config).unwrap().contains("AAEC"), "a secret is serialised");
}
