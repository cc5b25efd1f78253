package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/net/proxy"

	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

const (
	nearOuter = "192.0.2.2"
	farOuter  = "192.0.2.1"
	farInner  = "10.99.0.1"
	proxyAt   = "127.0.0.1:1080"
	// upFor is how long a tunnel may take until something is reached through it.
	upFor = 30 * time.Second
)

// bench is a tunnel for each of the ways.
type bench struct{ tunnels map[string]*tunnel }

// tunnel is a server and a client on two hosts.
type tunnel struct {
	near, far *netns.Host
	programs  []*exec.Cmd
	log       *os.File
	dial      func(ctx context.Context, address string) (net.Conn, error) // from the client's host
}

func open(ctx context.Context, o options) (*bench, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("network namespaces need root")
	}
	if o.program == "" {
		o.program = filepath.Join(o.dir, "arc4")
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", o.program, "github.com/arc4tun/arc4tun/cmd/arc4")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building arc4: %w\n%s", err, out)
		}
	}
	b := &bench{make(map[string]*tunnel)}
	for _, way := range ways {
		t, err := newTunnel(ctx, o.program, way)
		if t != nil {
			b.tunnels[way] = t
		}
		if err != nil {
			b.close()
			return nil, fmt.Errorf("%s: %w", way, err)
		}
	}
	return b, nil
}

func (b *bench) close() {
	for _, t := range b.tunnels {
		t.close()
	}
}

// newTunnel gives what there is of it also with an error.
func newTunnel(ctx context.Context, program, way string) (t *tunnel, err error) {
	t = &tunnel{}
	if t.near, err = netns.NewHost(); err != nil {
		return nil, err
	}
	if t.far, err = netns.NewHost(); err != nil {
		return t, err
	}
	if err := netns.Join(
		netns.End{Host: t.near, Name: "wire", Address: nearOuter + "/24"},
		netns.End{Host: t.far, Name: "wire", Address: farOuter + "/24"}); err != nil {
		return t, err
	}
	if t.log, err = os.CreateTemp("", "benchproxy"); err != nil {
		return t, err
	}
	secrets := t.log.Name() + ".secrets"
	if err := os.WriteFile(secrets, []byte("bench * bench *\n"), 0o600); err != nil {
		return t, err
	}
	defer os.Remove(secrets)
	if err := t.start(t.far, program, "serve", "--listen", farOuter, "--local-ip", farInner, "--pool", "10.99.0.100-10.99.0.101",
		"--secrets", secrets, "--status-socket", "none"); err != nil {
		return t, err
	}
	args := []string{"connect", farOuter, "--user", "bench", "--reconnect", "--hold-off", "1", "--status-socket", "none"}
	t.dial = t.direct
	if way == "SOCKS5" {
		args = append(args, "--socks5", "1080")
		t.dial = t.socks
	}
	if err := t.start(t.near, program, args...); err != nil {
		return t, err
	}
	return t, t.ready(ctx)
}

func (t *tunnel) start(h *netns.Host, program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "ARC4_PASSWORD=bench")
	cmd.Stdout, cmd.Stderr = t.log, t.log
	if err := h.Start(cmd); err != nil {
		return err
	}
	t.programs = append(t.programs, cmd)
	return nil
}

