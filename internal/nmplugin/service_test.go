package nmplugin

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/introspect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// patience bounds every wait for something that takes a moment on an idle machine.
const patience = 60 * time.Second

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

func TestConnection(t *testing.T) {
	t.Parallel()
	d := newDouble(t, nil)
	assert.Equal(t, "", d.call("Disconnect"), "nothing has happened yet")
	s := d.connect("Connect", connection("wonderland"))
	assert.Equal(t, VPN{
		ID: "office", Data: map[string]string{"gateway": "192.0.2.1", "user": "alice"}, Secrets: map[string]string{"password": "wonderland"}, User: "carol", Persistent: true,
	}, s.v)
	assert.Equal(t, startingInProgress, d.call("Connect", connection("wonderland")))
	close((<-d.tunnels).closed) // prepared, and not run

	s.comes <- closedNetwork
	config := d.next()
	assert.Equal(t, iface+".Config", config.Name)
	assert.Equal(t, map[string]dbus.Variant{
		"tundev": dbus.MakeVariant("arc40"), "gateway": dbus.MakeVariant(number(192, 0, 2, 1)), "mtu": dbus.MakeVariant(uint32(1400)),
		"has-ip4": dbus.MakeVariant(true), "has-ip6": dbus.MakeVariant(false), "can-persist": dbus.MakeVariant(true),
	}, config.Body[0])
	ip4 := d.next()
	assert.Equal(t, iface+".Ip4Config", ip4.Name)
	assert.Equal(t, map[string]dbus.Variant{
		"address": dbus.MakeVariant(number(10, 99, 0, 100)), "prefix": dbus.MakeVariant(uint32(32)), "ptp": dbus.MakeVariant(number(10, 99, 0, 1)),
		"dns": dbus.MakeVariant([]uint32{number(10, 0, 0, 53), number(10, 0, 0, 54)}),
	}, ip4.Body[0])
	d.hears("StateChanged 4")
	assert.Equal(t, alreadyStarted, d.call("Connect", connection("wonderland")))
	close((<-d.tunnels).closed)

	s.comes <- closedNetwork // as after another dial: nothing has changed
	moved := closedNetwork
	moved.Local, moved.Remote, moved.DNS = netip.MustParseAddr("10.99.0.101"), netip.Addr{}, nil
	s.comes <- moved
	d.hears("Config")
	assert.Equal(t, map[string]dbus.Variant{"address": dbus.MakeVariant(number(10, 99, 0, 101)), "prefix": dbus.MakeVariant(uint32(32))}, d.next().Body[0])

	assert.Equal(t, "", d.call("Disconnect"))
	d.hears("StateChanged 5", "StateChanged 6")
	<-s.closed
	assert.Equal(t, alreadyStopped, d.call("Disconnect"))
	d.connect("Connect", connection("wonderland"))
}

func TestFailures(t *testing.T) {
	for _, tc := range []struct {
		name   string
		err    error
		reason Failure
	}{
		{"login", login, LoginFailed},
		{"addresses", &FailedError{Failure: BadIPConfig, Err: errors.New("refused")}, BadIPConfig},
		{"anything", errors.New("no route"), ConnectFailed},
		{"in order", nil, ConnectFailed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t, nil)
			s := d.connect("Connect", connection("wonderland"))
			s.ends <- tc.err
			d.hears(fmt.Sprintf("Failure %d", tc.reason), "StateChanged 6")
			<-s.closed
			require.Eventually(t, func() bool { return d.call("Connect", connection("wonderland")) == "" }, patience, time.Millisecond)
		})
	}
}

// TestAnotherSecret: where somebody can be asked, a refused password is asked for again, three
// times in all.
func TestAnotherSecret(t *testing.T) {
	t.Parallel()
	d := newDouble(t, nil)
	s := d.connect("ConnectInteractive", connection("xyzzy-0", "password-flags", "2"))
	for i := range 2 {
		assert.Equal(t, wrongState, d.call("NewSecrets", connection("xyzzy")), "nobody has asked")
		s.ends <- login
		asked := d.next()
		require.Equal(t, iface+".SecretsRequired", asked.Name)
		assert.Equal(t, []any{login.Error(), []string{"password"}}, asked.Body)
		next := fmt.Sprintf("xyzzy-%d", i+1)
		require.Empty(t, d.call("NewSecrets", connection(next, "password-flags", "2")))
		<-s.closed
		s = d.tunnel()
		assert.Equal(t, next, s.v.Secrets["password"])
	}
	s.ends <- login
	d.hears("Failure 0", "StateChanged 6")
}

