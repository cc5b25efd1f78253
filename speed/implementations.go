package speed

import (
	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/timing"
)

// implementation is something that can be measured, under a name.
type implementation struct {
	name  string
	kind  kind
	check func() error // the self-test
	works map[Workload]makeWork
}

// kind is when an implementation is measured without being named.
type kind int

const (
	ours   kind = iota // always
	peer               // always; and with Config.Peers also where others are named
	other              // only where there are no peers: it is not RC4
	hidden             // never: it is another name for one of ours
)

// makeWork sets up the work on blocks of size bytes, for one worker. It may allocate; the work may
// not.
type makeWork func(size int, keys *timing.Keys) (timing.Work, error)

// passes is the self-test of what has none.
func passes() error { return nil }

func (i *implementation) workloads() []Workload {
	var list []Workload
	for _, w := range workloads {
		if i.works[w.name] != nil {
			list = append(list, w.name)
		}
	}
	return list
}

// implementations lists the backends that run on this machine in arc4's order, and then what is
// shown beside them. Of the peers the one that ratios are given to, if it is there, comes first.
func implementations() []implementation {
	var list []implementation
	for _, b := range arc4.Backends() {
		find := func() (*arc4.Backend, error) { return b, nil }
		list = append(list, implementation{b.Name(), ours, b.SelfTest, backendWorks(find)})
	}
	list = append(list, aesCBC("aes-128-cbc", 16), aesCBC("aes-256-cbc", 32))
	if l, ok := libcryptoRC4(); ok {
		list = append(list, l)
	}
	return append(list, goRC4(), implementation{auto, hidden, checkAuto, backendWorks(lookupAuto)})
}

// backendWorks are all workloads on the backend that lookup gives.
func backendWorks(lookup func() (*arc4.Backend, error)) map[Workload]makeWork {
	on := func(build func(b *arc4.Backend, size int, keys *timing.Keys) (timing.Work, error)) makeWork {
		return func(size int, keys *timing.Keys) (timing.Work, error) {
			b, err := lookup()
			if err != nil {
				return nil, err
			}
			return build(b, size, keys)
		}
	}
	return map[Workload]makeWork{
		Stream:  on(newStreamWork),
		Packet:  on(newPacketWork),
		Packets: on(newPacketsWork),
		Mix: on(func(b *arc4.Backend, _ int, keys *timing.Keys) (timing.Work, error) {
			return timing.Calls(packetsPerCall, newMixWork(b, keys).call), nil
		}),
		KeySetup:     on(newPacketWork), // it has no size
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

// selected is what arc4.Selected returns; the name is empty if nothing could be selected.
func selected() (name, why string) {
	b, why := arc4.Selected()
	if b == nil {
		return "", why
	}
	return b.Name(), why
}
