//! Every shape of wrong setting, and what its author reads: where, which key, what was given, what is accepted.

use passerelle::config::Config;

use super::{load, refusal, variables};

/// Asserts that a message says each of these things.
fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "«{part}» is missing from: {message}");
    }
}

#[test]
fn wrong_value_names_file_line_key_value_and_what_is_accepted() {
    let message = refusal("# limits of this school\n[limits]\nbody_max_bytes = \"big\"\n", &[]);
    says(&message, &["passerelle.toml, line 3: limits.body_max_bytes = \"big\"", "a whole number of bytes from 4096 to 67108864"]);
}

#[test]
fn wrong_variable_is_named() {
    let message = refusal("[log]\nlevel = 'info'", &[("PASSERELLE__LOG__LEVEL", "verbose")]);
    says(&message, &["environment variable PASSERELLE__LOG__LEVEL: log.level = \"verbose\"", "one of: error, warn, info, debug, trace"]);
    let message = refusal("", &[("PASSERELLE__LIMITS__SESSION_IDLE_S", "")]);
    says(&message, &["PASSERELLE__LIMITS__SESSION_IDLE_S: limits.session_idle_s = \"\" is not accepted", "seconds from 60"]);
}

#[test]
fn wrong_types_are_refused() {
    for value in ["1.5", "true", "'3'", "[3]", "{ a = 1 }", "2026-09-15", "99999999999999999999", "nan"] {
        let message = refusal(&format!("[limits]\nrequest_timeout_s = {value}"), &[]);
        says(&message, &["line 2: limits.request_timeout_s", "a whole number of seconds from 1 to 600"]);
    }
    says(&refusal("public_url = 3", &[]), &["line 1: public_url = 3 is not accepted", "https address"]);
    says(&refusal("[log]\nformat = ['json']", &[]), &["log.format = a list", "one of: text, json"]);
    says(&refusal("[log]\nlevel = 'INFO'", &[]), &["log.level = \"INFO\"", "info"]);
}

#[test]
fn unknown_key_suggests_the_nearest() {
    says(
        &refusal("[limits]\nbody_max_byte = 5000", &[]),
        &["line 2: limits.body_max_byte is not a setting", "Did you mean limits.body_max_bytes?"],
    );
    says(&refusal("[limit]\nsession_idle_s = 5000", &[]), &["line 1: limit is not a setting", "Did you mean [limits]?"]);
    says(&refusal("level = 'info'", &[]), &["level is not a setting", "Did you mean log.level?"]);
    let message = refusal("", &[("PASSERELLE__LOG__LEVLE", "info")]);
    says(&refusal("", &[("PASSERELLE__LIMIT__SESSION_IDLE_S", "60")]), &["Did you mean PASSERELLE__LIMITS__SESSION_IDLE_S?"]);
    says(&message, &["PASSERELLE__LOG__LEVLE: log.levle is not a setting", "Did you mean PASSERELLE__LOG__LEVEL?"]);
}

#[test]
fn unknown_key_like_no_other_lists_what_there_is() {
    says(&refusal("[log]\ncolour = true", &[]), &["log.colour is not a setting", "The settings are: log.level, log.format."]);
    says(
        &refusal("[telephone]\nhost = 'localhost'", &[]),
        &[
            "line 1: telephone is not a setting",
            "The settings are: public_url, [listen], [store], [mail], [secrets], [egress], [limits], [log], [archives].",
        ],
    );
    says(&refusal(&format!("{} = 1", "x".repeat(5000)), &[]), &["is not a setting"]);
}

#[test]
fn section_and_setting_are_not_confused() {
    says(&refusal("limits = 3", &[]), &["line 1: limits is a section and not a setting", "Write [limits]"]);
    says(&refusal("[[log]]\nlevel = 'info'", &[]), &["log is a section and not a setting"]);
    says(&refusal("[public_url]\nhost = 'x'", &[]), &["line 1: public_url = a table is not accepted"]);
    says(&refusal("", &[("PASSERELLE__LOG", "info")]), &["PASSERELLE__LOG: log is a section"]);
}