func TestNobodyIsAsked(t *testing.T) {
	for _, tc := range []struct {
		name, method, flags string
		err                 error
	}{
		{"not allowed", "Connect", "2", login},
		{"the password is the connection's own", "ConnectInteractive", "0", login},
		{"another password would not do", "ConnectInteractive", "2", &FailedError{Failure: LoginFailed, Err: errors.New("646: not at this hour")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t, nil)
			s := d.connect(tc.method, connection("xyzzy", "password-flags", tc.flags))
			s.ends <- tc.err
			d.hears("Failure 0", "StateChanged 6")
		})
	}
	t.Run("nobody answers", func(t *testing.T) {
		t.Parallel()
		d := newDouble(t, func(o *Options) { o.Asking = time.Millisecond })
		s := d.connect("ConnectInteractive", connection("xyzzy", "password-flags", "1"))
		s.ends <- login
		d.hears("SecretsRequired 691: wrong user name or password", "Failure 0", "StateChanged 6")
	})
	t.Run("disconnected meanwhile", func(t *testing.T) {
		t.Parallel()
		d := newDouble(t, nil)
		s := d.connect("ConnectInteractive", connection("xyzzy", "password-flags", "1"))
		s.ends <- login
		d.hears("SecretsRequired 691: wrong user name or password")
		require.Empty(t, d.call("Disconnect"))
		d.hears("StateChanged 5", "StateChanged 6")
	})
}

func TestNeedSecrets(t *testing.T) {
	t.Parallel()
	d := newDouble(t, nil)
	for name, tc := range map[string]struct {
		c    map[string]map[string]dbus.Variant
		want string
		err  string
	}{
		"it has one":      {c: connection("wonderland")},
		"it has none":     {c: connection(""), want: "vpn"},
		"it needs none":   {c: connection("", "password-flags", "4")},
		"flags are none":  {c: connection("", "password-flags", "often"), err: badArguments},
		"there is no vpn": {c: map[string]map[string]dbus.Variant{"wifi": {}}, err: badArguments},
	} {
		t.Run(name, func(t *testing.T) {
			var setting string
			call := d.plugin.Call(iface+".NeedSecrets", 0, tc.c)
			if tc.err != "" {
				var e dbus.Error
				require.ErrorAs(t, call.Err, &e)
				assert.Equal(t, errorPrefix+tc.err, e.Name)
				return
			}
			require.NoError(t, call.Store(&setting))
			assert.Equal(t, tc.want, setting)
		})
	}
}

// TestBadInput: what cannot be meant is refused by name, and changes nothing.
func TestBadInput(t *testing.T) {
	t.Parallel()
	d := newDouble(t, nil)
	odd := connection("wonderland")
	odd["vpn"]["data"] = dbus.MakeVariant(uint64(7))
	other := connection("wonderland")
	other["vpn"]["service-type"] = dbus.MakeVariant("org.freedesktop.NetworkManager.openvpn")
	for _, tc := range []struct {
		name, method string
		args         []any
		err, text    string
	}{
		{"no setting", "Connect", []any{map[string]map[string]dbus.Variant{}}, errorPrefix + badArguments, `the connection has no setting "vpn"`},
		{"data of another type", "Connect", []any{odd}, errorPrefix + badArguments, `the property "data" is of the D-Bus type "t"`},
		{"another plugin's", "Connect", []any{other}, errorPrefix + badArguments, "this plugin is that of " + pptp},
		{"no secret", "Connect", []any{connection("")}, errorPrefix + badArguments, "the connection has no password"},
		{"no gateway", "Connect", []any{connection("wonderland", "gateway", "")}, errorPrefix + badArguments, "there is no gateway"},
		{"no connection", "Connect", []any{"office"}, "org.freedesktop.DBus.Error.InvalidArgs", ""},
		{"nothing", "ConnectInteractive", nil, "org.freedesktop.DBus.Error.InvalidArgs", ""},
		{"secrets of nobody", "NewSecrets", []any{connection("wonderland")}, errorPrefix + wrongState, ""},
		{"configuration of nothing", "SetConfig", []any{map[string]dbus.Variant{}}, errorPrefix + wrongState, ""},
		{"addresses of nothing", "SetIp4Config", []any{map[string]dbus.Variant{}}, errorPrefix + wrongState, ""},
		{"failure of nothing", "SetFailure", []any{"why"}, errorPrefix + wrongState, ""},
		{"no method", "Explode", nil, "org.freedesktop.DBus.Error.UnknownMethod", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var e dbus.Error
			require.ErrorAs(t, d.plugin.Call(iface+"."+tc.method, 0, tc.args...).Err, &e)
			assert.Equal(t, tc.err, e.Name)
			assert.Contains(t, e.Error(), tc.text)
			assert.NotContains(t, e.Error(), "wonderland")
		})
	}
	assert.Empty(t, d.signals)
	state, err := d.plugin.GetProperty(iface + ".State")
	require.NoError(t, err)
	assert.Equal(t, uint32(stateInit), state.Value())
}

