package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// endings are the ways to end a program with signals.
var endings = []struct {
	name    string
	signals []syscall.Signal
}{
	{"TERM", []syscall.Signal{syscall.SIGTERM}},
	{"INT", []syscall.Signal{syscall.SIGINT}},
	{"QUIT", []syscall.Signal{syscall.SIGQUIT}},
	{"twice", []syscall.Signal{syscall.SIGINT, syscall.SIGINT}},
	{"five times", []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT}},
	{"stopped and continued before", []syscall.Signal{syscall.SIGTSTP, syscall.SIGCONT, syscall.SIGTERM}},
}

// endsBy sends the signals, and holds the program to a clean end without a word from Go.
func (p *program) endsBy(t *testing.T, signals ...syscall.Signal) {
	t.Helper()
	for _, s := range signals {
		if err := p.cmd.Process.Signal(s); !errors.Is(err, os.ErrProcessDone) {
			require.NoError(t, err)
		}
	}
	require.Equal(t, exit.OK, p.wait(t), p.name)
	assert.NotContains(t, p.stderr.String(), "goroutine")
}

// everything is a client whose tunnel takes everything, so that it needs a way around it.
func (l *testbed) everything(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := command(t, "connect", serverFar, "--user", "alice", "--default-route")
	cmd.Env = append(cmd.Env, "ARC4_PASSWORD=wonderland")
	return cmd
}

// open waits until the machine's tunnels are: sockets of serve or connect with so many sessions up.
func (m *machine) open(t *testing.T, what string, sessions int) {
	t.Helper()
	waitFor(t, "sessions of "+what, func() error {
		return m.Do(func() error {
			s, err := status.Fetch(t.Context(), "/run/arc4/"+what+".sock")
			if err != nil {
				return err
			}
			up := 0
			for _, s := range s.Sessions {
				if s.State == "up" {
					up++
				}
			}
			if up != sessions {
				return fmt.Errorf("%d are up", up)
			}
			return nil
		})
	})
}

// TestE2ESignalsClient: whatever ends a client, its machine is as it was before.
func TestE2ESignalsClient(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t, "--listen", serverFar)
	before := l.client.snapshot(t)
	rows := append(endings, struct {
		name    string
		signals []syscall.Signal
	}{"HUP", []syscall.Signal{syscall.SIGHUP}})
	for _, tc := range rows {
		t.Run(tc.name, func(t *testing.T) {
			client := l.client.run(t, l.everything(t)).up(t)
			require.NotEqual(t, before, l.client.snapshot(t))
			client.endsBy(t, tc.signals...)
			assert.Equal(t, before, l.client.snapshot(t))
			l.server.noSessions(t)
		})
	}
}

// TestE2ESignalsServer is the same for a server with a client.
func TestE2ESignalsServer(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	before := l.server.snapshot(t)
	for _, tc := range endings {
		t.Run(tc.name, func(t *testing.T) {
			server := l.serve(t)
			client := l.connect(t).up(t)
			require.NotEqual(t, before, l.server.snapshot(t))
			server.endsBy(t, tc.signals...)
			assert.Equal(t, before, l.server.snapshot(t))
			client.fails(t, exit.Network)
		})
	}
}

// TestE2EHangUpReloads: SIGHUP has a server read its users again at once, and ends nothing.
func TestE2EHangUpReloads(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	secrets := secretsFile(t, "bob * builder *\n")
	server := l.serveWith(t, secrets)
	require.NoError(t, os.WriteFile(secrets, []byte(twoUsers), 0o600))
	server.signal(t, syscall.SIGHUP)
	server.waitLog(t, "secrets file was read again.* secrets=2", 1)
	client := l.connect(t).up(t)

	require.NoError(t, os.WriteFile(secrets, []byte("alice * \"\n"), 0o600))
	server.signal(t, syscall.SIGHUP)
	server.waitLog(t, "secrets file changed, but cannot be used", 1)
	l.client.ping(t, tunnelLocal, 84)
	client.stop(t, syscall.SIGTERM)
	server.stop(t, syscall.SIGTERM)
}

// TestE2EUndoBeforeFarewell: with a server that does not answer any more, routes are taken back
// before it is told, and a second signal ends the telling.
func TestE2EUndoBeforeFarewell(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]bool{"waiting": false, "a second signal": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newTestbed(t)
			server := l.serve(t, "--listen", serverFar)
			before := l.client.snapshot(t)
			client := l.client.run(t, l.everything(t)).up(t)
			server.signal(t, syscall.SIGSTOP)
			began := time.Now()
			client.signal(t, syscall.SIGINT)
			client.waitLog(t, "msg=\"ending: ", 1)
			device, _ := l.client.way(t, serverInner)
			assert.Equal(t, "wire", device)
			if again {
				client.signal(t, syscall.SIGINT)
			}
			require.Equal(t, exit.OK, client.wait(t))
			t.Logf("ended after %v", time.Since(began).Round(time.Millisecond))
			assert.Equal(t, before, l.client.snapshot(t))
		})
	}
}

