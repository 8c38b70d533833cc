//! Handlers in Go: as `sessile new` begins them, the SDK's own tests, what a panic comes to, and what is kept in memory.

use std::process::Command;

use hyper::Request;
use sessile_tests::{App, Host, Settings, Socket, Way, get, request};
use tokio_tungstenite::tungstenite::Message;

use super::sdk::publications_are_heard;
use super::{built, echo_is_taken_over, edit, has, root};
use crate::tools::{echo_is_served, visits_are_served};

fn has_go(skipped: &str) -> bool {
    has(&["go"], skipped)
}

/// Of Go, in a folder; what it says where that fails.
fn go(folder: &std::path::Path, args: &[&str]) {
    let program = std::env::var("GO").unwrap_or_else(|_| "go".to_owned());
    let output = Command::new(program).args(args).current_dir(folder).env("GOWORK", "off").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "go {args:?}: {said}");
}

fn vetted(name: &str, style: &str) -> App {
    let app = App::made(name, &["--lang", "go", "--style", style]);
    go(app.path(), &["vet", "."]);
    app
}

fn made(name: &str, style: &str) -> App {
    built(vetted(name, style))
}

#[test]
fn sdk_of_go_passes_its_own_tests() {
    if has_go("the SDK's tests in Go") {
        // For the machine that it is tested on; the guests vet it for wasm.
        go(&root().join("guest-sdk/go"), &["vet", "./..."]);
        go(&root().join("guest-sdk/go"), &["test", "./..."]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_project_in_go_of_loop_and_http_style_is_built_and_served() {
    if !has_go("projects in Go") {
        return;
    }
    vetted("new-room", "events");
    visits_are_served(&made("new-visits", "http")).await;
    let app = made("new-echo", "loop");
    echo_is_served(&app).await;
    echo_is_taken_over(app, "main.go", "%d: %s", "%d, new: %s").await;
}

/// What is written for the standard library.
const MUX: &str = r#"package main

import (
	"fmt"
	"io"
	"net/http"

	"sessile/nethttp"
)

func init() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello %s, %s", r.PathValue("name"), r.URL.Query().Get("and"))
	})
	mux.HandleFunc("POST /copy", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("told to") })
	nethttp.Handle(mux)
}

func main() {}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn handler_of_net_http_is_served() {
    if !has_go("net/http") {
        return;
    }
    let app = App::made("mux", &["--lang", "go", "--style", "http"]);
    std::fs::write(app.path().join("main.go"), MUX).unwrap();
    app.edit("path = \"/\"", "path = \"/{rest...}\"");
    let host = Host::start(&built(app), Way::Keep);
    let hello = get(host.address(), "/hello/Ada?and=all", None).await;
    assert_eq!((hello.status.as_u16(), hello.text()), (200, "hello Ada, all"));
    assert_eq!(hello.headers["content-type"], "text/plain; charset=utf-8");
    let body = bytes::Bytes::from(vec![b'x'; 300_000]);
    let post = Request::post("/copy").header("host", "x").body(http_body_util::Full::new(body)).unwrap();
    assert_eq!(request(host.address(), post).await.text().len(), 300_000);
    assert_eq!(get(host.address(), "/nowhere", None).await.status, 404);
    assert_eq!(get(host.address(), "/panic", None).await.status, 500);
    host.wait_for_log("the handler failed: panic: told to");
}

/// What a loop does beside its messages.
const TICKS: &str = r#"	told := make(chan int)
	go func() {
		<-told
		_ = ws.Close(4002, "told to")
	}()
	go func() {
		for range time.Tick(10 * time.Millisecond) {
			_ = ws.SendText("tick")
		}
	}()
"#;

#[tokio::test(flavor = "multi_thread")]
async fn goroutines_and_timers_run_while_a_loop_receives() {
    if !has_go("goroutines beside a receive") {
        return;
    }
    let app = App::made("ticks", &["--lang", "go", "--style", "loop"]);
    edit(&app, "main.go", "\tcount := 0\n", &format!("{TICKS}\tcount := 0\n"));
    edit(&app, "main.go", "import (\n", "import (\n\t\"time\"\n\t_ \"sessile/concurrent\"\n");
    edit(
        &app,
        "main.go",
        "\t\tcount++\n",
        "\t\tcount++\n\t\tif message.Text() == \"close\" {\n\t\t\tclose(told)\n\t\t\tcontinue\n\t\t}\n",
    );
    let host = Host::start(&built(app), Way::Keep);
    let mut socket = Socket::open(host.address(), "/ws").await;
    for _ in 0..10 {
        assert_eq!(socket.text().await, "tick", "nothing was sent");
    }
    for count in 1..=200 {
        socket.send("a").await;
        let mut told = socket.text().await;
        while told == "tick" {
            told = socket.text().await;
        }
        assert_eq!(told, format!("{count}: a"));
    }
    // The loop ends, with the timer under way.
    assert_eq!(socket.close(4001, "").await.0, 4001);
    host.wait_for_log("200 messages, then 4001");
    let mut socket = Socket::open(host.address(), "/ws").await;
    socket.send("close").await;
    assert_eq!(socket.closed().await, (4002, "told to".to_owned()));
    host.wait_for_log("1 messages, then 4002");
}

