// Package socks5 reads and writes the messages of SOCKS version 5 (RFC 1928) and of its user and
// password (RFC 1929), as a server does. It has no sockets.
package socks5

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
)

// Version is the first byte of what a client says (RFC 1928 section 3).
const Version = 5

// Method is how a client proves who it is.
type Method byte

// The methods that a server of this package can choose.
const (
	NoAuthentication Method = 0x00
	UserPassword     Method = 0x02
	NoneAcceptable   Method = 0xFF
)

// Command is what a client asks for (RFC 1928 section 4).
type Command byte

// The commands.
const (
	Connect      Command = 1
	Bind         Command = 2
	UDPAssociate Command = 3
)

// Reply says what has become of a request (RFC 1928 section 6).
type Reply byte

// The replies.
const (
	Succeeded               Reply = 0
	GeneralFailure          Reply = 1
	NotAllowed              Reply = 2
	NetworkUnreachable      Reply = 3
	HostUnreachable         Reply = 4
	ConnectionRefused       Reply = 5
	TTLExpired              Reply = 6
	CommandNotSupported     Reply = 7
	AddressTypeNotSupported Reply = 8
)

// The types of an address (RFC 1928 section 5).
const (
	typeIPv4 = 1
	typeName = 3
	typeIPv6 = 4
)

// Errors of the parsers, beside those of the reader. A client that gets the second is answered with
// AddressTypeNotSupported.
var (
	ErrMalformed   = errors.New("not as SOCKS 5 has it")
	ErrAddressType = errors.New("an address of a type that SOCKS 5 has not")
)

// ReadMethods reads what a client says first, and gives the methods that it offers.
func ReadMethods(r io.Reader) ([]Method, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	if head[0] != Version {
		return nil, fmt.Errorf("%w: version %d", ErrMalformed, head[0])
	}
	offered := make([]byte, head[1])
	if _, err := io.ReadFull(r, offered); err != nil {
		return nil, err
	}
	methods := make([]Method, len(offered))
	for i, m := range offered {
		methods[i] = Method(m)
	}
	return methods, nil
}

// AppendMethod is the answer to that.
func AppendMethod(b []byte, m Method) []byte { return append(b, Version, byte(m)) }

// authVersion is that of RFC 1929 section 2.
const authVersion = 1

// ReadUserPassword reads a user and a password, of up to 255 bytes each.
func ReadUserPassword(r io.Reader) (user, password string, err error) {
	var head [1]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", "", err
	}
	if head[0] != authVersion {
		return "", "", fmt.Errorf("%w: version %d of user and password", ErrMalformed, head[0])
	}
	if user, err = readText(r); err != nil {
		return "", "", err
	}
	password, err = readText(r)
	return user, password, err
}

// AppendAuthStatus is the answer to that; whoever gets a failure is hung up on.
func AppendAuthStatus(b []byte, ok bool) []byte {
	if ok {
		return append(b, authVersion, 0)
	}
	return append(b, authVersion, 1)
}

// readText reads a byte with a length, and as many more.
func readText(r io.Reader) (string, error) {
	var length [1]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return "", err
	}
	text := make([]byte, length[0])
	_, err := io.ReadFull(r, text)
	return string(text), err
}

// Address is where something is to go: an IP address or a name, and a port.
type Address struct {
	IP   netip.Addr // not valid: Name says where
	Name string     // as the client has it, not checked: 1 to 255 bytes
	Port uint16
}

// Host is the name or the IP address.
func (a Address) Host() string {
	if a.IP.IsValid() {
		return a.IP.String()
	}
	return a.Name
}

// String is HOST:PORT.
func (a Address) String() string { return net.JoinHostPort(a.Host(), strconv.Itoa(int(a.Port))) }

// Request is what a client asks for.
type Request struct {
	Command Command
	Address Address
}

// ReadRequest reads one. With ErrAddressType, or with a command that nobody has, the Command is
// given all the same.
func ReadRequest(r io.Reader) (Request, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Request{}, err
	}
	if head[0] != Version || head[2] != 0 {
		return Request{}, fmt.Errorf("%w: a request that begins with % x", ErrMalformed, head)
	}
	request := Request{Command: Command(head[1])}
	var err error
	request.Address, err = readAddress(r, head[3])
	return request, err
}

// readAddress reads what follows the type of an address.
func readAddress(r io.Reader, kind byte) (Address, error) {
	var a Address
	switch kind {
	case typeIPv4, typeIPv6:
		b := make([]byte, map[byte]int{typeIPv4: 4, typeIPv6: 16}[kind])
		if _, err := io.ReadFull(r, b); err != nil {
			return a, err
		}
		ip, _ := netip.AddrFromSlice(b)
		a.IP = ip.Unmap()
	case typeName:
		var err error
		if a.Name, err = readText(r); err != nil {
			return a, err
		}
		if a.Name == "" {
			return a, fmt.Errorf("%w: an empty name", ErrMalformed)
		}
		// Some clients send addresses as names.
		if ip, err := netip.ParseAddr(a.Name); err == nil && ip.Zone() == "" {
			a.IP, a.Name = ip.Unmap(), ""
		}
	default:
		return a, fmt.Errorf("%w: %d", ErrAddressType, kind)
	}
	var port [2]byte
	if _, err := io.ReadFull(r, port[:]); err != nil {
		return a, err
	}
	a.Port = uint16(port[0])<<8 | uint16(port[1])
	return a, nil
}

// AppendReply is the answer to a request; bound is the address that it names, not valid: none.
func AppendReply(b []byte, reply Reply, bound netip.AddrPort) []byte {
	return appendAddress(append(b, Version, byte(reply), 0), bound)
}

func appendAddress(b []byte, a netip.AddrPort) []byte {
	ip := a.Addr().Unmap()
	if !ip.IsValid() {
		ip = netip.IPv4Unspecified()
	}
	kind := byte(typeIPv4)
	if ip.Is6() {
		kind = typeIPv6
	}
	b = append(append(b, kind), ip.AsSlice()...)
	return append(b, byte(a.Port()>>8), byte(a.Port()))
}
