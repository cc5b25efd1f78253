package capture

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/capturefile"
)

// The interfaces of a file, in their order.
const (
	onControl = iota
	onGRE
	onInner
	interfaces
)

// interfaceNames are those of the interfaces, by which programs that read a capture know them.
var interfaceNames = [interfaces]string{"control", "gre", "inner"}

// Config says what a capture is to hold.
type Config struct {
	Path string // of the file; older ones of a ring have .1, .2, ... behind it
	// Size is the most that a file has, in bytes.
	Size int64
	// Files is how many there are: with one, the capture ends when it is full; with more, the
	// oldest goes.
	Files int
	// SnapLen is how many bytes are kept of a packet at most, from its IP header on; 0: all.
	SnapLen int
	// HeadersOnly keeps what packets carry out of the file, and logins with it: see kept.
	HeadersOnly bool
	// Version and Command say what made it. They are in the file.
	Version, Command string
	Log              *slog.Logger // nil: slog.Default

	now       func() time.Time // nil: time.Now
	queueSize int              // 0: queueSize
}

// Capture is a capture that runs.
type Capture struct {
	cfg   Config
	queue *queue
	keep  int // of a packet
	done  chan struct{}
	over  chan struct{} // closed when the writer has ended
	ended atomic.Bool   // it is full, or failed: nothing is copied any more
	once  sync.Once
	err   error // of the writer, once over is closed

	devices devices
}

// Open makes the file and begins. An error names the file and what to do.
func Open(c Config) (*Capture, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.queueSize == 0 {
		c.queueSize = queueSize
	}
	if c.SnapLen == 0 {
		c.SnapLen = capturefile.MaxPacket
	}
	w, err := newWriter(c)
	if err != nil {
		return nil, err
	}
	r := &Capture{cfg: c, queue: newQueue(c.queueSize), keep: c.SnapLen, done: make(chan struct{}), over: make(chan struct{})}
	go r.write(w)
	return r, nil
}

// closingTime is how long Close waits for a file that is slow.
const closingTime = time.Second

// Close writes what is still to be written, for a second at most, and gives why the file is not
// what it should be.
func (c *Capture) Close() error {
	c.once.Do(func() { close(c.done) })
	select {
	case <-c.over:
		return c.err
	case <-time.After(closingTime):
		c.queue.shut()
		return errors.New("the capture's file does not take what is to be written: it may end early")
	}
}

// add takes a packet in two parts.
func (c *Capture) add(on int, sent bool, at time.Time, a, b []byte) {
	if c.ended.Load() {
		return
	}
	keep := c.keep
	if c.cfg.HeadersOnly {
		n, ok := kept(on, a, b)
		if !ok {
			return
		}
		keep = min(keep, n)
	}
	flags := byte(0)
	if sent {
		flags = flagSent
	}
	c.queue.add(on, flags, at, keep, a, b)
}

// write is the goroutine that has the file.
func (c *Capture) write(w *writer) {
	defer close(c.over)
	empty := make([]byte, 0, c.cfg.queueSize)
	for going := true; going; {
		select {
		case <-c.queue.ready:
		case <-c.done:
			c.queue.shut()
			going = false
		}
		full, missed := c.queue.take(empty)
		if c.err == nil && w.batch(full, missed) != nil {
			c.ended.Store(true)
			c.err = w.err
			c.sayWhy(w)
		}
		empty = full
	}
	if err := w.close(); c.err == nil {
		c.err = err
	}
	if errors.Is(c.err, errFull) {
		c.err = nil
	}
	if n := w.missing(); n > 0 {
		c.cfg.Log.Warn("packets are missing in the capture: its file did not take them fast enough", "file", c.cfg.Path, "packets", n)
	}
}

// sayWhy says, once, that the capture ends before the tunnel does.
func (c *Capture) sayWhy(w *writer) {
	if errors.Is(w.err, errFull) {
		c.cfg.Log.Warn("the capture is full and ends here; the tunnel goes on", "file", c.cfg.Path, "bytes", w.written())
		return
	}
	c.cfg.Log.Error("the capture cannot be written and ends here; the tunnel goes on", "file", c.cfg.Path, "error", w.err)
}
