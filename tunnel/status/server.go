package status

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/trace"
)

const (
	request = "snapshot"
	// maxRequest bounds what is read before an answer, in bytes.
	maxRequest = 64
	// lineTimeout is how long the other side may take to write or read a line.
	lineTimeout = 2 * time.Second
	// maxClients bounds how many are served at once; more wait in the kernel's queue.
	maxClients = 16
)

// ErrInUse is a socket behind which a process answers.
var ErrInUse = errors.New("already in use")

// Server answers on one socket.
type Server struct {
	path     string
	listener *net.UnixListener
	info     fs.FileInfo // the socket's own, to remove no other
	tracing  *trace.Trace
	traces   atomic.Int32 // clients that watch it
}

// Listen makes the socket, with mode 0600 in a directory of mode 0700 that it creates if need
// be. One that a dead process left is replaced; one where a process answers is ErrInUse. An
// empty path is an error. The caller must call Serve or Close.
func Listen(path string) (*Server, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	if err := prepareDir(dir); err != nil {
		return nil, err
	}
	unlock, err := alone(path)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := removeStale(path); err != nil {
		return nil, err
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("status socket %s: %w: choose another path", path, bare(err))
	}
	listener.SetUnlinkOnClose(false)
	s := &Server{path: path, listener: listener}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("status socket %s: %w", path, bare(err)), s.Close())
	}
	if s.info, err = os.Lstat(path); err != nil {
		return nil, errors.Join(fmt.Errorf("status socket %s: %w", path, bare(err)), s.Close())
	}
	return s, nil
}

// alone keeps others from listening in the directory: two processes that start at once must not
// take each other's new socket for a dead one.
func alone(path string) (unlock func(), err error) {
	dir := filepath.Dir(path)
	if unlock, err = lockDir(dir, lineTimeout); err != nil {
		return nil, fmt.Errorf("status socket %s: lock %s: %w: choose a directory that is this user's alone", path, dir, bare(err))
	}
	return unlock, nil
}

// RemoveDead removes the socket that a dead process has left at path, if there is one. Where a
// process answers, nothing changes.
func RemoveDead(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	unlock, err := alone(path)
	if err != nil {
		return err
	}
	defer unlock()
	if err := removeStale(path); !errors.Is(err, ErrInUse) {
		return err
	}
	return nil
}

// prepareDir creates the directory, or checks the one that is there. The default one is ours
// by name and made private again; any other keeps its mode, for the socket's own and the
// check of who connects hold there too.
func prepareDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("status socket: create %s: %w: choose another place with --status-socket", dir, bare(err))
	}
	if dir != DefaultDir() {
		return nil
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("status socket: %w", err)
	}
	if uid, known := owner(info); !info.IsDir() || known && uid != os.Geteuid() {
		return fmt.Errorf("status socket: %s is not a directory of this user: remove it, or choose another place with --status-socket", dir)
	}
	if info.Mode().Perm() == 0o700 {
		return nil
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("status socket: make %s private: %w", dir, bare(err))
	}
	return nil
}

// removeStale clears the way for a new socket, unless something is there that is not a dead
// process's.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("status socket %s: %w", path, bare(err))
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("status socket %s: a file that is no socket has this name: remove it, or choose another path", path)
	}
	conn, err := net.DialTimeout("unix", path, lineTimeout)
	if err == nil {
		conn.Close()
		return fmt.Errorf("status socket %s: %w by a running tunnel: stop that one, or choose another path", path, ErrInUse)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("status socket %s: %w: remove it if no tunnel runs", path, bare(err))
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("status socket %s of a tunnel that is gone: %w", path, bare(err))
	}
	return nil
}

// Close stops listening and removes the socket, if it is still this server's.
func (s *Server) Close() error {
	err := s.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	if now, statErr := os.Lstat(s.path); statErr == nil && (s.info == nil || os.SameFile(s.info, now)) {
		err = errors.Join(err, os.Remove(s.path))
	}
	return err
}

// Serve answers until ctx ends; snapshot is called for every request, from several goroutines. When
// it returns, the socket is removed and no goroutine of
// it runs.
func (s *Server) Serve(ctx context.Context, snapshot func() Snapshot) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { s.listener.SetDeadline(time.Unix(1, 0)) }) // wakes Accept
	defer stop()
	var clients sync.WaitGroup
	slots := make(chan struct{}, maxClients)
	defer clients.Wait()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return s.Close()
		}
		conn, err := s.listener.AcceptUnix()
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			if conn != nil {
				conn.Close()
			}
			cancel()
			return s.Close()
		}
		if err != nil {
			// Out of descriptors, say: others may free some.
			<-slots
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		clients.Add(1)
		go func() {
			defer clients.Done()
			defer func() { <-slots }()
			s.answer(ctx, conn, snapshot)
		}()
	}
}

// answer serves one client: as many requests as it makes, each in time.
func (s *Server) answer(ctx context.Context, conn *net.UnixConn, snapshot func() Snapshot) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	encoder := json.NewEncoder(conn)
	refuse := func(why string) { _ = encoder.Encode(failure{why}) } // a client that hung up misses nothing
	if err := checkPeer(conn); err != nil {
		refuse(err.Error())
		return
	}
	lines := bufio.NewReaderSize(conn, maxRequest)
	for ctx.Err() == nil {
		if !extend(ctx, conn) {
			return
		}
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			refuse(fmt.Sprintf("the request is longer than %d bytes", maxRequest))
			return
		}
		if err != nil {
			return
		}
		if peer, is, err := parseTrace(string(line)); is {
			// The deadline of now would cut the last lines off.
			if stop() && err == nil {
				err = s.trace(ctx, conn, lines, peer)
			}
			if err != nil {
				refuse(err.Error())
			}
			return
		}
		if string(line) != request+"\n" {
			refuse(fmt.Sprintf("unknown request %q: write %q or %q", line, request, traceRequest))
			return
		}
		if !extend(ctx, conn) || encoder.Encode(snapshot().normal()) != nil {
			return
		}
	}
}

// extend sets the next deadline, without undoing the one that ends everything.
func extend(ctx context.Context, conn net.Conn) bool {
	if conn.SetDeadline(time.Now().Add(lineTimeout)) != nil {
		return false
	}
	if ctx.Err() != nil { // it ended in between: the deadline just set hides that
		return false
	}
	return true
}

// failure is the answer to what cannot be answered.
type failure struct {
	Error string `json:"error"`
}

// bare is the error without the operation and the path, which are named already.
func bare(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err
}
