package tunnel

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDialErrorSaysItOnce(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"no such host":        {&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, "server x:1723: no such host"},
		"no name server":      {&net.DNSError{Err: "server misbehaving", Name: "x"}, "server x:1723: its name cannot be looked up (server misbehaving)"},
		"wrapped in a dial":   {&net.OpError{Op: "dial", Net: "tcp4", Err: &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}}, "server x:1723: no such host"},
		"nobody listens":      {syscall.ECONNREFUSED, "server x:1723 refuses TCP connections: no PPTP server listens there"},
		"anything else there": {syscall.ENETUNREACH, "server x:1723 cannot be reached: network is unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			err := dialError("x:1723", c.err)
			assert.Equal(t, c.want, err.Error())
			assert.Equal(t, ClassNetwork, ClassOf(err))
		})
	}
}
