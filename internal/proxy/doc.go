// Package proxy passes connections of this machine's programs on through a tunnel: as a SOCKS5 and
// an HTTP proxy, and from one fixed address to another, both ways.
package proxy
