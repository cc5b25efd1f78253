//go:build libcrypto && cgo

package speed

import (
	"bytes"
	"errors"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
)

// libcryptoSubject is OpenSSL's RC4, with the loops in C.
func libcryptoSubject() (s subject, ok bool) {
	type build = func(l *libcrypto.Loops) workFunc
	packets := func(l *libcrypto.Loops) workFunc { return l.Packets }
	mppe := func(l *libcrypto.Loops) workFunc { return l.MPPE }
	on := func(count, sessions int, run build) makeWork {
		return func(size int, keys *keySource) (work, error) {
			return run(newLibcrypto(count, sessions, []int{size}, keys)), nil
		}
	}
	return subject{
		name:  libcrypto.Name,
		kind:  peer,
		check: checkLibcrypto,
		works: map[Workload]makeWork{
			Stream:  on(1, 1, func(l *libcrypto.Loops) workFunc { return l.Stream }),
			Packet:  on(1, 0, packets),
			Packets: on(packetsPerCall, 0, packets),
			Mix: func(_ int, keys *keySource) (work, error) {
				return workFunc(newLibcrypto(packetsPerCall, 0, MixLengths(), keys).Packets), nil
			},
			KeySetup:     on(1, 0, func(l *libcrypto.Loops) workFunc { return l.KeySetup }),
			MPPE:         on(1, 1, mppe),
			MPPEBatch:    on(packetsPerCall, 1, mppe),
			MPPESessions: on(packetsPerCall, sessionsPerCall, mppe),
		},
	}, true
}

// newLibcrypto lays out count packets of the lengths, apart from each other as those of this project's backends are, and
// sessions with fresh keys.
func newLibcrypto(count, sessions int, lengths []int, keys *keySource) *libcrypto.Loops {
	longest := 0
	for _, n := range lengths {
		longest = max(longest, n)
	}
	for len(lengths) < count {
		lengths = append(lengths, lengths[0])
	}
	layout := libcrypto.Layout{Packets: count, Stride: packetStride(mppeHeader + longest), Lengths: lengths}
	for range sessions {
		key := make([]byte, keySize)
		keys.fill(key)
		layout.Keys = append(layout.Keys, key)
	}
	layout.Random = keys.next()
	return libcrypto.New(layout)
}

// checkLibcrypto compares a key stream with that of the textbook implementation.
func checkLibcrypto() error {
	const size = 1000
	reference, err := arc4.Lookup("reference")
	if err != nil {
		return err
	}
	var key [keySize]byte
	newKeySource(0).fill(key[:])
	c, err := reference.New(key[:])
	if err != nil {
		return err
	}
	want := make([]byte, size)
	c.XORKeyStream(want, want)
	l := newLibcrypto(1, 1, []int{size}, newKeySource(0))
	l.Stream(1)
	if !bytes.Equal(l.Memory(0)[:size], want) {
		return errors.New("its key stream is not that of the reference")
	}
	return nil
}
