//! The router against tables and a linear search.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at a surprise")]

use proptest::prelude::*;

use super::*;

fn router(patterns: &[&str]) -> Router<String> {
    let routes = patterns.iter().map(|text| (Pattern::parse(text).unwrap(), text.to_string()));
    Router::new(routes).unwrap()
}

fn found(router: &Router<String>, path: &str) -> Option<(String, Vec<String>)> {
    let (value, params) = router.find(path)?;
    let params = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Some((value.clone(), params))
}

#[test]
fn path_finds_the_most_specific_pattern() {
    let router = router(&["/", "/a", "/a/", "/a/{x}", "/a/b", "/a/{x}/c", "/{y}/b/d", "/{all...}", "/f/{r...}"]);
    let table: &[(&str, &str, &[&str])] = &[
        ("/", "/", &[]),
        ("/a", "/a", &[]),
        ("/a/", "/a/", &[]),
        ("/a/b", "/a/b", &[]),
        ("/a/z", "/a/{x}", &["x=z"]),
        ("/a/b/c", "/a/{x}/c", &["x=b"]),
        ("/a/b/d", "/{y}/b/d", &["y=a"]),
        ("/a/b/e", "/{all...}", &["all=a/b/e"]),
        ("/f/", "/f/{r...}", &["r="]),
        ("/f", "/{all...}", &["all=f"]),
        ("/f/x//y/", "/f/{r...}", &["r=x//y/"]),
        ("/a/z/", "/{all...}", &["all=a/z/"]),
    ];
    for (path, pattern, params) in table {
        let params = params.iter().map(ToString::to_string).collect();
        assert_eq!(found(&router, path), Some((pattern.to_string(), params)), "{path}");
    }
}

#[test]
fn path_without_a_pattern_finds_nothing() {
    let router = router(&["/a/{x}", "/b"]);
    for path in ["", "*", "a/b", "/", "/a", "/a/", "/a//", "/b/", "//b", "/A/x/y", "/B"] {
        assert!(router.find(path).is_none(), "{path}");
    }
}

#[test]
fn path_is_percent_decoded() {
    let router = router(&["/café/{x}", "/r/{y...}"]);
    let (_, params) = router.find("/caf%C3%A9/a%2Fb%20c").unwrap();
    assert_eq!(params.get("x"), Some("a/b c"));
    assert_eq!(params.get("y"), None);
    assert_eq!(router.find("/r/%e2%82%ac/100%").unwrap().1.get("y"), Some("€/100%"));
    for path in ["/caf%C3%A9/%ff", "/caf%C3/x", "/r/a/%C3", "/r/%80/a"] {
        assert!(router.find(path).is_none(), "{path}");
    }
}

#[test]
fn match_without_parameters_allocates_no_params() {
    let router = router(&["/a"]);
    let (_, params) = router.find("/a").unwrap();
    assert!(params.is_empty());
    assert_eq!(params.0.capacity(), 0);
}

#[test]
fn bad_pattern_is_refused() {
    let name = |name: &str| name.to_string();
    let table = [
        ("", PatternError::NoSlash),
        ("rooms", PatternError::NoSlash),
        ("/a//b", PatternError::EmptySegment),
        ("//", PatternError::EmptySegment),
        ("/a?b", PatternError::BadSegment(name("a?b"))),
        ("/a{b}", PatternError::BadSegment(name("a{b}"))),
        ("/{b", PatternError::BadSegment(name("{b"))),
        ("/a\n", PatternError::BadSegment(name("a\n"))),
        ("/%ff", PatternError::NotUtf8(name("%ff"))),
        ("/{}", PatternError::BadName(name(""))),
        ("/{...}", PatternError::BadName(name(""))),
        ("/{1a}", PatternError::BadName(name("1a"))),
        ("/{a-b}", PatternError::BadName(name("a-b"))),
        ("/{a}/{a}", PatternError::DuplicateName(name("a"))),
        ("/{a...}/b", PatternError::RestNotLast(name("a"))),
    ];
    for (text, error) in table {
        assert_eq!(Pattern::parse(text), Err(error), "{text}");
    }
    let long = "/a".repeat(SEGMENTS_MAX + 1);
    assert_eq!(Pattern::parse(&long), Err(PatternError::TooManySegments(65)));
    assert!(PatternError::BadSegment(name("{b")).to_string().contains("nor '{name}'"));
}

