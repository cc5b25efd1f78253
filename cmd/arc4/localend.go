package main

import (
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/localend"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// clientEnd is connect's local end: a device, or a proxy.
type clientEnd interface {
	Attach(*tunnel.ClientConfig)
	Device() string          // empty: there is none, or none yet
	Network() tunnel.Network // that it was made for last
	Way() *status.Way
	Withdraw()
	Close()
}

var _ clientEnd = (*localend.Client)(nil)
