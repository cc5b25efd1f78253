package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// application is what the section header says of who wrote the file. By its first word a file is
// known as one that may be written over.
const application = "arc4"

// errFull: the file has its size, and there is no other.
var errFull = errors.New("capture: the file is full")

// rawIP is the link type of all interfaces: IP packets, nothing before them. The number in the list
// of link types is 101, but libpcap 1.10.3 (Debian 12) compares the number of each further
// interface with its own for the first, which is 12 for this type, and reads no file that has two;
// this one stands for the same in libpcap, Wireshark and gopacket.
const rawIP = layers.LinkType(12)

const (
	maxComments = 64   // on one packet
	maxComment  = 2000 // bytes of one
	// blockRest is what a packet takes in the file besides its data and comments, at most.
	blockRest = 64
)

// writer writes records into one file after another. It is for one goroutine.
type writer struct {
	cfg     Config
	file    *os.File
	counted countingWriter
	buf     *bufio.Writer
	ng      *pcapgo.NgWriter
	start   time.Time
	good    int64 // how much of the file is whole blocks
	packets [interfaces]uint64
	missed  [interfaces]uint64 // of all files
	pending [interfaces]uint64 // missed, and not yet said on a packet
	says    []string           // comments on the next packet
	err     error              // the first
}

// countingWriter counts what the file has.
type countingWriter struct {
	file *os.File
	n    int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.file.Write(p)
	c.n += int64(n)
	return n, err
}

func newWriter(c Config) (*writer, error) {
	file, err := create(c.Path)
	if err != nil {
		return nil, err
	}
	w := &writer{cfg: c}
	if err := w.begin(file); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	return w, nil
}

// directions are the flags of a packet that came and of one that was sent.
var directions = [2]pcapgo.NgEpbFlags{{Direction: pcapgo.NgEpbFlagDirectionInbound}, {Direction: pcapgo.NgEpbFlagDirectionOutbound}}

// descriptions say what the interfaces hold.
var descriptions = [interfaces]string{
	"control connection of PPTP: IP and TCP headers are put together around what was read and written",
	"GRE to and from the server; the IP headers of what was sent are put together",
	"packets inside the tunnel, in clear, at the local device",
}

// begin writes the beginning of a file.
func (w *writer) begin(file *os.File) error {
	w.file, w.counted = file, countingWriter{file: file}
	w.buf = bufio.NewWriterSize(&w.counted, 256<<10)
	w.start, w.packets = w.cfg.now(), [interfaces]uint64{}
	var err error
	if w.ng, err = beginFile(w.buf, w.cfg.SnapLen, w.section()); err != nil {
		return err
	}
	return w.flush()
}

// beginFile writes the beginning of a file, with an interface for each edge of a tunnel; snapLen 0:
// packets may have any length.
func beginFile(out io.Writer, snapLen int, section pcapgo.NgSectionInfo) (ng *pcapgo.NgWriter, err error) {
	for i, name := range interfaceNames {
		in := pcapgo.NgInterface{
			Name: name, Description: descriptions[i], OS: runtime.GOOS,
			LinkType: rawIP, SnapLength: uint32(snapLen), TimestampResolution: 9,
		}
		if i == 0 {
			ng, err = pcapgo.NewNgWriterInterface(out, in, pcapgo.NgWriterOptions{SectionInfo: section})
		} else {
			_, err = ng.AddInterface(in)
		}
		if err != nil {
			return nil, err
		}
	}
	return ng, nil
}

func (w *writer) section() pcapgo.NgSectionInfo {
	return pcapgo.NgSectionInfo{
		Application: strings.TrimSpace(application + " " + w.cfg.Version), Hardware: runtime.GOARCH, OS: runtime.GOOS,
		Comment: w.cfg.Command,
	}
}

func (w *writer) flush() error {
	err := w.ng.Flush()
	if err == nil {
		w.good = w.counted.n
	}
	return err
}

// written is how many bytes the file has, or will have.
func (w *writer) written() int64 { return w.counted.n + int64(w.buf.Buffered()) }

// missing is how many packets could not be written in time.
func (w *writer) missing() (n uint64) {
	for _, m := range w.missed {
		n += m
	}
	return n
}

// batch writes what the queue gave. The error is kept in w.err; after errFull the file is whole.
func (w *writer) batch(records []byte, missed [interfaces]uint64) error {
	for i, n := range missed {
		w.missed[i] += n
		w.pending[i] += n
	}
	for len(records) > 0 && w.err == nil {
		var r record
		r, records = next(records)
		if r.comment {
			w.note(string(r.data))
			continue
		}
		w.err = w.packet(r)
	}
	if w.err == nil || errors.Is(w.err, errFull) {
		if err := w.flush(); err != nil {
			w.err = err
		}
	}
	return w.err
}

func (w *writer) note(text string) {
	if len(w.says) < maxComments {
		w.says = append(w.says, text)
	}
}

func (w *writer) packet(r record) error {
	size := int64(blockRest + len(r.data))
	for _, s := range w.says {
		size += int64(len(s)) + 8
	}
	if w.written()+size+w.tail() > w.cfg.Size {
		if err := w.rotate(); err != nil {
			return err
		}
	}
	direction := &directions[0]
	if r.sent {
		direction = &directions[1]
	}
	o := pcapgo.NgPacketOptions{Comments: w.says, Flags: direction}
	if n := w.pending[r.on]; n > 0 {
		o.DropCount, w.pending[r.on] = &n, 0
	}
	err := w.ng.WritePacketWithOptions(gopacket.CaptureInfo{
		Timestamp: time.Unix(0, r.at), CaptureLength: len(r.data), Length: int(r.length), InterfaceIndex: r.on,
	}, r.data, o)
	w.says = w.says[:0]
	w.packets[r.on]++
	return err
}

// tail is what the statistics at a file's end take, in bytes.
func (w *writer) tail() int64 { return interfaces * 80 }

// rotate goes on in a new file, or gives errFull.
func (w *writer) rotate() error {
	if w.cfg.Files < 2 {
		return errFull
	}
	if err := w.finish(); err != nil {
		return err
	}
	// Nobody else has the lock of the old file, so nobody else moves these.
	if err := shift(w.cfg.Path, w.cfg.Files); err != nil {
		return err
	}
	file, err := create(w.cfg.Path)
	if err != nil {
		return err
	}
	old := w.file
	err = w.begin(file)
	old.Close()
	return err
}

// finish writes the statistics that end a file.
func (w *writer) finish() error {
	now := w.cfg.now()
	for i := range interfaces {
		if err := w.ng.WriteInterfaceStats(i, pcapgo.NgInterfaceStatistics{
			LastUpdate: now, StartTime: w.start, EndTime: now,
			PacketsReceived: w.packets[i] + w.missed[i], PacketsDropped: w.missed[i],
		}); err != nil {
			return err
		}
	}
	return w.flush()
}

// close ends the file. One that could not be written whole is cut behind its last whole block, so
// that it can be read.
func (w *writer) close() error {
	err := w.err
	if err == nil || errors.Is(err, errFull) {
		err = w.finish()
	}
	if err != nil {
		// Best effort: a reader takes a file that ends within a block too.
		_ = w.file.Truncate(w.good)
	}
	return errors.Join(err, w.file.Close())
}
