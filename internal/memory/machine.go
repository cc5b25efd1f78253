package memory

// Machine is what there is for this process, in bytes; 0 where it is not known.
type Machine struct {
	Total     uint64 // the machine's memory
	Available uint64 // what can be had without swapping
	Limit     uint64 // the least limit of the control groups; 0: none
}

// Usable is the machine's memory, or less where a control group has less; 0 if neither is known.
func (m Machine) Usable() uint64 {
	switch {
	case m.Limit == 0:
		return m.Total
	case m.Total == 0:
		return m.Limit
	}
	return min(m.Total, m.Limit)
}
