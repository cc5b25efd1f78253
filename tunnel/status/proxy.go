package status

// Proxy is what a client offers in the place of a device.
type Proxy struct {
	Listeners   []ProxyListener `json:"listeners"`
	NameServers []string        `json:"name_servers"` // that are asked through the tunnel; none: names are refused
}

// ProxyListener is one address of a proxy, with what has come of it.
type ProxyListener struct {
	Kind    string `json:"kind"`         // socks5, http, "socks5 and http", forward or reverse
	Address string `json:"address"`      // where it listens: on this machine, or, of reverse, in the tunnel
	To      string `json:"to,omitempty"` // of forward and reverse: where connections go

	Open         uint64 `json:"open"`         // connections and associations now
	Accepted     uint64 `json:"accepted"`     // all that came
	Full         uint64 `json:"full"`         // turned away, since there were too many
	Malformed    uint64 `json:"malformed"`    // not as the protocol has it, or too slow
	Unauthorized uint64 `json:"unauthorized"` // without the right user and password
	Failed       uint64 `json:"failed"`       // what they asked for was not reached
	Dropped      uint64 `json:"dropped"`      // datagrams that were not passed on
	BytesIn      uint64 `json:"bytes_in"`     // out of the tunnel
	BytesOut     uint64 `json:"bytes_out"`    // into the tunnel
}
