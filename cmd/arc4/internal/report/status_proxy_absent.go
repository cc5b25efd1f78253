//go:build noproxy

package report

import (
	"io"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

func writeProxy(io.Writer, *status.Proxy) {}

const proxyFields = ""
