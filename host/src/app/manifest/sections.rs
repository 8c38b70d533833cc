//! The manifest's sections: which keys each has, and what their values may be.

use std::ops::Range;
use std::path::{Component, Path};
use std::time::Duration;

use super::origin::Origin;
use super::read::Section;
use super::settings::{
    AppSettings, Autosave, CPU_MAX, CorsSettings, DEADLINE_MAX, DRAIN_MAX, Export, Grants, HandlerLimits,
    HandlerSettings, MEMORY_BYTES_CEILING, MEMORY_BYTES_FLOOR, OUTBOX_BYTES_CEILING, OUTBOX_MESSAGES_CEILING, PACE_MAX,
    PaceSettings, ROLLBACK_WINDOW_MAX, Redirect, RollbackSettings, RouteSettings, RouteTarget, SESSION_AGE_MAX,
    SameSite, Secure, SessionSettings, Store,
};
use crate::alarm::{Cron, CronAlarm};
use crate::app::route::Pattern;
use crate::instance::Isolation;
use crate::limits::{
    AUTO_RESPONSE_BYTES_MAX, INSTANCES_MAX, MESSAGE_BYTES_CEILING, MESSAGES_PER_S_CEILING, RESUME_MAX, SWAP_DRAIN,
};
use crate::outbound::{Grant, Network};
use crate::outbox::Overflow;
use crate::port::websocket::AutoResponse;

const NAME_CHARS_MAX: usize = 64;
const APP_NAME: &str = "allowed: 1 to 64 of a-z, 0-9 and '-'";
const HANDLER_NAME: &str = "allowed: 1 to 64 of a-z, 0-9, '-' and '_'";
const ALARM_NAME: &str = HANDLER_NAME;
const COMPONENT: &str = "allowed: the path of a component";
const SOURCES: &str = "allowed: a folder or file within the app's folder, such as \"src\"";
const AUTO_RESPONSE: &str = "allowed: the text of a message, at most 1024 bytes";
const ROUTE_HANDLER: &str = "allowed: the name of a [handlers.NAME]";
const FILES: &str = "allowed: a folder or file within the app's folder, such as \"public\"";
const REDIRECT: &str = "allowed: a path such as \"/new/{name}\", or a URL";

pub(super) fn app(mut section: Section<'_, '_>) -> Option<AppSettings> {
    let name = section.required("name", APP_NAME, |name| is_name(name, "-"));
    let allowed_origins = section.list("allowed_origins", str::parse);
    let require_origin = section.boolean("require_origin").unwrap_or(false);
    let drain = section.integer("drain_s", 0..=DRAIN_MAX.as_secs()).map_or(SWAP_DRAIN, Duration::from_secs);
    let hosts = section.list("hosts", |host| match is_domain(host) && host.to_ascii_lowercase() == host {
        true => Ok(host.to_owned()),
        false => Err("allowed: a host name in lower case such as x.example, without a port"),
    });
    let prefix = section.text("prefix", PREFIX, is_prefix).unwrap_or_default();
    let health = section.text("health", "allowed: a path such as \"/health\"", |path| path.starts_with('/'));
    section.finish();
    Some(AppSettings { name: name?, allowed_origins, require_origin, hosts, prefix, health, drain })
}

const PREFIX: &str = "allowed: a path such as \"/shop\", without '/' at its end: letters, digits and any of -._~/";

fn is_prefix(prefix: &str) -> bool {
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..") && part.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
    };
    prefix.strip_prefix('/').is_some_and(|rest| rest.split('/').all(plain)) && prefix != "/-"
}

