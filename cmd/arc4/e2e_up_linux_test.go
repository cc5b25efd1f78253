//go:build !noprofiles

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// laptop is a client with profiles, whose tunnels run in the background.
type laptop struct {
	*testbed
	home home
	logs string
}

// newLaptop has a profile "office", and every run in the background end with the test.
func newLaptop(t *testing.T) *laptop {
	t.Helper()
	l := &laptop{testbed: newTestbed(t), home: newHome(t), logs: t.TempDir()}
	l.client.ownDir(t, "/var/log", l.logs)
	l.home.profile(t, "office", officeProfile+"route = [\""+serverInner+"/32\"]\n")
	t.Cleanup(func() {
		// The context of the test has ended; and what is in the background must not outlive it.
		entries, _ := filepath.Glob(filepath.Join(l.home.dir, "arc4", "*.toml"))
		for _, path := range entries {
			p := l.home.start(t, l.client, nil, "down", strings.TrimSuffix(filepath.Base(path), ".toml"))
			<-p.ended
		}
		if t.Failed() {
			for _, log := range []string{"office", "other"} {
				text, _ := os.ReadFile(filepath.Join(l.logs, "arc4", log+".log"))
				t.Logf("%s.log:\n%s", log, text)
			}
		}
	})
	return l
}

// does runs a command to its end, which has to be well, and gives what it says.
func (l *laptop) does(t *testing.T, args ...string) string {
	t.Helper()
	p := l.home.start(t, l.client, nil, args...)
	require.Equal(t, exit.OK, p.wait(t), "%s: %s", p.name, p.stderr.String())
	return p.stdout.String()
}

// fails runs a command that has to fail, and gives its error.
func (l *laptop) fails(t *testing.T, code int, args ...string) string {
	t.Helper()
	return l.home.start(t, l.client, nil, args...).fails(t, code)
}

// listed is the row of a profile.
func (l *laptop) listed(t *testing.T, name string) report.Profile {
	t.Helper()
	var rows []report.Profile
	require.NoError(t, json.Unmarshal([]byte(l.does(t, "list", "--json")), &rows))
	for _, row := range rows {
		if row.Name == name {
			return row
		}
	}
	require.FailNow(t, "not listed", name)
	return report.Profile{}
}

// waitListed waits for a state.
func (l *laptop) waitListed(t *testing.T, name, state string) report.Profile {
	t.Helper()
	var row report.Profile
	waitFor(t, name+" to be "+state, func() error {
		if row = l.listed(t, name); row.State != state {
			return fmt.Errorf("it is %s", row.State)
		}
		return nil
	})
	return row
}

