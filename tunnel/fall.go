package tunnel

import (
	"fmt"
	"runtime/debug"
)

// Fall is what Run panics with when another goroutine of a client has panicked: only so is what the
// caller of Run defers still done, above all putting back what it has changed on this machine. It
// is a mistake in this package, never bad input.
type Fall struct {
	Value any    // of the panic
	Stack []byte // of the goroutine
}

// Error shows both: a program that panics prints it.
func (f *Fall) Error() string { return fmt.Sprintf("%v\n\n%s", f.Value, f.Stack) }

// falls brings the first panic of a client's goroutines to the one that called Run.
type falls chan *Fall

// catch is deferred by a goroutine.
func (f falls) catch() {
	if v := recover(); v != nil {
		select {
		case f <- &Fall{v, debug.Stack()}:
		default:
		}
	}
}
