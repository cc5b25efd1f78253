package capturefile

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ip is an IPv4 packet of UDP with four bytes in it.
var ip, _ = hex.DecodeString("4500002000010000401166c90a6300010a630064" + "1388138900" + "0c0000" + "61626364")

var at = time.Unix(1700000000, 123456789).UTC()

// file is a capture of frames of one link type.
func file(t testing.TB, link layers.LinkType, frames ...[]byte) []byte {
	var b bytes.Buffer
	w := pcapgo.NewWriterNanos(&b)
	require.NoError(t, w.WriteFileHeader(65535, link))
	for _, frame := range frames {
		require.NoError(t, w.WritePacket(gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(frame), Length: len(frame)}, frame))
	}
	return b.Bytes()
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// TestLinkLayers takes off each kind of header that captures have below IP.
func TestLinkLayers(t *testing.T) {
	const macs = "020000000001 020000000002 "
	for name, c := range map[string]struct {
		link   layers.LinkType
		header string
		none   bool
	}{
		"Ethernet":                    {layers.LinkTypeEthernet, macs + "0800", false},
		"a VLAN":                      {layers.LinkTypeEthernet, macs + "8100 0064 0800", false},
		"a VLAN in a VLAN":            {layers.LinkTypeEthernet, macs + "88a8 0001 8100 0064 0800", false},
		"PPPoE":                       {layers.LinkTypeEthernet, macs + "8864 11 00 0001 0022 0021", false},
		"PPPoE in a VLAN":             {layers.LinkTypeEthernet, macs + "8100 0007 8864 11 00 0001 0022 0021", false},
		"PPPoE, but LCP":              {layers.LinkTypeEthernet, macs + "8864 11 00 0001 0022 c021", true},
		"ARP":                         {layers.LinkTypeEthernet, macs + "0806", true},
		"Linux cooked":                {layers.LinkTypeLinuxSLL, "0000 0001 0006 020000000001 0000 0800", false},
		"Linux cooked, version 2":     {layers.LinkTypeLinuxSLL2, "0800 0000 00000002 0001 00 06 020000000001 0000", false},
		"cooked, of a tunnel":         {layers.LinkTypeLinuxSLL, "0000 fffe 0000 0000000000000000 0800", false},
		"cooked 2, of a tunnel":       {layers.LinkTypeLinuxSLL2, "0800 0000 00000002 fffe 00 00 0000000000000000", false},
		"loopback, little endian":     {layers.LinkTypeNull, "02000000", false},
		"loopback, big endian":        {layers.LinkTypeLoop, "00000002", false},
		"raw IP":                      {layers.LinkTypeRaw, "", false},
		"raw IPv4":                    {layers.LinkTypeIPv4, "", false},
		"raw IP, as FreeBSD has it":   {linkRawBSD, "", false},
		"more tags than there can be": {layers.LinkTypeEthernet, macs + strings.Repeat("8100 0001", maxTags), true},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := NewReader(bytes.NewReader(file(t, c.link, append(unhex(c.header), ip...))))
			require.NoError(t, err)
			p, err := r.Next()
			require.NoError(t, err)
			want := Packet{At: at, IP: ip, Length: len(ip)}
			if c.none {
				want = Packet{At: at}
			}
			assert.Equal(t, want, p)
			_, err = r.Next()
			assert.Equal(t, io.EOF, err)
		})
	}
}