#[test]
fn public_url_is_an_origin_that_people_can_trust() {
    for (given, why) in [
        ("id.example.fr", "not an absolute address"),
        ("", "not an absolute address"),
        ("ftp://id.example.fr", "scheme ftp"),
        ("http://id.example.fr", "plain http"),
        ("http://10.0.0.1:8080", "plain http"),
        ("https://id.example.fr/", "write \"https://id.example.fr\""),
        ("https://id.example.fr/sso", "has a path"),
        ("https://id.example.fr?x=1", "query or a fragment"),
        ("https://id.example.fr#x", "query or a fragment"),
        ("https://ID.example.fr", "write \"https://id.example.fr\""),
        ("https://id.example.fr:443", "write \"https://id.example.fr\""),
        ("https://école.fr", "write \"https://xn--cole-9oa.fr\""),
        ("https://a:b@id.example.fr", "user name or a password"),
    ] {
        says(&refusal(&format!("public_url = '{given}'"), &[]), &["public_url = ", why]);
    }
    for right in ["https://id.example.fr", "https://id.example.fr:8443", "http://localhost:8080", "http://127.0.0.2", "http://[::1]:80801"]
    {
        let outcome = load(&format!("public_url = '{right}'"), &[]);
        assert_eq!(outcome.is_ok(), !right.contains("80801"), "{right}");
    }
}

#[test]
fn listening_address_needs_numbers() {
    for given in ["localhost:8080", "127.0.0.1", ":8080", "8080", "127.0.0.1:70000"] {
        let text = format!("[listen]\naddress = '{given}'");
        says(&refusal(&text, &[]), &["listen.address = ", given, "an IP address and a port"]);
    }
}

#[test]
fn store_is_a_folder_of_sqlite_files_or_a_database() {
    let store = |url: &str| refusal(&format!("[store]\nurl = '{url}'"), &[]);
    let right = load("[store]\nurl = 'postgres://gateway:hunter2@db/x'\nfolder = '/srv/p'", &[]).unwrap();
    assert_eq!((right.store.label(), right.folder()), ("postgres://(hidden)@db/x".to_owned(), "/srv/p".into()));
    assert!(!format!("{right:?}").contains("hunter2"));
    says(&store("postgres://gateway:hunter2@db"), &["names no database", "(hidden)@db"]);
    assert!(!store("postgres://gateway:hunter2@db").contains("hunter2"));
    says(&store("mysql:x"), &["starts neither with sqlite: nor with postgres://"]);
    says(&store("sqlite:"), &["names no folder"]);
    says(&store("sqlite:///srv/p"), &["write \"sqlite:/srv/p\""]);
    says(&store("sqlite::memory:"), &["in-memory"]);
    says(&store("sqlite:x?mode=ro"), &["parameters"]);
    let error = Config::load(None, variables(&[]), Some(std::path::Path::new(""))).unwrap_err().to_string();
    says(&error, &["argument --data", "names no folder"]);

    let odd: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"/srv/\xff");
    let error = Config::load(None, variables(&[]), Some(std::path::Path::new(odd))).unwrap_err().to_string();
    says(&error, &["argument --data", "is not UTF-8"]);
}