// TestE2EUp brings a tunnel up in the background, looks at it, and ends it.
func TestE2EUp(t *testing.T) {
	t.Parallel()
	l := newLaptop(t)
	l.serve(t)
	before := l.client.snapshot(t)
	assert.Equal(t, report.Profile{Name: "office", State: "down", File: filepath.Join(l.home.dir, "arc4", "office.toml")}, l.listed(t, "office"))

	assert.Regexp(t, `^office is up: 10\.99\.0\.10\d on arc40\n$`, l.does(t, "up", "office"))
	device, _ := l.client.way(t, serverInner)
	assert.Equal(t, "arc40", device, "packets pass when up is over")
	row := l.listed(t, "office")
	assert.Equal(t, []string{status.Up, "arc40", serverOuter, tunnelLocal}, []string{row.State, row.Device, row.Server, row.Remote})
	assert.Equal(t, row.PID, l.client.status(t).Process.PID)
	assert.Equal(t, "office", l.client.status(t).Process.Profile)
	table := l.does(t, "list")
	assert.Regexp(t, `(?m)^PROFILE +STATE +SINCE +DEVICE +LOCAL +FILE\noffice +up +\S+ \S+ +arc40 +10\.99\.0\.10\d +/\S+/office\.toml$`, table)

	assert.Equal(t, fmt.Sprintf("office is up already, as process %d\n", row.PID), l.does(t, "up", "office"))
	other := l.home.start(t, l.client, nil, "connect", "--profile", "office")
	assert.Equal(t, fmt.Sprintf(`arc4: office runs already, as process %d: "arc4 down office" ends it`, row.PID), other.fails(t, exit.Failure))
	assert.Equal(t, row.PID, l.listed(t, "office").PID, "whoever asked has changed nothing")

	log := l.does(t, "logs", "office")
	assert.Contains(t, log, "tunnel is up")
	assert.NotContains(t, log, "wonderland")
	follower := l.home.start(t, l.client, nil, "logs", "office", "--follow")
	waitFor(t, "the log so far", func() error {
		if !strings.Contains(follower.stdout.String(), "tunnel is up") {
			return os.ErrNotExist
		}
		return nil
	})

	// A profile that was changed; with a mistake in it, it stays as it was.
	l.home.profile(t, "office", officeProfile+"mtu = 1\n")
	assert.Contains(t, l.fails(t, exit.Usage, "restart", "office")+l.fails(t, exit.Usage, "restart", "offise"), "did you mean office?")
	l.home.profile(t, "office", officeProfile+"mut = 1300\n")
	assert.Contains(t, l.fails(t, exit.Usage, "restart", "office"), `office.toml:4: unknown key "mut": did you mean mtu?`)
	l.home.profile(t, "office", officeProfile+"mtu = 1300\n")
	assert.Contains(t, l.does(t, "restart", "office"), "office is up: ")
	assert.Equal(t, 1300, session(t, l.client.status(t)).MTU)

	assert.Equal(t, "office is down\n", l.does(t, "down", "office"))
	assert.Equal(t, before, l.client.snapshot(t), "when down is over all is put back")
	assert.Equal(t, "down", l.listed(t, "office").State)
	assert.Equal(t, "office is not up\n", l.does(t, "down", "office"))
	waitFor(t, "the end in the log that is followed", func() error {
		if strings.Count(follower.stdout.String(), "ending: what led into the tunnel") < 2 {
			return errors.New(follower.stdout.String())
		}
		return nil
	})
	follower.stop(t, syscall.SIGINT)
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2EUpFails: up says why not, with the code that connect has, and leaves nothing.
func TestE2EUpFails(t *testing.T) {
	t.Parallel()
	l := newLaptop(t)
	server := l.serve(t)
	before := l.client.snapshot(t)

	l.home.profile(t, "other", strings.Replace(officeProfile, "wonderland", "wrong", 1))
	said := l.fails(t, exit.Auth, "up", "other")
	assert.Regexp(t, `^arc4: other: .*; the log: "arc4 logs other"$`, said)
	assert.NotContains(t, said, `"wrong"`)
	l.home.profile(t, "other", officeProfile+"mtu = 100\n")
	assert.Regexp(t, `^arc4: other: /\S+/other.toml:4: mtu 100: must be 576 to 1500 bytes .*; the log: "arc4 logs other"$`, l.fails(t, exit.Usage, "up", "other"))
	l.home.profile(t, "other", "server = \""+serverOuter+"\"\nuser = \"alice\"\n")
	assert.Regexp(t, `^arc4: other: no password: give --password-file FILE`, l.fails(t, exit.Usage, "up", "other"))
	assert.Equal(t, `arc4: no profile "oficce": did you mean office?`, l.fails(t, exit.Usage, "up", "oficce"))
	assert.Contains(t, l.fails(t, exit.Usage, "down", "nosuch"), `no profile "nosuch": there is no /`)
	assert.Contains(t, l.fails(t, exit.Usage, "logs", "nosuch"), `no profile "nosuch": there is no /`)
	assert.Contains(t, l.fails(t, exit.Failure, "logs", "office"), `there is no log: no /var/log/arc4/office.log: "arc4 up office" writes it`)
	require.Equal(t, before, l.client.snapshot(t))

	server.stop(t, syscall.SIGTERM)
	assert.Regexp(t, `^arc4: office: server `+serverOuter+`:1723 refuses TCP connections: .*; the log: "arc4 logs office"$`, l.fails(t, exit.Network, "up", "office"))
	require.Equal(t, before, l.client.snapshot(t))

	// Whoever does not wait has it try until there is a server.
	assert.Regexp(t, `^office runs in the background, as process \d+; "arc4 list" tells when it is up\n$`, l.does(t, "up", "office", "--no-wait"))
	assert.NotZero(t, l.listed(t, "office").PID)
	row := l.waitListed(t, "office", status.Reconnecting)
	assert.Contains(t, row.Reason, "refuses TCP connections")
	assert.Regexp(t, `^arc4: office runs already, as process \d+, and is down: server .* refuses TCP connections: .*; it tries again by itself, and "arc4 down office" ends it$`,
		l.fails(t, exit.Network, "up", "office"))
	l.serve(t)
	l.waitListed(t, "office", status.Up)
	assert.Equal(t, "office is down\n", l.does(t, "down", "office"))

	// One that another ends meanwhile.
	l.home.profile(t, "other", strings.Replace(officeProfile, serverOuter, "192.0.2.99", 1))
	p := l.home.start(t, l.client, nil, "up", "other")
	l.waitListed(t, "other", status.Connecting)
	assert.Equal(t, "other is down\n", l.does(t, "down", "other"))
	assert.Equal(t, `arc4: other: it was told to end before it was up; the log: "arc4 logs other"`, p.fails(t, exit.Failure))

	// Interrupted, it leaves nothing either: this server says nothing.
	p = l.home.start(t, l.client, nil, "up", "other")
	l.waitListed(t, "other", status.Connecting)
	p.signal(t, syscall.SIGINT)
	assert.Equal(t, "arc4: other: interrupted by the signal interrupt, before it was up", p.fails(t, exit.Interrupted))
	assert.Equal(t, "down", l.listed(t, "other").State)
	require.Equal(t, before, l.client.snapshot(t))
}

// TestE2EUpKilled ends runs that nobody told to: what they left is removed by down, and by up.
func TestE2EUpKilled(t *testing.T) {
	t.Parallel()
	l := newLaptop(t)
	l.serve(t)
	before := l.client.snapshot(t)
	kill := func() {
		l.does(t, "up", "office")
		row := l.listed(t, "office")
		require.NoError(t, syscall.Kill(row.PID, syscall.SIGKILL))
	}
	kill()
	l.waitListed(t, "office", "killed")
	for _, args := range [][]string{{"status"}, {"status", "--check"}} {
		p := l.home.start(t, l.client, nil, args...)
		assert.NotEqual(t, exit.OK, p.wait(t))
		assert.Contains(t, p.stderr.String(), `office was killed: "arc4 down office" takes away what it left`)
	}
	assert.Equal(t, "office was killed; what it left is removed\n", l.does(t, "down", "office"))
	assert.Equal(t, before, l.client.snapshot(t), "no dead socket either")
	assert.Equal(t, "down", l.listed(t, "office").State)
	kill() // and up may still see it die
	assert.Contains(t, l.does(t, "up", "office"), "office is up: ")
	assert.Equal(t, "office is down\n", l.does(t, "down", "office"))
	assert.Equal(t, before, l.client.snapshot(t))

	// One whose socket is elsewhere, and one that has none.
	h := filepath.Join(t.TempDir(), "s.sock")
	for socket, said := range map[string]string{h: "office is up already, as process ", "none": "office runs already, as process "} {
		l.home.profile(t, "office", officeProfile+"status-socket = \""+socket+"\"\n")
		assert.Contains(t, l.does(t, "up", "office"), "office is up: ")
		assert.Contains(t, l.does(t, "up", "office"), said)
		assert.Equal(t, "running", l.listed(t, "office").State)
		l.does(t, "down", "office")
	}

	// A profile of another place, by its path and then by its name.
	elsewhere := filepath.Join(t.TempDir(), "travel.toml")
	require.NoError(t, os.WriteFile(elsewhere, []byte(officeProfile), 0o600))
	assert.Contains(t, l.does(t, "up", elsewhere), "travel is up: ")
	assert.Equal(t, elsewhere, l.listed(t, "travel").File)
	assert.Contains(t, l.does(t, "restart", "travel"), "travel is up: ")
	assert.Equal(t, "travel is down\n", l.does(t, "down", "travel"))
	assert.Contains(t, l.fails(t, exit.Usage, "down", "travel"), `no profile "travel"`)

	// A profile whose file has gone can still be ended, but not begun.
	l.does(t, "up", "office")
	file := l.listed(t, "office").File
	require.NoError(t, os.Rename(file, file+".away"))
	assert.Empty(t, l.listed(t, "office").File)
	assert.Contains(t, l.fails(t, exit.Usage, "up", "office"), `no profile "office"`)
	assert.Equal(t, "office is down\n", l.does(t, "down", "office"))
	require.NoError(t, os.Rename(file+".away", file))
}

// TestE2EUpTogether: of several at the same time one dials, and all say that it is up.
func TestE2EUpTogether(t *testing.T) {
	t.Parallel()
	l := newLaptop(t)
	l.serve(t)
	before := l.client.snapshot(t)
	var all []*program
	for range 4 {
		all = append(all, l.home.start(t, l.client, nil, "up", "office"))
	}
	for _, p := range all {
		assert.Equal(t, exit.OK, p.wait(t), p.stderr.String())
		assert.Regexp(t, `^office is up(: .* on arc40| already, as process \d+)\n$`, p.stdout.String())
	}
	assert.Len(t, l.client.status(t).Sessions, 1)
	assert.Equal(t, "office is down\n", l.does(t, "down", "office"))
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2EUpOnDemand: what waits for a packet is up.
func TestE2EUpOnDemand(t *testing.T) {
	t.Parallel()
	l := newLaptop(t)
	before := l.client.snapshot(t)
	l.home.profile(t, "office", officeProfile+"on-demand = true\nroute = [\""+serverInner+"/32\"]\n")
	assert.Equal(t, "office is up: arc40 waits for a packet\n", l.does(t, "up", "office"), "there is no server yet")
	assert.Equal(t, status.Waiting, l.listed(t, "office").State)
	assert.Contains(t, l.does(t, "up", "office"), "office is up already")
	assert.Equal(t, "office is down\n", l.does(t, "down", "office"))
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2EUpAsks has up ask for a password that is nowhere.
func TestE2EUpAsks(t *testing.T) {
	t.Parallel()
	l := newLaptop(t)
	l.serve(t)
	l.home.profile(t, "office", "server = \"alice@"+serverOuter+"\"\n")
	cmd := command(t, "up", "office")
	cmd.Env = append(cmd.Env, "XDG_CONFIG_HOME="+l.home.dir)
	x := onTerminal(t, cmd)
	p := l.client.run(t, cmd)
	x.waitPrompt(t, 1)
	x.typed(t, "wonderland\n")
	assert.Equal(t, exit.OK, p.wait(t))
	x.waitScreen(t, "office is up: ", 1)
	assert.NotContains(t, x.screen.String(), "wonderland")
	assert.Equal(t, status.Up, l.listed(t, "office").State, "it outlives the terminal")
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", l.listed(t, "office").PID))
	require.NoError(t, err)
	assert.NotContains(t, string(cmdline), "wonderland")
}

// TestE2EDownByAnotherUser: who cannot see what root runs is not told that nobody runs it.
func TestE2EDownByAnotherUser(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	dir := t.TempDir()
	l.client.ownDir(t, "/etc", dir)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "arc4"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "arc4", "office.toml"), []byte(officeProfile), 0o600))
	l.serve(t)
	client := l.client.start(t, "connect", "--profile", "office").up(t)
	cmd := nobody(t, "down", "office")
	cmd.Env = append(cmd.Env, "XDG_CONFIG_HOME=/nonexistent")
	assert.Equal(t, "arc4: office: this user does not run it, and what root runs is seen and ended by root alone: run as root",
		l.client.run(t, cmd).fails(t, exit.Permission))
	assert.Equal(t, status.Up, l.client.status(t).Client.State)
	client.stop(t, syscall.SIGTERM)
}
