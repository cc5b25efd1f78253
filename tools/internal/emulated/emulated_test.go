package emulated

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/mipscpu"
)

func TestFind(t *testing.T) {
	for _, m := range Machines() {
		found, err := Find(m.Name)
		require.NoError(t, err)
		require.Equal(t, m, found)
		require.Contains(t, m.Env(), "GOARCH="+m.GOARCH)
	}
	_, err := Find("vax")
	require.ErrorContains(t, err, `no machine "vax"; there are mipsle, mipsle-4Kc,`)
}

// TestWholeMachine: the machine that an architecture is called after has all
// that its backends use.
func TestWholeMachine(t *testing.T) {
	for _, name := range []string{"mips", "mipsle"} {
		m, err := Find(name)
		require.NoError(t, err)
		require.Equal(t, mipscpu.Features{Revision: 2, DSP: true}, mipscpu.Of(m.cpuinfo, ""))
	}
}

// emulator puts a program called name into PATH.
func emulator(t *testing.T, name string) string {
	dir := t.TempDir()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755))
	t.Setenv("PATH", dir)
	return path
}

func TestCommand(t *testing.T) {
	path := emulator(t, "qemu-mipsel-static")
	dir := t.TempDir()
	for _, c := range []struct {
		name    string
		machine string
		other   string // processor
		want    []string
	}{
		{"with a cpuinfo", "mipsle", "", []string{path, "-cpu", "74Kf", "-L", dir + "/mipsle"}},
		{"without", "mipsle-4Kc", "", []string{path, "-cpu", "4Kc"}},
		{"another processor", "mipsle", "24Kc", []string{path, "-cpu", "24Kc"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Find(c.machine)
			require.NoError(t, err)
			if c.other != "" {
				m = m.With(c.other)
			}
			got, err := m.Command(dir)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
	written, err := os.ReadFile(filepath.Join(dir, "mipsle", "proc", "cpuinfo"))
	require.NoError(t, err)
	require.Equal(t, cpuinfo74K, string(written))
}

func TestCommandWithoutEmulator(t *testing.T) {
	emulator(t, "something-else")
	m, err := Find("mips")
	require.NoError(t, err)
	_, err = m.Command(t.TempDir())
	require.ErrorContains(t, err, "apt-get install qemu-user-static")
}
