package exit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCodeOf(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"none":                  {nil, OK},
		"any":                   {errors.New("x"), Failure},
		"usage":                 {Usagef("no such %s", "thing"), Usage},
		"wrapped":               {fmt.Errorf("connect: %w", With(Auth, errors.New("691"))), Auth},
		"own code before cause": {With(Policy, fs.ErrPermission), Policy},
		"file":                  {&fs.PathError{Op: "open", Path: "/dev/net/tun", Err: syscall.EACCES}, Permission},
		"capability":            {&net.OpError{Op: "listen", Err: os.NewSyscallError("socket", syscall.EPERM)}, Permission},
		"port in use":           {&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}, Network},
		"unknown host":          {&net.DNSError{Err: "no such host", Name: "nowhere.invalid"}, Network},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, CodeOf(test.err)) })
	}
}

func TestReportIsOneLine(t *testing.T) {
	var out bytes.Buffer
	assert.Equal(t, Failure, Report(&out, errors.New("first\n\n\tsecond  third\n")))
	assert.Equal(t, "arc4: first second third\n", out.String())
	out.Reset()
	assert.Equal(t, OK, Report(&out, nil))
	assert.Empty(t, out.String())
}

func TestWithExitOfNothing(t *testing.T) {
	assert.NoError(t, With(Network, nil))
}
