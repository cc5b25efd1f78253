package status

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/trace"
)

const (
	traceRequest = "trace"
	// maxTraces bounds how many watch at once, so that others can still ask.
	maxTraces = 4
	// begins is the first line: what happens from there on is seen.
	begins = "(the trace begins)"
	// maxLine bounds a line of an answer, in bytes.
	maxLine = 8 << 10
)

// Tracing lets clients watch a trace. It is called before Serve.
func (s *Server) Tracing(t *trace.Trace) { s.tracing = t }

// parseTrace reads a request to trace: everything, or what a peer says.
func parseTrace(line string) (peer netip.Addr, is bool, err error) {
	rest, is := strings.CutPrefix(strings.TrimSuffix(line, "\n"), traceRequest)
	if !is || rest == "" {
		return peer, is, nil
	}
	if rest[0] != ' ' {
		return peer, false, nil
	}
	peer, err = netip.ParseAddr(rest[1:])
	return peer, true, err
}

// trace writes lines until the client hangs up or ctx ends. Those that were queued by then are
// still written: the end of a tunnel is what many want to see.
func (s *Server) trace(ctx context.Context, conn *net.UnixConn, lines *bufio.Reader, peer netip.Addr) error {
	if s.tracing == nil {
		return errors.New("this tunnel cannot be traced")
	}
	if s.traces.Add(1) > maxTraces {
		s.traces.Add(-1)
		return fmt.Errorf("%d others trace this tunnel already: end one of them", maxTraces)
	}
	defer s.traces.Add(-1)
	tap := s.tracing.Open(peer)
	defer tap.Close()
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil
	}
	watching, gone := context.WithCancel(ctx)
	defer gone()
	left := make(chan struct{})
	go func() {
		defer close(left)
		defer gone()
		_, _ = io.Copy(io.Discard, lines) // whatever a client says now
	}()
	defer func() {
		conn.Close()
		<-left
	}()
	// When ctx ends, a client that does not read is not waited for.
	stop := context.AfterFunc(ctx, func() { conn.SetWriteDeadline(time.Now().Add(lineTimeout)) })
	defer stop()
	encoder := json.NewEncoder(conn)
	write := func(batch []trace.Line) bool {
		for _, l := range batch {
			if encoder.Encode(l) != nil {
				return false
			}
		}
		return true
	}
	if !write([]trace.Line{{Time: time.Now(), Peer: peer, Text: begins}}) {
		return nil
	}
	for watching.Err() == nil {
		if !write(tap.Next(watching)) {
			return nil
		}
	}
	tap.Close()
	write(tap.Next(ctx))
	return nil
}

// Trace gives emit each line of the tunnel behind a socket, of one peer or, if that is invalid, of
// all, until ctx ends, emit fails, or the tunnel ends, which is errEnded.
func Trace(ctx context.Context, path string, peer netip.Addr, emit func(trace.Line) error) error {
	conn, err := reach(ctx, path)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	err = watch(conn, peer, emit)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("status socket %s: %w", path, bare(err))
}

// errEnded says that a tunnel that was traced has ended.
var errEnded = errors.New("the tunnel has ended")

func watch(conn net.Conn, peer netip.Addr, emit func(trace.Line) error) error {
	if err := checkServer(conn.(*net.UnixConn)); err != nil {
		return err
	}
	request := traceRequest
	if peer.IsValid() {
		request += " " + peer.String()
	}
	if _, err := io.WriteString(conn, request+"\n"); err != nil {
		return err
	}
	lines := bufio.NewReaderSize(conn, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return errEnded
		}
		if err != nil {
			return err
		}
		var answer struct {
			trace.Line
			Error string `json:"error"`
		}
		if err := json.Unmarshal(line, &answer); err != nil {
			return fmt.Errorf("the answer is no trace of this program: %w", err)
		}
		if answer.Error != "" {
			return errors.New(answer.Error)
		}
		if err := emit(answer.Line); err != nil {
			return err
		}
	}
}
