package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// Mode is what the hosts are made of.
type Mode int

// The modes.
const (
	Auto      Mode = iota // Kernel if that works here, else Userspace
	Kernel                // network namespaces, kernel TCP, raw GRE sockets
	Userspace             // TCP/IP stacks in this process
)

var modeNames = [...]string{"auto", "kernel", "userspace"}

func (m Mode) String() string {
	if m < 0 || int(m) >= len(modeNames) {
		return fmt.Sprintf("mode %d", int(m))
	}
	return modeNames[m]
}

// Config describes a lab. The zero value works.
type Config struct {
	Mode Mode
	Why  string // what chose Mode, for Lab.Why; needed only where it is not Auto

	Backend *arc4.Backend // RC4 of both ends; nil: the selected one
	MTU     int           // of the tunnel, bytes; 0: tunnel.DefaultMTU
	Small   bool          // both ends hold as little as tunnel.Options.Small has them
	Log     *slog.Logger  // nil: no log

	Download, Upload link.Config // the link at first; Seed stays, the rest can change
}

// side is one of the two hosts.
type side int

const (
	server side = iota
	client
)

// other is the host at the far end of the wire.
func (s side) other() side { return 1 - s }

// outer is the address of a host on the wire; both are of the documentation
// prefix of RFC 5737.
func (s side) outer() netip.Addr {
	return [...]netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, 1}), netip.AddrFrom4([4]byte{192, 0, 2, 2})}[s]
}

// The addresses in the tunnel.
var (
	serverInner = netip.AddrFrom4([4]byte{10, 99, 0, 1})
	clientInner = netip.AddrFrom4([4]byte{10, 99, 0, 100})
)

// address is where a host answers on a path.
func (s side) address(p Path) netip.Addr {
	switch {
	case p == Raw:
		return s.outer()
	case s == server:
		return serverInner
	}
	return clientInner
}

// errNoTunnel is what a transfer through no tunnel ends with.
var errNoTunnel = errors.New("no tunnel is up: StartTunnel brings one up")

// linkOptions are those of all links.
var linkOptions = link.Options{RealTime: true, Yield: true}

// wireMTU is the largest outer packet, in bytes.
const wireMTU = 1500

// network is what a mode gives: two hosts, what they can open, and the links
// between them. Its methods may be called from any goroutine.
type network interface {
	// listen and dial open TCP on a host, over the bare wire or in the tunnel.
	// port is a wish; where it was granted, the listener's address tells.
	listen(s side, p Path, port uint16, tcp TCP) (net.Listener, error)
	dial(ctx context.Context, s side, p Path, to string, tcp TCP) (net.Conn, error)
	congestion() (string, error)
	// packets opens UDP on a host, at any free port.
	packets(s side, p Path) (net.PacketConn, error)
	listenGRE(s side, peer netip.Addr) (gre.Conn, error)
	// device makes a host's end of the tunnel, with its addresses.
	device(ctx context.Context, s side, n tunnel.Network) (netdev.Device, error)
	// dropDevices takes back what device made.
	dropDevices() error
	runners() (download, upload []*link.Runner)
	greAccount(from side) GREAccount
	// run carries packets until ctx is done, and takes everything down then.
	run(ctx context.Context) error
}

// Lab is a running one. Its methods are for one goroutine; Close and Snapshots for
// any.
type Lab struct {
	cfg   Config
	mode  Mode
	why   string
	net   network
	stop  context.CancelFunc
	ended chan error
	cpus  int // GOMAXPROCS before

	download, upload link.Config

	mu   sync.Mutex // guards call
	call *call
	once sync.Once
	err  error
}

// New makes a lab; a process has one at a time. When ctx ends, what is under way
// fails soon; Close is needed still.
func New(ctx context.Context, cfg Config) (*Lab, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MTU == 0 {
		cfg.MTU = tunnel.DefaultMTU
	}
	l := &Lab{cfg: cfg, mode: cfg.Mode, why: cfg.Why, ended: make(chan error, 1), download: cfg.Download, upload: cfg.Upload}
	if err := l.choose(ctx); err != nil {
		return nil, err
	}
	// Each direction keeps a processor for itself the moment a packet is due, and
	// must not wait for a cipher to give one up.
	l.cpus = runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), runtime.NumCPU()+2))
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	go func() { l.ended <- l.net.run(work) }()
	return l, nil
}

// choose makes the network of the mode, or of the first that works.
func (l *Lab) choose(ctx context.Context) error {
	var err error
	if l.mode != Userspace {
		l.net, err = newKernel(ctx, l.download, l.upload)
		if err == nil {
			l.mode = Kernel
			if l.why == "" {
				l.why = kernelWhy()
			}
			return nil
		}
		if l.mode == Kernel || ctx.Err() != nil {
			return fmt.Errorf("lab: kernel mode: %w", err)
		}
		l.why = err.Error()
	}
	l.mode = Userspace
	if l.net, err = newUserspace(l.download, l.upload); err != nil {
		return fmt.Errorf("lab: userspace mode: %w", err)
	}
	return nil
}

// Mode is Kernel or Userspace.
func (l *Lab) Mode() Mode { return l.mode }

// Why says what decided the mode.
func (l *Lab) Why() string { return l.why }

// SetLink changes what happens to the packets that are sent from now on: download
// is from the server to the client. The error names the value that is out of range.
func (l *Lab) SetLink(download, upload link.Config) error {
	if err := l.reconfigure(download, upload); err != nil {
		return err
	}
	l.download, l.upload = download, upload
	return nil
}

func (l *Lab) reconfigure(download, upload link.Config) error {
	// Both are judged before one of them changes.
	if _, err := link.New(upload); err != nil {
		return err
	}
	down, up := l.net.runners()
	for _, r := range down {
		if err := r.Reconfigure(download); err != nil {
			return err
		}
	}
	for _, r := range up {
		if err := r.Reconfigure(upload); err != nil {
			return err
		}
	}
	return nil
}

// overPerfectLink does what belongs to no measurement: with packets lost, setting
// a call up or ending it would take seconds of retransmission.
func (l *Lab) overPerfectLink(work func() error) error {
	if err := l.reconfigure(link.Config{}, link.Config{}); err != nil {
		return err
	}
	err := work()
	return errors.Join(err, l.reconfigure(l.download, l.upload))
}

// Close ends the tunnel and takes everything down. A second call returns the
// first's result.
func (l *Lab) Close() error {
	l.once.Do(func() {
		err := l.StopTunnel()
		l.stop()
		l.err = errors.Join(err, <-l.ended)
		runtime.GOMAXPROCS(l.cpus)
	})
	return l.err
}
