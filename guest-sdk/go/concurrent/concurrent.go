// Package concurrent lets goroutines run, and timers fire, while a loop receives. It is imported for that alone:
//
//	import _ "sessile/concurrent"
//
//	func clock(ws *sessile.WebSocket) error {
//		if err := ws.Accept(); err != nil {
//			return err
//		}
//		go func() {
//			for range time.Tick(time.Second) {
//				_ = ws.SendText(time.Now().Format(time.TimeOnly))
//			}
//		}()
//		for message, err := range ws.Messages() {
//			…
//		}
//		return nil
//	}
//
// The component then runs on the host's engine for those that await, where each of its calls costs more, whichever
// handler it is: so import it where it is needed alone. What else may wait, such as a Send to a peer that is slow, still
// holds all. One goroutine at a time receives. When the handler returns, a receive of another goroutine's ends with that
// goroutine. The limit of CPU (50 ms) is filled by each message that is received: a timer that fires while none comes
// lives on what is left of it.
package concurrent
