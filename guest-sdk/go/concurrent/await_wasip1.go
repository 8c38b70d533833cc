package concurrent

import (
	"math"
	"runtime"
	_ "unsafe"

	"sessile/internal/abi"
)

//go:wasmimport sessile:handler/websocket@0.1.0 [async-lower]receive
func startReceive(ws uint64, limited uint32, timeout uint64, result *abi.Area) uint32

//go:wasmimport sessile:handler/raw@0.1.0 [async-lower]receive
func startRawReceive(ws uint64, limited uint32, timeout uint64, result *abi.Area) uint32

//go:wasmimport sessile:handler/time@0.1.0 [async-lower]sleep
func startSleep(span uint64) uint32

//go:wasmimport $root [waitable-set-new]
func waitableSetNew() uint32

//go:wasmimport $root [waitable-set-wait]
func waitableSetWait(set uint32, event *abi.Area) uint32

//go:wasmimport $root [waitable-join]
func waitableJoin(waitable, set uint32)

//go:wasmimport $root [subtask-cancel]
func subtaskCancel(call uint32) uint32

//go:wasmimport $root [subtask-drop]
func subtaskDrop(call uint32)

// When the next of Go's timers fires; none: math.MaxInt64.
//
//go:linkname timeSleepUntil runtime.timeSleepUntil
func timeSleepUntil() int64

//go:linkname nanotime runtime.nanotime
func nanotime() int64

// What the host says of a call.
const returned = 2

// How often others have their turn before all is held to wait: one that yields by itself may have more to do.
const turns = 4

// Calls to the host that are under way, or 0; and the set in which they are waited for.
var set, receive, timer uint32

func init() {
	abi.Awaiting.Receive = awaiting(abi.Receive, startReceive)
	abi.Awaiting.RawReceive = awaiting(abi.RawReceive, startRawReceive)
	abi.Awaiting.Ended = func() { cancel(&receive) }
}

func awaiting(
	blocking func(uint64, uint32, uint64, *abi.Area), start func(uint64, uint32, uint64, *abi.Area) uint32,
) func(uint64, uint32, uint64, *abi.Area) {
	return func(ws uint64, limited uint32, timeout uint64, result *abi.Area) {
		if abi.Alone() {
			blocking(ws, limited, timeout, result)
			return
		}
		if receive != 0 {
			panic("two goroutines receive at once")
		}
		result.Await(func() {
			if under(start(ws, limited, timeout, result), &receive) {
				wait()
			}
		})
	}
}

// under takes up a call that was started, unless it has returned at once.
func under(started uint32, call *uint32) bool {
	if started&0xf == returned {
		return false
	}
	if set == 0 {
		set = waitableSetNew()
	}
	*call = started >> 4
	waitableJoin(*call, set)
	return true
}

// wait lets the others run until all wait, then waits for the receive and for the next timer of theirs, by turns.
func wait() {
	defer cancel(&timer)
	event := new(abi.Area)
	for receive != 0 {
		for range turns {
			runtime.Gosched()
		}
		if receive == 0 {
			// The handler has returned, and nobody is left to receive for.
			runtime.Goexit()
		}
		if until := timeSleepUntil(); until != math.MaxInt64 && timer == 0 {
			if !under(startSleep(uint64(max(until-nanotime(), 0))), &timer) {
				continue
			}
		}
		waitableSetWait(set, event)
		settle(event.Uint32(0), event.Uint32(4))
	}
}

// settle forgets a call that has returned.
func settle(call, state uint32) {
	if state != returned {
		return
	}
	subtaskDrop(call)
	if call == timer {
		timer = 0
	} else {
		receive = 0
	}
}

func cancel(call *uint32) {
	if *call != 0 {
		waitableJoin(*call, 0)
		subtaskCancel(*call)
		subtaskDrop(*call)
		*call = 0
	}
}
