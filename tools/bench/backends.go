package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/arc4/asm"
	"github.com/arc4tun/arc4tun/speed"
)

// What subjects of package speed are called.
const (
	selected = "auto"
	goPeer   = "crypto/rc4"
	baseline = "amd64"  // runs on every x86-64
	avx512   = "avx512" // is in the name of what needs it
)

// backends says which implementations there are on this machine, by name.
type backends struct {
	all      []string // those that pass their self-test, in arc4's order
	portable []string // those of all in pure Go
	// chosen are the backends that are selected for each kind of work.
	chosen map[arc4.Workload]string
}

func readBackends() (backends, error) {
	b := backends{chosen: map[arc4.Workload]string{}}
	auto, err := arc4.Lookup(selected)
	if err != nil {
		return b, err
	}
	for _, w := range arc4.Workloads() {
		b.chosen[w] = auto.For(w).Name()
	}
	inAssembly := asm.Backends()
	for _, one := range arc4.Backends() {
		if err := one.SelfTest(); err != nil {
			return b, fmt.Errorf("%s failed its self-test, so nothing is measured: %w", one.Name(), err)
		}
		b.all = append(b.all, one.Name())
		if slices.ContainsFunc(inAssembly, func(a asm.Backend) bool { return a.Name == one.Name() }) {
			continue
		}
		b.portable = append(b.portable, one.Name())
	}
	return b, nil
}

// withoutAVX512 are those that an older x86-64 runs; none on other architectures.
func (b backends) withoutAVX512() []string {
	if !slices.Contains(b.all, baseline) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(b.all), func(name string) bool { return strings.Contains(name, avx512) })
}

// partsOf are the kinds of work that make up a workload.
func partsOf(w speed.Workload) []arc4.Workload {
	switch w {
	case speed.Stream:
		return []arc4.Workload{arc4.Stream}
	case speed.Packets, speed.Mix:
		return []arc4.Workload{arc4.Packets}
	case speed.MPPEBatch, speed.MPPESessions:
		return []arc4.Workload{arc4.Packet, arc4.Packets}
	default:
		return []arc4.Workload{arc4.Packet}
	}
}

// chosenFor names the selected backends that do a workload.
func (b backends) chosenFor(w speed.Workload) string {
	var names []string
	for _, part := range partsOf(w) {
		if name := b.chosen[part]; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
