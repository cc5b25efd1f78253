package speed

import (
	"github.com/arc4tun/arc4tun/arc4"
)

// subject is something that can be measured, under a name.
type subject struct {
	name  string
	check func() error // the self-test
	works map[Workload]makeWork
}

// makeWork sets up the work on blocks of size bytes, for one worker. It may allocate; the work may not.
type makeWork func(size int, keys *keySource) (work, error)

// work is what is timed.
type work interface {
	// run does at least n operations and returns how many.
	run(n int) int
}

func (s *subject) workloads() []Workload {
	var list []Workload
	for _, w := range workloads {
		if s.works[w.name] != nil {
			list = append(list, w.name)
		}
	}
	return list
}

// subjects lists the backends that run on this machine in arc4's order, and then the ciphers shown beside them.
func subjects() []subject {
	var list []subject
	for _, b := range arc4.Backends() {
		list = append(list, subject{
			name:  b.Name(),
			check: b.SelfTest,
			works: map[Workload]makeWork{
				Stream:   func(size int, keys *keySource) (work, error) { return newStreamWork(b, size, keys) },
				Packet:   func(size int, keys *keySource) (work, error) { return newPacketWork(b, size, keys) },
				Packets:  func(size int, keys *keySource) (work, error) { return newPacketsWork(b, size, keys) },
				KeySetup: func(_ int, keys *keySource) (work, error) { return newKeySetupWork(b, keys) },
				MPPE:     func(size int, keys *keySource) (work, error) { return newMPPEWork(b, size, keys) },
			},
		})
	}
	return append(list, aesSubject("aes-128-cbc", 16), aesSubject("aes-256-cbc", 32), rc4Subject())
}

// selected is what arc4.Selected says; the name is empty if nothing could be selected.
func selected() (name, why string) {
	b, why := arc4.Selected()
	if b == nil {
		return "", why
	}
	return b.Name(), why
}
