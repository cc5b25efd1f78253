//go:build !noproxy

package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

// writeProxy says what a client offers in the place of a device; p is nil if it has one.
func writeProxy(out io.Writer, p *status.Proxy) {
	if p == nil {
		return
	}
	if len(p.NameServers) > 0 {
		fmt.Fprintf(out, "names are looked up through the tunnel, at %s\n", printable(strings.Join(p.NameServers, ", ")))
	} else {
		fmt.Fprintln(out, "names are not looked up: the server has assigned no name server, and --dns gives none")
	}
	t := newTable("proxy", "address", "to", "open", "accepted", "bytes in", "bytes out", "refused", "not reached")
	t.alignRight(4, 9)
	for _, l := range p.Listeners {
		t.add(printable(l.Kind), printable(l.Address), printable(l.To), l.Open, l.Accepted, byteSize(l.BytesIn), byteSize(l.BytesOut),
			l.Full+l.Malformed+l.Unauthorized, l.Failed)
	}
	t.write(out)
}

// proxyFields document what status --json writes of it.
const proxyFields = `
    proxy     a client's that has no device: name_servers (that are asked through the tunnel) and listeners, each with kind (socks5,
      http, socks5 and http, forward or reverse), address, to (of forward and reverse), and the numbers open (connections now),
      accepted (all), full (turned away, for there were too many), malformed (or too slow), unauthorized, failed (what they asked
      for was not reached), dropped (datagrams), bytes_in (out of the tunnel) and bytes_out`
