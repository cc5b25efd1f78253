package reorder

// Stats counts since New. Every pushed packet ends in exactly one place, and so does every sequence
// number from the first one to the head (under Drop and Immediate, the head follows the highest
// number seen):
//
//	pushed  = Accepted + UnderWindow + Duplicated + held
//	numbers = Accepted + Lost + Marked
//
// A refused packet is a duplicate when its number was delivered, or waits, as far as the memory of
// the window goes: from Size numbers behind the head to the window's end. Every other packet behind
// the head is UnderWindow. Under Order and Drop it was counted in Lost when the window gave it up,
// and stays there: it never reached anyone. Under Immediate a late packet from within the memory is
// delivered, and its number moves from Lost to Accepted; so Lost may fall there, and is at each
// moment how many numbers are missing.
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
