package capturefile

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// MaxPacket bounds a packet, in bytes: the most that tcpdump and Wireshark capture of one.
const MaxPacket = 262144

// Packet is one of a capture.
type Packet struct {
	// At is when it was captured; the zero time where the file does not tell.
	At time.Time
	// IP is the IP packet in it, valid until the next one is read; nil where it carries none, or
	// below IP is what nobody here reads.
	IP []byte
	// Length is how many bytes that packet had when it was captured.
	Length int
	// Cut reports whether the capture has only the beginning of the packet.
	Cut bool
}

// Errors of NewReader and Next.
var (
	// ErrNotCapture: the file is neither pcap nor pcapng.
	ErrNotCapture = errors.New("it is neither pcap nor pcapng")
	// ErrBroken: the file is not what its format wants; what was read before may be right.
	ErrBroken = errors.New("the capture is damaged")
	// ErrEnds: the file ends within a packet, as one does whose capture was killed.
	ErrEnds = errors.New("the capture ends within a packet")
)

// source is what the library's readers have in common.
type source interface {
	ZeroCopyReadPacketData() ([]byte, gopacket.CaptureInfo, error)
}

// Reader reads a capture.
type Reader struct {
	source source
	// link is what is below IP in a file of one kind; of pcapng each packet tells.
	link   layers.LinkType
	mixed  bool
	nano   bool
	pcapng *pcapgo.NgReader // nil: it is pcap
	on     int              // the interface of the packet that was read last
	below  linkLayers
	unread map[layers.LinkType]int
}

// The beginnings of files: pcap in both byte orders with micro- and nanoseconds, pcapng, gzip.
const (
	magicMicro  = 0xA1B2C3D4
	magicNano   = 0xA1B23C4D
	magicPcapng = 0x0A0D0D0A
	magicGzip   = 0x1F8B
)

// NewReader reads the beginning of a file, which may be compressed by gzip. Its error wraps
// ErrNotCapture or ErrBroken, or is r's.
func NewReader(r io.Reader) (*Reader, error) {
	in := bufio.NewReaderSize(r, 1<<20)
	first, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(first) == 4 && binary.BigEndian.Uint16(first) == magicGzip {
		plain, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBroken, err)
		}
		in = bufio.NewReaderSize(plain, 1<<20)
		if first, err = in.Peek(4); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%w: %w", ErrBroken, err)
		}
	}
	if len(first) < 4 {
		return nil, fmt.Errorf("%w: it has %d bytes", ErrNotCapture, len(first))
	}
	for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		switch magic := order.Uint32(first); magic {
		case magicMicro, magicNano:
			return newPcap(in, magic == magicNano)
		case magicPcapng:
			return newPcapng(in)
		}
	}
	return nil, fmt.Errorf("%w: it begins with % x", ErrNotCapture, first)
}

func newPcap(in io.Reader, nano bool) (*Reader, error) {
	p, err := pcapgo.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	// The library makes room for as much as the file says, and takes no longer packet.
	p.SetSnaplen(MaxPacket)
	r := &Reader{source: p, link: p.LinkType(), nano: nano}
	if !r.below.reads(r.link) {
		return nil, fmt.Errorf("%w: its packets are of link type %d (%s): Ethernet, Linux cooked, raw IP, PPPoE and loopback can be read",
			ErrNotCapture, r.link, r.link)
	}
	return r, nil
}

func newPcapng(in io.Reader) (r *Reader, err error) {
	defer broken(&err)
	p, err := pcapgo.NewNgReader(&blocks{in: in}, pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return &Reader{source: p, mixed: true, nano: true, pcapng: p}, nil
}

// broken makes an error of a panic: the library takes for granted what a damaged file lacks.
func broken(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrBroken, p)
	}
}

// Nanoseconds reports whether the file's times are that fine.
func (r *Reader) Nanoseconds() bool { return r.nano }

// Pcapng reports whether the file is of that format.
func (r *Reader) Pcapng() bool { return r.pcapng != nil }

// Application is what a pcapng file says of the program that wrote it; empty if it says nothing.
func (r *Reader) Application() string {
	if r.pcapng == nil {
		return ""
	}
	return r.pcapng.SectionInfo().Application
}

// Interface is the name of the interface of the packet that was read last or, where Next has found
// none, of the first one in the file; pcap has no such names.
func (r *Reader) Interface() string {
	if r.pcapng == nil {
		return ""
	}
	of, err := r.pcapng.Interface(r.on)
	if err != nil {
		return "" // there is none
	}
	return of.Name
}

// Next reads the next packet. The error at the end is io.EOF; others wrap ErrBroken or ErrEnds, or
// are the reader's own, and nothing comes after them.
func (r *Reader) Next() (p Packet, err error) {
	defer broken(&err)
	data, info, err := r.source.ZeroCopyReadPacketData()
	switch {
	case err == io.EOF:
		return Packet{}, io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, ErrEnds):
		return Packet{}, ErrEnds
	case err != nil:
		return Packet{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	link := r.link
	r.on = info.InterfaceIndex
	if r.mixed {
		link, _ = info.AncillaryData[0].(layers.LinkType)
	}
	p = Packet{At: info.Timestamp, Cut: info.CaptureLength < info.Length}
	if r.below.reads(link) {
		if p.IP = r.below.strip(link, data); p.IP != nil {
			p.Length = info.Length - (len(data) - len(p.IP))
		}
	} else {
		r.skip(link)
	}
	return p, nil
}

// maxKinds bounds how many link types are told apart that cannot be read.
const maxKinds = 16

func (r *Reader) skip(link layers.LinkType) {
	if r.unread == nil {
		r.unread = make(map[layers.LinkType]int)
	}
	if _, known := r.unread[link]; known || len(r.unread) < maxKinds {
		r.unread[link]++
	}
}

// Unread says which packets could not be read for what is below IP; empty if there are none.
func (r *Reader) Unread() (list []string) {
	for link := range layers.LinkTypeMax {
		if n := r.unread[link]; n > 0 {
			list = append(list, fmt.Sprintf("%d of link type %d (%s)", n, link, link))
		}
	}
	return list
}
