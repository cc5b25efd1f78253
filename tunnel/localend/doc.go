// Package localend makes the local end of a tunnel out of this machine: a TUN device with its
// addresses, routes and MTU, and around the tunnel the way to the server. Everything is put back in
// the end. It is the ready answer to tunnel.ClientConfig.Bring and tunnel.ServerConfig.Device; the
// pieces are in tunnel/netdev. It takes Linux, and the capabilities that Permitted asks for.
package localend
