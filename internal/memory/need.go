package memory

import "fmt"

// Need is what a command takes at its peak, in bytes, in either mode.
type Need struct{ Small, Normal uint64 }

// Check says what is wrong if less than that is available; nil where the system does not say what
// is. A process that the system must end for want of memory leaves others without theirs first.
func (n Need) Check(p Plan) error {
	need, remedy := n.Normal, "give --memory small, which takes "+Text(n.Small)
	if p.Small {
		need, remedy = n.Small, "stop other programs, or run it on a larger machine"
	}
	if a := p.Machine.Available; p.Machine.Usable() > 0 && a < need {
		return fmt.Errorf("this takes %s of memory, and %s are available: %s", Text(need), Text(a), remedy)
	}
	return nil
}
