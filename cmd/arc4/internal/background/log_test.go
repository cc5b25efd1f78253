package background

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// written can be read while it is written to.
type written struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func TestWriteLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "arc4", "office.log")
	var out written
	require.ErrorIs(t, WriteLog(t.Context(), path, &out, true), ErrNoLog)

	log, err := openLog(path)
	require.NoError(t, err)
	add := func(f *os.File, text string) {
		_, err := f.WriteString(text)
		require.NoError(t, err)
	}
	add(log, "one\n")
	require.NoError(t, WriteLog(t.Context(), path, &out, false))
	assert.Equal(t, "one\n", out.String())

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- WriteLog(ctx, path, &out, true) }()
	shows := func(want string) {
		assert.Eventually(t, func() bool { return out.String() == want }, 30*time.Second, 5*time.Millisecond, want)
	}
	shows("one\none\n")
	add(log, "two\n")
	shows("one\none\ntwo\n")
	require.NoError(t, log.Truncate(0)) // as logrotate's copytruncate
	add(log, "3\n")
	shows("one\none\ntwo\n3\n")
	add(log, strings.Repeat("x", largestLog)+"\n")
	require.NoError(t, log.Close())
	log, err = openLog(path)
	require.NoError(t, err)
	add(log, "four\n")
	assert.Eventually(t, func() bool { return strings.HasSuffix(out.String(), "x\nfour\n") }, 30*time.Second, 5*time.Millisecond, "it was set aside")
	assert.FileExists(t, path+".1")
	stop()
	require.NoError(t, <-ended)
	require.NoError(t, log.Close())
}

func TestLastError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "office.log")
	require.NoError(t, os.WriteFile(path, []byte("arc4: old\nlevel=INFO msg=x\narc4: new\nlevel=INFO msg=\"arc4: none\"\n"), 0o600))
	assert.Equal(t, "new", LastError(path, 0, "arc4"))
	assert.Equal(t, "new", LastError(path, 10, "arc4"))
	assert.Empty(t, LastError(path, 45, "arc4"))
	assert.Empty(t, LastError(path+".none", 0, "arc4"))
}

func TestNotification(t *testing.T) {
	for text, want := range map[string]struct {
		outcome Outcome
		decided bool
	}{
		"READY=1\nSTATUS=up: 10.0.0.1 on arc40": {Outcome{Up: true, Status: "up: 10.0.0.1 on arc40"}, true},
		"STATUS=refused\nX_ARC4_EXIT_STATUS=3":  {Outcome{Status: "refused", Code: 3}, true},
		"STATUS=connecting":                     {Outcome{Status: "connecting"}, false},
		"STOPPING=1":                            {Outcome{}, false},
		"X_ARC4_EXIT_STATUS=many":               {Outcome{}, false},
		"":                                      {Outcome{}, false},
		"READY":                                 {Outcome{}, false},
		"\x00\xff=\nREADY=1":                    {Outcome{Up: true}, true},
		"STATUS=a=b\nREADY=1\nSTATUS=c\nMAINPID=1": {Outcome{Up: true, Status: "c"}, true},
	} {
		outcome, decided := read(text)
		assert.Equal(t, want.outcome, outcome, "%q", text)
		assert.Equal(t, want.decided, decided, "%q", text)
	}
}

func TestLogPath(t *testing.T) {
	if os.Geteuid() == 0 {
		path, err := LogPath("office")
		require.NoError(t, err)
		assert.Equal(t, "/var/log/arc4/office.log", path)
		return
	}
	t.Setenv("XDG_STATE_HOME", "/x")
	path, err := LogPath("office")
	require.NoError(t, err)
	assert.Equal(t, "/x/arc4/office.log", path)
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("HOME", "")
	_, err = LogPath("office")
	assert.ErrorContains(t, err, "set HOME or XDG_STATE_HOME")
}