pub(super) fn rollback(mut section: Section<'_, '_>) -> RollbackSettings {
    let default = RollbackSettings::default();
    let window = section.integer("window_s", 0..=ROLLBACK_WINDOW_MAX.as_secs());
    let settings = RollbackSettings {
        window: window.map_or(default.window, Duration::from_secs),
        traps: section.integer("traps", 1..=1_000_000).unwrap_or(default.traps),
        percent: section.integer("percent", 0..=100).unwrap_or(default.percent),
        p99_percent: section.integer("p99_percent", 0..=10_000).unwrap_or(default.p99_percent),
    };
    section.finish();
    settings
}

/// `punctuation` beside lower-case letters and digits.
fn is_name(name: &str, punctuation: &str) -> bool {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || punctuation.contains(c);
    (1..=NAME_CHARS_MAX).contains(&name.len()) && name.chars().all(valid)
}

/// A route as far as it could be read, with the places that faults refer to.
pub(super) struct Route {
    pattern: Option<Pattern>,
    pub(super) path_span: Range<usize>,
    pub(super) handler: Option<String>,
    pub(super) handler_span: Range<usize>,
    to: Option<RouteTarget>,
}

impl Route {
    pub(super) fn matches_same(&self, other: &Self) -> bool {
        match (&self.pattern, &other.pattern) {
            (Some(a), Some(b)) => a.matches_same(b),
            _ => false,
        }
    }

    pub(super) fn path(&self) -> String {
        self.pattern.as_ref().map(Pattern::to_string).unwrap_or_default()
    }

    pub(super) fn settings(self) -> Option<RouteSettings> {
        Some(RouteSettings { pattern: self.pattern?, to: self.to? })
    }
}

pub(super) fn route(mut section: Section<'_, '_>, folder: &Path) -> Route {
    let pattern = section.parsed("path", Pattern::parse);
    section.require("path", "allowed: a path such as \"/rooms/{room}\"");
    let handler = section.text("handler", ROUTE_HANDLER, |name| !name.is_empty());
    let files = section.text("files", FILES, is_inside);
    let redirect = redirect(&mut section, pattern.as_ref());
    let targets = ["handler", "files", "redirect"].into_iter().filter(|key| section.has(key)).collect::<Vec<_>>();
    if targets.is_empty() {
        section.require("handler", ROUTE_HANDLER);
    }
    for another in targets.iter().skip(1) {
        section.refuse(another, "a route has one of 'handler', 'files' and 'redirect'");
    }
    let (path_span, handler_span) = (section.span_of("path"), section.span_of("handler"));
    section.finish();
    let to = match (&handler, files, redirect) {
        (Some(handler), ..) => Some(RouteTarget::Handler(handler.clone())),
        (None, Some(files), _) => Some(RouteTarget::Files(folder.join(files))),
        (None, None, redirect) => redirect.map(RouteTarget::Redirect),
    };
    Route { pattern, path_span, handler, handler_span, to }
}

/// An alarm as far as it could be read, with the places that faults refer to.
pub(super) struct Alarm {
    pub(super) settings: Option<CronAlarm>,
    pub(super) name_span: Range<usize>,
    pub(super) handler: Option<String>,
    pub(super) handler_span: Range<usize>,
}

pub(super) fn alarm(mut section: Section<'_, '_>) -> Alarm {
    let name = section.required("name", ALARM_NAME, |name| is_name(name, "-_"));
    let cron = section.parsed("cron", Cron::parse);
    section.require("cron", "allowed: a cron expression such as \"0 3 * * *\", in UTC");
    let handler = section.required("handler", ROUTE_HANDLER, |name| !name.is_empty());
    let (name_span, handler_span) = (section.span_of("name"), section.span_of("handler"));
    section.finish();
    let settings = name.zip(cron).zip(handler.clone());
    let settings = settings.map(|((name, cron), handler)| CronAlarm { name, cron, handler });
    Alarm { settings, name_span, handler, handler_span }
}

/// A path within the app's folder.
fn is_inside(path: &str) -> bool {
    let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    !path.is_empty() && Path::new(path).components().all(plain)
}

