package uplink

import "fmt"

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
		return []Mode{XSK, Packet}
	case XSK, Packet:
		return []Mode{m}
	}
	return nil
}

// forced reports whether the user has chosen a fast way by hand.
func (m Mode) forced() bool { return m == XSK || m == Packet }
