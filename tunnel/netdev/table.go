package netdev

import (
	"fmt"
	"strconv"
)

// Table says which routing table a tunnel's routes go to, by its number on Linux, and whether they
// go anywhere.
type Table int64

const (
	// TableAuto: the main table. A default route goes to a table of its own instead, which policy
	// rules have looked up as wg-quick(8) does; where there can be no rules, it goes to the main
	// table in halves.
	TableAuto Table = 0
	// TableOff: none; the routes are somebody else's to make.
	TableOff Table = -1
	// TableMain: the main table, a default route in halves.
	TableMain Table = 254
)

// ParseTable reads off, auto, main or a number.
func ParseTable(s string) (Table, error) {
	switch s {
	case "auto":
		return TableAuto, nil
	case "off":
		return TableOff, nil
	case "main":
		return TableMain, nil
	}
	n, err := strconv.ParseUint(s, 0, 32)
	switch {
	case err != nil || n == 0:
		return 0, fmt.Errorf("table %q is none: give auto, off, main, or a number, 1 to 4294967295", s)
	case n == 255:
		return 0, fmt.Errorf("table %s is the kernel's for this machine's own addresses: give another number", s)
	}
	return Table(n), nil
}

func (t Table) String() string {
	switch t {
	case TableAuto:
		return "auto"
	case TableOff:
		return "off"
	case TableMain:
		return "main"
	}
	return strconv.FormatInt(int64(t), 10)
}
