package socks5

import (
	"bytes"
	"io"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadMethods(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []Method
		err  error
	}{
		"two":           {"\x05\x02\x00\x02", []Method{NoAuthentication, UserPassword}, nil},
		"none":          {"\x05\x00", []Method{}, nil},
		"version 4":     {"\x04\x01\x00", nil, ErrMalformed},
		"ends too soon": {"\x05\x02\x00", nil, io.ErrUnexpectedEOF},
		"nothing":       {"", nil, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadMethods(bytes.NewReader([]byte(c.in)))
			require.ErrorIs(t, err, c.err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestReadUserPassword(t *testing.T) {
	user, password, err := ReadUserPassword(bytes.NewReader([]byte("\x01\x03bob\x07builder")))
	require.NoError(t, err)
	assert.Equal(t, []string{"bob", "builder"}, []string{user, password})
	_, _, err = ReadUserPassword(bytes.NewReader([]byte("\x05\x03bob\x07builder")))
	require.ErrorIs(t, err, ErrMalformed)
	_, _, err = ReadUserPassword(bytes.NewReader([]byte("\x01\x03bob\x07build")))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestReadRequest(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want Request
		text string
		err  error
	}{
		"IPv4":            {"\x05\x01\x00\x01\x0a\x00\x00\x07\x00\x16", Request{Connect, Address{IP: netip.MustParseAddr("10.0.0.7"), Port: 22}}, "10.0.0.7:22", nil},
		"IPv6":            {"\x05\x03\x00\x04\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00", Request{UDPAssociate, Address{IP: netip.MustParseAddr("fd00::1")}}, "[fd00::1]:0", nil},
		"a name":          {"\x05\x01\x00\x03\x07a.b.org\x01\xbb", Request{Connect, Address{Name: "a.b.org", Port: 443}}, "a.b.org:443", nil},
		"a name, address": {"\x05\x01\x00\x03\x0810.0.0.7\x00\x16", Request{Connect, Address{IP: netip.MustParseAddr("10.0.0.7"), Port: 22}}, "10.0.0.7:22", nil},
		"an empty name":   {"\x05\x01\x00\x03\x00\x00\x16", Request{Command: Connect}, "", ErrMalformed},
		"no such type":    {"\x05\x01\x00\x02\x00\x16", Request{Command: Connect}, "", ErrAddressType},
		"version 4":       {"\x04\x01\x00\x01\x0a\x00\x00\x07\x00\x16", Request{}, "", ErrMalformed},
		"ends too soon":   {"\x05\x01\x00\x01\x0a\x00\x00\x07\x00", Request{Connect, Address{IP: netip.MustParseAddr("10.0.0.7")}}, "", io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadRequest(bytes.NewReader([]byte(c.in)))
			require.ErrorIs(t, err, c.err)
			assert.Equal(t, c.want, got)
			if c.text != "" {
				assert.Equal(t, c.text, got.Address.String())
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	assert.Equal(t, "\x05\xff", string(AppendMethod(nil, NoneAcceptable)))
	assert.Equal(t, "\x01\x00", string(AppendAuthStatus(nil, true)))
	assert.Equal(t, "\x01\x01", string(AppendAuthStatus(nil, false)))
	assert.Equal(t, "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", string(AppendReply(nil, ConnectionRefused, netip.AddrPort{})))
	assert.Equal(t, "\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38", string(AppendReply(nil, Succeeded, netip.MustParseAddrPort("[::ffff:127.0.0.1]:1080"))))
}

func TestDatagram(t *testing.T) {
	from := netip.MustParseAddrPort("10.0.0.53:53")
	d, err := ParseDatagram(append(AppendDatagramHeader(nil, from), "words"...))
	require.NoError(t, err)
	assert.Equal(t, Datagram{Address{IP: from.Addr(), Port: 53}, []byte("words")}, d)
	for name, b := range map[string]string{
		"short": "\x00\x00\x00", "a fragment": "\x00\x00\x01\x01\x0a\x00\x00\x01\x00\x35x", "not reserved": "\x01\x00\x00\x01\x0a\x00\x00\x01\x00\x35x",
		"no port": "\x00\x00\x00\x01\x0a\x00\x00\x01\x00",
	} {
		_, err := ParseDatagram([]byte(b))
		assert.Error(t, err, name)
	}
}

func FuzzDatagram(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x03\x07a.b.org\x01\xbbwords"))
	f.Add(AppendDatagramHeader(nil, netip.MustParseAddrPort("[fd00::1]:53")))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDatagram(b)
		if err != nil || !d.Address.IP.IsValid() {
			return
		}
		again, err := ParseDatagram(append(AppendDatagramHeader(nil, netip.AddrPortFrom(d.Address.IP, d.Address.Port)), d.Data...))
		require.NoError(t, err)
		assert.Equal(t, d.Address, again.Address)
		assert.Equal(t, string(d.Data), string(again.Data))
	})
}

// FuzzClient reads whatever a client says, in the order that a server asks for it.
func FuzzClient(f *testing.F) {
	f.Add([]byte("\x05\x02\x00\x02\x01\x03bob\x07builder\x05\x01\x00\x03\x07a.b.org\x01\xbbrest"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		methods, err := ReadMethods(r)
		assert.LessOrEqual(t, len(methods), 255)
		if err != nil {
			return
		}
		user, password, err := ReadUserPassword(r)
		assert.LessOrEqual(t, max(len(user), len(password)), 255)
		if err != nil {
			return
		}
		if request, err := ReadRequest(r); err == nil {
			assert.NotEmpty(t, request.Address.Host())
		}
	})
}
