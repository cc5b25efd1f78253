// Package nameservice has this machine ask a tunnel's name servers while the tunnel is up, and puts
// back what it asked before. Which servers it asks without a tunnel package resolvconf reads.
//
// There are three ways to say it, and the machine has one of them (choose.go): systemd-resolved is
// told over D-Bus (resolved.go), resolvconf is run, Debian's or openresolv (resolvconf.go), or
// /etc/resolv.conf is replaced (file.go). Which files and programs decide that is known from
// Tailscale's net/dns and from wg-quick.
//
// Whatever ends the process, nothing of it stays: a record of each tunnel lies in /run/arc4, locked
// as long as its process lives (record.go), and Sweep takes back what the others have left.
package nameservice
