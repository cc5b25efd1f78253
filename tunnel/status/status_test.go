package status

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func example() Snapshot {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return Snapshot{
		Time:    start.Add(time.Hour),
		Process: Process{Version: "v1.0.0", Role: RoleServer, PID: 42, Started: start, Device: "arc40", Listen: "0.0.0.0:1723", Backend: "amd64", BackendWhy: "fastest of 4"},
		Sessions: []Session{{
			ID: "1", User: "alice", Peer: "198.51.100.7", Local: netip.MustParseAddr("10.99.0.1"), Remote: netip.MustParseAddr("10.99.0.100"),
			State: "up", Since: start.Add(time.Minute), Auth: "MS-CHAPv2", MTU: 1396, Policy: "order",
			MPPE:    MPPE{Strength: 128, Stateless: true, Counters: Counters{"rekeys": 7}},
			Window:  Window{Accepted: 1, UnderWindow: 2, Buffered: 3, Duplicated: 4, Lost: 5},
			Traffic: Traffic{BytesIn: 6, BytesOut: 7, PacketsIn: 8, PacketsOut: 9, AcksIn: 10, AcksOut: 11}, Counters: Counters{"implausible": 12},
		}},
		Totals:  Totals{Sessions: 3, Traffic: Traffic{BytesIn: 1 << 60}},
		Refused: map[string]uint64{"authentication": 2},
		Bans:    []Ban{{Address: "198.51.100.9", User: "mallory", Since: start, Until: start.Add(time.Minute), Failures: 6, Why: "6 failed logins"}},
	}
}

// serve runs a server on a socket in a fresh directory until the test ends.
func serve(t *testing.T, snapshot func() Snapshot) (path string, stop func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "arc4", "x.sock")
	s, err := Listen(path)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, snapshot) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(t, <-done)
		})
	}
	t.Cleanup(stop)
	return path, stop
}

func TestJSONNames(t *testing.T) {
	encoded, err := json.Marshal(example())
	require.NoError(t, err)
	for _, want := range []string{
		`"process":{"version":"v1.0.0","role":"server","pid":42,"started":"2026-01-02T03:04:05Z"`,
		`"backend":"amd64","backend_why":"fastest of 4"`,
		`"window":{"accepted":1,"under_window":2,"buffered":3,"duplicated":4,"lost":5}`,
		`"bytes_in":6,"bytes_out":7,"packets_in":8,"packets_out":9,"acks_in":10,"acks_out":11`,
		`"mppe":{"strength":128,"stateless":true,"counters":{"rekeys":7}}`,
		`"local":"10.99.0.1","remote":"10.99.0.100"`,
		`"counters":{"implausible":12}`, `"refused":{"authentication":2}`, `"bytes_in":1152921504606846976`,
	} {
		assert.Contains(t, string(encoded), want)
	}
}

func TestFetch(t *testing.T) {
	want := example()
	path, stop := serve(t, func() Snapshot { return want })

	dir, err := os.Stat(filepath.Dir(path))
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o700), dir.Mode().Perm())
	sock, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), sock.Mode().Perm())

	for range 3 {
		got, err := Fetch(context.Background(), path)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	stop()
	_, err = os.Lstat(path)
	assert.ErrorIs(t, err, fs.ErrNotExist, "removed on exit")
	_, err = Fetch(context.Background(), path)
	assert.ErrorIs(t, err, ErrNoTunnel)
	assert.ErrorContains(t, err, path)
}

func TestEmptySnapshotHasNoNulls(t *testing.T) {
	path, _ := serve(t, func() Snapshot { return Snapshot{} })
	conn := dial(t, path)
	_, err := io.WriteString(conn, "snapshot\n")
	require.NoError(t, err)
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	assert.Contains(t, line, `"sessions":[]`)
	assert.Contains(t, line, `"refused":{}`)
	assert.NotContains(t, line, "null")
}

