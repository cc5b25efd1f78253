package gre

import "github.com/arc4tun/arc4tun/internal/uplink"

// Mode is how packets are sent: by the raw socket, which the kernel routes, or past its IP layer
// where that is sound.
type Mode = uplink.Mode

// The modes.
const (
	ModeAuto   = uplink.Auto   // the cheapest way that the peer's acknowledgments prove to work
	ModeXSK    = uplink.XSK    // AF_XDP wherever it can be, even where ModeAuto would not
	ModePacket = uplink.Packet // the same for AF_PACKET
	ModeRaw    = uplink.Raw    // the raw socket, always
)

// ParseMode reads a mode's name: auto, xsk, packet or raw.
func ParseMode(s string) (Mode, error) { return uplink.ParseMode(s) }

// SenderStatus says by which way a Sender sends, and why.
type SenderStatus = uplink.Status
