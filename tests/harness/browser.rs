//! A headless Chromium with a profile of its own, driven as a person would: by what is on the page.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;

use super::daemon::Daemon;

const INSTALL: &str = "chromium chromium-driver";
/// Longest the driver may take to close its browser.
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);

/// A browser of one test; dropping it closes it.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    driver: SocketAddr,
    // Dropped after the browser was asked to close, and before its profile goes.
    _daemon: Daemon,
    profile: tempfile::TempDir,
}

impl Browser {
    /// A browser whose person prefers a language (`fr`, `en`).
    pub async fn start(language: &str) -> Self {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0");
        let (daemon, port) = Daemon::start(command, INSTALL, started_port).unwrap_or_else(|said| panic!("{said}"));
        let profile = tempfile::tempdir().unwrap();
        let driver = SocketAddr::from(([127, 0, 0, 1], port));

        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let address = format!("http://{driver}");
        let mut builder = ClientBuilder::new(connector);
        let connected = builder.capabilities(capabilities(profile.path(), language)).connect(&address).await;
        let client = connected.unwrap_or_else(|error| panic!("chromium does not start ({error}): apt-get install {INSTALL}"));
        Self { client, driver, _daemon: daemon, profile }
    }

    /// The WebDriver client: pages, elements, cookies.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Keeps what is on the screen as a PNG.
    pub async fn screenshot(&self, path: &Path) {
        let image = self.client.screenshot().await.unwrap();
        std::fs::write(path, image).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium outlives a driver that is killed, so the driver is asked to close it first. Asking is best effort:
        // a driver that is gone already has nothing left to close.
        if let Ok(mut stream) = TcpStream::connect_timeout(&self.driver, CLOSE_DEADLINE) {
            let _ = stream.set_read_timeout(Some(CLOSE_DEADLINE));
            let _ = write!(stream, "GET /shutdown HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.driver);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }
}

/// The port in the driver's greeting.
fn started_port(line: &str) -> Option<u16> {
    line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
}

fn capabilities(profile: &Path, language: &str) -> fantoccini::wd::Capabilities {
    let arguments = [
        "--headless".to_owned(),
        // The tests may run as root in a container, where Chromium has no sandbox; it only opens pages of this test.
        "--no-sandbox".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--window-size=1280,900".to_owned(),
        format!("--lang={language}"),
        format!("--user-data-dir={}", profile.display()),
    ];
    let options = json!({ "args": arguments, "prefs": { "intl.accept_languages": language } });
    [("browserName".to_owned(), json!("chrome")), ("goog:chromeOptions".to_owned(), options)].into_iter().collect()
}

#[tokio::test]
async fn browser_reads_fills_and_photographs_a_page() {
    use fantoccini::Locator;

    let browser = Browser::start("fr").await;
    let page = "data:text/html;charset=utf-8,<title>École</title><form><label for=username>Identifiant</label><input id=username></form>";
    let client = browser.client();
    client.goto(page).await.unwrap();
    assert_eq!(client.title().await.unwrap(), "École");
    let field = client.find(Locator::Css("#username")).await.unwrap();
    field.send_keys("hélène").await.unwrap();
    assert_eq!(field.prop("value").await.unwrap().as_deref(), Some("hélène"));
    let language = client.execute("return navigator.language", Vec::new()).await.unwrap();
    assert_eq!(language, "fr");

    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("page.png");
    browser.screenshot(&picture).await;
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));

    let profile = browser.profile.path().to_owned();
    drop(browser);
    assert!(!profile.exists(), "the profile of a closed browser stays behind");
}
