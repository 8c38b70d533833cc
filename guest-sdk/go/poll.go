package sessile

import "time"

// Poll looks every so often, until something is there or so long has passed: for a long poll, say, in HTTP.
func Poll(every, within time.Duration, look func() (there bool, err error)) (there bool, err error) {
	for until := time.Now().Add(within); ; time.Sleep(every) {
		if there, err = look(); there || err != nil || !time.Now().Before(until) {
			return there, err
		}
	}
}
