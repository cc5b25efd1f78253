package nmplugin

import (
	"context"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"
)

// description is what the object says of itself: the names and types are NetworkManager's.
const description = `<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
<node>
  <interface name="` + iface + `">
    <method name="Connect"><arg name="connection" type="a{sa{sv}}" direction="in"/></method>
    <method name="ConnectInteractive">
      <arg name="connection" type="a{sa{sv}}" direction="in"/><arg name="details" type="a{sv}" direction="in"/>
    </method>
    <method name="NeedSecrets">
      <arg name="settings" type="a{sa{sv}}" direction="in"/><arg name="setting_name" type="s" direction="out"/>
    </method>
    <method name="NewSecrets"><arg name="connection" type="a{sa{sv}}" direction="in"/></method>
    <method name="Disconnect"/>
    <method name="SetConfig"><arg name="config" type="a{sv}" direction="in"/></method>
    <method name="SetIp4Config"><arg name="config" type="a{sv}" direction="in"/></method>
    <method name="SetIp6Config"><arg name="config" type="a{sv}" direction="in"/></method>
    <method name="SetFailure"><arg name="reason" type="s" direction="in"/></method>
    <signal name="StateChanged"><arg name="state" type="u"/></signal>
    <signal name="SecretsRequired"><arg name="message" type="s"/><arg name="secrets" type="as"/></signal>
    <signal name="Config"><arg name="config" type="a{sv}"/></signal>
    <signal name="Ip4Config"><arg name="ip4config" type="a{sv}"/></signal>
    <signal name="Ip6Config"><arg name="ip6config" type="a{sv}"/></signal>
    <signal name="LoginBanner"><arg name="banner" type="s"/></signal>
    <signal name="Failure"><arg name="reason" type="u"/></signal>
    <property name="State" type="u" access="read"/>
  </interface>
</node>
`

// Errors that NetworkManager knows by their names.
const (
	startingInProgress = "StartingInProgress"
	alreadyStarted     = "AlreadyStarted"
	stoppingInProgress = "StoppingInProgress"
	alreadyStopped     = "AlreadyStopped"
	wrongState         = "WrongState"
	badArguments       = "BadArguments"
	errorPrefix        = "org.freedesktop.NetworkManager.VPN.Error."
	errUnknownProperty = "org.freedesktop.DBus.Error.UnknownProperty"
)

func refuse(name, format string, args ...any) *dbus.Error {
	return dbus.NewError(errorPrefix+name, []any{fmt.Sprintf(format, args...)})
}

// export puts the object on the bus. Tables of functions, and not the methods of a type: the linker
// keeps all exported methods of a program in which one is called by its name.
func (s *service) export() error {
	for name, methods := range map[string]map[string]any{
		iface: {
			"Connect": func(c settings, caller dbus.Sender) *dbus.Error { return s.connect(c, caller, false) },
			"ConnectInteractive": func(c settings, _ map[string]dbus.Variant, caller dbus.Sender) *dbus.Error {
				return s.connect(c, caller, true)
			},
			"NeedSecrets":  s.needSecrets,
			"NewSecrets":   s.newSecrets,
			"Disconnect":   s.disconnect,
			"SetConfig":    func(c map[string]dbus.Variant) *dbus.Error { return s.pass("Config", c) },
			"SetIp4Config": func(c map[string]dbus.Variant) *dbus.Error { return s.pass("Ip4Config", c) },
			"SetIp6Config": func(c map[string]dbus.Variant) *dbus.Error { return s.pass("Ip6Config", c) },
			"SetFailure":   s.setFailure,
		},
		"org.freedesktop.DBus.Properties": {"Get": s.property, "GetAll": s.properties},
		"org.freedesktop.DBus.Introspectable": {
			"Introspect": func() (string, *dbus.Error) { return description, nil },
		},
	} {
		if err := s.Bus.ExportMethodTable(methods, objectPath, name); err != nil {
			return err
		}
	}
	gone := make(chan *dbus.Signal, 16)
	s.Bus.Signal(gone)
	go func() {
		for signal := range gone { // until the bus is closed
			s.hear(signal)
		}
	}()
	return nil
}

// nameOwnerChanged is the bus's signal of a program that leaves it.
func nameOwnerChanged(name string) []dbus.MatchOption {
	return []dbus.MatchOption{
		dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchInterface("org.freedesktop.DBus"),
		dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, name),
	}
}

// hear ends the connection, and the service, when the program has left the bus that has asked for
// it: nobody else would.
func (s *service) hear(signal *dbus.Signal) {
	// Anybody on the bus may send a signal of this name, but none in the bus's own.
	if signal.Sender != "org.freedesktop.DBus" || signal.Name != "org.freedesktop.DBus.NameOwnerChanged" || len(signal.Body) != 3 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.caller == "" || signal.Body[0] != s.caller || signal.Body[2] != "" {
		return
	}
	s.left = true
	if s.stop(errCallerGone) == nil {
		s.leave()
	}
}

