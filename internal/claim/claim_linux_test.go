package claim

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// numberVariable has this program take a number, and keep it until it is killed.
const numberVariable = "CLAIM_NUMBER"

func TestMain(m *testing.M) {
	number, err := strconv.ParseUint(os.Getenv(numberVariable), 10, 32)
	if err != nil {
		os.Exit(m.Run())
	}
	if _, err := net.ListenUnix("unix", &net.UnixAddr{Name: socketName(uint32(number)), Net: "unix"}); err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString("holds\n")
	select {}
}

// holds has another process take a number that was given back.
func holds(t *testing.T, program string, who *syscall.SysProcAttr) uint32 {
	t.Helper()
	c, err := Open()
	require.NoError(t, err)
	require.True(t, Held(c.Number))
	c.Close()
	require.False(t, Held(c.Number))
	cmd := exec.Command(program)
	cmd.Env, cmd.SysProcAttr = []string{numberVariable + "=" + strconv.FormatUint(uint64(c.Number), 10)}, who
	says, err := cmd.StdoutPipe()
	require.NoError(t, err)
	if err := cmd.Start(); err != nil {
		labtest.Skip(t, "no other user's process here: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(says).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "holds\n", line)
	return c.Number
}

// TestHeld: a user who has no right to change anything here keeps nobody from tidying up.
func TestHeld(t *testing.T) {
	labtest.Enter(t)
	text, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "claim") // t.TempDir is closed to others
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	program := filepath.Join(dir, "holder")
	labtest.WriteProgram(t, program, text)
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534}
	require.True(t, Held(holds(t, program, nil)), "this user's")
	require.True(t, Held(holds(t, program, &syscall.SysProcAttr{Credential: nobody, AmbientCaps: []uintptr{12}})), "another's, with CAP_NET_ADMIN")
	require.False(t, Held(holds(t, program, &syscall.SysProcAttr{Credential: nobody})), "another's, without")
	in := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, Credential: &syscall.Credential{Uid: 0, Gid: 0},
		UidMappings: []syscall.SysProcIDMap{{HostID: 65534, Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: 65534, Size: 1}},
	}
	require.False(t, Held(holds(t, program, in)), "another's, with all capabilities in a namespace of its own")
}
