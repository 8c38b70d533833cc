//! The admin API over TCP: tokens and their scopes, TLS, and signatures of what is deployed.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request};
use rustix::process::Signal;
use serde_json::Value;
use sessile_tests::{Answer, App, Certificate, Host, Settings, Socket, Way, request};
use tempfile::TempDir;

/// An app whose websockets answer with the version's letter.
fn lettered(letter: &str) -> String {
    format!(
        "[app]\nname = \"v\"\n[[routes]]\npath = \"/ws\"\nhandler = \"v\"\n\
         [handlers.v]\ncomponent = \"{{components}}/version_{letter}.wasm\"\n"
    )
}

fn with_admin(more: Vec<String>) -> Settings<'static> {
    let args = [vec!["--admin".to_owned(), "127.0.0.1:0".to_owned()], more].concat();
    Settings { args, ..Settings::new(Way::Keep) }
}

fn said(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{out}{err}")
}

/// The secret of a new token.
async fn token(host: &Host, scope: &str, name: &str) -> String {
    let made = host.command_to(&["token", "create", "--scope", scope, "--name", name]).await;
    assert!(made.status.success(), "{}", said(&made));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// Asks without TLS.
async fn ask(host: &Host, method: Method, path: &str, token: Option<&str>) -> Answer {
    let address: SocketAddr = host.admin().strip_prefix("http://").unwrap().parse().unwrap();
    let mut asked = Request::builder().method(method).uri(path).header("host", "sessile");
    if let Some(token) = token {
        asked = asked.header("authorization", format!("Bearer {token}"));
    }
    request(address, asked.body(Full::<Bytes>::default()).unwrap()).await
}

fn challenge(answer: &Answer) -> &str {
    answer.headers["www-authenticate"].to_str().unwrap()
}

async fn letter(host: &Host) -> String {
    let answer = Socket::open(host.address(), "/ws").await.ask("x").await;
    answer.split(':').next().unwrap().to_owned()
}

#[tokio::test]
async fn request_without_a_valid_token_is_refused_whatever_it_asks_for() {
    let host = Host::start_with(&App::new(&lettered("a")), with_admin(Vec::new()));
    for path in ["/v1/apps", "/v1/openapi.json", "/nowhere"] {
        let answer = ask(&host, Method::GET, path, None).await;
        assert_eq!((answer.status.as_u16(), challenge(&answer)), (401, "Bearer realm=\"sessile\""), "{path}");
        assert_eq!(answer.headers["connection"], "close");
    }
    let unknown = format!("sst_{}", "A".repeat(43));
    for wrong in [unknown.as_str(), "sst_", "x"] {
        let answer = ask(&host, Method::GET, "/v1/apps", Some(wrong)).await;
        assert_eq!(answer.status, 401, "{wrong}");
        assert!(challenge(&answer).contains("invalid_token") && !answer.text().contains("\"app\""), "{wrong}");
    }
    // Its user needs none where only they can reach it.
    let apps = host.command_to(&["apps", "--json"]).await;
    assert!(apps.status.success() && said(&apps).contains("\"app\":\"v\""), "{}", said(&apps));
}

#[tokio::test]
async fn token_may_ask_for_what_its_scope_has() {
    let host = Host::start_with(&App::new(&lettered("a")), with_admin(Vec::new()));
    let (read, deploy, admin) =
        (token(&host, "read", "eyes").await, token(&host, "deploy", "ci").await, token(&host, "admin", "ada").await);
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    for token in [&read, &deploy, &admin] {
        assert_eq!(ask(&host, get.clone(), "/v1/apps/v/versions", Some(token)).await.status, 200);
        assert_eq!(ask(&host, get.clone(), "/nowhere", Some(token)).await.status, 404);
    }
    let refused = ask(&host, post.clone(), "/v1/apps/v/rollback", Some(&read)).await;
    assert_eq!(refused.status, 403);
    assert!(challenge(&refused).contains("scope=\"deploy\""), "{}", challenge(&refused));
    assert!(refused.text().contains("'eyes' has the scope 'read', and this needs 'deploy'"), "{}", refused.text());
    // It may ask: there is just no version before.
    let asked = ask(&host, post, "/v1/apps/v/rollback", Some(&deploy)).await;
    assert!(asked.status == 404 && asked.text().contains("no version before 1"), "{}", asked.text());
    let refused = ask(&host, delete.clone(), "/v1/apps/v", Some(&deploy)).await;
    assert!(refused.status == 403 && challenge(&refused).contains("scope=\"admin\""), "{}", refused.text());
    assert_eq!(letter(&host).await, "a");
    assert_eq!(ask(&host, delete, "/v1/apps/v", Some(&admin)).await.status, 204);
    let audit = std::fs::read_to_string(host.data().join("audit.jsonl")).unwrap();
    let last: Value = serde_json::from_str(audit.lines().last().unwrap()).unwrap();
    assert_eq!((last["by"].as_str(), last["action"].as_str()), (Some("token ada"), Some("undeploy")));
}

#[tokio::test]
async fn token_that_is_revoked_is_refused_from_its_next_request_on() {
    let host = Host::start_with(&App::new(&lettered("a")), with_admin(Vec::new()));
    let (ci, eyes) = (token(&host, "deploy", "ci").await, token(&host, "read", "eyes").await);
    assert_eq!(ask(&host, Method::GET, "/v1/apps", Some(&ci)).await.status, 200);
    let listed = said(&host.command_to(&["token", "list"]).await);
    assert!(listed.contains("ci ") && listed.contains("deploy") && !listed.contains("sst_"), "{listed}");
    assert!(host.command_to(&["token", "revoke", "ci"]).await.status.success());
    assert_eq!(ask(&host, Method::GET, "/v1/apps", Some(&ci)).await.status, 401);
    assert_eq!(ask(&host, Method::GET, "/v1/apps", Some(&eyes)).await.status, 200);
    let twice = host.command_to(&["token", "revoke", "ci"]).await;
    assert!(!twice.status.success() && said(&twice).contains("no token 'ci'"), "{}", said(&twice));
}

#[tokio::test]
async fn app_is_deployed_over_https_with_a_token() {
    let (certificate, app) = (Certificate::default(), App::new(&lettered("a")));
    let host = Host::start_with(&app, with_admin(certificate.args()));
    let secret = token(&host, "deploy", "ci").await;
    let (url, ca) = (host.admin().to_owned(), certificate.file().to_str().unwrap().to_owned());
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    app.write(&lettered("b"));
    let deploy = ["deploy", app.path().to_str().unwrap(), "--to", &url];
    let trusted = [("SESSILE_TOKEN", secret.as_str()), ("SESSILE_CA", &ca)];
    let done = Host::run_with_env(&deploy, &trusted).await;
    assert!(done.status.success() && said(&done).contains("version 2 is live"), "{}", said(&done));
    let versions =
        Host::run_with_env(&["versions", "v", "--json"], &[trusted[0], trusted[1], ("SESSILE_TO", &url)]).await;
    assert!(said(&versions).contains("\"by\":\"token ci\""), "{}", said(&versions));
    for (env, named) in [
        (&trusted[..1], "$SESSILE_CA"),
        (&trusted[1..], "$SESSILE_TOKEN"),
        (&[("SESSILE_TOKEN", "sst_no"), trusted[1]][..], "not valid"),
    ] {
        let refused = Host::run_with_env(&deploy, env).await;
        assert!(!refused.status.success() && said(&refused).contains(named), "{named}: {}", said(&refused));
    }
    let plain = Host::run_with_env(&["apps", "--to", &url.replace("https", "http")], &trusted).await;
    assert_eq!(plain.status.code(), Some(1), "{}", said(&plain));
}

#[test]
fn admin_address_that_others_reach_needs_tls() {
    let (app, data) = (App::new(&lettered("a")), TempDir::new().unwrap());
    let dir = app.path().to_str().unwrap();
    let common = ["serve", dir, "--listen", "127.0.0.1:0", "--data", data.path().to_str().unwrap()];
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9000"] {
        let output = Host::run(&[&common[..], &["--admin", address]].concat());
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(output.stdout.is_empty(), "something was started");
        for named in [address, "--tls-cert and --tls-key", "127.0.0.1:"] {
            assert!(said(&output).contains(named), "{named:?} is not in: {}", said(&output));
        }
    }
}

