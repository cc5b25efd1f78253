//go:build !linux

package main

// mayTunnel knows nothing of other systems' permissions: they show where the device and the socket
// are opened.
func mayTunnel() error { return nil }
