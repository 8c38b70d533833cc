// A page that knows how often a browser has come: one call for one request.
package main

import (
	"errors"
	"fmt"

	"sessile"
	"sessile/exchange"
)

func init() {
	exchange.Handle(hello)
}

// A handler is called by the host; its main is not run.
func main() {}

// An error is answered with 500 and a report's id; the log has the reason under that id.
func hello(w *sessile.Response, r *sessile.Request) error {
	visits, err := count(r)
	// Two requests of one browser may run at once: where another was faster, it is counted again.
	for errors.As(err, new(sessile.ConflictError)) {
		visits, err = count(r)
	}
	if err != nil {
		return err
	}
	return w.Text(greeting(visits))
}

// Counts in the session, which belongs to the browser by a cookie that the host sets; a websocket of the same app would
// share it. It is saved only over the version that was read.
func count(r *sessile.Request) (visits int, err error) {
	session, err := r.Session()
	if err != nil {
		return 0, err
	}
	if _, err := session.Get("visits", &visits); err != nil {
		return 0, err
	}
	visits++
	if err := session.Set("visits", visits); err != nil {
		return 0, err
	}
	version, err := session.Version()
	if err != nil {
		return 0, err
	}
	if _, err := session.SaveOver(version); err != nil {
		// What was changed is dropped, to be read anew.
		return 0, errors.Join(err, session.Discard())
	}
	return visits, nil
}

// What the peer reads. A function that calls nothing of the host's is tested as ever: `go test`.
func greeting(visits int) string {
	if visits == 1 {
		return "Hello, and welcome!\n"
	}
	return fmt.Sprintf("Hello again, visit %d: restart the host, and I still know you.\n", visits)
}
