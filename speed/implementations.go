package speed

import (
	"github.com/arc4tun/arc4tun/arc4"
)

// subject is something that can be measured, under a name.
type subject struct {
	name  string
	kind  kind
	check func() error // the self-test
	works map[Workload]makeWork
}

// kind says when a subject is measured without being named.
type kind int

const (
	ours   kind = iota // always
	peer               // always; and with Config.Peers also where others are named
	other              // only where there are no peers: it is not RC4
	hidden             // never: it is another name for one of ours
)

// makeWork sets up the work on blocks of size bytes, for one worker. It may allocate; the work may not.
type makeWork func(size int, keys *keySource) (work, error)

// work is what is timed.
type work interface {
	// run does at least n operations and returns how many.
	run(n int) int
}

// workFunc is a function as a [work].
type workFunc func(n int) int

func (f workFunc) run(n int) int { return f(n) }

func (s *subject) workloads() []Workload {
	var list []Workload
	for _, w := range workloads {
		if s.works[w.name] != nil {
			list = append(list, w.name)
		}
	}
	return list
}

// subjects lists the backends that run on this machine in arc4's order, and then what is shown beside them. Of the peers
// the one that ratios are given to, if it is there, comes first.
func subjects() []subject {
	var list []subject
	for _, b := range arc4.Backends() {
		list = append(list, subject{b.Name(), ours, b.SelfTest, backendWorks(func() (*arc4.Backend, error) { return b, nil })})
	}
	list = append(list, aesSubject("aes-128-cbc", 16), aesSubject("aes-256-cbc", 32))
	if s, ok := libcryptoSubject(); ok {
		list = append(list, s)
	}
	return append(list, rc4Subject(), subject{auto, hidden, checkAuto, backendWorks(lookupAuto)})
}

// backendWorks are all workloads on the backend that lookup gives.
func backendWorks(lookup func() (*arc4.Backend, error)) map[Workload]makeWork {
	on := func(build func(b *arc4.Backend, size int, keys *keySource) (work, error)) makeWork {
		return func(size int, keys *keySource) (work, error) {
			b, err := lookup()
			if err != nil {
				return nil, err
			}
			return build(b, size, keys)
		}
	}
	return map[Workload]makeWork{
		Stream: on(newStreamWork),
		Packet: on(newPacketWork),
		Packets: on(func(b *arc4.Backend, size int, keys *keySource) (work, error) {
			return newPacketsWork(b, size, keys), nil
		}),
		Mix:          on(func(b *arc4.Backend, _ int, keys *keySource) (work, error) { return newMixWork(b, keys), nil }),
		KeySetup:     on(func(b *arc4.Backend, _ int, keys *keySource) (work, error) { return newKeySetupWork(b, keys) }),
		MPPE:         on(newMPPEWork),
		MPPEBatch:    on(newMPPEBatchWork),
		MPPESessions: on(newMPPESessionsWork),
	}
}

// auto is the name of what arc4 selects, as arc4.Lookup knows it.
const auto = "auto"

func lookupAuto() (*arc4.Backend, error) { return arc4.Lookup(auto) }

func checkAuto() error {
	_, err := lookupAuto() // a backend that fails its self-test is not selected
	return err
}

// selected is what arc4.Selected says; the name is empty if nothing could be selected.
func selected() (name, why string) {
	b, why := arc4.Selected()
	if b == nil {
		return "", why
	}
	return b.Name(), why
}
