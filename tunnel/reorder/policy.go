package reorder

import (
	"fmt"
	"strings"
)

// Policy is what happens to packets that do not come in order.
type Policy uint8

const (
	// Order delivers in ascending order. A packet that arrives before its
	// predecessors waits for them, at most Config.Timeout.
	Order Policy = iota
	// Drop never waits and refuses whatever comes late, as the Linux kernel's
	// PPTP driver does.
	Drop
	// Immediate never waits and never refuses a late packet within the memory
	// of the window, only duplicates: the least delay, in the order of arrival.
	Immediate
)

var policyNames = [...]string{Order: "order", Drop: "drop", Immediate: "immediate"}

// String gives the name that [ParsePolicy] accepts.
func (p Policy) String() string {
	if int(p) < len(policyNames) {
		return policyNames[p]
	}
	return fmt.Sprintf("policy(%d)", uint8(p))
}

// ParsePolicy reads "order", "drop" or "immediate".
func ParsePolicy(name string) (Policy, error) {
	for p, n := range policyNames {
		if n == name {
			return Policy(p), nil
		}
	}
	return 0, fmt.Errorf("reorder: unknown policy %q: use %s", name, strings.Join(policyNames[:], ", "))
}
