package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/capturefile"
	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

var (
	near = netip.MustParseAddr("192.0.2.2")
	far  = netip.MustParseAddr("192.0.2.1")
)

// captured is one packet of a file.
type captured struct {
	on       string
	sent     bool
	data     []byte
	length   int
	at       time.Time
	comments []string
	missed   uint64
}

// readFile reads a capture with the library's reader.
func readFile(t *testing.T, path string) (section pcapgo.NgSectionInfo, packets []captured, stats map[string]pcapgo.NgInterfaceStatistics) {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	stats = make(map[string]pcapgo.NgInterfaceStatistics)
	var r *pcapgo.NgReader
	r, err = pcapgo.NewNgReader(file, pcapgo.NgReaderOptions{StatisticsCallback: func(i int, s pcapgo.NgInterfaceStatistics) {
		stats[interfaceNames[i]] = s
	}})
	require.NoError(t, err)
	for {
		data, info, o, err := r.ReadPacketDataWithOptions()
		if errors.Is(err, io.EOF) {
			return r.SectionInfo(), packets, stats
		}
		require.NoError(t, err)
		of, err := r.Interface(info.InterfaceIndex)
		require.NoError(t, err)
		p := captured{on: of.Name, data: data, length: info.Length, at: info.Timestamp, comments: o.Comments}
		p.sent = o.Flags != nil && o.Flags.Direction == pcapgo.NgEpbFlagDirectionOutbound
		if o.DropCount != nil {
			p.missed = *o.DropCount
		}
		packets = append(packets, p)
	}
}

// quiet is a log that nobody reads, or that is kept in text.
func quiet(text *lockedBuffer) *slog.Logger {
	if text == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(text, nil))
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func open(t *testing.T, c Config) *Capture {
	t.Helper()
	if c.Path == "" {
		c.Path = filepath.Join(t.TempDir(), "a.pcapng")
	}
	if c.Size == 0 {
		c.Size = 1 << 20
	}
	if c.Log == nil {
		c.Log = quiet(nil)
	}
	r, err := Open(c)
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// ipPacket is a packet inside the tunnel, UDP with a text.
func ipPacket(text string) []byte {
	p := make([]byte, ippkt.IPv4Len+8, ippkt.IPv4Len+8+len(text))
	putIPv4(p[:ippkt.IPv4Len], netip.MustParseAddr("10.99.0.1"), netip.MustParseAddr("10.99.0.100"), ippkt.UDP, 8+len(text))
	binary.BigEndian.PutUint16(p[ippkt.IPv4Len+4:], uint16(8+len(text)))
	return append(p, text...)
}

func grePacket(seq uint32, frame []byte) []byte {
	h := gre.Header{CallID: 7, PayloadLen: uint16(len(frame)), HasSeq: true, Seq: seq}
	return append(h.AppendTo(nil), frame...)
}

// tcpPair is a connection of IPv4 over the loopback interface.
func tcpPair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	client, err = net.Dial("tcp4", l.Addr().String())
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// TestControlConnection: what is read and written makes the segments of a connection whose numbers
// and checksums are right.
func TestControlConnection(t *testing.T) {
	r := open(t, Config{})
	client, server := tcpPair(t)
	tcp := r.Conn(client)
	long := bytes.Repeat([]byte("l"), 2*maxSegment)
	_, err := tcp.Write([]byte("hello"))
	require.NoError(t, err)
	_, err = io.ReadFull(server, make([]byte, 5))
	require.NoError(t, err)
	_, err = server.Write([]byte("answer"))
	require.NoError(t, err)
	_, err = io.ReadFull(tcp, make([]byte, 6))
	require.NoError(t, err)
	_, err = tcp.Write(long)
	require.NoError(t, err)
	require.NoError(t, server.Close())
	for err == nil {
		_, err = tcp.Read(make([]byte, 100))
	}
	require.NoError(t, tcp.Close())
	require.NoError(t, r.Close())

	_, packets, _ := readFile(t, r.cfg.Path)
	var got []string
	for _, p := range packets {
		assert.Equal(t, "control", p.on)
		decoded := gopacket.NewPacket(p.data, rawIP, gopacket.Default)
		require.Nil(t, decoded.ErrorLayer())
		ip, segment := decoded.Layer(layers.LayerTypeIPv4).(*layers.IPv4), decoded.Layer(layers.LayerTypeTCP).(*layers.TCP)
		require.NoError(t, segment.SetNetworkLayerForChecksum(ip))
		sum, err := segment.ComputeChecksum()
		require.NoError(t, err)
		assert.Zero(t, sum, "over a right checksum the sum is none")
		assert.True(t, ippkt.IPv4(p.data).ChecksumOK())
		who := "theirs"
		if p.sent {
			who = "ours"
		}
		flags := ""
		for _, f := range []struct {
			set  bool
			name string
		}{{segment.SYN, "S"}, {segment.PSH, "P"}, {segment.FIN, "F"}, {segment.RST, "R"}, {segment.ACK, "."}} {
			if f.set {
				flags += f.name
			}
		}
		got = append(got, fmt.Sprint(who, " ", flags, " ", segment.Seq, segment.Ack, len(segment.Payload)))
	}
	end, last := "theirs F. 7 2902 0", "ours F. 2902 8 0"
	if strings.HasPrefix(got[len(got)-2], "theirs R") { // it had not read all when it closed
		end, last = "theirs R. 7 2902 0", "ours F. 2902 7 0"
	}
	assert.Equal(t, []string{
		"ours S 0 0 0", "theirs S. 0 1 0", "ours . 1 1 0", "ours P. 1 1 5", "theirs P. 1 6 6",
		"ours P. 6 7 1448", "ours P. 1454 7 1448", end, last,
	}, got)
}

// TestGREAndComments: what passes a connection stands in the file with its outer addresses, and
// with the lines of the log.
func TestGREAndComments(t *testing.T) {
	r := open(t, Config{Version: "v9", Command: "arc4 connect"})
	log := slog.New(r.Handler(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError}))).With("call", 7)
	a, b := gre.Pipe(gre.PipeOptions{A: near, B: far})
	conn := gre.Record(a, r)
	sender := gre.NewSender(conn, far)
	frames := [][]byte{grePacket(0, []byte("one")), grePacket(1, []byte("two"))}
	log.Debug("nobody needs this")
	log.Info("authenticated", "user", "alice")
	_, err := sender.Send(frames)
	require.NoError(t, err)
	_, err = b.WriteBatch([]gre.Packet{{Addr: near, Data: grePacket(9, []byte("back"))}})
	require.NoError(t, err)
	pkts := []gre.Packet{{Buf: make([]byte, 2048)}}
	log.Warn("a second line", "why", "none")
	n, err := gre.Readers(conn)[0].ReadBatch(pkts)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, conn.Close())
	require.NoError(t, b.Close())
	require.NoError(t, r.Close())

	section, packets, stats := readFile(t, r.cfg.Path)
	assert.Equal(t, "arc4 v9", section.Application)
	assert.Equal(t, "arc4 connect", section.Comment)
	require.Len(t, packets, 3)
	want := [][]byte{frames[0], frames[1], grePacket(9, []byte("back"))}
	for i, p := range packets {
		ip := ippkt.IPv4(p.data)
		assert.Equal(t, want[i], p.data[ippkt.IPv4Len:])
		assert.Equal(t, i < 2, p.sent)
		from, to := near, far
		if !p.sent {
			from, to = far, near
		}
		assert.Equal(t, []netip.Addr{from, to}, []netip.Addr{ip.Source(), ip.Destination()})
		assert.Equal(t, []any{byte(ippkt.GRE), len(p.data), true}, []any{ip.Protocol(), ip.TotalLen(), ip.ChecksumOK()})
	}
	assert.Equal(t, []string{`level=INFO msg=authenticated call=7 user=alice`}, packets[0].comments)
	assert.Empty(t, packets[1].comments)
	assert.Equal(t, []string{`level=WARN msg="a second line" call=7 why=none`}, packets[2].comments)
	assert.EqualValues(t, 3, stats["gre"].PacketsReceived)
	assert.Zero(t, stats["gre"].PacketsDropped)
}

