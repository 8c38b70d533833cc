package abi

import "runtime"

// Awaiting is how a receive waits. By itself it blocks, and no goroutine runs; package concurrent has another way.
var Awaiting = struct {
	Receive, RawReceive func(ws uint64, limited uint32, timeout uint64, result *Area)
	// Ended is called when a handler has returned.
	Ended func()
}{blocking(Receive), blocking(RawReceive), func() {}}

func blocking(receive func(uint64, uint32, uint64, *Area)) func(uint64, uint32, uint64, *Area) {
	return func(ws uint64, limited uint32, timeout uint64, result *Area) {
		Yield()
		receive(ws, limited, timeout, result)
	}
}

// Alone is whether there is no goroutine but this one.
func Alone() bool { return runtime.NumGoroutine() == 1 }

// Yield lets other goroutines run, if there are any, until they wait or end: while the host has the word, none does.
func Yield() {
	if !Alone() {
		runtime.Gosched()
	}
}

// What no result begins with.
const untouched = ^uint64(0)

// Await calls what waits while others run, and call the host: their memory is given back then, but not that of this
// call, which comes when it likes.
func (area *Area) Await(wait func()) {
	area.words[0] = untouched
	came.awaited = area
	came.calls--
	wait()
	came.calls++
	came.awaited = nil
}
