package nmplugin

import (
	"fmt"
	"strconv"

	"github.com/godbus/dbus/v5"
)

// settings are a connection as NetworkManager sends it: settings of properties.
type settings map[string]map[string]dbus.Variant

// VPN is what a connection says to its plugin.
type VPN struct {
	ID      string            // what people call the connection
	Data    map[string]string // the plugin's own keys
	Secrets map[string]string
	User    string // who is logged in to this machine and wants the connection, if NetworkManager says so
	// Persistent says that the tunnel is to be made again whenever it ends.
	Persistent bool
}

// secretFlags are the bits of a key SECRET-flags (NMSettingSecretFlags in libnm).
type secretFlags uint32

const (
	agentOwned  secretFlags = 1 // in somebody's keyring
	notSaved    secretFlags = 2 // asked for each time
	notRequired secretFlags = 4
)

// flags are those of a secret; none are 0.
func (v VPN) flags(secret string) (secretFlags, error) {
	text := v.Data[secret+"-flags"]
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s-flags %q: must be a number", secret, text)
	}
	return secretFlags(n), nil
}

// lacks reports whether a secret that the connection needs is not in it.
func (v VPN) lacks(secret string) (bool, error) {
	flags, err := v.flags(secret)
	return flags&notRequired == 0 && v.Secrets[secret] == "", err
}

// asked reports whether somebody is asked for a secret, or keeps it, who can be asked for another.
func (v VPN) asked(secret string) bool {
	flags, err := v.flags(secret)
	return err == nil && flags&notRequired == 0 && flags&(agentOwned|notSaved) != 0
}

// vpnSetting is the setting that is the plugin's.
const vpnSetting = "vpn"

// vpn reads a connection. What has another type than it should is an error that names it, and never
// its value.
func (s settings) vpn(service string) (v VPN, err error) {
	setting, there := s[vpnSetting]
	if !there {
		return v, fmt.Errorf("the connection has no setting %q", vpnSetting)
	}
	var kind string
	for _, p := range []struct {
		from map[string]dbus.Variant
		key  string
		to   any
	}{
		{s["connection"], "id", &v.ID},
		{setting, "service-type", &kind},
		{setting, "data", &v.Data},
		{setting, "secrets", &v.Secrets},
		{setting, "user-name", &v.User},
		{setting, "persistent", &v.Persistent},
	} {
		if err := take(p.from, p.key, p.to); err != nil {
			return VPN{}, err
		}
	}
	if kind != "" && kind != service {
		return VPN{}, fmt.Errorf("service-type %q: this plugin is that of %s", kind, service)
	}
	return v, nil
}

// take stores a property, if it is there.
func take(from map[string]dbus.Variant, key string, to any) error {
	value, there := from[key]
	if !there {
		return nil
	}
	if err := value.Store(to); err != nil {
		return fmt.Errorf("the property %q is of the D-Bus type %q, which it may not be", key, value.Signature())
	}
	return nil
}