// TestFormats reads what it writes, in every format, and compressed.
func TestFormats(t *testing.T) {
	for name, f := range map[string]Format{"pcap": {}, "pcap of nanoseconds": {Nanoseconds: true}, "pcapng": {Pcapng: true, Application: "arc4 v1"}} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			w, err := NewWriter(&b, f)
			require.NoError(t, err)
			for i := range 3 {
				from, err := w.Interface(4, "call", "a comment")
				require.NoError(t, err)
				require.NoError(t, w.Write(at.Add(time.Duration(i)*time.Second), from, ip))
			}
			require.NoError(t, w.Flush())
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			_, err = z.Write(b.Bytes())
			require.NoError(t, err)
			require.NoError(t, z.Close())
			for _, file := range [][]byte{b.Bytes(), packed.Bytes()} {
				r, err := NewReader(bytes.NewReader(file))
				require.NoError(t, err)
				assert.Equal(t, f.Pcapng, r.Pcapng())
				assert.Equal(t, f.Application, r.Application())
				for i := range 3 {
					p, err := r.Next()
					require.NoError(t, err)
					want := at.Add(time.Duration(i) * time.Second)
					if !r.Nanoseconds() {
						want = want.Truncate(time.Microsecond)
					}
					assert.Equal(t, Packet{At: want, IP: ip, Length: len(ip)}, p)
					assert.Equal(t, f.Pcapng, r.Interface() == "call")
				}
				_, err = r.Next()
				assert.Equal(t, io.EOF, err)
			}
		})
	}
}

// ngFile is a pcapng file of blocks, each without its lengths, behind a section header.
func ngFile(order binary.AppendByteOrder, blocks ...[]byte) []byte {
	section := order.AppendUint32(nil, blockSection)
	section = order.AppendUint32(section, orderMark)
	section = append(order.AppendUint16(order.AppendUint16(section, 1), 0), bytes.Repeat([]byte{0xFF}, 8)...)
	var file []byte
	for _, b := range append([][]byte{section}, blocks...) {
		length := uint32(len(b) + 8)
		file = append(file, b[:4]...)
		file = order.AppendUint32(file, length)
		file = append(file, b[4:]...)
		file = order.AppendUint32(file, length)
	}
	return file
}

// ngInterface and ngPacket are blocks.
func ngInterface(order binary.AppendByteOrder, link, snaplen uint32, options ...byte) []byte {
	b := order.AppendUint32(nil, blockInterface)
	b = order.AppendUint32(order.AppendUint16(order.AppendUint16(b, uint16(link)), 0), snaplen)
	return append(b, options...)
}

func ngPacket(order binary.AppendByteOrder, from, captured, length uint32, data []byte) []byte {
	b := order.AppendUint32(nil, blockEnhanced)
	for _, v := range []uint32{from, 0, 5, captured, length} {
		b = order.AppendUint32(b, v)
	}
	return append(b, data...)
}

// TestMixedLinks reads a file of two interfaces, one of which cannot be read, in both byte orders.
func TestMixedLinks(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		r, err := NewReader(bytes.NewReader(ngFile(order,
			ngInterface(order, 101, 0xFFFFFFFF), ngInterface(order, 127, 0),
			ngPacket(order, 0, 32, 40, ip), ngPacket(order, 1, 32, 32, ip),
			append(order.AppendUint32(nil, 0x0000000A), make([]byte, 12)...), // secrets, which nobody wants
			append(order.AppendUint32(order.AppendUint32(nil, blockSimple), 32), ip...))))
		require.NoError(t, err)
		p, err := r.Next()
		require.NoError(t, err)
		assert.Equal(t, Packet{At: time.Unix(0, 5000).UTC(), IP: ip, Length: 40, Cut: true}, p)
		p, err = r.Next()
		require.NoError(t, err)
		assert.Nil(t, p.IP)
		assert.Equal(t, []string{"1 of link type 127 (RadioTap)"}, r.Unread())
		p, err = r.Next()
		require.NoError(t, err)
		assert.Equal(t, Packet{IP: ip, Length: len(ip)}, p, "a simple packet has no time")
		_, err = r.Next()
		assert.Equal(t, io.EOF, err)
	}
}

