//! Who is let in where, over what, and who hears of it.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use serde_json::json;
use sessile::app::digest::Digest;
use sessile_tests::{App, Certificate, Door, Host, Registry, fake};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{CONFIG, folder, image, run, said, text};

/// Who is let in.
const ADA: [(&str, &str); 2] = [("SESSILE_REGISTRY_USER", "ada"), ("SESSILE_REGISTRY_PASSWORD", "s3cret")];
#[tokio::test]
async fn credentials_open_a_registry_and_are_told_to_nobody() {
    let Some(registry) = Registry::start(Door::Ada(None)) else { return };
    let (app, reference) = (folder("b"), registry.reference("v:1"));
    let nobody = TempDir::new().unwrap();
    let docker = TempDir::new().unwrap();
    let auths = json!({"auths": {registry.address().to_string(): {"auth": "YWRhOnMzY3JldA=="}}});
    std::fs::write(docker.path().join("config.json"), auths.to_string()).unwrap();
    let push = ["push", text(app.path()), &reference];
    let ([user, right], wrong) = (ADA, ("SESSILE_REGISTRY_PASSWORD", "gue55"));
    let without = ("DOCKER_CONFIG", text(nobody.path()));
    for env in [vec![without], vec![without, user, wrong], vec![without, user]] {
        let refused = Host::run_with_env(&push, &env).await;
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            said(&refused).contains("SESSILE_REGISTRY_USER") && !said(&refused).contains("gue55"),
            "{}",
            said(&refused)
        );
    }
    let pushed = Host::run_with_env(&push, &[without, user, right]).await;
    assert!(pushed.status.success() && !said(&pushed).contains("s3cret"), "{}", said(&pushed));
    let into = docker.path().join("into");
    let pull = ["pull", &reference, "--into", text(&into)];
    let pulled = Host::run_with_env(&pull, &[("DOCKER_CONFIG", text(docker.path()))]).await;
    assert!(pulled.status.success() && into.join("sessile.toml").exists(), "{}", said(&pulled));
}

/// By a name that is not this machine's, which a proxy brings here: on loopback there is no TLS.
#[tokio::test]
async fn registry_elsewhere_is_asked_over_tls_with_an_authority_of_one_s_own() {
    let certificate = Certificate::of("registry.example");
    let Some(registry) = Registry::start(Door::Ada(Some(&certificate))) else { return };
    let proxy = format!("http://{}", fake::proxy(registry.address()).await);
    let (app, ca) = (folder("b"), certificate.file());
    let push = ["push", text(app.path()), "oci://registry.example/v:1"];
    let env = [ADA[0], ADA[1], ("HTTPS_PROXY", &proxy), ("NO_PROXY", ""), ("SESSILE_CA", text(&ca))];
    let unknown = Host::run_with_env(&push, &env[..4]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(said(&unknown).contains("UnknownIssuer") && said(&unknown).contains("$SESSILE_CA"), "{}", said(&unknown));
    let pushed = Host::run_with_env(&push, &env).await;
    assert!(
        pushed.status.success() && said(&pushed).contains("oci://registry.example/v:1@sha256:"),
        "{}",
        said(&pushed)
    );
}

/// Whoever wants `ada` to log in there.
async fn registry_with_realm(realm: &'static str, seen: mpsc::Sender<String>, certificate: &Certificate) -> SocketAddr {
    let challenge = format!("Bearer realm=\"{realm}\",service=\"x\"");
    let answer = move |request: &Request<Incoming>| {
        let said = request.headers().get("authorization").map(|value| value.to_str().unwrap());
        seen.try_send(format!("{} {}", request.uri(), said.unwrap_or_default())).unwrap();
        fake::response(401, &[("www-authenticate", &challenge)], b"")
    };
    let pem = std::fs::read(certificate.file()).unwrap();
    let chain = CertificateDer::pem_slice_iter(&pem).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(certificate.key()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    fake::serve(Arc::new(answer), Some(TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap())))).await
}

#[tokio::test]
async fn registry_that_wants_credentials_in_the_clear_gets_none() {
    let certificate = Certificate::of("registry.example");
    let (seen, mut saw) = mpsc::channel(16);
    let address = registry_with_realm("http://auth.example/token", seen, &certificate).await;
    let (proxy, ca) = (format!("http://{}", fake::proxy(address).await), certificate.file());
    let env = [ADA[0], ADA[1], ("HTTPS_PROXY", &proxy), ("NO_PROXY", ""), ("SESSILE_CA", text(&ca))];
    let refused = Host::run_with_env(&["pull", "oci://registry.example/v:1", "--into", "nowhere"], &env).await;
    assert_eq!(refused.status.code(), Some(1));
    let words = said(&refused);
    assert!(words.contains("wants credentials at http://auth.example/token") && !words.contains("s3cret"), "{words}");
    assert_eq!((saw.recv().await.unwrap(), saw.try_recv().ok()), ("/v2/ ".to_owned(), None));
}