/// 192.0.2.1 is nobody's (RFC 5737): had it been asked, the command would wait for it.
#[tokio::test]
async fn command_shows_its_token_to_no_other_machine_without_tls() {
    let refused = Host::run_with_env(&["apps", "--to", "http://192.0.2.1:9000"], &[("SESSILE_TOKEN", "sst_x")]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("192.0.2.1:9000") && said(&refused).contains("https://"), "{}", said(&refused));
}

/// A key pair in a folder.
struct Keys(TempDir);

impl Keys {
    fn new() -> Self {
        let keys = Self(TempDir::new().unwrap());
        let made = Host::run(&["key", "new", keys.secret().to_str().unwrap()]);
        assert!(made.status.success(), "{}", said(&made));
        keys
    }

    fn secret(&self) -> PathBuf {
        self.0.path().join("k")
    }

    fn trusting(&self) -> Vec<String> {
        let file = self.0.path().join("k.pub");
        vec!["--trusted-key".to_owned(), file.to_str().unwrap().to_owned()]
    }

    fn sign(&self, from: &Path) {
        let signed = Host::run(&["sign", from.to_str().unwrap(), "--key", self.secret().to_str().unwrap()]);
        assert!(signed.status.success(), "{}", said(&signed));
    }
}

#[tokio::test]
async fn host_with_a_trusted_key_deploys_only_what_that_has_signed() {
    let (keys, other, app) = (Keys::new(), Keys::new(), App::new(&lettered("a")));
    keys.sign(app.path());
    let host = Host::start_with(&app, Settings { args: keys.trusting(), ..Settings::new(Way::Keep) });
    app.write(&lettered("b"));
    let altered = host.deploy(&app, &[]).await;
    assert!(said(&altered).contains("its contents are not what was signed"), "{}", said(&altered));
    other.sign(app.path());
    let foreign = host.deploy(&app, &[]).await;
    assert!(said(&foreign).contains("signed by a key that is not trusted"), "{}", said(&foreign));
    host.signal(Signal::HUP);
    host.wait_for_log("SIGHUP: not deployed");
    std::fs::remove_file(app.path().join("sessile.sig")).unwrap();
    let unsigned = host.deploy(&app, &[]).await;
    assert!(said(&unsigned).contains("unsigned"), "{}", said(&unsigned));
    assert!([altered, foreign, unsigned].iter().all(|refused| refused.status.code() == Some(1)));
    assert_eq!(letter(&host).await, "a");
    keys.sign(app.path());
    let good = host.deploy(&app, &[]).await;
    assert!(good.status.success() && letter(&host).await == "b", "{}", said(&good));
    let id = std::fs::read_to_string(keys.0.path().join("k.pub")).unwrap();
    let id = id.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
    let versions = said(&host.command_to(&["versions", "v"]).await);
    assert!(id.len() == 16 && versions.matches(&id).count() == 2, "{id} is not twice in:\n{versions}");
}

