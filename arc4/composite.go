package arc4

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// parts are the backends that a composite has for each workload.
type parts [workloads]*Backend

// For returns the backend that does the work w: b itself, unless b is put
// together from several (see [Lookup]). It panics if w is no workload.
func (b *Backend) For(w Workload) *Backend {
	if w < 0 || w >= workloads {
		panic(fmt.Sprintf("arc4: Workload(%d) is none of Stream, Packet and Packets", int(w)))
	}
	if b.parts == nil {
		return b
	}
	return b.parts[w]
}

// composites holds each composite there is by its parts, so that asking for one
// twice gives the same.
var composites sync.Map // parts to *Backend

// compose returns the backend that has these parts; that is the part itself if
// all are the same.
func compose(p parts) *Backend {
	if p[Packet] == p[Stream] && p[Packets] == p[Stream] {
		return p[Stream]
	}
	if b, ok := composites.Load(p); ok {
		return b.(*Backend)
	}
	var about []string
	for w, part := range p {
		about = append(about, fmt.Sprintf("%v: %s", Workload(w), part.name))
	}
	b := newBackend(p.name(), strings.Join(about, "; "), p[Stream].newStream)
	b.parts = &p
	b.tested = p.selfTest
	first, _ := composites.LoadOrStore(p, b)
	return first.(*Backend)
}

// name joins the names of the parts with commas; those that repeat the one
// before them at the end are left out.
func (p parts) name() string {
	var names []string
	for _, b := range p {
		names = append(names, b.name)
	}
	for n := len(names); n > 1 && names[n-1] == names[n-2]; n-- {
		names = names[:n-1]
	}
	return strings.Join(names, ",")
}

// split is the inverse of name: the names of all parts. The error says what is
// wrong with the list.
func split(name string) (names [workloads]string, err error) {
	list := strings.Split(name, ",")
	if len(list) > workloads {
		return names, fmt.Errorf("arc4: %q names %d backends, it can be three at most: for a stream, for a packet and for batches of packets", name, len(list))
	}
	for w := range names {
		names[w] = list[min(w, len(list)-1)]
	}
	return names, nil
}

// selfTest is that of each part.
func (p parts) selfTest() error {
	var errs []error
	for w, b := range p {
		if err := b.SelfTest(); err != nil && !slices.Contains(p[:w], b) {
			errs = append(errs, fmt.Errorf("%s: %w", b.name, err))
		}
	}
	return errors.Join(errs...)
}
