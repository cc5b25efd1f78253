// Package raceflag tells whether the race detector is built in. Tests that count allocations or
// memory ask it, since the detector has memory of its own and makes sync.Pool forget what it is
// given.
package raceflag