fn redirect(section: &mut Section<'_, '_>, pattern: Option<&Pattern>) -> Option<Redirect> {
    let to =
        section.text("redirect", REDIRECT, |to| ["/", "http://", "https://"].iter().any(|begin| to.starts_with(begin)));
    let status = section.integer("status", 301..=308).unwrap_or(308);
    if section.has("status") && !matches!(status, 301..=303 | 307 | 308) {
        section.refuse("status", "allowed: 301, 302, 303, 307, 308");
    }
    if section.has("status") && !section.has("redirect") {
        section.refuse("status", "only a 'redirect' has a status here");
    }
    let unknown = |name: &str| pattern.is_some_and(|pattern| !pattern.names().any(|known| known == name));
    if to.as_deref().is_some_and(|to| placeholders(to).any(unknown)) {
        section.refuse("redirect", "{name} stands for a parameter of the route's path");
    }
    Some(Redirect { to: to?, status: u16::try_from(status).ok()? })
}

/// The names in braces.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
}

pub(super) fn pace(mut section: Section<'_, '_>) -> PaceSettings {
    let default = PaceSettings::default();
    let mut seconds = |key, default| section.integer(key, 1..=PACE_MAX.as_secs()).map_or(default, Duration::from_secs);
    let settings = PaceSettings {
        head: seconds("head_s", default.head),
        idle: seconds("idle_s", default.idle),
        body: seconds("body_s", default.body),
        stall: seconds("stall_s", default.stall),
        message: seconds("message_s", default.message),
    };
    section.finish();
    settings
}

/// None where the section is absent, or cannot be had.
pub(super) fn cors(mut section: Section<'_, '_>, there: bool) -> Option<CorsSettings> {
    let any = |text: &str| match text {
        "*" => Ok(None),
        text => text.parse::<Origin>().map(Some).map_err(|error| error.to_string()),
    };
    let origins = section.list("origins", any);
    let token = |text: &str| match !text.is_empty() && text.chars().all(is_token) {
        true => Ok(text.to_owned()),
        false => Err("allowed: the name of a method or header"),
    };
    let (methods, headers) = (section.list("methods", token), section.list("headers", token));
    let credentials = section.boolean("credentials").unwrap_or(false);
    let max_age = section.integer("max_age_s", 0..=86_400).unwrap_or(600);
    if there {
        section.require("origins", "allowed: an array of origins such as \"https://app.example\", or [\"*\"]");
    }
    if credentials && origins.contains(&None) {
        section.refuse("credentials", "browsers send no cookies where 'origins' is [\"*\"]: name them");
    }
    section.finish();
    let methods = if methods.is_empty() { ["GET", "HEAD", "POST"].map(String::from).to_vec() } else { methods };
    let origins = origins.into_iter().collect();
    there.then_some(CorsSettings { origins, methods, headers, credentials, max_age: Duration::from_secs(max_age) })
}

