package arc4

import "sync"

// Backend is one implementation of RC4. Its methods are safe for concurrent
// use.
type Backend struct {
	name      string
	about     string
	missing   string // why it cannot run here; empty if it can
	newStream func() stream
	tested    func() error
	spare     sync.Pool // of stream, for XORKeyStreams
}

func newBackend(name, about string, newStream func() stream) *Backend {
	b := &Backend{name: name, about: about, newStream: newStream}
	b.tested = sync.OnceValue(b.runSelfTest)
	b.spare.New = func() any { return b.newStream() }
	return b
}

// Name returns the name that [Lookup] and ARC4_BACKEND know the backend by.
func (b *Backend) Name() string { return b.name }

// Describe says in one line what the backend is.
func (b *Backend) Describe() string { return b.about }

// Streams returns how many key streams XORKeyStreams works on at once.
func (b *Backend) Streams() int { return 1 }

// New returns a Cipher for key, 1 to 256 bytes. The error is a [KeySizeError].
func (b *Backend) New(key []byte) (*Cipher, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	c := &Cipher{stream: b.newStream()}
	c.stream.SetKey(key)
	return c, nil
}