// busTime bounds an answer of the bus itself.
const busTime = 10 * time.Second

// watch has the bus tell when a caller leaves it. An error says that it has.
func (s *service) watch(caller string) error {
	s.mu.Lock()
	known := s.caller == caller
	s.caller = caller
	s.mu.Unlock()
	if known {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), busTime)
	defer cancel()
	var there bool
	err := s.Bus.AddMatchSignalContext(ctx, nameOwnerChanged(caller)...)
	if err == nil {
		err = s.Bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, caller).Store(&there)
	}
	if err != nil || !there {
		return fmt.Errorf("who has called is not on the bus any more (%v)", err)
	}
	return nil
}

func (s *service) connect(c settings, caller dbus.Sender, interactive bool) *dbus.Error {
	v, t, err := s.read(c)
	if err != nil {
		s.Log.Error("the connection cannot be used", "reason", err)
		return refuse(badArguments, "%v", err)
	}
	if err := s.watch(string(caller)); err != nil {
		return refuse(wrongState, "%v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.gone:
		return refuse(wrongState, "the service is ending")
	case s.state == stateStarting:
		return refuse(startingInProgress, "a connection is being made already")
	case s.state == stateStarted:
		return refuse(alreadyStarted, "there is a connection already")
	case s.current != nil:
		return refuse(stoppingInProgress, "the last connection has not ended yet")
	}
	s.start(&connecting{interactive: interactive, ended: make(chan struct{}), fresh: make(chan VPN, 1)}, v, t)
	return nil
}

// read prepares the tunnel of a connection.
func (s *service) read(c settings) (v VPN, t Tunnel, err error) {
	if v, err = c.vpn(s.Service); err != nil {
		return v, nil, err
	}
	switch lacks, err := v.lacks(s.Secret); {
	case err != nil:
		return v, nil, err
	case lacks:
		return v, nil, fmt.Errorf("the connection has no %s", s.Secret)
	}
	t, err = s.Prepare(v)
	return v, t, err
}

// needSecrets gives the name of the setting that lacks a secret, or nothing.
func (s *service) needSecrets(c settings, caller dbus.Sender) (string, *dbus.Error) {
	if err := s.watch(string(caller)); err != nil {
		return "", refuse(wrongState, "%v", err)
	}
	v, err := c.vpn(s.Service)
	if err != nil {
		return "", refuse(badArguments, "%v", err)
	}
	lacks, err := v.lacks(s.Secret)
	if err != nil {
		return "", refuse(badArguments, "%v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !lacks {
		return "", nil
	}
	if s.current == nil && !s.gone {
		s.wait(s.Asking)
	}
	return vpnSetting, nil
}

func (s *service) newSecrets(c settings) *dbus.Error {
	v, err := c.vpn(s.Service)
	if err != nil {
		return refuse(badArguments, "%v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil || !s.current.waiting {
		return refuse(wrongState, "no connection waits for secrets")
	}
	s.current.waiting = false
	s.current.fresh <- v
	return nil
}

// disconnect ends the connection, and answers when the tunnel has ended.
func (s *service) disconnect() *dbus.Error {
	s.mu.Lock()
	before := s.state
	c := s.stop(errDisconnected)
	s.mu.Unlock()
	switch before {
	case stateStopping:
		return refuse(stoppingInProgress, "the connection is ending already")
	case stateStopped:
		return refuse(alreadyStopped, "there is no connection")
	}
	if c == nil {
		return nil
	}
	select {
	case <-c.ended:
	case <-time.After(s.Ending):
	}
	return nil
}

// pass sends what a helper of a plugin says of the connection on to NetworkManager. This one has
// none, and says it by itself; the methods are part of the interface.
func (s *service) pass(signal string, config map[string]dbus.Variant) *dbus.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateStarting && s.state != stateStarted {
		return refuse(wrongState, "there is no connection that could be configured")
	}
	s.emit(signal, config)
	return nil
}

// longestReason bounds what another program gives for the log, in bytes.
const longestReason = 500

func (s *service) setFailure(reason string) *dbus.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateStarting && s.state != stateStarted {
		return refuse(wrongState, "there is no connection that could fail")
	}
	s.Log.Error("another program says that the connection has failed", "reason", fmt.Sprintf("%q", reason[:min(len(reason), longestReason)]))
	s.stop(errSetFailure)
	return nil
}

func (s *service) property(of, name string) (dbus.Variant, *dbus.Error) {
	all, err := s.properties(of)
	value, there := all[name]
	if err == nil && !there {
		err = dbus.NewError(errUnknownProperty, []any{fmt.Sprintf("%s has no property %q", of, name)})
	}
	return value, err
}

func (s *service) properties(of string) (map[string]dbus.Variant, *dbus.Error) {
	if of != iface {
		return nil, dbus.NewError("org.freedesktop.DBus.Error.UnknownInterface", []any{fmt.Sprintf("there is no interface %q", of)})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]dbus.Variant{"State": dbus.MakeVariant(uint32(s.state))}, nil
}
