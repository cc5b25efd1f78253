package backendcache

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var key = Key{Version: "v1", Build: "go1.26.8 mipsle 1 2", Kernel: "mips", Processor: "cpu model: MIPS 24Kc"}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backend")
	_, err := Load(path, key)
	require.ErrorIs(t, err, os.ErrNotExist)
	for _, name := range []string{"mipsle-r2", "mipsle-r2,mipsle"} {
		require.NoError(t, Store(path, key, name))
		got, err := Load(path, key)
		require.NoError(t, err)
		require.Equal(t, name, got)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o644), info.Mode())
	}
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing but the file")
}

func TestOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backend")
	require.NoError(t, Store(path, key, "u32"))
	for what, change := range map[string]func(*Key){
		"version":   func(k *Key) { k.Version = "v2" },
		"build":     func(k *Key) { k.Build = "go1.27" },
		"kernel":    func(k *Key) { k.Kernel = "mips64" },
		"processor": func(k *Key) { k.Processor = "cpu model: MIPS 74Kc" },
	} {
		t.Run(what, func(t *testing.T) {
			here := key
			change(&here)
			_, err := Load(path, here)
			require.EqualError(t, err, path+": is of another "+what)
		})
	}
}

func TestNotWhatIsWritten(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"empty":              {"", "is not what --backend-cache writes: EOF"},
		"cut off":            {`{"version": "v1", "back`, "is not what --backend-cache writes: unexpected EOF"},
		"another file":       {"root:x:0:0::/root:/bin/sh\n", "is not what --backend-cache writes: "},
		"an unknown field":   {`{"backend": "u32", "run": "x"}`, `unknown field "run"`},
		"a list":             {`["u32"]`, "is not what --backend-cache writes: "},
		"no backend":         {`{"version": "v1"}`, "names no backend"},
		"auto":               {`{"backend": "auto"}`, "names no backend"},
		"auto for batches":   {`{"backend": "u32,u32,auto"}`, "names no backend"},
		"something after it": {`{"backend": "u32"} {}`, "something follows"},
		"large":              {strings.Repeat(" ", longest+1), "is larger than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "backend")
			require.NoError(t, os.WriteFile(path, []byte(test.text), 0o600))
			_, err := Load(path, key)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, path)
		})
	}
}

func TestNoRegularFile(t *testing.T) {
	dir := t.TempDir()
	_, err := Load(dir, key)
	require.EqualError(t, err, dir+": is no regular file")
	fifo := filepath.Join(dir, "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	_, err = Load(fifo, key)
	require.EqualError(t, err, fifo+": is no regular file")
}

// TestLinkIsReplaced: what a symbolic link points to is not written to.
func TestLinkIsReplaced(t *testing.T) {
	dir := t.TempDir()
	other, path := filepath.Join(dir, "other"), filepath.Join(dir, "backend")
	require.NoError(t, os.WriteFile(other, []byte("precious"), 0o600))
	require.NoError(t, os.Symlink(other, path))
	require.NoError(t, Store(path, key, "u32"))
	text, err := os.ReadFile(other)
	require.NoError(t, err)
	require.Equal(t, "precious", string(text))
	name, err := Load(path, key)
	require.NoError(t, err)
	require.Equal(t, "u32", name)
}

func TestStoreFails(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	path := filepath.Join(missing, "backend")
	err := Store(path, key, "u32")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.EqualError(t, err, path+": cannot be written in "+missing+": no such file or directory")
	inner := filepath.Join(dir, "inner")
	require.NoError(t, os.Mkdir(inner, 0o700))
	require.EqualError(t, Store(inner, key, "u32"), inner+": is a directory: name a file in it")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "no temporary file")
}

func TestProcessorOf(t *testing.T) {
	for name, test := range map[string]struct{ cpuinfo, want string }{
		"a router": {"system type\t\t: Atheros AR9344 rev 3\nprocessor\t\t: 0\ncpu model\t\t: MIPS 74Kc V4.12\nBogoMIPS\t\t: 278.93\n" +
			"isa\t\t\t: mips1 mips2 mips32r1 mips32r2\nASEs implemented\t: mips16 dsp dsp2\n",
			"system type: Atheros AR9344 rev 3; cpu model: MIPS 74Kc V4.12; isa: mips1 mips2 mips32r1 mips32r2; ASEs implemented: mips16 dsp dsp2"},
		"two processors alike": {"model name\t: X\ncpu MHz\t\t: 2000.1\nflags\t\t: sse2 ssse3\n\nmodel name\t: X\ncpu MHz\t\t: 800.3\nflags\t\t: sse2 ssse3\n",
			"model name: X; flags: sse2 ssse3"},
		"a large and a small one": {"CPU part\t: 0xd03\n\nCPU part\t: 0xd09\n", "CPU part: 0xd03; CPU part: 0xd09"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := processorOf(test.cpuinfo)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
	_, err := processorOf("processor : 0\nBogoMIPS : 1\n")
	require.EqualError(t, err, "/proc/cpuinfo does not name the processor")
}

func TestHere(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux names its processor")
	}
	here, err := Here("v1")
	require.NoError(t, err)
	again, err := Here("v1")
	require.NoError(t, err)
	assert.Equal(t, here, again)
	assert.Equal(t, "v1", here.Version)
	assert.Contains(t, here.Build, runtime.Version())
	assert.NotEmpty(t, here.Kernel)
	assert.NotEmpty(t, here.Processor)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"version": "v1", "build": "b", "kernel": "mips", "processor": "p", "backend": "u32"}`))
	f.Add([]byte(`{"backend": "auto"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := parse(text)
		if err == nil {
			assert.NotEmpty(t, e.Backend)
			assert.NotEqual(t, "auto", e.Backend)
		}
	})
}