// readers are who may read a program's standard error, and stop reading it. Each gives what to
// write to, and what happens to the reader once the tunnel is up.
var readers = []struct {
	name string
	open func(*testing.T, *exec.Cmd) (gone func())
	ends bool // the program, without a signal
}{
	{"2>&1 | head -1", func(t *testing.T, cmd *exec.Cmd) func() {
		r, w := pipe(t)
		cmd.Stderr = w
		go func() {
			_, _ = r.Read(make([]byte, 1))
			_ = r.Close()
		}()
		return func() {}
	}, false},
	{"2>&1 | tee log, and control-C kills tee first", func(t *testing.T, cmd *exec.Cmd) func() {
		r, w := pipe(t)
		cmd.Stderr = w
		tee := exec.Command("cat")
		tee.Stdin, tee.Stdout = r, nil
		require.NoError(t, tee.Start())
		_ = r.Close()
		return func() {
			_ = tee.Process.Signal(syscall.SIGINT)
			_ = tee.Wait()
		}
	}, false},
	{"nobody reads", func(t *testing.T, cmd *exec.Cmd) func() {
		_, w := pipe(t)
		cmd.Stderr = w
		fd := int(w.Fd()) // which makes it blocking, each time
		require.NoError(t, syscall.SetNonblock(fd, true))
		for n, err := 1, error(nil); err == nil && n > 0; {
			n, err = syscall.Write(fd, make([]byte, 512))
		}
		require.NoError(t, syscall.SetNonblock(fd, false))
		return func() {}
	}, false},
	{"a full disk", func(t *testing.T, cmd *exec.Cmd) func() {
		w, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		require.NoError(t, err)
		t.Cleanup(func() { _ = w.Close() })
		cmd.Stderr = w
		return func() {}
	}, false},
	{"a terminal that is closed", func(t *testing.T, cmd *exec.Cmd) func() {
		return onTerminal(t, cmd).close
	}, true},
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = r.Close()
		_ = w.Close()
	})
	_, err = unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 4096)
	require.NoError(t, err)
	return r, w
}

// TestE2EReaderGone: nobody who reads the log, or does not, keeps a tunnel from working and from
// putting everything back.
func TestE2EReaderGone(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	clientBefore, serverBefore := l.client.snapshot(t), l.server.snapshot(t)
	for _, tc := range readers {
		t.Run(tc.name, func(t *testing.T) {
			serve := command(t, serveArgs(secretsFile(t, twoUsers), "--listen", serverFar)...)
			serverGone := tc.open(t, serve)
			server := l.server.run(t, serve)
			l.server.open(t, "serve", 0)
			connect := l.everything(t)
			clientGone := tc.open(t, connect)
			client := l.client.run(t, connect)
			l.client.open(t, "connect", 1)

			clientGone()
			if !tc.ends {
				l.client.ping(t, serverInner, 84)
				client.signal(t, syscall.SIGINT)
			}
			assert.Equal(t, exit.OK, client.wait(t))
			assert.Equal(t, clientBefore, l.client.snapshot(t))

			serverGone()
			if !tc.ends {
				l.server.noSessions(t)
				l.connectTo(t, serverFar, "wonderland").up(t).stop(t, syscall.SIGTERM)
				server.signal(t, syscall.SIGINT)
			}
			assert.Equal(t, exit.OK, server.wait(t))
			assert.Equal(t, serverBefore, l.server.snapshot(t))
		})
	}
}

// TestE2ENohup: who was started to outlive its terminal does.
func TestE2ENohup(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t, "--listen", serverFar)
	cmd := l.everything(t)
	program := filepath.Join(t.TempDir(), "arc4") // the test binary goes by its name
	require.NoError(t, os.Symlink(cmd.Path, program))
	nohup, err := exec.LookPath("nohup")
	require.NoError(t, err)
	cmd.Path, cmd.Args = nohup, append([]string{"nohup", program}, cmd.Args[1:]...)
	client := l.client.run(t, cmd).up(t)
	client.signal(t, syscall.SIGHUP)
	l.client.ping(t, serverInner, 84)
	client.stop(t, syscall.SIGTERM)
}
