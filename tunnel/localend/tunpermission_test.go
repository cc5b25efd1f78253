package localend

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExplainTUN(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	require.NoError(t, os.WriteFile(open, nil, 0o600))
	made := func(errno error) error { return fmt.Errorf("TUN device %q: %w", "arc4%d", errno) }

	err := explainTUN(filepath.Join(dir, "absent"), made(syscall.ENOENT))
	assert.ErrorContains(t, err, `absent is not there: load the module with "modprobe tun"`)
	assert.NotContains(t, err.Error(), "%d")

	err = explainTUN(open, made(syscall.EPERM))
	assert.ErrorContains(t, err, "lacks CAP_NET_ADMIN")
	assert.ErrorContains(t, err, "setcap cap_net_admin,cap_net_raw+ep "+programPath())
	assert.ErrorIs(t, err, fs.ErrPermission)
	assert.NotContains(t, err.Error(), "%d")

	other := made(syscall.EBUSY)
	assert.Equal(t, other, explainTUN(open, other), "what has nothing to do with permission stays as it is")
}

func TestExplainClone(t *testing.T) {
	closed := filepath.Join(t.TempDir(), "tun")
	require.NoError(t, os.WriteFile(closed, nil, 0o600))
	cause := errors.New("device")
	for name, test := range map[string]struct {
		open       error
		want       string
		permission bool
	}{
		"closed":           {&fs.PathError{Op: "open", Path: closed, Err: syscall.EACCES}, "may not open " + closed + " (mode 0600), whatever capabilities the program has: run as root, or chmod 666 " + closed, true},
		"container's rule": {&fs.PathError{Op: "open", Path: closed, Err: syscall.EPERM}, "this container may not use " + closed + ": start it with --device " + closed, true},
		"no driver":        {&fs.PathError{Op: "open", Path: closed, Err: syscall.ENODEV}, `modprobe tun`, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := explainClone(closed, test.open, cause)
			assert.ErrorContains(t, err, test.want)
			assert.Equal(t, test.permission, errors.Is(err, fs.ErrPermission))
		})
	}
	assert.Equal(t, cause, explainClone(closed, nil, cause))
}