#[test]
fn routes_that_match_the_same_are_refused() {
    let parse = |text| Pattern::parse(text).unwrap();
    let pairs = [("/a/{x}", "/a/{y}"), ("/{x...}", "/{y...}"), ("/%61", "/a")];
    for (first, second) in pairs {
        let routes = [(parse(first), 1), (parse("/other"), 2), (parse(second), 3)];
        let error = Router::new(routes).unwrap_err();
        assert_eq!((error.first.as_str(), error.second.as_str()), (first, second));
        assert!(parse(first).matches_same(&parse(second)));
    }
    assert!(!parse("/{x}").matches_same(&parse("/{x...}")));
}

/// Kinds of the segments of a pattern that matches, and what it captured.
type Reference = (Vec<u8>, Vec<String>);

/// Matches one pattern alone.
fn reference(pattern: &Pattern, path: &str) -> Option<Reference> {
    let whole = decode(path)?;
    let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let (mut kinds, mut captured) = (Vec::new(), Vec::new());
    for (index, segment) in pattern.segments.iter().enumerate() {
        let part = decode(parts.get(index)?)?;
        match segment {
            Segment::Literal(text) if **text == *part => kinds.push(0),
            Segment::Parameter(_) if !part.is_empty() => {
                kinds.push(1);
                captured.push(part.into_owned());
            }
            Segment::Rest(_) => {
                kinds.push(2);
                captured.push(decode(&parts[index..].join("/"))?.into_owned());
                return Some((kinds, captured));
            }
            _ => return None,
        }
    }
    (parts.len() == pattern.segments.len() && !whole.is_empty()).then_some((kinds, captured))
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let segment = prop_oneof![Just("a"), Just("b"), Just("%61b"), Just("{}")];
    let last = prop_oneof![3 => Just("a"), 2 => Just(""), 2 => Just("{}"), 2 => Just("{...}")];
    (prop::collection::vec(segment, 0..4), last).prop_map(|(mut parts, last)| {
        parts.push(last);
        let named = |(index, part): (usize, &str)| format!("/{}", part.replacen('{', &format!("{{p{index}"), 1));
        let text: String = parts.into_iter().enumerate().map(named).collect();
        Pattern::parse(&text).unwrap()
    })
}

fn path() -> impl Strategy<Value = String> {
    let parts = vec!["a", "b", "ab", "%61", "", "%2F", "%C3%A9", "%ff", "c", "%"];
    let segment = prop::sample::select(parts);
    prop::collection::vec(segment, 0..6).prop_map(|parts| format!("/{}", parts.join("/")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn router_agrees_with_a_linear_search(
        patterns in prop::collection::vec(pattern(), 0..12),
        paths in prop::collection::vec(path(), 1..12),
    ) {
        let mut distinct: Vec<Pattern> = Vec::new();
        for pattern in patterns {
            if !distinct.iter().any(|other| other.matches_same(&pattern)) {
                distinct.push(pattern);
            }
        }
        let router = Router::new(distinct.iter().cloned().zip(0..)).unwrap();
        for path in paths {
            let expected = (0..)
                .zip(&distinct)
                .filter_map(|(index, pattern)| Some((reference(pattern, &path)?, index)))
                .min()
                .map(|((_, captured), index)| (index, captured));
            let found = router.find(&path).map(|(index, params)| {
                (*index, params.iter().map(|(_, value)| value.to_string()).collect())
            });
            prop_assert_eq!(found, expected, "{}", path);
        }
    }

    #[test]
    fn parse_never_panics(text in "\\PC{0,40}", path in "\\PC{0,40}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            let router = Router::new([(pattern, ())]).unwrap();
            let _ = router.find(&path);
        }
    }
}
