package link

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.zx2c4.com/wireguard/tun"
)

// fakeTUN is a device whose other side is the test's: packets put into stack are
// read from it, and packets written to it come out of wire.
type fakeTUN struct {
	name   string
	stack  chan []byte
	wire   chan []byte
	events chan tun.Event
	errs   chan error // what Read and Write fail with, once each

	once   sync.Once
	closed chan struct{}
}

func newFakeTUN(name string) *fakeTUN {
	f := &fakeTUN{
		name: name, stack: make(chan []byte, 16), wire: make(chan []byte, 4096),
		events: make(chan tun.Event), errs: make(chan error, 1), closed: make(chan struct{}),
	}
	return f
}

func (f *fakeTUN) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	select {
	case <-f.closed:
		return 0, os.ErrClosed
	case p := <-f.stack:
		if p == nil {
			return 0, tun.ErrTooManySegments
		}
		sizes[0] = copy(bufs[0][offset:], p)
		return 1, nil
	}
}

func (f *fakeTUN) Write(bufs [][]byte, offset int) (int, error) {
	select {
	case <-f.closed:
		panic("written after it was closed")
	case err := <-f.errs:
		return 0, err
	default:
	}
	total := 0
	for _, buf := range bufs {
		f.wire <- slices.Clone(buf[offset:])
		total += len(buf)
	}
	return total, nil
}

func (f *fakeTUN) Close() error {
	closed := false
	f.once.Do(func() {
		closed = true
		close(f.closed)
		close(f.events)
	})
	if !closed {
		panic("closed twice")
	}
	return nil
}

func (f *fakeTUN) File() *os.File           { return nil }
func (f *fakeTUN) MTU() (int, error)        { return 1400, nil }
func (f *fakeTUN) Name() (string, error)    { return f.name, nil }
func (f *fakeTUN) Events() <-chan tun.Event { return f.events }
func (f *fakeTUN) BatchSize() int           { return 4 }

func TestJoin(t *testing.T) {
	a, b := newFakeTUN("a"), newFakeTUN("b")
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error)
	go func() { ran <- Join(ctx, a, b, Config{}, Config{Duplicate: 1}) }()
	a.events <- tun.EventUp
	const n = 300
	go func() {
		for i := range uint32(n) {
			a.stack <- packet(i, 1400)
			a.stack <- nil // an error that is none
			b.stack <- packet(i, 40)
		}
	}()
	for i := range uint32(n) {
		assert.Equal(t, packet(i, 1400), <-b.wire)
		assert.Equal(t, packet(i, 40), <-a.wire)
		assert.Equal(t, packet(i, 40), <-a.wire, "the way back doubles")
	}
	cancel()
	require.NoError(t, <-ran)
	for _, f := range []*fakeTUN{a, b} {
		_, open := <-f.closed
		assert.False(t, open)
	}
}

func TestBridgeAccounts(t *testing.T) {
	a, b := newFakeTUN("a"), newFakeTUN("b")
	bridge, err := NewBridge(a, b, Config{}, Config{Loss: 1}, Options{Batch: 1})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error)
	go func() { ran <- bridge.Run(ctx) }()
	b.errs <- errors.New("the device is down")
	b.stack <- packet(0, 40)
	a.stack <- packet(1, 40)
	a.stack <- packet(2, 40)
	assert.Equal(t, packet(2, 40), <-b.wire)
	cancel()
	require.NoError(t, <-ran)
	failedA, failedB := bridge.Failed()
	assert.Zero(t, failedA)
	assert.Equal(t, uint64(1), failedB)
	ab, ba := bridge.Runners()
	assert.Equal(t, uint64(2), ab.Stats().Delivered)
	assert.Equal(t, ba.Stats().Sent, ba.Stats().Lost)
}

func TestBridgeEndsWithADevice(t *testing.T) {
	t.Run("read", func(t *testing.T) {
		a, b := newFakeTUN("tun7"), newFakeTUN("tun8")
		ran := make(chan error)
		go func() { ran <- Join(context.Background(), a, b, Config{}, Config{}) }()
		require.NoError(t, a.Close())
		err := <-ran
		assert.ErrorIs(t, err, os.ErrClosed)
		assert.EqualError(t, err, "link: reading tun7: file already closed")
	})
	t.Run("write", func(t *testing.T) {
		a, b := newFakeTUN("tun7"), newFakeTUN("tun8")
		b.errs <- os.ErrClosed
		a.stack <- packet(1, 40)
		err := Join(context.Background(), a, b, Config{}, Config{})
		assert.EqualError(t, err, "link: writing tun8: file already closed")
	})
	t.Run("configuration", func(t *testing.T) {
		a, b := newFakeTUN("tun7"), newFakeTUN("tun8")
		assert.Error(t, Join(context.Background(), a, b, Config{Loss: 2}, Config{}))
		assert.Error(t, Join(context.Background(), a, b, Config{}, Config{Loss: 2}))
	})
}
