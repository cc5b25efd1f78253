package capture

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/arc4tun/arc4tun/internal/capturefile"
)

// ErrNotOurs: a file is no capture that this program has written.
var ErrNotOurs = errors.New("no capture of this program")

// CopyHeaders copies the headers of a capture that this program has written, as pcapng: no payload,
// no login, no comment. Of more than most packets it copies the first and the last, each half of
// that. A file that ends in the middle, as one that is being written may, ends there. It gives how
// many packets there are and how many it has copied. Errors: ErrNotOurs, and those of in and out.
func CopyHeaders(in io.ReadSeeker, out io.Writer, most int) (packets, copied int, err error) {
	if packets, err = walk(in, func(int, int, capturefile.Packet) error { return nil }); err != nil {
		return 0, 0, err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return packets, 0, err
	}
	ng, err := beginFile(out, 0, pcapgo.NgSectionInfo{Application: application})
	if err != nil {
		return packets, 0, err
	}
	_, err = walk(in, func(i, on int, p capturefile.Packet) error {
		if i >= most/2 && i < packets-most/2 || i >= packets {
			return nil
		}
		n, ok := kept(on, p.IP, nil)
		if !ok {
			return nil
		}
		copied++
		n = min(n, len(p.IP))
		return ng.WritePacket(gopacket.CaptureInfo{Timestamp: p.At, CaptureLength: n, Length: p.Length, InterfaceIndex: on}, p.IP[:n])
	})
	if err != nil {
		return packets, copied, err
	}
	return packets, copied, ng.Flush()
}

// walk calls do with each packet of an interface of ours, and gives how many there are.
func walk(in io.Reader, do func(i, on int, p capturefile.Packet) error) (n int, err error) {
	r, err := capturefile.NewReader(in)
	if err != nil || !ofThisProgram(r) {
		return 0, ErrNotOurs
	}
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, capturefile.ErrEnds) {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("packet %d: %w", n+1, err)
		}
		if on := slices.Index(interfaceNames[:], r.Interface()); on >= 0 {
			if err := do(n, on, p); err != nil {
				return n, err
			}
			n++
		}
	}
}