pub(super) fn handler(name: &str, mut section: Section<'_, '_>, folder: &Path) -> Option<HandlerSettings> {
    if !is_name(name, "-_") {
        section.refuse_name(name, HANDLER_NAME);
    }
    let component = section.required("component", COMPONENT, |path| !path.is_empty());
    let build = section.text("build", "allowed: a command", |line| !line.trim().is_empty());
    let sources = section.list("sources", |path| match is_inside(path) {
        true => Ok(folder.join(path)),
        false => Err(SOURCES),
    });
    if build.is_none() && section.has("sources") {
        section.refuse("sources", "they are those of a 'build'");
    }
    let exports = [
        ("websocket-handler", Export::WebsocketHandler),
        ("websocket-events", Export::WebsocketEvents),
        ("http-handler", Export::HttpHandler),
        ("wasi:http/incoming-handler", Export::Incoming),
        ("wasi:http/handler", Export::Standard),
    ];
    let export = section.choice("export", &exports, &[]);
    let isolations =
        [("connection", Isolation::Connection), ("shared", Isolation::Shared), ("event", Isolation::Event)];
    let isolation = section.choice("isolation", &isolations, &[]).unwrap_or_default();
    let overflows = [("wait", Overflow::Wait), ("drop-oldest", Overflow::DropOldest), ("close", Overflow::Close)];
    let overflow = section.choice("overflow", &overflows, &[]).unwrap_or_default();
    let deflate = section.boolean("deflate").unwrap_or(false);
    let answered = section.has("auto_response");
    let auto_response = Some(section.section("auto_response")).filter(|_| answered).and_then(auto_response);
    let patience = section.integer("resume_s", 0..=RESUME_MAX.as_secs()).filter(|seconds| *seconds > 0);
    let resume = patience.map(Duration::from_secs);
    let autosaves = [("never", Autosave::Never), ("event", Autosave::Event)];
    let autosave = section.choice("autosave", &autosaves, &[]).unwrap_or_default();
    let limits = limits(section.section("limits"));
    let config = section.section("config").strings().into_iter().collect();
    let grants = grants(section.section("grants"));
    section.finish();
    let component = folder.join(component?);
    Some(HandlerSettings {
        component,
        build,
        sources,
        export,
        isolation,
        overflow,
        deflate,
        auto_response,
        resume,
        autosave,
        limits,
        config,
        grants,
    })
}

fn auto_response(mut section: Section<'_, '_>) -> Option<AutoResponse> {
    let fits = |text: &str| text.len() <= AUTO_RESPONSE_BYTES_MAX;
    let request = section.required("request", AUTO_RESPONSE, fits);
    let response = section.required("response", AUTO_RESPONSE, fits);
    section.finish();
    Some(AutoResponse { request: request?, response: response? })
}

fn limits(mut section: Section<'_, '_>) -> HandlerLimits {
    let default = HandlerLimits::default();
    let mut count = |key, low: usize, high: usize, default: usize| {
        let read = section.integer(key, low as u64..=high as u64);
        read.and_then(|value| usize::try_from(value).ok()).unwrap_or(default)
    };
    let message_bytes_max = count("message_bytes_max", 1, MESSAGE_BYTES_CEILING, default.message_bytes_max);
    let memory_bytes_max =
        count("memory_bytes_max", MEMORY_BYTES_FLOOR, MEMORY_BYTES_CEILING, default.memory_bytes_max);
    let outbox_bytes_max = count("outbox_bytes_max", 1, OUTBOX_BYTES_CEILING, default.outbox_bytes_max);
    let outbox_messages_max = count("outbox_messages_max", 1, OUTBOX_MESSAGES_CEILING, default.outbox_messages_max);
    let in_flight_max = count("in_flight_max", 1, INSTANCES_MAX, default.in_flight_max);
    let cpu = milliseconds(&mut section, "cpu_ms", CPU_MAX).unwrap_or(default.cpu);
    let deadline = milliseconds(&mut section, "deadline_ms", DEADLINE_MAX);
    let outbound = milliseconds(&mut section, "outbound_ms", DEADLINE_MAX).unwrap_or(default.outbound);
    let rate = section.integer("messages_per_s", 1..=u64::from(MESSAGES_PER_S_CEILING));
    let messages_per_s = rate.and_then(|rate| u32::try_from(rate).ok());
    section.finish();
    HandlerLimits {
        message_bytes_max,
        cpu,
        deadline,
        memory_bytes_max,
        outbox_bytes_max,
        outbox_messages_max,
        outbound,
        messages_per_s,
        in_flight_max,
    }
}

fn milliseconds(section: &mut Section<'_, '_>, key: &'static str, max: Duration) -> Option<Duration> {
    section.integer(key, 1..=max.as_secs() * 1000).map(Duration::from_millis)
}

