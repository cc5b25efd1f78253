package reorder

// Stats counts since New. The package documentation says how the counters add
// up.
type Stats struct {
	Accepted    uint64 // packets delivered
	UnderWindow uint64 // packets refused because they came behind the window
	Buffered    uint64 // those of Accepted that had to wait in the window first
	Duplicated  uint64 // packets refused because their number was there already
	Lost        uint64 // sequence numbers given up
	Marked      uint64 // sequence numbers that carried no data (Mark)
}

// Stats returns the counters.
func (w *Window) Stats() Stats { return w.stats }
