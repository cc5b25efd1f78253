package main

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
		"none":                  {nil, exitOK},
		"any":                   {errors.New("x"), exitFailure},
		"usage":                 {usageError("no such %s", "thing"), exitUsage},
		"wrapped":               {fmt.Errorf("connect: %w", withExit(exitAuth, errors.New("691"))), exitAuth},
		"own code before cause": {withExit(exitPolicy, fs.ErrPermission), exitPolicy},
		"file":                  {&fs.PathError{Op: "open", Path: "/dev/net/tun", Err: syscall.EACCES}, exitPermission},
		"capability":            {&net.OpError{Op: "listen", Err: os.NewSyscallError("socket", syscall.EPERM)}, exitPermission},
		"port in use":           {&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}, exitNetwork},
		"unknown host":          {&net.DNSError{Err: "no such host", Name: "nowhere.invalid"}, exitNetwork},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, codeOf(test.err)) })
	}
}

func TestReportIsOneLine(t *testing.T) {
	var out bytes.Buffer
	assert.Equal(t, exitFailure, report(&out, errors.New("first\n\n\tsecond  third\n")))
	assert.Equal(t, "arc4: first second third\n", out.String())
	out.Reset()
	assert.Equal(t, exitOK, report(&out, nil))
	assert.Empty(t, out.String())
}

func TestWithExitOfNothing(t *testing.T) {
	assert.NoError(t, withExit(exitNetwork, nil))
}
