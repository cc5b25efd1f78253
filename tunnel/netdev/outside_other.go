//go:build !linux

package netdev

// IPv6Outside cannot tell on this system.
func IPv6Outside(string) (string, error) { return "", nil }
