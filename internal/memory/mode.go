package memory

import (
	"fmt"
	"strings"
)

// Mode is what a user asks for.
type Mode int

const (
	// Auto decides by the machine.
	Auto Mode = iota
	// Small holds as little as a tunnel can do with.
	Small
	// Normal holds what is fastest on any link.
	Normal
)

// Modes are the names of all modes, as users write them.
var Modes = []string{"auto", "small", "normal"}

// ParseMode reads one of Modes.
func ParseMode(s string) (Mode, error) {
	for i, name := range Modes {
		if s == name {
			return Mode(i), nil
		}
	}
	return 0, fmt.Errorf("%q: must be %s", s, strings.Join(Modes, ", "))
}

func (m Mode) String() string {
	if m < 0 || int(m) >= len(Modes) {
		return fmt.Sprintf("Mode(%d)", int(m))
	}
	return Modes[m]
}

// MiB is a mebibyte.
const MiB = 1 << 20

const (
	// smallMachine is the memory, in bytes, up to which a machine is small. A normal tunnel peaks
	// at some 20 MB, of which a machine that is sold with 128 MB, and shows less than that, has
	// little to spare beside its own system; one with 256 MB has.
	smallMachine = 128 * MiB
	// littleLeft is how much must be available at the start for a normal tunnel, in bytes: twice
	// what it takes.
	littleLeft = 40 * MiB
)

// Plan is what was decided.
type Plan struct {
	Small   bool
	Why     string // in words
	Machine Machine
}

// Plan decides for a machine.
func (m Mode) Plan(machine Machine) Plan {
	p := Plan{Machine: machine}
	switch usable := machine.Usable(); {
	case m != Auto:
		p.Small, p.Why = m == Small, "--memory "+m.String()
	case usable == 0:
		p.Why = "this system does not say how much memory it has"
	case machine.Limit > 0 && usable == machine.Limit && usable <= smallMachine:
		p.Small, p.Why = true, fmt.Sprintf("the control group may have %s", Text(usable))
	case usable <= smallMachine:
		p.Small, p.Why = true, fmt.Sprintf("the machine has %s", Text(usable))
	case machine.Available > 0 && machine.Available <= littleLeft:
		p.Small, p.Why = true, fmt.Sprintf("%s were available at the start", Text(machine.Available))
	default:
		p.Why = fmt.Sprintf("there are %s", Text(usable))
	}
	return p
}

// Mode is Small or Normal.
func (p Plan) Mode() Mode {
	if p.Small {
		return Small
	}
	return Normal
}

// Sizes are those of the plan.
func (p Plan) Sizes() Sizes { return SizesOf(p.Small) }

// Text writes bytes for people, in units of 2^20 and, below one, of 2^10.
func Text(bytes uint64) string {
	if bytes < MiB {
		return fmt.Sprintf("%d KB", bytes>>10)
	}
	return fmt.Sprintf("%d MB", bytes>>20)
}
