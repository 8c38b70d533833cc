package sessile

import (
	"net/netip"
	"net/url"
	"time"

	"sessile/internal/abi"
)

// Head is what was asked, and by whom: the request that a websocket or an exchange began with. It is read from the host
// at each call, so keep what you need twice.
type Head struct{ id uint64 }

// ID names the websocket or exchange: unguessable, unique among the live ones.
func (h Head) ID() uint64 { return h.id }

func (h Head) text(read func(uint64, *abi.Area)) string {
	a := abi.Begin()
	defer a.End()
	read(h.id, a)
	return a.Text(0)
}

// Method is GET, POST, … (RFC 9110 §9); GET of a websocket.
func (h Head) Method() string { return h.text(abi.Method) }

// Scheme is http, https, ws or wss.
func (h Head) Scheme() string { return h.text(abi.Scheme) }

// Authority is the host that was asked for, as the peer sent it, which may be anything; [Head.URL] checks it.
func (h Head) Authority() string { return h.text(abi.Authority) }

// Path is the path as it was sent, percent-encoded, without the query.
func (h Head) Path() string { return h.text(abi.Path) }

// HTTPVersion is 1.0, 1.1 or 2.
func (h Head) HTTPVersion() string { return h.text(abi.Version) }

// PeerAddress is the peer's address and port.
func (h Head) PeerAddress() string { return h.text(abi.PeerAddress) }

// LocalAddress is the address and port that the peer reached.
func (h Head) LocalAddress() string { return h.text(abi.LocalAddress) }

// StartedAt is when the request's head had arrived.
func (h Head) StartedAt() time.Time {
	return time.Unix(0, int64(abi.StartedAt(h.id))).UTC()
}

// RawQuery is what follows the question mark, percent-encoded.
func (h Head) RawQuery() string {
	query, _ := h.rawQuery()
	return query
}

func (h Head) rawQuery() (query string, there bool) {
	a := abi.Begin()
	defer a.End()
	abi.Query(h.id, a)
	if a.Byte(0) == 0 {
		return "", false
	}
	return a.Text(4), true
}

// Query are its parameters, decoded.
func (h Head) Query() Values { return parseQuery(h.RawQuery()) }

func (h Head) pairs(read func(uint64, *abi.Area)) [][2]string {
	a := abi.Begin()
	defer a.End()
	read(h.id, a)
	return a.Pairs(0)
}

// Headers are all of them.
func (h Head) Headers() Headers { return h.pairs(abi.Headers) }

// Params are those of the route's path, decoded, in its order.
func (h Head) Params() Values { return h.pairs(abi.Params) }

// Param is one of them: room of /rooms/{room}. Empty where there is none.
func (h Head) Param(name string) string { return h.Params().Get(name) }

// Header is the first value of one header; the name in any case. Empty where there is none.
func (h Head) Header(name string) string {
	if values := h.header(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

func (h Head) header(name string) []string {
	a := abi.Begin()
	defer a.End()
	abi.Header(h.id, abi.Valid(name), a)
	return a.Texts(0)
}

// Cookies are those that the peer sent.
func (h Head) Cookies() Values { return parseCookies(h.header("cookie")) }

// Origin is the site whose page made the request, where a browser says so (RFC 6454 §7).
func (h Head) Origin() string { return h.Header("origin") }

// IsSecure is whether the connection is encrypted.
func (h Head) IsSecure() bool {
	scheme := h.Scheme()
	return scheme == "https" || scheme == "wss"
}

// IsLocal is whether the peer is on the host's own machine; behind a proxy there, all are.
func (h Head) IsLocal() bool {
	address, err := netip.ParseAddrPort(h.PeerAddress())
	return err == nil && address.Addr().IsLoopback()
}

// URL is the whole of it; with the address that the peer reached, where the host that it asked for is malformed. What
// may be logged is [url.URL.Redacted], without the password.
func (h Head) URL() *url.URL {
	query, there := h.rawQuery()
	return parseURL(h.Scheme(), h.Authority(), h.LocalAddress(), h.Path(), query, there)
}

func parseURL(scheme, authority, local, path, query string, there bool) *url.URL {
	whole, err := url.Parse(scheme + "://" + authority)
	if err != nil || whole.Hostname() == "" || whole.Path != "" || whole.RawQuery != "" || whole.Fragment != "" {
		whole = &url.URL{Scheme: scheme, Host: local}
	}
	if decoded, err := url.PathUnescape(path); err == nil {
		whole.Path, whole.RawPath = decoded, path
	} else {
		whole.Path = path
	}
	whole.RawQuery, whole.ForceQuery = query, there && query == ""
	return whole
}
