package capture

import (
	"bufio"
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
	if packets, err = walk(in, func(int, int, gopacket.CaptureInfo, []byte) error { return nil }); err != nil {
		return 0, 0, err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return packets, 0, err
	}
	ng, err := headersFile(out)
	if err != nil {
		return packets, 0, err
	}
	_, err = walk(in, func(i, on int, info gopacket.CaptureInfo, data []byte) error {
		if i >= most/2 && i < packets-most/2 || i >= packets {
			return nil
		}
		n, ok := kept(on, data, nil)
		if !ok {
			return nil
		}
		copied++
		info.CaptureLength, info.InterfaceIndex, info.AncillaryData = min(n, len(data)), on, nil
		return ng.WritePacket(info, data[:info.CaptureLength])
	})
	if err != nil {
		return packets, copied, err
	}
	return packets, copied, ng.Flush()
}

// headersFile begins one.
func headersFile(out io.Writer) (*pcapgo.NgWriter, error) {
	var ng *pcapgo.NgWriter
	for i, name := range interfaceNames {
		of := pcapgo.NgInterface{Name: name, Description: descriptions[i], LinkType: rawIP, TimestampResolution: 9}
		var err error
		if i == 0 {
			ng, err = pcapgo.NewNgWriterInterface(out, of, pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: application}})
		} else {
			_, err = ng.AddInterface(of)
		}
		if err != nil {
			return nil, err
		}
	}
	return ng, nil
}

// walk calls do with each packet of an interface of ours, and gives how many there are.
func walk(in io.Reader, do func(i, on int, info gopacket.CaptureInfo, data []byte) error) (n int, err error) {
	defer damaged(&err)
	r, err := pcapgo.NewNgReader(capturefile.Bounded(bufio.NewReaderSize(in, 1<<18)), pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil || !ofThisProgram(r) {
		return 0, ErrNotOurs
	}
	for {
		data, info, err := r.ZeroCopyReadPacketData()
		if errors.Is(err, io.EOF) || errors.Is(err, capturefile.ErrEnds) {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("packet %d: %w", n+1, err)
		}
		of, err := r.Interface(info.InterfaceIndex)
		if err != nil {
			return n, fmt.Errorf("packet %d: %w", n+1, err)
		}
		if on := slices.Index(interfaceNames[:], of.Name); on >= 0 {
			if err := do(n, on, info, data); err != nil {
				return n, err
			}
			n++
		}
	}
}

// damaged makes an error of a panic: the library takes for granted what a damaged file lacks.
func damaged(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the capture is damaged: %v", p)
	}
}