// TestDamagedFiles says of each what is wrong, and makes room for nothing that is not there.
func TestDamagedFiles(t *testing.T) {
	order := binary.LittleEndian
	huge := file(t, layers.LinkTypeRaw, ip)
	order.PutUint32(huge[16:], 0xFFFFFFFF) // the length that no packet exceeds
	order.PutUint32(huge[32:], 0x7FFFFFFF)
	order.PutUint32(huge[36:], 0x7FFFFFFF)
	interfaces := make([][]byte, maxInterfaces+1)
	for i := range interfaces {
		interfaces[i] = ngInterface(order, 101, 0)
	}
	noSection := ngFile(order, ngInterface(order, 101, 0))[28:]
	for name, c := range map[string]struct {
		file []byte
		want error
		text string
	}{
		"empty":                     {nil, ErrNotCapture, "it has 0 bytes"},
		"text":                      {[]byte("hello world"), ErrNotCapture, "it begins with 68 65 6c 6c"},
		"a link type nobody reads":  {file(t, layers.LinkTypeIEEE80211Radio), ErrNotCapture, "link type 127 (RadioTap)"},
		"half a header":             {huge[:20], ErrBroken, ""},
		"a packet of 2 GB":          {huge, ErrBroken, "exceeds snap length"},
		"cut within a packet":       {file(t, layers.LinkTypeRaw, ip)[:50], ErrEnds, ""},
		"cut within a block":        {ngFile(order, ngInterface(order, 101, 0), ngPacket(order, 0, 32, 32, ip))[:80], ErrEnds, ""},
		"no section":                {append(unhex("0a0d0d0a1c000000"), noSection...), ErrBroken, ""},
		"a packet beyond its block": {ngFile(order, ngInterface(order, 101, 0), ngPacket(order, 0, 33, 33, ip)), ErrBroken, "longer than its block"},
		"an unknown interface":      {ngFile(order, ngInterface(order, 101, 0), ngPacket(order, 1, 32, 32, ip)), ErrBroken, "Interface id 1"},
		"times by 10^-64":           {ngFile(order, ngInterface(order, 101, 0, 9, 0, 1, 0, 64, 0, 0, 0), ngPacket(order, 0, 32, 32, ip)), ErrBroken, ""},
		"many interfaces":           {ngFile(order, interfaces...), ErrBroken, "interface 4097 of a section"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := NewReader(bytes.NewReader(c.file))
			for err == nil {
				_, err = r.Next()
			}
			assert.ErrorIs(t, err, c.want)
			assert.ErrorContains(t, err, c.text)
		})
	}
}

// TestReadingAllocatesNothing for a packet.
func TestReadingAllocatesNothing(t *testing.T) {
	frames := make([][]byte, 3000)
	for i := range frames {
		frames[i] = append(unhex("020000000001 020000000002 8100 0064 0800"), ip...)
	}
	r, err := NewReader(bytes.NewReader(file(t, layers.LinkTypeEthernet, frames...)))
	require.NoError(t, err)
	assert.Zero(t, testing.AllocsPerRun(2000, func() {
		if p, err := r.Next(); err != nil || len(p.IP) != len(ip) {
			t.Error("a packet was not read")
		}
	}))
}

func FuzzReader(f *testing.F) {
	f.Add(file(f, layers.LinkTypeEthernet, append(unhex("020000000001 020000000002 8100 0064 0800"), ip...)))
	f.Add(file(f, layers.LinkTypeLinuxSLL2, append(unhex("0800 0000 00000002 fffe 00 00 0000000000000000"), ip...)))
	f.Add(ngFile(binary.BigEndian, ngInterface(binary.BigEndian, 1, 100, 9, 0, 1, 0, 64, 0, 0, 0), ngPacket(binary.BigEndian, 0, 32, 32, ip)))
	f.Add(ngFile(binary.LittleEndian, ngInterface(binary.LittleEndian, 113, 0), ngPacket(binary.LittleEndian, 0, 32, 32, ip)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1 && b[0] == 0x1F && b[1] == 0x8B {
			t.Skip("bombs are the compressor's matter")
		}
		r, err := NewReader(bytes.NewReader(b))
		for n := 0; err == nil; n++ {
			var p Packet
			if p, err = r.Next(); err == nil {
				require.LessOrEqual(t, len(p.IP), MaxPacket)
				require.Less(t, n, len(b), "every packet takes some of the file")
			}
		}
	})
}
