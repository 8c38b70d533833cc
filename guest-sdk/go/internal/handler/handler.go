// Package handler is between what the host calls and what a handler is written as.
package handler

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"structs"
	"unsafe"

	"sessile"
	"sessile/internal/abi"
)

// result is result<_, failure>, and result<outcome, failure>, as the host reads them. It copies what they point at
// before it calls again.
type result struct {
	_      structs.HostLayout
	failed uint32
	value  uint32 // an outcome, or where the words of a failure are
	length uint32
}

// Outcomes of a loop.
const (
	finished uint32 = iota
	handoff
)

var (
	answer result
	words  []byte
)

// Half of what is Go's: a handler keeps little, and there are many instances. An init of its own may set it anew.
func init() { debug.SetGCPercent(50) }

// Verdict turns how a handler went into what the host is told.
type Verdict func(error) (outcome uint32, failure error)

// Strict: each error is a failure.
func Strict(err error) (uint32, error) { return finished, err }

// Lenient: that the peer has left is nobody's failure, wherever the handler met it.
func Lenient(err error) (uint32, error) {
	if errors.As(err, new(sessile.CloseError)) || errors.Is(err, sessile.ErrGone) {
		return finished, nil
	}
	return finished, err
}

// Looped is lenient, and hands over where the loop was to retire.
func Looped(err error) (uint32, error) {
	if errors.Is(err, sessile.ErrRetire) {
		return handoff, nil
	}
	return Lenient(err)
}

// Run calls a handler, and answers the host. A panic is a failure; its stack is in the log.
func Run(verdict Verdict, handle func() error) unsafe.Pointer {
	outcome, failure := verdict(caught(handle))
	abi.Awaiting.Ended()
	abi.Yield()
	answer = result{value: outcome}
	if failure != nil {
		words = []byte(abi.Valid(failure.Error()))
		at := unsafe.Pointer(unsafe.SliceData(words))
		answer = result{failed: 1, value: uint32(uintptr(at)), length: uint32(len(words))}
	}
	return unsafe.Pointer(&answer)
}

// trace is a stack without what panicking itself, and this package, put on it.
func trace(stack string) string {
	if _, below, found := strings.Cut(stack, "\npanic("); found {
		_, stack, _ = strings.Cut(below, "\n\t")
		_, stack, _ = strings.Cut(stack, "\n")
	}
	handler, _, _ := strings.Cut(stack, "sessile/internal/handler.")
	return handler
}

func caught(handle func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v", value)
			sessile.Logf(sessile.LevelError, "%v\n%s", err, trace(string(debug.Stack())))
		}
	}()
	return handle()
}
