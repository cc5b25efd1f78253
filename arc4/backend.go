package arc4

import (
	"fmt"
	"sync"
)

// Backend is one implementation of RC4. Its methods are safe for concurrent
// use.
type Backend struct {
	name      string
	about     string
	missing   string // why it cannot run here; empty if it can
	newStream func() stream
	newLanes  func() lanes // nil: XORKeyStreams does one job after another
	width     func() int   // of newLanes
	tested    func() error
	spare     sync.Pool // of stream
	spareRun  sync.Pool // of *scheduler
	parts     *parts    // nil unless it is put together from others
	// ranked backends are faster than any that is not, and the later they are
	// listed the faster: so say the instructions that they need, which
	// tools/countinstr counts.
	ranked bool
}

func newBackend(name, about string, newStream func() stream) *Backend {
	b := &Backend{name: name, about: about, newStream: newStream}
	b.tested = sync.OnceValue(b.runSelfTest)
	b.spare.New = func() any { return b.newStream() }
	return b
}

// withLanes gives the backend lanes.
func (b *Backend) withLanes(newLanes func() lanes) *Backend {
	b.newLanes = newLanes
	b.width = sync.OnceValue(func() int { return newLanes().Width() })
	b.spareRun.New = func() any { return newScheduler(newLanes()) }
	return b
}

// Name returns the name that [Lookup] and ARC4_BACKEND know the backend by.
func (b *Backend) Name() string { return b.name }

// Describe returns a line that says what the backend is.
func (b *Backend) Describe() string { return b.about }

// Missing returns why the backend cannot run here; it is empty if it can.
func (b *Backend) Missing() string { return b.missing }

// usable returns why the backend is not to be used, if it is not.
func (b *Backend) usable() error {
	if b.missing != "" {
		return fmt.Errorf("arc4: backend %q cannot run here: %s", b.name, b.missing)
	}
	if err := b.SelfTest(); err != nil {
		return fmt.Errorf("arc4: backend %q is unusable: %w", b.name, err)
	}
	return nil
}

// Streams returns how many key streams XORKeyStreams works on at once.
func (b *Backend) Streams() int {
	if b.parts != nil {
		return b.parts[Packets].Streams()
	}
	if b.newLanes == nil {
		return 1
	}
	return b.width()
}

// New returns a Cipher for key, 1 to 256 bytes. The error is a [KeySizeError].
func (b *Backend) New(key []byte) (*Cipher, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	c := &Cipher{stream: b.newStream()}
	c.stream.SetKey(key)
	return c, nil
}
