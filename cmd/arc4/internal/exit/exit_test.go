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

	"github.com/arc4tun/arc4tun/internal/features"
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

// TestReportCommandsNoTerminal: what a name from elsewhere has in it is not obeyed.
func TestReportCommandsNoTerminal(t *testing.T) {
	var b bytes.Buffer
	Report(&b, errors.New("a\x1b]0;title\x07.pcap, Gr\u00fc\u00dfe, \u009b31m: is no capture"))
	assert.Equal(t, "arc4: a?]0;title?.pcap, Gr\u00fc\u00dfe, ?31m: is no capture\n", b.String())
}

func TestWithExitOfNothing(t *testing.T) {
	assert.NoError(t, With(Network, nil))
}

// A meaning names no command that the build has not.
func TestMeaningWithout(t *testing.T) {
	m := Meaning{Failure, "failed", []note{
		{[]string{"speed", "speed tunnel", "demo"}, "interrupted"},
		{[]string{"demo"}, "no namespace"},
	}}
	for name, test := range map[string]struct {
		leftOut []string
		want    string
	}{
		"nothing": {nil, "failed; speed, speed tunnel and demo also: interrupted; demo also: no namespace"},
		"one":     {[]string{"speed tunnel"}, "failed; speed and demo also: interrupted; demo also: no namespace"},
		"all":     {[]string{"demo", "man", "speed tunnel"}, "failed; speed also: interrupted"},
	} {
		t.Run(name, func(t *testing.T) {
			var leftOut []features.Feature
			for _, f := range test.leftOut {
				leftOut = append(leftOut, features.Feature{Name: f})
			}
			assert.Equal(t, test.want, m.without(leftOut))
		})
	}
}
