package ppp

import (
	"fmt"
	"strings"
)

// MPPEMode says how much encryption a link must have.
type MPPEMode int

// The modes. The zero value is the strictest.
const (
	Require128 MPPEMode = iota // MPPE with 128-bit keys or no link
	Require                    // MPPE with any strength of MPPEPolicy.Strengths, or no link
	Allow                      // MPPE if the peer wants it, clear text otherwise
	Off                        // no MPPE; CCP is answered with Protocol-Reject
)

// String is the mode as the command line spells it.
func (m MPPEMode) String() string {
	switch m {
	case Require128:
		return "require-128"
	case Require:
		return "require"
	case Allow:
		return "allow"
	case Off:
		return "off"
	}
	return fmt.Sprintf("MPPEMode(%d)", int(m))
}

// ParseMPPEMode reads require-128, require, allow or off.
func ParseMPPEMode(s string) (MPPEMode, error) {
	for _, m := range []MPPEMode{Require128, Require, Allow, Off} {
		if strings.EqualFold(s, m.String()) {
			return m, nil
		}
	}
	return 0, fmt.Errorf("unknown MPPE mode %q: use require-128, require, allow or off", s)
}

// StatefulMode is how far MPPE may run stateful: weaker (two packets can share
// a key stream after a reset, RFC 3078 section 9) and stalled by every lost packet.
type StatefulMode int

// The choices. The zero value is the strictest.
const (
	StatefulNever    StatefulMode = iota // stateless only
	StatefulAllowed                      // stateless asked for, stateful taken if the peer wants it
	StatefulRequired                     // stateful only
)

// String is the choice in one word.
func (m StatefulMode) String() string {
	switch m {
	case StatefulNever:
		return "never"
	case StatefulAllowed:
		return "allowed"
	case StatefulRequired:
		return "required"
	}
	return fmt.Sprintf("StatefulMode(%d)", int(m))
}

// MPPEPolicy is what a link asks for and accepts in CCP. Its zero value is
// 128-bit stateless encryption or no link.
type MPPEPolicy struct {
	Mode     MPPEMode
	Stateful StatefulMode
	// Strengths allowed, in bits, out of 40, 56 and 128. Empty: all three in
	// modes Require and Allow. In mode Require128 only 128 counts.
	Strengths []int
}

// required reports whether the link may not carry data in clear.
func (p MPPEPolicy) required() bool { return p.Mode == Require128 || p.Mode == Require }

// allowedBits is the strength bits of the policy.
func (p MPPEPolicy) allowedBits() uint32 {
	switch {
	case p.Mode == Off:
		return 0
	case p.Mode == Require128:
		return mppe128
	case len(p.Strengths) == 0:
		return mppe128 | mppe56 | mppe40
	}
	var bits uint32
	for _, s := range p.Strengths {
		bits |= strengthBit(s)
	}
	return bits
}

// validate checks the values themselves.
func (p MPPEPolicy) validate() error {
	if p.Mode < Require128 || p.Mode > Off {
		return fmt.Errorf("ppp: MPPE mode %d is unknown", int(p.Mode))
	}
	if p.Stateful < StatefulNever || p.Stateful > StatefulRequired {
		return fmt.Errorf("ppp: MPPE stateful mode %d is unknown", int(p.Stateful))
	}
	for _, s := range p.Strengths {
		if strengthBit(s) == 0 {
			return fmt.Errorf("ppp: MPPE strength %d bits is unknown: use 40, 56 or 128", s)
		}
	}
	return nil
}
