// Package tunneltest has what the tests of a tunnel's two floors, its roles and its sessions,
// share: a device in memory, and packets.
package tunneltest
