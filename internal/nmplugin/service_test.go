package nmplugin

import (
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/introspect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience bounds every wait for something that takes a moment on an idle machine.
const patience = 60 * time.Second

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

// TestForgedEnd: that NetworkManager has left the bus is what the bus itself says, and nobody else.
func TestForgedEnd(t *testing.T) {
	t.Parallel()
	d := newDouble(t, nil)
	s := d.connect("Connect", connection("wonderland"))
	stranger := connectTo(t, d.address)
	caller := d.bus.Names()[0]
	forged := &dbus.Message{Type: dbus.TypeSignal, Body: []any{caller, caller, ""}, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(busName),
		dbus.FieldPath:        dbus.MakeVariant(dbus.ObjectPath("/org/freedesktop/DBus")),
		dbus.FieldInterface:   dbus.MakeVariant("org.freedesktop.DBus"),
		dbus.FieldMember:      dbus.MakeVariant("NameOwnerChanged"),
		dbus.FieldSignature:   dbus.MakeVariant(dbus.ParseSignatureMust("sss")),
	}}
	for range 20 { // more than wait for the service to hear them
		require.NoError(t, stranger.Send(forged, nil).Err)
	}
	plugin := stranger.Object(busName, objectPath)
	require.NoError(t, plugin.Call("org.freedesktop.DBus.Properties.Get", 0, iface, "State").Err, "it has them all")
	assert.Empty(t, d.call("Disconnect"))
	<-s.closed
	assert.Contains(t, d.log.String(), errDisconnected.Error())
	assert.NotContains(t, d.log.String(), errCallerGone.Error())
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
