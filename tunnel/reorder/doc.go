// Package reorder puts the packets of a numbered stream back in order.
//
// A [Window] is pure: packets and the time go in, packets come out through the
// deliver function of the call. It starts no goroutine, keeps no timer and
// takes no lock, so one Window belongs to one goroutine at a time. Neither
// deliver nor Config.Release may call back into the Window.
//
// # Sequence numbers
//
// Numbers are 32 bits wide and compared by serial arithmetic, int32(a-b), so
// they wrap at 2^32 without notice. A number is ahead of another by at most
// 2^31-1; exactly 2^31 away counts as behind. The head of the window is the
// lowest number that is still awaited, and the window reaches from there over
// Config.Size numbers. No call costs more than a pass over the window,
// whatever number arrives: a jump of two thousand million is arithmetic.
//
// # The first packet
//
// The first packet sets the head, whatever its number is: peers begin at 0, at
// 1 (RFC 2637 section 4.2 leaves room for both readings), and a session may be
// picked up in its middle. Under Order and Drop, a packet that was sent before
// it and comes after it is late like any other late one and is refused, since
// what it preceded has been delivered and Order never delivers backwards.
// Holding back the first packet instead would delay every session by Timeout.
// Under Immediate such a packet is delivered.
//
// # How long to wait
//
// Under Order a packet waits for those before it, for Timeout at the longest. A
// number that the network has lost never comes, and to wait for it in full would
// stop the stream once for every loss. So the window notes how long the waits were
// that ended with the missing packet: after a few waits it takes twice the longest
// of the last half minute or so, 10 ms at the least. Every packet that comes after
// it was given up doubles that. Config.Fixed turns this off.
//
// # The books
//
// Every pushed packet ends in exactly one place:
//
//	pushed = Accepted + UnderWindow + Duplicated + held
//
// and so does every sequence number, counted from the first one to the head
// (under Drop and Immediate, the head follows the highest number seen):
//
//	span = Accepted + Lost + Marked
//
// A refused packet is a duplicate when its number was delivered, or waits, as
// far as the memory of the window goes: from Size numbers behind the head to
// the window's end. Every other packet behind the head is UnderWindow. Under
// Order and Drop it was counted in Lost when the window gave it up, and stays
// there: it never reached anyone. Under Immediate a late packet from within
// the memory is delivered, and its number moves from Lost to Accepted; so Lost
// may fall there, and says at each moment how many numbers are missing.
package reorder
