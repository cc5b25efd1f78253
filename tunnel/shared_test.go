package tunnel

import (
	"github.com/arc4tun/arc4tun/internal/lab/memnet"
	"github.com/arc4tun/arc4tun/tunnel/internal/tunneltest"
)

// What the tests of both floors share, under short names.
var (
	packet       = tunneltest.Packet
	packet6      = tunneltest.Packet6
	marker       = tunneltest.Marker
	number       = tunneltest.Number
	grePacket    = tunneltest.GREPacket
	controlFrame = tunneltest.ControlFrame
	renumbered   = tunneltest.Renumbered
	mppeFrame    = tunneltest.MPPEFrame
	newMemDevice = memnet.NewDevice
	serverOuter  = tunneltest.ServerOuter
	clientOuter  = tunneltest.ClientOuter
	serverIP     = tunneltest.ServerIP
	clientIP     = tunneltest.ClientIP
)

type memDevice = memnet.Device
