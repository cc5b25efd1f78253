package socks5

import (
	"bytes"
	"fmt"
	"net/netip"
)

// Datagram is one of an association, both ways (RFC 1928 section 7).
type Datagram struct {
	Address Address // where it is to go, or where it comes from
	Data    []byte
}

// ParseDatagram reads one; Data is a part of b. Fragments are an error: nobody has to take them.
func ParseDatagram(b []byte) (Datagram, error) {
	switch {
	case len(b) < 4:
		return Datagram{}, fmt.Errorf("%w: a datagram of %d bytes", ErrMalformed, len(b))
	case b[0] != 0 || b[1] != 0:
		return Datagram{}, fmt.Errorf("%w: a datagram that begins with % x", ErrMalformed, b[:4])
	case b[2] != 0:
		return Datagram{}, fmt.Errorf("%w: fragment %d of a datagram", ErrMalformed, b[2])
	}
	r := bytes.NewReader(b[4:])
	address, err := readAddress(r, b[3])
	if err != nil {
		return Datagram{}, err
	}
	return Datagram{Address: address, Data: b[len(b)-r.Len():]}, nil
}

// DatagramHeader is the most that AppendDatagramHeader appends, in bytes.
const DatagramHeader = 4 + 16 + 2

// AppendDatagramHeader is what stands before the data of a datagram from an address.
func AppendDatagramHeader(b []byte, from netip.AddrPort) []byte {
	return appendAddress(append(b, 0, 0, 0), from)
}