// TestFullQueue: nobody waits for a file that is slow; what is missing is counted where it is.
func TestFullQueue(t *testing.T) {
	const room = 1000
	q := newQueue(room)
	packet := ipPacket("some text")
	each := recordHeader + len(packet)
	for range room/each + 3 {
		q.add(onInner, 0, time.Now(), capturefile.MaxPacket, packet, nil)
	}
	q.add(0, flagComment, time.Now(), maxComment, bytes.Repeat([]byte("x"), each), nil)
	full, missed := q.take(make([]byte, 0, room))
	assert.Len(t, full, room/each*each)
	assert.Equal(t, [interfaces]uint64{onInner: 3}, missed, "a comment is no packet")
	q.add(onInner, flagSent, time.Unix(1, 2), 25, packet[:20], packet[20:])
	full, missed = q.take(full)
	assert.Zero(t, missed)
	rec, rest := next(full)
	assert.Empty(t, rest)
	assert.Equal(t, record{on: onInner, sent: true, at: 1e9 + 2, length: uint32(len(packet)), data: packet[:25]}, rec)
}

func TestMissedPacketsAreInTheFile(t *testing.T) {
	var text lockedBuffer
	c := Config{Path: filepath.Join(t.TempDir(), "a.pcapng"), Size: 1 << 20, SnapLen: capturefile.MaxPacket, Log: quiet(&text), now: time.Now}
	w, err := newWriter(c)
	require.NoError(t, err)
	q := newQueue(1000)
	q.add(onGRE, 0, time.Now(), capturefile.MaxPacket, ipPacket("x"), nil)
	full, _ := q.take(nil)
	require.NoError(t, w.batch(full, [interfaces]uint64{onGRE: 5}))
	require.NoError(t, w.close())
	_, packets, stats := readFile(t, c.Path)
	assert.EqualValues(t, 5, packets[0].missed)
	assert.EqualValues(t, 6, stats["gre"].PacketsReceived)
	assert.EqualValues(t, 5, stats["gre"].PacketsDropped)
}