// TestHelpers: what a helper of a plugin would say is passed on, and its failure ends the
// connection.
func TestHelpers(t *testing.T) {
	t.Parallel()
	d := newDouble(t, nil)
	d.connect("Connect", connection("wonderland"))
	require.Empty(t, d.call("SetConfig", map[string]dbus.Variant{"mtu": dbus.MakeVariant(uint32(1200))}))
	require.Empty(t, d.call("SetIp4Config", map[string]dbus.Variant{}))
	require.Empty(t, d.call("SetIp6Config", map[string]dbus.Variant{}))
	require.Empty(t, d.call("SetFailure", strings.Repeat("why\n", 1000)))
	d.hears("Config", "Ip4Config", "Ip6Config", "StateChanged 5", "Failure 2", "StateChanged 6")
	assert.Less(t, len(d.log.String()), 2000)
}

// TestCallerGoes: when NetworkManager leaves the bus, the tunnel and the service end.
func TestCallerGoes(t *testing.T) {
	for _, tc := range []string{"while it is connected", "after it has asked for secrets"} {
		t.Run(tc, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t, nil)
			other := connectTo(t, d.address)
			plugin := other.Object(busName, objectPath)
			var s *script
			if tc == "while it is connected" {
				require.NoError(t, plugin.Call(iface+".Connect", 0, connection("wonderland")).Err)
				s = d.tunnel()
			} else {
				require.NoError(t, plugin.Call(iface+".NeedSecrets", 0, connection("")).Err)
			}
			require.NoError(t, other.Close())
			if s != nil {
				<-s.closed
			}
			require.NoError(t, d.ended())
		})
	}
}

// ended waits for the service to end by itself.
func (d *double) ended() error {
	select {
	case err := <-d.over:
		d.over <- nil
		return err
	case <-time.After(patience):
		return errors.New("it does not end")
	}
}

func TestServiceEnds(t *testing.T) {
	t.Run("when nobody calls it", func(t *testing.T) {
		t.Parallel()
		d := newDouble(t, func(o *Options) { o.Unused = 2 * time.Second })
		require.NoError(t, d.ended())
	})
	t.Run("after the connection", func(t *testing.T) {
		t.Parallel()
		d := newDouble(t, func(o *Options) { o.Lingering = time.Millisecond })
		d.connect("Connect", connection("wonderland"))
		require.Empty(t, d.call("Disconnect"))
		require.NoError(t, d.ended())
	})
	t.Run("by a signal, with the tunnel", func(t *testing.T) {
		t.Parallel()
		d := newDouble(t, nil)
		s := d.connect("Connect", connection("wonderland"))
		d.end()
		require.NoError(t, d.ended())
		<-s.closed
	})
	t.Run("where its name is taken", func(t *testing.T) {
		t.Parallel()
		d := newDouble(t, nil)
		err := Run(t.Context(), Options{Bus: connectTo(t, d.address), BusName: busName, Log: slog.New(slog.DiscardHandler)})
		require.ErrorContains(t, err, "is another program's")
	})
}

// TestDescription: the object says what it has.
func TestDescription(t *testing.T) {
	t.Parallel()
	d := newDouble(t, nil)
	var text string
	require.NoError(t, d.plugin.Call("org.freedesktop.DBus.Introspectable.Introspect", 0).Store(&text))
	var node introspect.Node
	require.NoError(t, xml.Unmarshal([]byte(text), &node))
	require.Len(t, node.Interfaces, 1)
	var methods []string
	for _, m := range node.Interfaces[0].Methods {
		methods = append(methods, m.Name)
	}
	slices.Sort(methods)
	assert.Equal(t, []string{"Connect", "ConnectInteractive", "Disconnect", "NeedSecrets", "NewSecrets", "SetConfig", "SetFailure", "SetIp4Config", "SetIp6Config"}, methods)
	for _, bad := range []string{iface + ".Colour", "org.example.Other.State"} {
		_, err := d.plugin.GetProperty(bad)
		require.Error(t, err)
	}
}
