package nmplugin

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=PATH</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow eavesdrop="true"/></policy>
</busconfig>
`

// startBus starts a D-Bus that ends with the test, and gives its address.
func startBus(t *testing.T) string {
	t.Helper()
	daemon, err := exec.LookPath("dbus-daemon")
	if err != nil {
		labtest.Skip(t, "no dbus-daemon, which tools/install-test-tools.sh installs: %v", err)
	}
	dir, err := os.MkdirTemp("", "nmplugin") // a socket's path may not be long
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, config := filepath.Join(dir, "bus"), filepath.Join(dir, "bus.conf")
	require.NoError(t, os.WriteFile(config, []byte(strings.Replace(busConfig, "PATH", socket, 1)), 0o600))
	cmd := exec.Command(daemon, "--config-file="+config, "--nofork", "--nopidfile")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			err = conn.Close()
		}
		return err == nil
	}, patience, 5*time.Millisecond)
	return "unix:path=" + socket
}

// script is a tunnel of which the test says what becomes of it.
type script struct {
	v      VPN
	comes  chan Network
	ends   chan error
	closed chan struct{}
}

func (s *script) Run(ctx context.Context, up func(Network)) error {
	for {
		select {
		case n := <-s.comes:
			up(n)
		case err := <-s.ends:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *script) Close() { close(s.closed) }

// double plays NetworkManager's part.
type double struct {
	t       *testing.T
	address string
	bus     *dbus.Conn
	plugin  dbus.BusObject
	signals chan *dbus.Signal
	tunnels chan *script
	over    chan error // what Run has returned
	end     context.CancelFunc
	log     lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

const (
	busName = "org.freedesktop.NetworkManager.pptp.Connection_7"
	pptp    = "org.freedesktop.NetworkManager.pptp"
)

func connectTo(t *testing.T, address string) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(address)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

// newDouble starts a service on a bus of its own.
func newDouble(t *testing.T, change func(*Options)) *double {
	t.Helper()
	d := &double{t: t, address: startBus(t), signals: make(chan *dbus.Signal, 100), tunnels: make(chan *script, 10), over: make(chan error, 1)}
	d.bus = connectTo(t, d.address)
	d.plugin = d.bus.Object(busName, objectPath)
	require.NoError(t, d.bus.AddMatchSignal(dbus.WithMatchInterface(iface)))
	d.bus.Signal(d.signals)
	o := Options{
		Bus: connectTo(t, d.address), BusName: busName, Service: pptp, Secret: "password", Log: slog.New(slog.NewTextHandler(&d.log, nil)),
		Prepare: func(v VPN) (Tunnel, error) {
			if v.Data["gateway"] == "" {
				return nil, errors.New("there is no gateway")
			}
			s := &script{v: v, comes: make(chan Network), ends: make(chan error), closed: make(chan struct{})}
			d.tunnels <- s
			return s, nil
		},
		Unused: time.Hour, Lingering: time.Hour,
	}
	if change != nil {
		change(&o)
	}
	ctx, end := context.WithCancel(t.Context())
	d.end = end
	go func() { d.over <- Run(ctx, o) }()
	t.Cleanup(func() {
		end()
		select {
		case err := <-d.over:
			assert.NoError(t, err)
		case <-time.After(patience):
			t.Error("the service does not end")
		}
		assert.NotContains(t, d.log.String(), "wonderland")
		assert.NotContains(t, d.log.String(), "xyzzy")
	})
	require.Eventually(t, func() bool {
		var has bool
		return d.bus.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, busName).Store(&has) == nil && has
	}, patience, 5*time.Millisecond)
	return d
}

// connection is one as NetworkManager sends it.
func connection(password string, data ...string) map[string]map[string]dbus.Variant {
	all := map[string]string{"gateway": "192.0.2.1", "user": "alice"}
	for i := 0; i < len(data); i += 2 {
		all[data[i]] = data[i+1]
	}
	vpn := map[string]dbus.Variant{
		"service-type": dbus.MakeVariant(pptp), "data": dbus.MakeVariant(all), "persistent": dbus.MakeVariant(true), "user-name": dbus.MakeVariant("carol"),
	}
	if password != "" {
		vpn["secrets"] = dbus.MakeVariant(map[string]string{"password": password})
	}
	return map[string]map[string]dbus.Variant{"connection": {"id": dbus.MakeVariant("office")}, "vpn": vpn}
}

// call calls a method and gives the name of the error.
func (d *double) call(method string, args ...any) (name string) {
	d.t.Helper()
	err := d.plugin.Call(iface+"."+method, 0, args...).Err
	var e dbus.Error
	if errors.As(err, &e) {
		return strings.TrimPrefix(e.Name, errorPrefix)
	}
	require.NoError(d.t, err)
	return ""
}

// connect begins a connection, and gives its tunnel.
func (d *double) connect(method string, c map[string]map[string]dbus.Variant) *script {
	d.t.Helper()
	args := []any{c}
	if method == "ConnectInteractive" {
		args = append(args, map[string]dbus.Variant{})
	}
	require.Empty(d.t, d.call(method, args...))
	d.hears("StateChanged 3")
	return d.tunnel()
}

func (d *double) tunnel() *script {
	d.t.Helper()
	select {
	case s := <-d.tunnels:
		return s
	case <-time.After(patience):
		require.FailNow(d.t, "no tunnel")
		return nil
	}
}

// next is the next signal.
func (d *double) next() *dbus.Signal {
	d.t.Helper()
	for {
		select {
		case s := <-d.signals:
			if strings.HasPrefix(s.Name, iface+".") {
				return s
			}
		case <-time.After(patience):
			require.FailNow(d.t, "no signal", d.log.String())
		}
	}
}

// hears waits for signals, with their arguments, in this order.
func (d *double) hears(wanted ...string) {
	d.t.Helper()
	for _, want := range wanted {
		s := d.next()
		text := strings.TrimPrefix(s.Name, iface+".")
		if _, is := s.Body[0].(map[string]dbus.Variant); !is {
			text += fmt.Sprintf(" %v", s.Body[0])
		}
		require.Equal(d.t, want, text)
	}
}

var (
	closedNetwork = Network{
		Device: "arc40", Server: netip.MustParseAddr("192.0.2.1"), Local: netip.MustParseAddr("10.99.0.100"), Remote: netip.MustParseAddr("10.99.0.1"),
		DNS: []netip.Addr{netip.MustParseAddr("10.0.0.53"), netip.MustParseAddr("10.0.0.54")}, MTU: 1400, Persists: true,
	}
	login = &FailedError{Failure: LoginFailed, Again: true, Err: errors.New("691: wrong user name or password")}
)

// number is an address as NetworkManager reads it.
func number(b0, b1, b2, b3 byte) uint32 { return binary.NativeEndian.Uint32([]byte{b0, b1, b2, b3}) }
