package capturefile

import (
	"bufio"
	"io"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Writer writes a capture of IP packets without anything below (link type 101, raw IP). Flush must
// be called at the end.
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
	return c, c.pcap.WriteFileHeader(maxPacket, layers.LinkTypeRaw)
}

// Interface gives the number of a new interface for packets to be from, with a name and a comment;
// pcap has none of that, and every number is as good as another.
func (c *Writer) Interface(name, comment string) (int, error) {
	if !c.pcapng {
		return 0, nil
	}
	i := pcapgo.NgInterface{Name: name, Comment: comment, LinkType: layers.LinkTypeRaw, SnapLength: maxPacket, TimestampResolution: 9}
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