fn grants(mut section: Section<'_, '_>) -> Grants {
    let env = section.list("env", |name| match is_variable(name) {
        true => Ok(name.to_owned()),
        false => Err("allowed: the name of an environment variable: letters, digits and '_'"),
    });
    let mut outbound = section.list("outbound", |text| Grant::parse(text, Network::Public));
    outbound.extend(section.list("outbound_private", |text| Grant::parse(text, Network::Private)));
    section.finish();
    Grants { env, outbound }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `prefix` is the app's: where its cookie is sent to, if nothing else is said.
pub(super) fn session(mut section: Section<'_, '_>, prefix: &str) -> SessionSettings {
    let default = SessionSettings::default();
    let secures = [("auto", Secure::Auto), ("always", Secure::Always), ("never", Secure::Never)];
    let same_sites = [("lax", SameSite::Lax), ("strict", SameSite::Strict), ("none", SameSite::None)];
    let max_age = section.integer("max_age_s", 0..=SESSION_AGE_MAX.as_secs());
    let mut life =
        |key, default| section.integer(key, 1..=SESSION_AGE_MAX.as_secs()).map_or(default, Duration::from_secs);
    let (idle, absolute) = (life("idle_s", default.idle), life("absolute_s", default.absolute));
    let stores = [("sqlite", Store::Sqlite), ("memory", Store::Memory), ("signed-cookie", Store::SignedCookie)];
    let settings = SessionSettings {
        cookie: section.text("cookie", COOKIE_NAME, is_cookie_name),
        domain: section.text("domain", DOMAIN, is_domain),
        path: section.text("path", COOKIE_PATH, is_cookie_path).unwrap_or_else(|| match prefix {
            "" => default.path,
            prefix => prefix.to_owned(),
        }),
        secure: section.choice("secure", &secures, &[]).unwrap_or_default(),
        http_only: section.boolean("http_only").unwrap_or(default.http_only),
        same_site: section.choice("same_site", &same_sites, &[]).unwrap_or_default(),
        max_age: match max_age {
            Some(0) => None,
            Some(seconds) => Some(Duration::from_secs(seconds)),
            None => default.max_age,
        },
        idle,
        absolute,
        store: section.choice("store", &stores, &["redis", "postgresql"]).unwrap_or_default(),
        save_every_request: section.boolean("save_every_request").unwrap_or(false),
    };
    check_cookie(&settings, &section);
    section.finish();
    settings
}

const COOKIE_NAME: &str = "allowed: 1 to 64 letters, digits and any of !#$%&'*+-.^_`|~";
const DOMAIN: &str = "allowed: a host name such as x.example, without a leading dot or a port";
const COOKIE_PATH: &str = "allowed: '/', then printable ASCII without ';'";

/// A token (RFC 6265 §4.1.1).
fn is_cookie_name(name: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&name.len()) && name.chars().all(is_token)
}

/// RFC 9110 §5.6.2.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.len() <= 253 && domain.split('.').all(label)
}

fn is_cookie_path(path: &str) -> bool {
    path.starts_with('/') && path.chars().all(|c| matches!(c, ' '..='~') && c != ';')
}

/// Refuses what browsers would drop in silence (RFC 6265bis §5.7): then no session would ever hold.
fn check_cookie(settings: &SessionSettings, section: &Section<'_, '_>) {
    let name = settings.cookie.as_deref().unwrap_or_default().to_ascii_lowercase();
    let bound_to_host = name.starts_with("__host-");
    let never = settings.secure == Secure::Never;
    if never && (bound_to_host || name.starts_with("__secure-")) {
        section.refuse("cookie", "browsers take this prefix only where 'secure' is not \"never\"");
    }
    if bound_to_host && (settings.domain.is_some() || settings.path != "/") {
        section.refuse("cookie", "browsers take __Host- only without 'domain' and with path \"/\"");
    }
    if never && settings.same_site == SameSite::None {
        section.refuse("same_site", "browsers take \"none\" only where 'secure' is not \"never\"");
    }
}
