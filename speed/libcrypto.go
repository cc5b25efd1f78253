//go:build libcrypto && cgo

package speed

import (
	"bytes"
	"errors"
	"slices"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
	"github.com/arc4tun/arc4tun/internal/timing"
)

// libcryptoRC4 is OpenSSL's RC4, with the loops in C.
func libcryptoRC4() (i implementation, ok bool) {
	type loop = func(l *libcrypto.Loops, n int) int
	on := func(count, sessions int, run loop) makeWork {
		return func(size int, keys *timing.Keys) (timing.Work, error) {
			l := newLibcrypto(count, sessions, []int{size}, keys)
			return func(n int) int { return run(l, n) }, nil
		}
	}
	return implementation{
		name:  libcrypto.Name,
		kind:  peer,
		check: checkLibcrypto,
		works: map[Workload]makeWork{
			Stream:  on(1, 1, (*libcrypto.Loops).Stream),
			Packet:  on(1, 0, (*libcrypto.Loops).Packets),
			Packets: on(packetsPerCall, 0, (*libcrypto.Loops).Packets),
			Mix: func(_ int, keys *timing.Keys) (timing.Work, error) {
				return newLibcrypto(packetsPerCall, 0, mixLengths(), keys).Packets, nil
			},
			KeySetup:     on(1, 0, (*libcrypto.Loops).KeySetup),
			MPPE:         on(1, 1, (*libcrypto.Loops).MPPE),
			MPPEBatch:    on(packetsPerCall, 1, (*libcrypto.Loops).MPPE),
			MPPESessions: on(packetsPerCall, sessionsPerCall, (*libcrypto.Loops).MPPE),
		},
	}, true
}

// newLibcrypto lays out count packets of the lengths, apart from each other as those of this
// project's backends are, and sessions with fresh keys.
func newLibcrypto(count, sessions int, lengths []int, keys *timing.Keys) *libcrypto.Loops {
	stride := timing.Stride(mppeHeader + slices.Max(lengths))
	for len(lengths) < count {
		lengths = append(lengths, lengths[0])
	}
	layout := libcrypto.Layout{Packets: count, Stride: stride, Lengths: lengths}
	for range sessions {
		key := make([]byte, timing.KeySize)
		keys.Fill(key)
		layout.Keys = append(layout.Keys, key)
	}
	layout.Random = keys.Next()
	return libcrypto.New(layout)
}

// checkLibcrypto compares a key stream with that of the textbook implementation.
func checkLibcrypto() error {
	const size = 1000
	reference, err := arc4.Lookup("reference")
	if err != nil {
		return err
	}
	var key [timing.KeySize]byte
	timing.NewKeys(0).Fill(key[:])
	c, err := reference.New(key[:])
	if err != nil {
		return err
	}
	want := make([]byte, size)
	c.XORKeyStream(want, want)
	l := newLibcrypto(1, 1, []int{size}, timing.NewKeys(0))
	l.Stream(1)
	if !bytes.Equal(l.Memory(0)[:size], want) {
		return errors.New("its key stream is not that of the reference")
	}
	return nil
}
