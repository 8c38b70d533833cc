package nethttp

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"sessile"
)

func TestHandlerOfTheStandardLibraryIsHeard(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rooms/{room}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1")
		w.Header().Add("X-Room", r.PathValue("room"))
		w.WriteHeader(103)
		_, _ = io.WriteString(w, "<html>")
		w.WriteHeader(500)
		w.Header().Set("X-Late", "1")
	})
	response := sessile.NewResponse(0)
	if err := serve(mux, response, httptest.NewRequest("GET", "/rooms/one", nil)); err != nil {
		t.Fatal(err)
	}
	headers := response.Headers
	slices.SortFunc(headers, func(a, b [2]string) int { return len(a[0]) - len(b[0]) })
	wanted := sessile.Headers{{"x-room", "one"}, {"content-type", "text/html; charset=utf-8"}}
	if !slices.Equal(headers, wanted) {
		t.Errorf("%v", headers)
	}
}

func TestRequestThatIsNotSessilesHasNone(t *testing.T) {
	if RequestOf(httptest.NewRequest("GET", "/", nil)) != nil {
		t.Error("one was found")
	}
}