#[test]
fn secrets_never_stand_in_a_message() {
    let (short, garbage) = ("c2hvcnQtc2VjcmV0", "hunter2-hunter2-hunter2!");
    let message = refusal("", &[("PASSERELLE__SECRETS__MASTER_KEY", short)]);
    says(&message, &["PASSERELLE__SECRETS__MASTER_KEY: secrets.master_key = (hidden) has 12 bytes", "openssl rand -base64 32"]);
    let message = refusal(&format!("[secrets]\nmaster_key = '{garbage}'"), &[]);
    says(&message, &["secrets.master_key = (hidden) is not base64"]);
    let message = refusal(&format!("[secrets]\nmaster_key = '{garbage}\n[log]"), &[]);
    says(&message, &["line 2", "not valid TOML"]);
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn master_key_given_twice_is_refused() {
    let env = [("PASSERELLE__SECRETS__MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")];
    let message = refusal("[secrets]\nmaster_key_file = '/etc/key'", &env);
    says(&message, &["secrets.master_key = (hidden) is given together with secrets.master_key_file"]);
    says(&refusal("[secrets]\nmaster_key_file = ' '", &[]), &["secrets.master_key_file = \" \" is empty"]);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let message = refusal("[limits]\nsession_lifetime_s = 600\nsession_idle_s = 601", &[]);
    says(&message, &["line 3: limits.session_idle_s = 601 is longer than limits.session_lifetime_s (600)"]);
    says(&refusal("[limits]\nsession_lifetime_s = 600", &[]), &["default: limits.session_idle_s is longer"]);
    says(&refusal("[limits]\nsign_in_window_s = 20", &[]), &["limits.sign_in_delay_s is longer"]);
    says(
        &refusal("[limits]\nrefresh_token_lifetime_s = 3600\naccess_token_lifetime_s = 7200", &[]),
        &["limits.access_token_lifetime_s = 7200"],
    );
}

#[test]
fn mail_that_could_not_be_sent_is_told_before_the_start() {
    let mail = |text: &str| refusal(&format!("[mail]\n{text}"), &[]);
    says(&mail("host = 'smtp.example.fr'"), &["default: mail.from is empty, and mail.host names a server"]);
    let sender = "host = 'smtp.example.fr'\nfrom = 'a@example.fr'\n";
    says(&mail(&format!("{sender}username = 'a'")), &["line 4: mail.username = \"a\" is given without a password"]);
    says(&mail(&format!("{sender}password = 'hunter2'")), &["mail.username is empty, and a password is given"]);
    says(&mail("password = 'hunter2'\npassword_file = 'p'"), &["mail.password = (hidden) is given together with mail.password_file"]);
    says(&mail(&format!("{sender}security = 'none'")), &["mail.security = \"none\" would send one-time links", "starttls"]);
    says(&mail("host = 'localhost'\nfrom = 'a@b.fr'\nsecurity = 'none'\nca_file = 'x'"), &["mail.ca_file = \"x\" has no use without TLS"]);
    says(&mail("host = 'smtp://x'"), &["with a scheme"]);
    says(&mail("host = 'a b'"), &["mail.host = \"a b\" is not the name of a server"]);
    says(&mail("from = 'nobody'"), &["mail.from = \"nobody\" is not accepted"]);
    says(&mail("reply_to = 'A <a@b.fr>, c@d.fr'"), &["mail.reply_to"]);
    for host in ["localhost", "127.0.0.1", "[::1]", "::1"] {
        let outcome = load(&format!("[mail]\nhost = '{host}'\nfrom = 'a@b.fr'\nsecurity = 'none'"), &[]);
        assert_eq!(outcome.is_ok(), host != "::1", "{host}");
    }
    // One variable turns mail off, whatever the file says.
    load(&format!("[mail]\n{sender}username = 'a'"), &[("PASSERELLE__MAIL__HOST", "")]).unwrap();
}

#[test]
fn all_problems_are_told_at_once() {
    let message = refusal("public_url = 'x'\n[limits]\nnothing = 1\n[log]\nlevel = 'loud'", &[("PASSERELLE__LISTEN__ADDRESS", "here")]);
    assert_eq!(message.lines().count(), 4, "{message}");
    says(&message, &["public_url", "limits.nothing", "log.level", "listen.address"]);
}

#[test]
fn file_that_is_missing_or_not_toml_is_named() {
    let error = Config::load(Some(std::path::Path::new("/nowhere/p.toml")), variables(&[]), None).unwrap_err().to_string();
    says(&error, &["/nowhere/p.toml: the configuration file cannot be read", "--config"]);
    says(&refusal("[log]\nlevel == 'info'", &[]), &["passerelle.toml, line 2, column 8", "not valid TOML"]);
    says(&refusal("[log]\nlevel = 'info'\nlevel = 'warn'", &[]), &["line 3", "duplicate"]);
}

#[test]
fn variables_are_written_in_capitals() {
    let message = refusal("", &[("PASSERELLE__log__level", "info")]);
    says(&message, &["PASSERELLE__log__level: log.level is set by a variable in lower case", "Write PASSERELLE__LOG__LEVEL."]);
}

#[test]
fn placements_have_names_and_addresses_of_their_own() {
    let placements = |given: &str| refusal(&format!("[store]\nplacements = '{given}'"), &[]);
    says(&placements("lyon"), &["store.placements", "not name=url"]);
    says(&placements("Lyon=sqlite:/srv/lyon"), &["lower-case letters"]);
    says(&placements("a=sqlite:/a a=sqlite:/b"), &["twice"]);
    says(&placements("default=sqlite:/a"), &["twice"]);
    says(&placements("a=mysql:x"), &["for «a»", "starts neither"]);
    assert!(!placements("a=postgres://u:hunter2@db").contains("hunter2"));
    let right = load("[store]\nplacements = 'a=sqlite:/a b=postgres://u:hunter2@db/x'", &[]).unwrap();
    assert_eq!(right.store.placements().collect::<Vec<_>>(), [("a", "sqlite:/a"), ("b", "postgres://u:hunter2@db/x")]);
}
