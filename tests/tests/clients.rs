//! Clients in other languages: Python's `websockets`, which `.ci/run` puts into target/python; curl; node.
//!
//! Where one is not installed its test prints a line that begins with SKIPPED, and CI repeats it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use sessile_tests::{App, Certificate, Host, Settings, Way, each_way, walk, walk_python};

each_way!(python_websockets_walks_through_accept_subprotocol_json_close_codes_and_denial);

async fn python_websockets_walks_through_accept_subprotocol_json_close_codes_and_denial(way: Way) {
    let host = Host::start(&App::faults(way), way);
    walk_python("walk.py", &[format!("ws://{}", host.address())]);
}

/// Two hosts of one app, plain and over TLS, with a file to serve.
struct Both {
    plain: Host,
    secure: Host,
    certificate: Certificate,
    _apps: [App; 2],
}

impl Both {
    fn start() -> Self {
        let certificate = Certificate::default();
        let apps = [(); 2].map(|()| {
            let app = App::faults(Way::Keep);
            app.edit(
                "[[routes]]\npath = \"/ws\"",
                "[[routes]]\npath = \"/file\"\nfiles = \"file\"\n\n[[routes]]\npath = \"/ws\"",
            );
            std::fs::write(app.path().join("file"), "0123456789").unwrap();
            app
        });
        let plain = Host::start(&apps[0], Way::Keep);
        let secure = Settings { args: certificate.args(), ..Settings::new(Way::Keep) };
        let secure = Host::start_with(&apps[1], secure);
        Self { plain, secure, certificate, _apps: apps }
    }

    fn args(&self) -> [String; 3] {
        [
            format!("http://{}", self.plain.address()),
            format!("https://localhost:{}", self.secure.address().port()),
            self.certificate.file().to_str().unwrap().to_owned(),
        ]
    }
}

#[test]
fn curl_walks_through_both_versions_ranges_and_aborts() {
    let both = Both::start();
    walk("bash", &["-c", "curl --version | grep -q HTTP2"], "curl.sh", &both.args());
}

#[test]
fn node_walks_through_http_2_with_a_websocket() {
    let both = Both::start();
    walk("node", &["--version"], "http2.mjs", &both.args());
}
