// Package netstack is a client's local end in its own process: a TCP/IP stack in the place of a TUN
// device, and a Dialer for what goes through the tunnel. It sets nothing on this machine, and takes
// CAP_NET_RAW alone, for GRE.
package netstack
