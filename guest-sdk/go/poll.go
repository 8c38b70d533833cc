package sessile

import "time"

// Poll looks every so often, until something is there or so long has passed: for a long poll, say, in HTTP.
func Poll(every, within time.Duration, look func() (there bool, err error)) (there bool, err error) {
	for until := time.Now().Add(within); ; {
		there, err = look()
		left := time.Until(until)
		if there || err != nil || left <= 0 {
			return there, err
		}
		time.Sleep(min(every, left))
	}
}
