//! Names and values that a peer sent: query parameters, forms, headers, cookies. Pure parsing.

/// Headers, names in lower case; those of one name in wire order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers(pub(crate) Vec<(String, String)>);

impl Headers {
    /// The first value of a name, in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// All values of a name, in wire order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All names and values, those of one name together.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Query parameters, the fields of a form, or cookies: in order; of one name sent twice the last counts.
///
/// ```
/// # use sessile_sdk::Query;
/// let query = Query::parse("tag=a&tag=b+c&since=%37");
/// assert_eq!(query.get("tag"), Some("b c"));
/// assert_eq!(query.get_all("tag").collect::<Vec<_>>(), ["a", "b c"]);
/// assert_eq!(query.get("since"), Some("7"));
/// assert_eq!(query.get("until"), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// The pairs of an `application/x-www-form-urlencoded` text.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
    }

    /// The value of a name; of one given more than once, the last.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).last()
    }

    /// All values of a name, in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// `+` is a space, `%XX` a byte; what is no escape stays, what is no UTF-8 is replaced.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = after;
                }
                _ => bytes.push(byte),
            },
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The cookies of all `cookie` headers (RFC 6265 §5.4), in order; values are not decoded.
pub(crate) fn cookies(headers: &[String]) -> Query {
    let pairs = headers.iter().flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    Query(pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_decodes_and_the_last_duplicate_wins() {
        let query = Query::parse("a=1&b=x+y%20z&a=2&c&%C3%A9=%e2%82%ac&bad=%zz%");
        assert_eq!((query.get("a"), query.get("b"), query.get("c")), (Some("2"), Some("x y z"), Some("")));
        assert_eq!(query.get_all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((query.get("é"), query.get("bad"), query.get("none")), (Some("€"), Some("%zz%"), None));
    }

    #[test]
    fn headers_are_found_in_any_case_and_all_values_are_kept() {
        let headers = Headers(vec![("x-a".into(), "1".into()), ("b".into(), "2".into()), ("x-a".into(), "3".into())]);
        assert_eq!((headers.get("X-A"), headers.get("none")), (Some("1"), None));
        assert_eq!(headers.get_all("x-A").collect::<Vec<_>>(), ["1", "3"]);
        assert_eq!(headers.iter().count(), 3);
    }

    #[test]
    fn cookies_list_all_and_the_last_duplicate_wins() {
        let cookies = cookies(&["a=1; b=\"2%20\"".to_owned(), "a=3; junk".to_owned()]);
        assert_eq!((cookies.get("a"), cookies.get("b")), (Some("3"), Some("2%20")));
        assert_eq!(cookies.get_all("a").collect::<Vec<_>>(), ["1", "3"]);
    }
}