#[tokio::test]
async fn kept_signature_counts_again_at_a_rollback_and_after_a_restart() {
    let (keys, other, app, data) = (Keys::new(), Keys::new(), App::new(&lettered("a")), TempDir::new().unwrap());
    let start = |args| Settings { data: Some(data.path()), args, ..Settings::new(Way::Keep) };
    // Version 1 is not signed, 2 is.
    drop(Host::start_with(&app, start(Vec::new())));
    keys.sign(app.path());
    let host = Host::start_with(&app, start(keys.trusting()));
    let back = host.command_to(&["rollback", "v"]).await;
    assert!(back.status.code() == Some(1) && said(&back).contains("unsigned"), "{}", said(&back));
    drop(host);
    assert_eq!(letter(&Host::start_deployed(start(keys.trusting()))).await, "a");
    let path = data.path().to_str().unwrap();
    let args = other.trusting();
    let refused = Host::run(&["serve", "--listen", "127.0.0.1:0", "--data", path, &args[0], &args[1]]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("signed by a key that is not trusted"), "{}", said(&refused));
}

#[tokio::test]
async fn component_is_signed_beside_it_and_for_every_folder() {
    let (keys, here, there) = (Keys::new(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let app = App::new(&lettered("a"));
    keys.sign(app.path());
    let host = Host::start_with(&app, Settings { args: keys.trusting(), ..Settings::new(Way::Keep) });
    let file = here.path().join("echo.wasm");
    std::fs::copy(App::component("version_b"), &file).unwrap();
    keys.sign(&file);
    for name in ["echo.wasm", "echo.wasm.minisig"] {
        std::fs::rename(here.path().join(name), there.path().join(name)).unwrap();
    }
    let moved = there.path().join("echo.wasm");
    // It would be served where the app is already: its signature was taken.
    let done = host.command_to(&["deploy", moved.to_str().unwrap(), "--allow-new-grants"]).await;
    assert!(!said(&done).contains("signed") && said(&done).contains("verify"), "{}", said(&done));
}

#[test]
fn command_that_cannot_sign_or_trust_says_why() {
    let (keys, app) = (Keys::new(), App::new(&lettered("a")));
    let dir = app.path().to_str().unwrap();
    let again = Host::run(&["key", "new", keys.secret().to_str().unwrap()]);
    assert!(again.status.code() == Some(2) && said(&again).contains("there already"), "{}", said(&again));
    let public = keys.trusting()[1].clone();
    let wrong = Host::run(&["sign", dir, "--key", &public]);
    assert!(wrong.status.code() == Some(2) && said(&wrong).contains("no secret key"), "{}", said(&wrong));
    let secret = keys.secret();
    let wrong = Host::run(&["serve", dir, "--trusted-key", secret.to_str().unwrap()]);
    assert!(wrong.status.code() == Some(2) && said(&wrong).contains("no public key"), "{}", said(&wrong));
    let wrong = Host::run(&["dev", dir, "--trusted-key", &public]);
    assert!(wrong.status.code() == Some(2) && said(&wrong).contains("sessile serve"), "{}", said(&wrong));
}

/// The list of what can be asked for is in the description (a unit test of the host's); the API answers all of it.
#[tokio::test]
async fn all_that_is_described_is_answered() {
    let host = Host::start_with(&App::new(&lettered("a")), with_admin(Vec::new()));
    let admin = token(&host, "admin", "ada").await;
    let described = ask(&host, Method::GET, "/v1/openapi.json", Some(&admin)).await;
    assert_eq!(
        (described.status.as_u16(), &described.headers["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    let described: Value = serde_json::from_str(described.text()).unwrap();
    let mut asked = 0;
    for (path, item) in described["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let path = path.split('/').map(|part| if part.starts_with('{') { "none" } else { part });
            // Not so that `tail` begins, which has no end.
            let path = path.collect::<Vec<_>>().join("/") + "?unknown=1";
            let answer = ask(&host, method.to_uppercase().parse().unwrap(), &path, Some(&admin)).await;
            assert!(!answer.text().contains("is not here"), "{method} {path}: {}", answer.text());
            asked += 1;
        }
    }
    assert!(asked >= 7, "only {asked} were asked for");
}
