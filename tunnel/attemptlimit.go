package tunnel

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// attemptLimit ends an attempt that has not come to a tunnel in time (ClientConfig.ConnectTimeout).
type attemptLimit struct {
	after  time.Duration
	by     time.Time // when; zero: never
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer // nil: there is no limit
}

// errTooLong is why the context of an attempt ends that took too long.
var errTooLong = errors.New("the attempt took too long")

// limitAttempt gives the context of an attempt; after 0 there is no limit. Call end when the
// attempt is over.
func limitAttempt(ctx context.Context, after time.Duration) (context.Context, *attemptLimit) {
	l := &attemptLimit{after: after}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	if after > 0 {
		l.by = time.Now().Add(after)
		l.timer = time.AfterFunc(after, func() { l.cancel(errTooLong) })
	}
	return l.ctx, l
}

// lift says that packets pass: the limit is no more.
func (l *attemptLimit) lift() {
	if l.timer != nil {
		l.timer.Stop()
	}
}

// over reports whether the attempt has ended for this.
func (l *attemptLimit) over() bool { return errors.Is(context.Cause(l.ctx), errTooLong) }

// failure is what the attempt ends with then; the format says what it was waiting for.
func (l *attemptLimit) failure(format string, args ...any) *Error {
	return failure(ClassNetwork, nil, "no tunnel within %v: %s", l.after, fmt.Sprintf(format, args...))
}

func (l *attemptLimit) end() {
	l.lift()
	l.cancel(nil)
}
