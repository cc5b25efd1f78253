package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Path is the way a transfer takes.
type Path int

// The paths.
const (
	Tunnel Path = iota // through the tunnel that StartTunnel brought up
	Raw                // over the emulated link itself
)

// Transfer describes one TCP connection that sends as much as it can.
type Transfer struct {
	Path     Path
	Upload   bool          // from the client to the server
	Omit     time.Duration // from the first byte asked for to the first one counted
	Duration time.Duration // from the first byte that counts to the last one
	TCP
}

// Result is what the receiver of a transfer has got.
type Result struct {
	Bytes         int64
	Duration      time.Duration
	BitsPerSecond float64
}

// chunk is what one read or write of a transfer moves at most.
const chunk = 256 << 10

// patience bounds what opening a connection may take beyond its transfer: a path
// that loses a lot repeats its SYN after 1, 3 and 7 seconds.
const patience = 10 * time.Second

// Download is Measure from the server to the client.
func (l *Lab) Download(ctx context.Context, path Path, d time.Duration, window int) (bitsPerSecond float64, err error) {
	r, err := l.Measure(ctx, Transfer{Path: path, Duration: d, TCP: TCP{Window: window}})
	return r.BitsPerSecond, err
}

// Measure makes one transfer and says what came of it. Slow start is a part of it, as it
// is with iperf, unless it is omitted. The error is ctx's when that ends first.
func (l *Lab) Measure(ctx context.Context, t Transfer) (Result, error) {
	source, sink, err := l.connect(ctx, t)
	if err != nil {
		return Result{}, fmt.Errorf("lab: opening TCP: %w", errors.Join(ended(ctx), err))
	}
	stop := context.AfterFunc(ctx, func() { source.Close(); sink.Close() })
	defer stop()
	sent := make(chan error, 1)
	go func() { sent <- send(source) }()
	r, err := receive(sink, t.Omit, t.Duration)
	// What is still on its way must not run into the next transfer.
	abort(sink)
	abort(source)
	sendErr := <-sent
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	if err != nil {
		return Result{}, fmt.Errorf("lab: transfer: %w", errors.Join(err, sendErr))
	}
	return r, nil
}

// ended is ctx's error, if it has one. What has the same deadline may notice a moment before ctx
// does.
func ended(ctx context.Context) error {
	if at, ok := ctx.Deadline(); ok && !time.Now().Before(at) {
		<-ctx.Done()
	}
	return ctx.Err()
}

// connect opens the connection of a transfer: the client calls, as behind a NAT.
func (l *Lab) connect(ctx context.Context, t Transfer) (source, sink net.Conn, err error) {
	if _, _, ok := l.Snapshots(); !ok && t.Path == Tunnel {
		return nil, nil, errNoTunnel
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	listener, err := l.net.listen(server, t.Path, 0, t.TCP)
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	called, err := l.net.dial(ctx, client, t.Path, listener.Addr().String(), t.TCP)
	if err != nil {
		return nil, nil, err
	}
	accepted, err := listener.Accept()
	if err != nil {
		called.Close()
		return nil, nil, err
	}
	if t.Upload {
		return called, accepted, nil
	}
	return accepted, called, nil
}

// send writes until the connection is closed.
func send(c net.Conn) error {
	buf := make([]byte, chunk)
	for {
		if _, err := c.Write(buf); err != nil {
			return err
		}
	}
}

// receive counts what comes within d, after omit has passed.
func receive(c net.Conn, omit, d time.Duration) (Result, error) {
	began := time.Now().Add(omit)
	if err := c.SetReadDeadline(began.Add(d)); err != nil {
		return Result{}, err
	}
	var r Result
	buf := make([]byte, chunk)
	for counts := omit <= 0; ; {
		n, err := c.Read(buf)
		if !counts {
			counts = time.Now().After(began)
			n = 0
		}
		r.Bytes += int64(n)
		if err == nil {
			continue
		}
		r.Duration = time.Since(began)
		if timeout := net.Error(nil); !errors.As(err, &timeout) || !timeout.Timeout() {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return r, err
		}
		r.BitsPerSecond = float64(r.Bytes) * 8 / r.Duration.Seconds()
		return r, nil
	}
}

// abort closes a connection with a reset, where its kind has one.
func abort(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
