package background

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain is also a process that holds a claim until its standard input ends, or it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("TEST_HOLD"); dir != "" {
		c, err := Hold(dir, "office", "/etc/arc4/office.toml")
		if err != nil {
			println("error: " + err.Error())
			os.Exit(1)
		}
		println("held")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		c.Release()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// held starts such a process, and waits until it holds the claim.
func held(t *testing.T, dir string) (pid int, end, kill func()) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "TEST_HOLD="+dir)
	said, err := cmd.StderrPipe()
	require.NoError(t, err)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(said).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "held\n", line)
	return cmd.Process.Pid, func() { _ = in.Close(); _ = cmd.Wait() }, func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
}

func TestClaim(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "arc4")
	now, err := Running(dir, "office")
	require.NoError(t, err)
	assert.Equal(t, State{}, now, "a directory that is not there")
	assert.Empty(t, Names(dir))

	pid, end, _ := held(t, dir)
	now, err = Running(dir, "office")
	require.NoError(t, err)
	assert.Equal(t, State{PID: pid, Profile: "/etc/arc4/office.toml"}, now)
	assert.Equal(t, []string{"office"}, Names(dir))
	text, err := os.ReadFile(filepath.Join(dir, "office.pid"))
	require.NoError(t, err)
	assert.Equal(t, strconv.Itoa(pid)+"\n/etc/arc4/office.toml\n", string(text))
	for range 3 { // whoever asks takes nothing away
		_, err = Hold(dir, "office", "/etc/arc4/office.toml")
		var running *RunningError
		require.True(t, errors.As(err, &running), "%v", err)
		assert.Equal(t, pid, running.PID)
	}
	other, err := Hold(dir, "other", "")
	require.NoError(t, err)
	other.Release()
	end()
	now, err = Running(dir, "office")
	require.NoError(t, err)
	assert.Equal(t, State{}, now)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestClaimOfTheKilled(t *testing.T) {
	dir := t.TempDir()
	_, _, kill := held(t, dir)
	kill()
	now, err := Running(dir, "office")
	require.NoError(t, err)
	assert.Equal(t, State{Killed: true}, now)
	require.NoError(t, Forget(dir, "office"))
	now, err = Running(dir, "office")
	require.NoError(t, err)
	assert.Equal(t, State{}, now)

	// A number in a file that nobody holds is nobody's.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "office.pid"), []byte(strconv.Itoa(os.Getppid())), 0o600))
	now, err = Running(dir, "office")
	require.NoError(t, err)
	assert.Equal(t, State{Killed: true}, now)
	c, err := Hold(dir, "office", "/etc/arc4/office.toml")
	require.NoError(t, err)
	c.Release()

	// Nor is a link a file of ours.
	target := filepath.Join(t.TempDir(), "precious")
	require.NoError(t, os.WriteFile(target, []byte("x"), 0o600))
	require.NoError(t, os.Symlink(target, filepath.Join(dir, "office.pid")))
	_, err = Hold(dir, "office", "/etc/arc4/office.toml")
	require.Error(t, err)
	text, err := os.ReadFile(target)
	require.NoError(t, err)
	assert.Equal(t, "x", string(text))
}
