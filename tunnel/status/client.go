package status

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

// ErrNoTunnel is a socket, or a directory of sockets, behind which no process answers.
var ErrNoTunnel = errors.New("no tunnel is running")

// maxAnswer bounds a snapshot, in bytes: some ten thousand sessions.
const maxAnswer = 64 << 20

// Fetch asks the process behind a socket. When there is none the error is ErrNoTunnel.
func Fetch(ctx context.Context, path string) (Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*lineTimeout)
	defer cancel()
	conn, err := reach(ctx, path)
	if err != nil {
		return Snapshot{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	snapshot, err := ask(conn)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return Snapshot{}, fmt.Errorf("status socket %s: %w", path, bare(err))
	}
	return snapshot, nil
}

// reach connects to the process behind a socket. When there is none the error is ErrNoTunnel.
func reach(ctx context.Context, path string) (net.Conn, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeSocket == 0 {
		return nil, fmt.Errorf("status socket %s is a file, no socket: name the tunnel's --status-socket", path)
	}
	dialer := net.Dialer{Timeout: 2 * lineTimeout}
	conn, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: there is no socket %s", ErrNoTunnel, path)
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w: nothing answers at %s, which a tunnel left that was killed", ErrNoTunnel, path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("status socket %s: %w: run as the user the tunnel runs as", path, bare(err))
	case err != nil:
		return nil, fmt.Errorf("status socket %s: %w", path, bare(err))
	}
	return conn, nil
}

func ask(conn net.Conn) (Snapshot, error) {
	if err := checkServer(conn.(*net.UnixConn)); err != nil {
		return Snapshot{}, err
	}
	if _, err := io.WriteString(conn, request+"\n"); err != nil {
		return Snapshot{}, err
	}
	line, err := bufio.NewReader(io.LimitReader(conn, maxAnswer)).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return Snapshot{}, err
	}
	return decode(line)
}

// checkServer believes processes of the same user and of root; another could have made a
// socket where this looks for one. Root looks into anybody's.
func checkServer(conn *net.UnixConn) error {
	uid, known, err := peerUID(conn)
	if err != nil {
		return fmt.Errorf("whose it is cannot be told: %w", err)
	}
	if us := os.Geteuid(); known && uid != us && uid != 0 && us != 0 {
		return fmt.Errorf("it belongs to uid %d, and is believed only from uid %d and root: run as that user", uid, us)
	}
	return nil
}

// decode reads an answer: a snapshot, or why there is none.
func decode(line []byte) (Snapshot, error) {
	var answer struct {
		Snapshot
		Error string `json:"error"`
	}
	if len(line) == 0 || line[len(line)-1] != '\n' {
		return Snapshot{}, fmt.Errorf("the answer ends after %d bytes, without its end", len(line))
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return Snapshot{}, fmt.Errorf("the answer is no status of this program: %w", err)
	}
	if answer.Error != "" {
		return Snapshot{}, errors.New(answer.Error)
	}
	return answer.normal(), nil
}

// Result is one socket's answer, or why there is none.
type Result struct {
	Path     string
	Snapshot Snapshot
	Err      error
}

// FetchAll asks every process with a socket in a directory. Sockets that dead processes left
// are passed over; when nobody answers, the error is ErrNoTunnel.
func FetchAll(ctx context.Context, dir string) ([]Result, error) {
	paths, err := List(dir)
	if err != nil {
		return nil, err
	}
	var results []Result
	for _, path := range paths {
		snapshot, err := Fetch(ctx, path)
		if !errors.Is(err, ErrNoTunnel) {
			results = append(results, Result{path, snapshot, err})
		}
	}
	if len(results) == 0 {
		return nil, fmt.Errorf("%w: nothing answers in %s", ErrNoTunnel, dir)
	}
	return results, nil
}
