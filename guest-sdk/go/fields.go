package sessile

import (
	"net/url"
	"strings"
)

// Headers are names and values in the order in which they came; names in lower case, those of one name together.
type Headers [][2]string

// Get is the first value of a header; the name in any case. Empty where there is none.
func (h Headers) Get(name string) string {
	for _, field := range h {
		if strings.EqualFold(field[0], name) {
			return field[1]
		}
	}
	return ""
}

// Values are all of a header, in order.
func (h Headers) Values(name string) []string {
	var values []string
	for _, field := range h {
		if strings.EqualFold(field[0], name) {
			values = append(values, field[1])
		}
	}
	return values
}

// Add appends a field.
func (h *Headers) Add(name, value string) { *h = append(*h, [2]string{name, value}) }

// Set replaces all fields of that name by one.
func (h *Headers) Set(name, value string) {
	kept := (*h)[:0:0]
	for _, field := range *h {
		if !strings.EqualFold(field[0], name) {
			kept = append(kept, field)
		}
	}
	*h = append(kept, [2]string{name, value})
}

// Values are names and values of a query, a form or cookies, in the order in which they came.
type Values [][2]string

// Get is the last value of that name. Empty where there is none.
func (v Values) Get(name string) string {
	value, _ := v.Lookup(name)
	return value
}

// Lookup is the last value of that name, and whether there is one.
func (v Values) Lookup(name string) (string, bool) {
	for i := len(v) - 1; i >= 0; i-- {
		if v[i][0] == name {
			return v[i][1], true
		}
	}
	return "", false
}

// All are the values of that name, in order.
func (v Values) All(name string) []string {
	var values []string
	for _, field := range v {
		if field[0] == name {
			values = append(values, field[1])
		}
	}
	return values
}

// parseQuery decodes percent signs and pluses; what is malformed stays as it is.
func parseQuery(query string) Values {
	var values Values
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		values = append(values, [2]string{unescaped(name), unescaped(value)})
	}
	return values
}

func unescaped(text string) string {
	if decoded, err := url.QueryUnescape(text); err == nil {
		return strings.ToValidUTF8(decoded, "\uFFFD")
	}
	return text
}

// parseCookies reads the values of `cookie` headers (RFC 6265 §5.4).
func parseCookies(headers []string) Values {
	var values Values
	for _, header := range headers {
		for pair := range strings.SplitSeq(header, ";") {
			if name, value, found := strings.Cut(pair, "="); found {
				value = strings.Trim(strings.TrimSpace(value), `"`)
				values = append(values, [2]string{strings.TrimSpace(name), value})
			}
		}
	}
	return values
}
