package main

import "context"

// undoFirst gives the context of a tunnel. When ctx ends, undo takes back what changed this
// machine, and only then that context ends, for telling the peer takes a moment. abandon cuts that
// short: a second signal calls it. Call stop when the tunnel has ended.
func undoFirst(ctx context.Context, undo, abandon func()) (tunnel context.Context, stop func()) {
	log := loggerFrom(ctx)
	tunnel, end := context.WithCancelCause(context.WithoutCancel(ctx))
	ended, done := make(chan struct{}), make(chan struct{})
	hurry := signalsFrom(ctx).hurry
	go func() {
		defer close(done)
		select {
		case <-ctx.Done():
		case <-ended:
			return
		}
		undo()
		log.Info("ending: what led into the tunnel is taken back", "signal", signalOf(ctx))
		end(context.Cause(ctx))
		select {
		case <-ended:
			return
		case <-hurry:
			log.Info("a second signal: the peer is not told")
			abandon()
		}
	}()
	return tunnel, func() {
		close(ended)
		<-done
		end(nil)
	}
}
