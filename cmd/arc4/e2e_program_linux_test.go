package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// program is one run of arc4 on a machine, in a process of its own.
type program struct {
	cmd    *exec.Cmd
	name   string
	stdout record
	stderr record
	ended  chan struct{} // closed when the process is gone and its output read
}

// record keeps what a program writes and can be read meanwhile.
type record struct {
	mu   sync.Mutex
	text []byte
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = append(r.text, p...)
	return len(p), nil
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.text)
}

// heedHUP has programs begin with SIGHUP as it is by default, also where the tests run under nohup:
// a signal that is ignored stays so in a child, one that is handled does not.
var heedHUP = sync.OnceFunc(func() { signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) })

// command prepares arc4 on a machine. The test binary is the program: TestMain goes by the name in
// the first argument.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	heedHUP()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := &exec.Cmd{Path: self, Args: append([]string{"arc4"}, args...)}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "ARC4_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	// Under the race detector a program sleeps for a second before it exits, unless it is told not
	// to.
	cmd.Env = append(cmd.Env, "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = new(syscall.SysProcAttr)
	return cmd
}

// start runs arc4 on the machine.
func (m *machine) start(t *testing.T, args ...string) *program {
	t.Helper()
	return m.run(t, command(t, args...))
}

// run starts a prepared command on the machine. The program ends with the test at the latest,
// whatever ends that, and what it wrote is shown if the test fails.
func (m *machine) run(t *testing.T, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{cmd: cmd, name: m.name + ": " + strings.Join(cmd.Args, " "), ended: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = &p.stdout
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &p.stderr
	}
	require.NoError(t, m.Start(cmd), p.name)
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // the exit code is in ProcessState
	}()
	t.Cleanup(func() {
		select {
		case <-p.ended:
		default:
			_ = cmd.Process.Kill()
			<-p.ended
		}
		written := p.stderr.String()
		for _, bad := range []string{"DATA RACE", "panic:", "fatal error:", "goroutine "} {
			assert.NotContains(t, written, bad, p.name)
		}
		if t.Failed() {
			t.Logf("%s\n%s%s", p.name, p.stdout.String(), written)
		}
	})
	return p
}

// running reports whether the process is still there.
func (p *program) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// waitLog waits until what the program has written to its log matches, times times.
func (p *program) waitLog(t *testing.T, pattern string, times int) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	waitFor(t, fmt.Sprintf("%q from %s", pattern, p.name), func() error {
		over := !p.running() // before the look: what it wrote last is there then
		n := len(re.FindAllString(p.stderr.String(), -1))
		if n < times && over {
			require.FailNow(t, "the program has ended", "%s ended with code %d before it wrote %q", p.name, p.cmd.ProcessState.ExitCode(), pattern)
		}
		if n < times {
			return fmt.Errorf("seen %d times", n)
		}
		return nil
	})
}

// wait gives the exit code.
func (p *program) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		require.FailNow(t, "the program does not end", p.name)
	}
	return p.cmd.ProcessState.ExitCode()
}

// signal sends one.
func (p *program) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(s))
}

// stop ends the program by a signal and holds it to a clean end.
func (p *program) stop(t *testing.T, s syscall.Signal) {
	t.Helper()
	p.signal(t, s)
	require.Equal(t, exit.OK, p.wait(t), "after %v: %s", s, p.name)
}

// fails waits for the program to end with an exit code and gives its last line, the error.
func (p *program) fails(t *testing.T, code int) string {
	t.Helper()
	got := p.wait(t)
	lines := strings.Split(strings.TrimSpace(p.stderr.String()), "\n")
	last := lines[len(lines)-1]
	require.Equal(t, code, got, "%s: %s", p.name, last)
	require.True(t, strings.HasPrefix(last, "arc4: "), "the last line is no error: %s", last)
	return last
}

// secretsFile writes a file that its owner alone may read.
func secretsFile(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "chap-secrets")
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	return name
}

const twoUsers = "alice * wonderland *\nbob * builder *\n"

// serve starts a server and waits until it answers.
func (l *testbed) serve(t *testing.T, args ...string) *program {
	t.Helper()
	return l.serveWith(t, secretsFile(t, twoUsers), args...)
}

func (l *testbed) serveWith(t *testing.T, secrets string, args ...string) *program {
	t.Helper()
	p := l.server.start(t, serveArgs(secrets, args...)...)
	p.waitLog(t, "msg=answering", 1)
	return p
}

// serveArgs are the arguments of a server; a flag in args replaces one of these.
func serveArgs(secrets string, args ...string) []string {
	all := []string{"serve", "--local-ip", tunnelLocal, "--pool", "10.99.0.100-10.99.0.102", "--secrets", secrets}
	if !slices.Contains(args, "--listen") {
		all = append(all, "--listen", serverOuter)
	}
	return append(all, args...)
}

// connect starts a client as alice; a flag in args replaces the default.
func (l *testbed) connect(t *testing.T, args ...string) *program {
	t.Helper()
	return l.connectTo(t, serverOuter, "wonderland", args...)
}

func (l *testbed) connectTo(t *testing.T, server, password string, args ...string) *program {
	t.Helper()
	cmd := command(t, append([]string{"connect", server, "--user", "alice"}, args...)...)
	cmd.Env = append(cmd.Env, "ARC4_PASSWORD="+password)
	return l.client.run(t, cmd)
}

// up waits until the client's tunnel is.
func (p *program) up(t *testing.T) *program {
	t.Helper()
	p.waitLog(t, "tunnel is up", 1)
	return p
}

// status asks with the program itself, on a machine that has one tunnel.
func (m *machine) status(t *testing.T, args ...string) status.Snapshot {
	t.Helper()
	p := m.start(t, append([]string{"status", "--json"}, args...)...)
	require.Equal(t, exit.OK, p.wait(t), p.stderr.String())
	var all []status.Snapshot
	require.NoError(t, json.Unmarshal([]byte(p.stdout.String()), &all))
	require.Len(t, all, 1)
	return all[0]
}

// session is the only one of a snapshot.
func session(t *testing.T, s status.Snapshot) status.Session {
	t.Helper()
	require.Len(t, s.Sessions, 1)
	return s.Sessions[0]
}

// sessions is how many a server has, asked over its socket without a process of its own.
func (m *machine) sessions(t *testing.T) (n int) {
	t.Helper()
	m.Must(t, func() error {
		s, err := status.Fetch(t.Context(), "/run/arc4/serve.sock")
		n = len(s.Sessions)
		return err
	})
	return n
}

// noSessions waits until the server has given everything back.
func (m *machine) noSessions(t *testing.T) {
	t.Helper()
	waitFor(t, "the end of the sessions", func() error {
		if n := m.sessions(t); n > 0 {
			return fmt.Errorf("%d sessions", n)
		}
		return nil
	})
}

// nobody is a user without any right, in whose hands a copy of the program is.
func nobody(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	const uid = 65534
	cmd := command(t, args...)
	binary, err := os.ReadFile(cmd.Path)
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "arc4-e2e") // t.TempDir is closed to others
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	cmd.Path = filepath.Join(dir, "arc4")
	labtest.WriteProgram(t, cmd.Path, binary)
	cmd.Dir = "/"
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: uid}
	for at := dir; at != "/"; at = filepath.Dir(at) {
		var s unix.Stat_t
		require.NoError(t, unix.Stat(at, &s))
		if s.Mode&0o001 == 0 {
			labtest.Skip(t, "uid %d may not enter %s", uid, at)
		}
	}
	return cmd
}
