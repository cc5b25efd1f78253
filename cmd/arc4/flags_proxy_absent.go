//go:build noproxy

package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/tunnel/localend"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// proxyPasswordVariable is read by nobody in this build, and no mistake in an environment for all.
const proxyPasswordVariable = "ARC4_PROXY_PASSWORD"

// proxyExample is no line of connect's examples.
const proxyExample = ""

// proxyEnvironment is nothing of connect's environment.
var proxyEnvironment []clidoc.Entry

// proxyLong is nothing of connect's help.
const proxyLong = ""

// proxyFlags are none: this build has no proxy.
type proxyFlags struct{}

func (*proxyFlags) addFlags(*pflag.FlagSet)               {}
func (*proxyFlags) wanted() bool                          { return false }
func (*proxyFlags) check(*cobra.Command, *dnsFlags) error { return nil }
func (*proxyFlags) permitted() error                      { return nil }
func (*proxyFlags) status() *status.Proxy                 { return nil }
func (*proxyFlags) localEnd(context.Context, localend.ClientConfig, bool) (clientEnd, error) {
	panic("this build has no proxy")
}