func TestFetchAll(t *testing.T) {
	dir := t.TempDir()
	_, err := FetchAll(context.Background(), dir)
	assert.ErrorIs(t, err, ErrNoTunnel)
	_, err = FetchAll(context.Background(), filepath.Join(dir, "absent"))
	assert.ErrorIs(t, err, ErrNoTunnel)

	ctx, cancel := context.WithCancel(context.Background())
	var servers sync.WaitGroup
	for i, name := range []string{"b.sock", "a.sock"} {
		s, err := Listen(filepath.Join(dir, name))
		require.NoError(t, err)
		servers.Add(1)
		go func() {
			defer servers.Done()
			assert.NoError(t, s.Serve(ctx, func() Snapshot { return Snapshot{Process: Process{PID: i}} }))
		}()
	}
	leaveStale(t, filepath.Join(dir, "stale.sock"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file.sock"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600))

	results, err := FetchAll(context.Background(), dir)
	require.NoError(t, err)
	require.Len(t, results, 2)
	assert.Equal(t, filepath.Join(dir, "a.sock"), results[0].Path)
	assert.Equal(t, 1, results[0].Snapshot.Process.PID)
	assert.NoError(t, results[1].Err)
	cancel()
	servers.Wait()
}

// leaveStale makes what a killed process leaves: a socket file nobody listens on.
func leaveStale(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	l.SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
	_, err = os.Lstat(path)
	require.NoError(t, err)
}

func TestListenStaleAndLive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	leaveStale(t, path)
	_, err := Fetch(context.Background(), path)
	require.ErrorIs(t, err, ErrNoTunnel)

	first, err := Listen(path)
	require.NoError(t, err, "a dead process's socket is replaced")
	_, err = Listen(path)
	require.ErrorIs(t, err, ErrInUse)
	assert.ErrorContains(t, err, path)
	require.NoError(t, first.Close())
	require.NoError(t, first.Close())
	_, err = os.Lstat(path)
	require.ErrorIs(t, err, fs.ErrNotExist)

	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	_, err = Listen(path)
	assert.ErrorContains(t, err, "no socket has this name")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(text))
}

func TestRemoveDead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	require.NoError(t, RemoveDead(filepath.Join(t.TempDir(), "none", "x.sock")))
	leaveStale(t, path)
	require.NoError(t, RemoveDead(path))
	require.NoFileExists(t, path)
	s, err := Listen(path)
	require.NoError(t, err)
	require.NoError(t, RemoveDead(path))
	_, err = os.Lstat(path)
	require.NoError(t, err, "somebody answers there")
	require.NoError(t, s.Close())
}

func TestListenRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	leaveStale(t, path)
	var wg sync.WaitGroup
	var won atomic.Int32
	servers := make(chan *Server, 8)
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s, err := Listen(path)
			if err == nil {
				won.Add(1)
				servers <- s
				return
			}
			assert.ErrorIs(t, err, ErrInUse)
		}()
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load(), "exactly one of those who start at once")
	require.NoError(t, (<-servers).Close())
}

// A server that ends late does not remove its successor's socket.
func TestCloseLeavesAnothersSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	first, err := Listen(path)
	require.NoError(t, err)
	require.NoError(t, os.Rename(path, path+".old"))
	second, err := Listen(path)
	require.NoError(t, err)
	require.NoError(t, first.Close())
	_, err = os.Lstat(path)
	require.NoError(t, err)
	require.NoError(t, second.Close())
}

func TestListenErrors(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for path, want := range map[string]string{
		"":                            "the path is empty",
		long:                          "at most 103 fit",
		filepath.Join(file, "x.sock"): "not a directory",
	} {
		_, err := Listen(path)
		require.Error(t, err)
		assert.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "\n")
	}
	_, err := Fetch(context.Background(), file)
	assert.ErrorContains(t, err, "is a file, no socket")
	_, err = Fetch(context.Background(), long)
	assert.ErrorContains(t, err, "at most 103 fit")
}

