package session

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/internal/memory"
)

// tcpPacket makes an IPv4 TCP segment with a timestamp option and size bytes of data.
func tcpPacket(port uint16, seq, timestamp uint32, flags byte, size int) []byte {
	p := make([]byte, 20+32+size)
	p[0], p[8], p[9] = 0x45, 64, ippkt.TCP
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	copy(p[12:], serverIP.AsSlice())
	copy(p[16:], clientIP.AsSlice())
	tcp := p[20:]
	binary.BigEndian.PutUint16(tcp, port)
	binary.BigEndian.PutUint32(tcp[4:], seq)
	tcp[12], tcp[13] = 8<<4, flags
	tcp[20], tcp[21], tcp[22], tcp[23] = 1, 1, 8, 10
	binary.BigEndian.PutUint32(tcp[24:], timestamp)
	return p
}

// rooms is a device that notes how much room each packet's buffer had.
type rooms struct {
	tun.Device
	wide []bool
}

func (r *rooms) Write(bufs [][]byte, offset int) (int, error) {
	for _, b := range bufs {
		r.wide = append(r.wide, cap(b) > bufferSize)
	}
	return len(bufs), nil
}

func TestDevWriterGivesRoomToTheFirstOfEveryRun(t *testing.T) {
	ack, psh := byte(ippkt.FlagACK), byte(ippkt.FlagACK|ippkt.FlagPSH)
	run := func(seq, n int) (p [][]byte) {
		for i := range n {
			p = append(p, tcpPacket(1, uint32(seq+i*1000), 7, ack, 1000))
		}
		return p
	}
	tests := []struct {
		name    string
		packets [][]byte
		want    []int // the packets that got a wide buffer
	}{
		{"a run of one flow", run(0, 5), []int{0}},
		{"a single packet", run(0, 1), nil},
		{"a gap begins a new run", append(run(0, 2), run(5000, 2)...), []int{0, 2}},
		{"a new timestamp begins a new run", [][]byte{tcpPacket(1, 0, 7, ack, 9), tcpPacket(1, 9, 7, ack, 9), tcpPacket(1, 18, 8, ack, 9), tcpPacket(1, 27, 8, ack, 9)}, []int{0, 2}},
		{"PSH ends a run", [][]byte{tcpPacket(1, 0, 7, ack, 9), tcpPacket(1, 9, 7, psh, 9), tcpPacket(1, 18, 7, ack, 9), tcpPacket(1, 27, 7, ack, 9)}, []int{0, 2}},
		{"a shorter segment ends a run", [][]byte{tcpPacket(1, 0, 7, ack, 9), tcpPacket(1, 9, 7, ack, 5), tcpPacket(1, 14, 7, ack, 9)}, []int{0}},
		{"flows in turn", [][]byte{tcpPacket(1, 0, 7, ack, 9), tcpPacket(2, 9, 7, ack, 9), tcpPacket(1, 9, 7, ack, 9)}, nil},
		{"acknowledgments carry nothing to join", [][]byte{tcpPacket(1, 0, 7, ack, 0), tcpPacket(1, 0, 7, ack, 0)}, nil},
		{"SYN is left alone", [][]byte{tcpPacket(1, 0, 7, 2, 9), tcpPacket(1, 9, 7, 2, 9)}, nil},
		{"other protocols", [][]byte{packet(serverIP, clientIP, 1, 100), packet(serverIP, clientIP, 2, 100)}, nil},
		{"a long run continues in a second buffer", run(0, 100), []int{0, 44, 88}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, dev := newDeviceWriter(memory.SizesOf(false).WideBuffers), &rooms{}
			for _, p := range tt.packets {
				b := getBuffer()
				w.add(b[:headroom+copy(b[headroom:], p)])
			}
			require.NoError(t, w.flush(dev))
			var got []int
			for i, wide := range dev.wide {
				if wide {
					got = append(got, i)
				}
			}
			require.Equal(t, tt.want, got)
			require.Empty(t, w.bufs)
		})
	}
}

func FuzzParseSegment(f *testing.F) {
	f.Add(tcpPacket(1, 2, 3, ippkt.FlagACK, 10))
	f.Add(packet(serverIP, clientIP, 1, 60))
	f.Add([]byte{0x60, 40: 0})
	f.Fuzz(func(t *testing.T, ip []byte) {
		s := parseSegment(ip)
		if s.ends != nil {
			require.Positive(t, s.size)
			require.LessOrEqual(t, s.size, len(ip)-40)
		}
	})
}