func (t *tunnel) close() {
	for _, cmd := range t.programs {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	if t.log != nil {
		_ = t.log.Close()
		_ = os.Remove(t.log.Name())
	}
	for _, h := range []*netns.Host{t.near, t.far} {
		if h != nil {
			h.Close()
		}
	}
}

// direct dials by the routes of the client's host.
func (t *tunnel) direct(ctx context.Context, address string) (c net.Conn, err error) {
	err = t.near.Do(func() (err error) {
		var d net.Dialer
		c, err = d.DialContext(ctx, "tcp4", address)
		return err
	})
	return c, err
}

// forward is a proxy.Dialer.
type forward struct {
	ctx  context.Context
	dial func(ctx context.Context, address string) (net.Conn, error)
}

func (f forward) Dial(_, address string) (net.Conn, error) { return f.dial(f.ctx, address) }

// socks dials through the client's proxy.
func (t *tunnel) socks(ctx context.Context, address string) (net.Conn, error) {
	d, err := proxy.SOCKS5("tcp", proxyAt, nil, forward{ctx, t.direct})
	if err != nil {
		return nil, err
	}
	return d.Dial("tcp", address) // not DialContext, whose connections have no CloseWrite
}

// ready waits until something is reached through the tunnel.
func (t *tunnel) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, upFor)
	defer cancel()
	for {
		err := t.join(ctx, func(near, far net.Conn) error { return nil })
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			text, _ := os.ReadFile(t.log.Name())
			return fmt.Errorf("the tunnel does not come up: %w\n%s", err, text[max(0, len(text)-2000):])
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// join opens a connection through the tunnel, and gives its two ends.
func (t *tunnel) join(ctx context.Context, f func(near, far net.Conn) error) error {
	var l net.Listener
	if err := t.far.Do(func() (err error) {
		l, err = net.Listen("tcp4", farInner+":0")
		return err
	}); err != nil {
		return err
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	dialling, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	near, err := t.dial(dialling, l.Addr().String())
	if err != nil {
		return err
	}
	defer near.Close()
	far := <-accepted
	if far == nil {
		return errors.New("nobody accepts")
	}
	defer far.Close()
	return f(near, far)
}

// stream sends for a time, as fast as it goes, and gives the bits a second that arrived.
func (b *bench) stream(ctx context.Context, way, direction string, d time.Duration) (rate float64, err error) {
	err = b.tunnels[way].join(ctx, func(near, far net.Conn) error {
		from, to := far, near
		if direction == "upload" {
			from, to = near, far
		}
		end := time.Now().Add(d)
		go func() {
			buf := make([]byte, 128<<10)
			_ = from.SetWriteDeadline(end)
			for {
				if _, err := from.Write(buf); err != nil {
					return
				}
			}
		}()
		warm := time.Now().Add(d / 5)
		_ = to.SetReadDeadline(end)
		buf := make([]byte, 128<<10)
		total, began := 0, time.Time{}
		for {
			n, err := to.Read(buf)
			now := time.Now()
			switch {
			case errors.Is(err, os.ErrDeadlineExceeded):
				rate = 8 * float64(total) / now.Sub(began).Seconds()
				return nil
			case err != nil:
				return err
			case ctx.Err() != nil:
				return ctx.Err()
			case began.IsZero() && now.After(warm):
				began = now
			case !began.IsZero():
				total += n
			}
		}
	})
	return rate, err
}

// sums sends so many bytes each way through the proxy, and compares their checksums.
func (b *bench) sums(ctx context.Context, size int64, out io.Writer) error {
	if size == 0 {
		return nil
	}
	for i, direction := range directions {
		err := b.tunnels["SOCKS5"].join(ctx, func(near, far net.Conn) error {
			from, to := far, near
			if direction == "upload" {
				from, to = near, far
			}
			sent, got := sha256.New(), sha256.New()
			failed := make(chan error, 1)
			go func() {
				_, err := io.CopyN(io.MultiWriter(from, sent), rand.NewChaCha8([32]byte{byte(i)}), size)
				failed <- errors.Join(err, from.(interface{ CloseWrite() error }).CloseWrite())
			}()
			n, err := io.Copy(got, to)
			if err = errors.Join(err, <-failed); err != nil {
				return err
			}
			if n != size || !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
				return fmt.Errorf("%d bytes of %d have come, with SHA-256 %x and not %x", n, size, got.Sum(nil), sent.Sum(nil))
			}
			fmt.Fprintf(out, "%s of %d bytes through SOCKS5: SHA-256 %x at both ends\n", direction, size, got.Sum(nil))
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s through the proxy: %w", direction, err)
		}
	}
	return nil
}
