// Package tunneltest has what the tests of package tunnel and of its sessions share: addresses and
// packets.
package tunneltest
