// Package reorder puts the packets of a numbered stream back in order.
//
// A [Window] is pure: packets and the time go in, packets come out through the deliver function of
// the call. It starts no goroutine, keeps no timer and takes no lock, so one Window belongs to one
// goroutine at a time. Neither deliver nor Config.Release may call back into the Window.
//
// Numbers are 32 bits wide and compared as serial numbers (RFC 1982), so they wrap at 2^32 without
// notice; exactly 2^31 away counts as behind. The head of the window is the lowest number that is
// still awaited, and the window reaches from there over Config.Size numbers. No call costs more
// than a pass over the window, whatever number arrives.
//
// The first packet sets the head, whatever its number is: peers begin at 0, at 1 (RFC 2637 section
// 4.2 leaves room for both readings), and a session may be picked up in its middle. Under Order and
// Drop, a packet that was sent before it and comes after it is late like any other late one:
// holding back the first packet instead would delay every session by Timeout.
//
// A number that the network has lost never comes, and to wait for it in full would stop the stream
// once for every loss. So the window notes how long the waits were that ended with the missing
// packet: after a few waits it takes twice the longest of the last half minute or so, 10 ms at the
// least. Every packet that comes after it was given up doubles that. Config.Fixed turns this off.
package reorder