// TestSize: one file ends when it is full, and of a ring the oldest goes.
func TestSize(t *testing.T) {
	const size = 20_000
	for name, c := range map[string]struct {
		files int
		want  []string
		says  string
	}{
		"one file":    {1, []string{"a"}, "is full and ends here"},
		"three files": {3, []string{"a", "a.1", "a.2"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var text lockedBuffer
			r := open(t, Config{Path: filepath.Join(dir, "a"), Size: size, Files: c.files, Log: quiet(&text)})
			packet := ipPacket(strings.Repeat("x", 900))
			for range 200 { // of some 1,000 bytes: ten files' worth
				r.add(onInner, true, time.Now(), packet, nil)
			}
			require.NoError(t, r.Close())
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			var names []string
			for _, e := range entries {
				names = append(names, e.Name())
				info, err := e.Info()
				require.NoError(t, err)
				assert.LessOrEqual(t, info.Size(), int64(size))
				assert.Equal(t, os.FileMode(0o600), info.Mode())
				_, packets, stats := readFile(t, filepath.Join(dir, e.Name()))
				assert.NotEmpty(t, packets)
				assert.Len(t, stats, interfaces, "the file was ended")
			}
			assert.Equal(t, c.want, names)
			assert.Contains(t, text.String(), c.says)
			if c.files == 1 {
				assert.Equal(t, 1, strings.Count(text.String(), "\n"), "one line")
			}
		})
	}
}

// TestFullDisk: one line, and what is there can be read.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	require.NoError(t, err)
	var text lockedBuffer
	c := Config{Path: filepath.Join(t.TempDir(), "a"), Size: 1 << 30, SnapLen: capturefile.MaxPacket, Log: quiet(&text), queueSize: 1 << 20, now: time.Now}
	w, err := newWriter(c)
	require.NoError(t, err)
	w.counted.file = full // as from now on
	r := &Capture{cfg: c, queue: newQueue(c.queueSize), keep: c.SnapLen, done: make(chan struct{}), over: make(chan struct{})}
	go r.write(w)
	r.add(onInner, true, time.Now(), ipPacket("lost"), nil)
	require.Eventually(t, r.ended.Load, time.Minute, time.Millisecond)
	r.add(onInner, true, time.Now(), ipPacket("lost"), nil)
	assert.ErrorContains(t, r.Close(), "no space left on device")
	assert.Equal(t, 1, strings.Count(text.String(), "\n"), text.String())
	assert.Contains(t, text.String(), "the tunnel goes on")
	_, packets, _ := readFile(t, c.Path)
	assert.Empty(t, packets)
}

// TestNothingIsAllocated while packets pass and are captured.
func TestNothingIsAllocated(t *testing.T) {
	r := open(t, Config{Size: 1 << 30})
	packet, ip := grePacket(1, make([]byte, 1000)), make([]byte, ippkt.IPv4Len)
	putIPv4(ip, far, near, ippkt.GRE, len(packet))
	dev := r.Device(&lines{})
	bufs := [][]byte{ipPacket("text")}
	// The writer allocates: it is stopped.
	require.NoError(t, r.Close())
	r.queue = newQueue(1 << 24)
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		r.RecordGRE(near, far, true, nil, packet)
		r.RecordGRE(near, far, false, ip, packet)
		_, _ = dev.Write(bufs, 0)
	}))
	full, _ := r.queue.take(nil)
	assert.Greater(t, len(full), 1000*len(packet))
}

// TestDeviceStaysTheSame, for a tunnel compares them.
func TestDeviceStaysTheSame(t *testing.T) {
	r := open(t, Config{})
	a, b := &lines{}, &lines{}
	first := r.Device(a)
	assert.Same(t, first, r.Device(a))
	assert.NotSame(t, first, r.Device(b))
	assert.Nil(t, r.Device(nil))
	assert.True(t, first.(interface{ JoinsInPlace() bool }).JoinsInPlace())
	assert.False(t, first.(interface{ Waiting() bool }).Waiting())
}

// TestTcpdump reads a capture with another program.
func TestTcpdump(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip("no tcpdump here")
	}
	r := open(t, Config{})
	r.RecordGRE(near, far, true, nil, grePacket(3, []byte{0xFF, 0x03, 0xC0, 0x21, 1, 1, 0, 4}))
	r.add(onInner, false, time.Now(), ipPacket("inside"), nil)
	require.NoError(t, r.Close())
	out, err := exec.Command("tcpdump", "-nt", "-r", r.cfg.Path).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "IP 192.0.2.2 > 192.0.2.1: GREv1, call 7, seq 3, length 20: LCP")
	assert.Contains(t, string(out), "IP 10.99.0.1.0 > 10.99.0.100.0: UDP, length 6")
}
