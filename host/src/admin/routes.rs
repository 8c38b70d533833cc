//! What the admin API can be asked for, as data: what is not in this list reaches no [`api`](super::api), and docs/openapi.json
//! describes what is.

use hyper::Method;

use super::tokens::Scope;

/// The description of the API (OpenAPI 3.1).
pub(super) const OPENAPI: &str = include_str!("../../../docs/openapi.json");

/// One thing that can be asked for.
pub(super) struct Route {
    method: Method,
    path: &'static str,
    /// What a token must be good for.
    pub(super) scope: Scope,
}

const fn route(method: Method, path: &'static str, scope: Scope) -> Route {
    Route { method, path, scope }
}

/// All of them; `{name}` is any one part of a path.
static ROUTES: [Route; 16] = [
    route(Method::GET, "/v1/openapi.json", Scope::Read),
    route(Method::GET, "/v1/apps", Scope::Read),
    route(Method::DELETE, "/v1/apps/{app}", Scope::Admin),
    route(Method::GET, "/v1/apps/{app}/versions", Scope::Read),
    route(Method::POST, "/v1/apps/{app}/rollback", Scope::Deploy),
    route(Method::POST, "/v1/apps/{app}/promote", Scope::Deploy),
    route(Method::POST, "/v1/apps/{app}/abort", Scope::Deploy),
    route(Method::POST, "/v1/apps/{app}/publish", Scope::Admin),
    route(Method::PUT, "/v1/blobs/{digest}", Scope::Deploy),
    route(Method::POST, "/v1/deploys", Scope::Deploy),
    route(Method::GET, "/v1/connections", Scope::Read),
    route(Method::DELETE, "/v1/connections/{id}", Scope::Admin),
    route(Method::GET, "/v1/sessions", Scope::Read),
    route(Method::GET, "/v1/alarms", Scope::Read),
    route(Method::GET, "/v1/metrics", Scope::Read),
    route(Method::GET, "/v1/tail", Scope::Read),
];

/// The one of a request.
pub(super) fn find(method: &Method, path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.method == *method && matches(route.path, path))
}

/// Splits as the API does, so that both mean the same by a path.
fn matches(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (parts(pattern), parts(path));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted.starts_with('{') || wanted == given => {}
            _ => return false,
        }
    }
}

fn parts(path: &str) -> std::str::Split<'_, char> {
    path.trim_start_matches('/').split('/')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn description_has_what_can_be_asked_for_and_nothing_else() {
        let described: Value = serde_json::from_str(OPENAPI).unwrap();
        assert!(described["openapi"].as_str().unwrap().starts_with("3.1."));
        let mut found = BTreeSet::new();
        for (path, item) in described["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
                found.insert((method.to_uppercase(), path.clone(), operation["x-scope"].as_str().unwrap().to_owned()));
            }
        }
        let known =
            ROUTES.iter().map(|route| (route.method.to_string(), route.path.to_owned(), route.scope.to_string()));
        assert_eq!(found, known.collect());
    }

    #[test]
    fn route_is_found_by_method_and_every_part() {
        let scope = |method, path| find(&method, path).map(|route| route.scope);
        assert_eq!(scope(Method::GET, "/v1/apps"), Some(Scope::Read));
        assert_eq!(scope(Method::DELETE, "/v1/apps/chat"), Some(Scope::Admin));
        assert_eq!(scope(Method::POST, "/v1/apps/chat/rollback"), Some(Scope::Deploy));
        for (method, path) in [
            (Method::POST, "/v1/apps"),
            (Method::GET, "/v1/apps/chat"),
            (Method::GET, "/v1/apps/"),
            (Method::GET, "/v1/apps/chat/versions/7"),
            (Method::GET, "/"),
            (Method::GET, "/v1"),
        ] {
            assert_eq!(scope(method.clone(), path), None, "{method} {path}");
        }
    }
}