#[tokio::test]
async fn token_of_a_registry_s_realm_opens_it_and_one_that_is_none_is_refused() {
    let wasm = std::fs::read(App::component("sample_hello")).unwrap();
    let layers = json!([{"mediaType": "application/wasm", "digest": Digest::of(&wasm), "size": wasm.len()}]);
    let manifest = image(CONFIG, &layers);
    let answer = move |request: &Request<Incoming>| {
        let said = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        let realm = format!("Bearer realm=\"http://{}/token\"", request.headers()["host"].to_str().unwrap());
        let query = request.uri().query().unwrap_or_default();
        match (request.uri().path(), said) {
            // `ada:s3cret` in Base64.
            ("/token", Some("Basic YWRhOnMzY3JldA==")) if query.contains("bad") => {
                fake::response(200, &[], b"{\"token\":\"a\\nb\"}")
            }
            ("/token", Some("Basic YWRhOnMzY3JldA==")) => fake::response(200, &[], b"{\"token\":\"t0k3n\"}"),
            ("/v2/good/manifests/1", Some("Bearer t0k3n")) => fake::response(200, &[], &manifest),
            (path, Some("Bearer t0k3n")) if path.starts_with("/v2/good/blobs/") => fake::response(200, &[], &wasm),
            _ => fake::response(401, &[("www-authenticate", &realm)], b"{}"),
        }
    };
    let address = fake::serve(Arc::new(answer), None).await;
    let into = TempDir::new().unwrap();
    let pull = async |name: &str, env: &[(&str, &str)]| {
        let reference = format!("oci://{address}/{name}:1");
        Host::run_with_env(&["pull", &reference, "--into", text(&into.path().join(name))], env).await
    };
    let pulled = pull("good", &ADA).await;
    assert!(pulled.status.success() && into.path().join("good/good.wasm").exists(), "{}", said(&pulled));
    let (guessed, bad) = (pull("other", &[ADA[0], (ADA[1].0, "gue55")]).await, pull("bad", &ADA).await);
    assert!(said(&guessed).contains("refuses the user of $SESSILE_REGISTRY_USER"), "{}", said(&guessed));
    assert!(said(&bad).contains("characters that no token has"), "{}", said(&bad));
    for refused in [guessed, bad] {
        assert_eq!(refused.status.code(), Some(1));
        assert!(["gue55", "s3cret", "t0k3n"].iter().all(|secret| !said(&refused).contains(secret)));
    }
}

#[tokio::test]
async fn registry_on_this_machine_is_asked_without_a_proxy() {
    let Some(registry) = Registry::start(Door::Open) else { return };
    // Nobody listens there.
    let nowhere = [
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("http_proxy", "http://127.0.0.1:9"),
        ("NO_PROXY", ""),
        ("no_proxy", ""),
    ];
    let pushed = Host::run_with_env(&["push", text(folder("a").path()), &registry.reference("v:1")], &nowhere).await;
    assert!(pushed.status.success(), "{}", said(&pushed));
    let elsewhere =
        run(&["push", text(folder("a").path()), &format!("{}@{}", registry.reference("v"), Digest::of(b"x"))]).await;
    assert!(said(&elsewhere).contains("a push goes to a tag"), "{}", said(&elsewhere));
}

/// As some do that take content in one request only: a piece is answered with another status than it should be.
#[tokio::test]
async fn registry_that_takes_no_pieces_is_sent_the_whole() {
    let (seen, mut saw) = mpsc::channel(64);
    let answer = move |request: &Request<Incoming>| {
        let length = request.headers().get("content-length").and_then(|value| value.to_str().ok());
        let sent = format!("{} {} {}", request.method(), request.uri(), length.unwrap_or_default());
        seen.try_send(sent).unwrap();
        match (request.method().as_str(), request.uri().path()) {
            ("GET", "/v2/") => fake::response(200, &[], b""),
            ("POST", "/v2/v/blobs/uploads/") => fake::response(202, &[("location", "/upload")], b""),
            ("PATCH", "/upload") => fake::response(204, &[], b""),
            ("PUT", _) => fake::response(201, &[("location", "/there")], b""),
            _ => fake::response(404, &[], b""),
        }
    };
    let address = fake::serve(Arc::new(answer), None).await;
    let file = App::component("sample_hello");
    let pushed = run(&["push", text(&file), &format!("oci://{address}/v:1")]).await;
    assert!(pushed.status.success(), "{}", said(&pushed));
    let wasm = std::fs::read(&file).unwrap();
    let sent: Vec<_> = std::iter::from_fn(|| saw.try_recv().ok()).collect();
    let digest = Digest::of(&wasm).to_string().replace(':', "%3A");
    let whole = format!("PUT /upload?digest={digest} {}", wasm.len());
    assert!(sent.contains(&whole) && sent.last().unwrap().starts_with("PUT /v2/v/manifests/1 "), "{whole}: {sent:?}");
}
