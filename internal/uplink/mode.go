package uplink

import (
	"fmt"
	"runtime"
	"strings"
)

// Mode is what a user asks for.
type Mode int

const (
	// Auto takes the fastest way that is allowed and works.
	Auto Mode = iota
	// XSK takes AF_XDP where a packet can go that way at all, even where Auto would not for the
	// sake of what it passes by.
	XSK
	// Packet is the same for AF_PACKET.
	Packet
	// Raw is the raw socket, always.
	Raw
)

// Modes are the names of all modes, as users write them.
var Modes = []string{"auto", "xsk", "packet", "raw"}

// ParseMode reads one of Modes.
func ParseMode(s string) (Mode, error) {
	for i, name := range Modes {
		if s == name {
			return Mode(i), nil
		}
	}
	return 0, fmt.Errorf("%q: must be auto, xsk, packet or raw", s)
}

func (m Mode) String() string {
	if m < 0 || int(m) >= len(Modes) {
		return fmt.Sprintf("Mode(%d)", int(m))
	}
	return Modes[m]
}

// ways are the fast ways a mode allows, the best first.
func (m Mode) ways() []Mode {
	switch m {
	case Auto:
		return bestFirst(runtime.GOARCH)
	case XSK, Packet:
		return []Mode{m}
	}
	return nil
}

// bestFirst is the fast ways in the order in which Auto tries them on an architecture. AF_XDP
// copies a frame from its first byte to where the kernel begins a buffer, so that the IP header
// behind the Ethernet header lies at an odd multiple of two; AF_PACKET sees to it that it does not.
// On MIPS every word that is read there is an exception, 40 a packet where it crosses a veth, a
// bridge or netfilter; AF_PACKET saves a copy besides.
func bestFirst(arch string) []Mode {
	if strings.HasPrefix(arch, "mips") {
		return []Mode{Packet, XSK}
	}
	return []Mode{XSK, Packet}
}

// forced reports whether the user has chosen a fast way by hand.
func (m Mode) forced() bool { return m == XSK || m == Packet }