/// An echo that does what else it is told.
const TOLD: &str = r#"		switch message.Text() {
		case "panic":
			message.Data[len(message.Data)] = 0
		case "later":
			go func() { _ = ws.SendText("later") }()
			continue
		case "asleep":
			select {
			case <-time.After(time.Millisecond):
				message = sessile.TextMessage("woken")
			case <-make(chan int):
			}
		case "garbage":
			for range 2000 {
				message.Data = make([]byte, 60_000)
			}
			message = sessile.TextMessage("collected")
		}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn handler_in_go_keeps_nothing_and_its_panic_is_logged_with_its_stack() {
    if !has_go("memory of handlers in Go") {
        return;
    }
    let app = App::made("told", &["--lang", "go", "--style", "loop"]);
    edit(&app, "main.go", "\t\tcount++\n", &format!("\t\tcount++\n{TOLD}"));
    edit(&app, "main.go", "import (\n", "import (\n\t\"time\"\n");
    // 16 MiB have room for a few hundred of what it is sent, and of what it makes itself.
    app.edit("[handlers.echo]", "[handlers.echo]\nlimits = { memory_bytes_max = 16_777_216, cpu_ms = 10_000 }");
    let app = built(app);
    let host = Host::start_with(&app, Settings::new(Way::Keep));
    let mut socket = Socket::open(host.address(), "/ws").await;
    for _ in 0..2000 {
        socket.send(Message::binary(vec![7; 60_000])).await;
        assert_eq!(socket.next().await.unwrap().unwrap().len(), 60_000);
    }
    for (asked, told) in [("garbage", "2001: collected"), ("asleep", "2002: woken")] {
        assert_eq!(socket.ask(asked).await, told);
    }
    // It runs when the handler next waits.
    assert_eq!(socket.ask("later").await, "later");
    assert_eq!(socket.ask("a").await, "2004: a");
    socket.send("panic").await;
    let (code, reason) = socket.closed().await;
    assert!(code == 1011 && reason.starts_with("report "), "{code} {reason}");
    let log = host.wait_for_log("the handler failed: panic: runtime error: index out of range [5] with length 5");
    assert!(log.contains("guest: main.echo") && log.contains("told/main.go:"), "{log}");
    assert!(!log.contains("sessile/internal/handler"), "{log}");
}

/// Hears, in place of its peer, what is published to a group with a history and presence.
const HEARING: &str = r#"package main

import (
	"errors"
	"fmt"

	"sessile"
	"sessile/events"
	"sessile/publications"
)

func init() {
	events.Handle(events.Handlers{OnOpen: came, OnMessage: said})
	publications.Handle(heard)
}

func main() {}

func came(ws *sessile.WebSocket) error {
	how := sessile.Membership{Metadata: map[string]string{"name": "Ada"}, Tags: []string{"early", "loud"}}
	_, err := ws.JoinAs("heard", how)
	return err
}

func said(_ *sessile.WebSocket, message sessile.Message) error {
	_, err := sessile.Publish("heard", message)
	return err
}

func heard(ws *sessile.WebSocket, told sessile.Told) error {
	if told.Presence == nil {
		if told.Message.Text() == "fail" {
			return errors.New("told to fail")
		}
		return ws.SendText(fmt.Sprintf("%s %d %s", told.Group, told.Position.Offset, told.Message.Text()))
	}
	name, tag := "nobody", ""
	for _, member := range told.Presence.Joined {
		name, tag = string(member.Metadata), member.Tags[1]
	}
	joined, left := len(told.Presence.Joined), len(told.Presence.Left)
	return ws.SendText(fmt.Sprintf("+%d -%d =%d %s %s", joined, left, told.Presence.Total, name, tag))
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn handler_in_go_hears_publications_in_place_of_its_peer() {
    if has_go("publications that Go hears") {
        publications_are_heard("go", "main.go", HEARING).await;
    }
}
