package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
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

// TestExitCodesAreTheSameEverywhere compares the README's table with what the help says.
func TestExitCodesAreTheSameEverywhere(t *testing.T) {
	table := "| code | meaning |\n| --- | --- |\n"
	for _, m := range exitMeanings {
		table += fmt.Sprintf("| %d | %s |\n", m.code, m.text())
	}
	assert.True(t, strings.Contains(document(t, "README.md"), table), "README.md does not have this table:\n%s", table)
	everyCommand(newRoot(), func(cmd *cobra.Command) {
		page, help := documentation.PageOf(cmd), strings.Join(strings.Fields(documentation.Help(cmd, clidoc.UsualWidth)), " ")
		for _, e := range page.Exits {
			assert.Contains(t, help, " "+e.Name+" "+e.What)
		}
		for _, m := range exitMeanings {
			if own := m.of(clidoc.CommandName(cmd)); own != m.meaning {
				assert.Contains(t, page.Exits, clidoc.Entry{Name: strconv.Itoa(m.code), What: own}, "%s has a meaning of its own for it", cmd.Name())
			}
		}
	})
}