func dial(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", path)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestBadRequests(t *testing.T) {
	path, _ := serve(t, example)
	for name, tc := range map[string]struct{ send, want string }{
		"unknown":      {"reboot\n", `unknown request`},
		"empty line":   {"\n", "unknown request"},
		"too long":     {strings.Repeat("snapshot", 1000), "longer than 64 bytes"},
		"HTTP":         {"GET / HTTP/1.1\r\n", "unknown request"},
		"after a good": {"snapshot\nsnapshots\n", "unknown request"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, path)
			_, _ = io.WriteString(conn, tc.send) // the server may hang up before the end
			answer, _ := io.ReadAll(conn)
			assert.Contains(t, string(answer), tc.want)
		})
	}
	conn := dial(t, path)
	_, err := io.WriteString(conn, "snap")
	require.NoError(t, err)
	require.NoError(t, conn.(*net.UnixConn).CloseWrite())
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Empty(t, answer, "a request without an end has no answer")
}

// Silent clients, more than are served at once, do not hold up the end.
func TestServeEndsWithIdleClients(t *testing.T) {
	path, stop := serve(t, example)
	for range maxClients + 5 {
		dial(t, path)
	}
	stop()
}

func TestSnapshotsFromManyClients(t *testing.T) {
	var calls atomic.Int64
	path, _ := serve(t, func() Snapshot { calls.Add(1); return example() })
	var wg sync.WaitGroup
	for range 20 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			got, err := Fetch(context.Background(), path)
			assert.NoError(t, err)
			assert.Len(t, got.Sessions, 1)
		}()
	}
	wg.Wait()
	assert.EqualValues(t, 20, calls.Load())
}

func TestFetchContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	s, err := Listen(path) // accepts in the kernel, answers never
	require.NoError(t, err)
	defer s.Close()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := Fetch(ctx, path)
		done <- err
	}()
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

func TestDecodeRefuses(t *testing.T) {
	for answer, want := range map[string]string{
		"":                           "ends after 0 bytes",
		`{"process":{}}`:             "without its end",
		"hello\n":                    "no status of this program",
		`{"error":"not you"}` + "\n": "not you",
	} {
		_, err := decode([]byte(answer))
		assert.ErrorContains(t, err, want)
	}
}

func FuzzDecode(f *testing.F) {
	encoded, err := json.Marshal(example())
	require.NoError(f, err)
	f.Add(append(encoded, '\n'))
	f.Add([]byte(`{"sessions":[{"local":"x"}]}` + "\n"))
	f.Add([]byte(`{"error":"no"}` + "\n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		s, err := decode(line)
		if err != nil {
			return
		}
		again, err := json.Marshal(s)
		require.NoError(t, err)
		second, err := decode(append(again, '\n'))
		require.NoError(t, err)
		require.Equal(t, len(s.Sessions), len(second.Sessions))
	})
}

func TestDefaultPath(t *testing.T) {
	for name, want := range map[string]string{
		"serve":          "serve.sock",
		"connect-arc40":  "connect-arc40.sock",
		"../../etc/x":    "_.._etc_x.sock",
		"":               "arc4.sock",
		"..":             "arc4.sock",
		"a b\x00ü":       "a_b__.sock",
		"198.51.100.7:5": "198.51.100.7_5.sock",
	} {
		assert.Equal(t, filepath.Join(DefaultDir(), want), DefaultPath(name), "%q", name)
	}
	assert.LessOrEqual(t, len(DefaultPath(strings.Repeat("n", 500))), maxPath)
	if os.Geteuid() == 0 {
		assert.Equal(t, "/run/arc4", DefaultDir())
	} else {
		t.Setenv("XDG_RUNTIME_DIR", "/run/user/7")
		assert.Equal(t, "/run/user/7/arc4", DefaultDir())
		t.Setenv("XDG_RUNTIME_DIR", "")
		assert.Equal(t, filepath.Join(os.TempDir(), fmt.Sprintf("arc4-%d", os.Geteuid())), DefaultDir())
	}
}
