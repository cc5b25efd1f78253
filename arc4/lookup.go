package arc4

import (
	"fmt"
	"slices"
	"strings"
)

// Lookup returns the backend called name; "" and "auto" give the selected one
// (see [Selected]).
//
// Name can also be two or three names with commas between them: the backends
// for [Stream], for [Packet] and for [Packets]; one that is missing at the end
// is the same as the one before it, and "auto" is the selected one for that
// work. What is returned then uses them for what they are named for: the
// Ciphers of New are the first one's, XORKeyStreams is the third one's, and
// [Backend.For] gives each of them. The selected backend is put together in
// the same way if no backend is best for all three. Lookup of the same name
// returns the same backend each time, and of a name such as "a,a" that of "a".
//
// The error names the value and says which names are known, that the backend
// cannot run here and why, or that its self-test failed.
func Lookup(name string) (*Backend, error) {
	if isAuto(name) {
		return selected().whole()
	}
	return lookup(known, name, func(w Workload) (*Backend, error) {
		s := selected().choose(w)
		return s.backend, s.err
	})
}

// isAuto reports whether name leaves the choice to the selection.
func isAuto(name string) bool { return name == "" || name == "auto" }

// lookup finds the backends that name gives among known; auto chooses those
// that it leaves open.
func lookup(known []*Backend, name string, auto func(Workload) (*Backend, error)) (*Backend, error) {
	names, err := split(name)
	if err != nil {
		return nil, err
	}
	var p parts
	for w := range p {
		find := func() (*Backend, error) { return lookupOne(known, names[w]) }
		if names[w] == "auto" {
			find = func() (*Backend, error) { return auto(Workload(w)) }
		}
		if p[w], err = find(); err != nil {
			return nil, err
		}
	}
	return compose(p), nil
}

func lookupOne(known []*Backend, name string) (*Backend, error) {
	at := slices.IndexFunc(known, func(b *Backend) bool { return b.name == name })
	if at < 0 {
		return nil, fmt.Errorf("arc4: unknown backend %q, known are auto, %s", name, names(known))
	}
	if err := known[at].usable(); err != nil {
		return nil, err
	}
	return known[at], nil
}

func names(backends []*Backend) string {
	var all []string
	for _, b := range backends {
		all = append(all, b.name)
	}
	return strings.Join(all, ", ")
}
