// Package nmplugin is the service of a VPN plugin for NetworkManager, on D-Bus: the object that
// NetworkManager calls, its states, its signals, and who may call what when. What a tunnel is made
// of, and how, the caller knows.
//
// The interface is org.freedesktop.NetworkManager.VPN.Plugin of NetworkManager's own description of
// it; keys and numbers are those of its C header of D-Bus definitions for VPN plugins.
package nmplugin
