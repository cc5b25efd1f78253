// Package tunnels measures whole tunnels over emulated links: TCP without a
// tunnel, and through one under each policy of the reorder window, as the delay
// of the link grows and begins to jitter. The table has the shape of the one with
// which the window was first justified: against the stock kernel driver, which
// drops whatever comes late, as policy drop does.
package tunnels
