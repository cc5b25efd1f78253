package tunnels

import (
	"fmt"
	"strings"

	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// Column is the way that TCP takes: without a tunnel, or through one whose reorder
// window has that policy at both ends.
type Column string

// The columns.
const (
	Raw       Column = "raw"       // no tunnel
	Drop      Column = "drop"      // what the stock kernel driver does: anything late is lost
	Order     Column = "order"     // the window: held until in order
	Immediate Column = "immediate" // never held
)

// Columns lists all of them.
func Columns() []Column { return []Column{Raw, Drop, Order, Immediate} }

// ParseColumn reads the name of a column.
func ParseColumn(name string) (Column, error) {
	var names []string
	for _, c := range Columns() {
		if Column(name) == c {
			return c, nil
		}
		names = append(names, string(c))
	}
	return "", fmt.Errorf("column %q: want any of %s", name, strings.Join(names, ", "))
}

// policy is that of a column with a tunnel.
func (c Column) policy() reorder.Policy {
	switch c {
	case Drop:
		return reorder.Drop
	case Immediate:
		return reorder.Immediate
	}
	return reorder.Order
}
