package capturefile

import (
	"bufio"
	"io"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Writer writes a capture of IP packets without anything below: of link type 101, raw IP. In pcapng
// that is 228 or 229, raw IPv4 or IPv6, for libpcap compares its own number of 101, which is 12,
// with that of each further interface, and tcpdump would stop at the second. Flush must be called
// at the end.
type Writer struct {
	out         *bufio.Writer
	application string
	pcap        *pcapgo.Writer
	ng          *pcapgo.NgWriter
	pcapng      bool
}

// Format says how a file is written.
type Format struct {
	Pcapng      bool
	Nanoseconds bool   // of pcap; pcapng always has them
	Application string // pcapng names it in its beginning
}

// NewWriter begins a file.
func NewWriter(w io.Writer, f Format) (*Writer, error) {
	c := &Writer{out: bufio.NewWriterSize(w, 1<<18), pcapng: f.Pcapng, application: f.Application}
	if f.Pcapng {
		return c, nil
	}
	if c.pcap = pcapgo.NewWriter(c.out); f.Nanoseconds {
		c.pcap = pcapgo.NewWriterNanos(c.out)
	}
	return c, c.pcap.WriteFileHeader(MaxPacket, layers.LinkTypeRaw)
}

// Interface gives the number of a new interface for packets of a version of IP to be from, 4 or 6,
// with a name and a comment; pcap has none of that, and every number is as good as another.
func (c *Writer) Interface(version int, name, comment string) (int, error) {
	if !c.pcapng {
		return 0, nil
	}
	i := pcapgo.NgInterface{Name: name, Comment: comment, LinkType: layers.LinkTypeIPv4, SnapLength: MaxPacket, TimestampResolution: 9}
	if version == 6 {
		i.LinkType = layers.LinkTypeIPv6
	}
	if c.ng != nil {
		return c.ng.AddInterface(i)
	}
	var err error
	c.ng, err = pcapgo.NewNgWriterInterface(c.out, i, pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: c.application}})
	return 0, err
}

// Write writes an IP packet of an interface.
func (c *Writer) Write(at time.Time, from int, ip []byte) error {
	if at.IsZero() {
		at = time.Unix(0, 0) // the file that it came from had no time either
	}
	info := gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(ip), Length: len(ip), InterfaceIndex: from}
	if c.pcapng {
		return c.ng.WritePacket(info, ip)
	}
	return c.pcap.WritePacket(info, ip)
}

// Flush writes what is in memory still.
func (c *Writer) Flush() error {
	if c.ng != nil {
		if err := c.ng.Flush(); err != nil {
			return err
		}
	}
	return c.out.Flush()
}
