package mppe

import (
	"fmt"
	"testing"

	"github.com/arc4tun/arc4tun/arc4"
)

// forEachSize runs f for every backend with packets of usual sizes; benchstat -col /backend
// compares them.
func forEachSize(b *testing.B, f func(b *testing.B, cfg Config, size int)) {
	for _, backend := range arc4.Backends() {
		for _, size := range []int{64, 576, 1400} {
			b.Run(fmt.Sprintf("backend=%s/size=%d", backend.Name(), size), func(b *testing.B) {
				cfg := testConfig(128, true)
				cfg.Backend = backend
				b.SetBytes(int64(size))
				b.ReportAllocs()
				f(b, cfg, size)
			})
		}
	}
}

func BenchmarkEncrypt(b *testing.B) {
	forEachSize(b, func(b *testing.B, cfg Config, size int) {
		e, err := NewEncrypter(cfg)
		if err != nil {
			b.Fatal(err)
		}
		packet, dst := ipv4(1, size), make([]byte, 0, 2048)
		for b.Loop() {
			e.Encrypt(dst, packet)
		}
	})
}

// batchedPackets is how many packets the benchmarks of batches encrypt or decrypt at a time.
const batchedPackets = 64

// forEachSessions runs f for every backend with one session and with eight that share a batch of 64
// packets.
func forEachSessions(b *testing.B, f func(b *testing.B, cfg Config, sessions, size int)) {
	for _, sessions := range []int{1, 8} {
		b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
			forEachSize(b, func(b *testing.B, cfg Config, size int) { f(b, cfg, sessions, size) })
		})
	}
}

// senders is sessions that share a batch of 64 packets.
type senders struct {
	batch              SendBatch
	enc                []*Encrypter
	packets, dst, room [][]byte
}

func newSenders(b *testing.B, cfg Config, sessions, size int) *senders {
	s := &senders{enc: make([]*Encrypter, sessions), packets: make([][]byte, batchedPackets), dst: make([][]byte, batchedPackets), room: make([][]byte, batchedPackets)}
	for i := range s.enc {
		var err error
		cfg.Key = append([]byte{byte(i)}, cfg.Key[1:]...)
		if s.enc[i], err = NewEncrypter(cfg); err != nil {
			b.Fatal(err)
		}
	}
	for i := range s.packets {
		s.packets[i], s.room[i] = ipv4(uint32(i), size), make([]byte, 0, 2048)
	}
	return s
}

// send encrypts the batch.
func (s *senders) send() {
	copy(s.dst, s.room)
	share := batchedPackets / len(s.enc)
	for i, e := range s.enc {
		s.batch.Add(e, s.dst[i*share:][:share], s.packets[i*share:][:share])
	}
	s.batch.Encrypt()
}

// BenchmarkEncryptBatch encrypts 64 packets at a time.
func BenchmarkEncryptBatch(b *testing.B) {
	forEachSessions(b, func(b *testing.B, cfg Config, sessions, size int) {
		s := newSenders(b, cfg, sessions, size)
		b.SetBytes(int64(batchedPackets * size))
		for b.Loop() {
			s.send()
		}
		perPacket(b)
	})
}

// perPacket reports the time of one packet of a batch.
func perPacket(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batchedPackets), "ns/packet")
}

// BenchmarkDecryptBatch decrypts 64 packets at a time, to another place, as a tunnel does it.
func BenchmarkDecryptBatch(b *testing.B) {
	forEachSessions(b, func(b *testing.B, cfg Config, sessions, size int) {
		s := newSenders(b, cfg, sessions, size)
		share := batchedPackets / sessions
		dec := make([]*Decrypter, sessions)
		for i := range dec {
			cfg.Key = append([]byte{byte(i)}, cfg.Key[1:]...)
			var err error
			if dec[i], err = NewDecrypter(cfg); err != nil {
				b.Fatal(err)
			}
		}
		var batch ReceiveBatch
		packets, out := make([]Packet, batchedPackets), make([][]byte, batchedPackets)
		for i := range out {
			out[i] = make([]byte, 0, 2048)
		}
		var seq uint32
		b.SetBytes(int64(batchedPackets * size))
		for b.Loop() {
			b.StopTimer()
			s.send()
			for i := range packets {
				packets[i] = Packet{Data: s.dst[i], Seq: seq + uint32(i%share), Dst: out[i]}
			}
			seq += uint32(share)
			b.StartTimer()
			for i, d := range dec {
				for k := range share {
					batch.Add(d, &packets[i*share+k])
				}
			}
			batch.Decrypt()
			if packets[0].Err != nil || packets[batchedPackets-1].Err != nil {
				b.Fatal(packets[0].Err, packets[batchedPackets-1].Err)
			}
		}
		perPacket(b)
	})
}

func BenchmarkDecrypt(b *testing.B) {
	forEachSize(b, func(b *testing.B, cfg Config, size int) {
		e, err := NewEncrypter(cfg)
		if err != nil {
			b.Fatal(err)
		}
		d, err := NewDecrypter(cfg)
		if err != nil {
			b.Fatal(err)
		}
		const n = 256
		packets, dst, room := make([][]byte, n), make([][]byte, n), make([][]byte, n)
		for i := range packets {
			packets[i], room[i] = ipv4(uint32(i), size), make([]byte, 0, 2048)
		}
		out := make([]byte, 0, 2048)
		var batch SendBatch
		i, seq := n, uint32(0)
		for b.Loop() {
			if i == n {
				b.StopTimer()
				copy(dst, room)
				batch.Add(e, dst, packets)
				batch.Encrypt()
				i = 0
				b.StartTimer()
			}
			if _, err := d.Decrypt(out, dst[i], seq); err != nil {
				b.Fatal(err)
			}
			i++
			seq++
		}
	})
}

// BenchmarkForged is what a forged packet costs once the look-ahead is derived.
func BenchmarkForged(b *testing.B) {
	forEachSize(b, func(b *testing.B, cfg Config, size int) {
		d, err := NewDecrypter(cfg)
		if err != nil {
			b.Fatal(err)
		}
		packet, out := make([]byte, HeaderSize+size), make([]byte, 0, 2048)
		packet[0], packet[1] = 0x93, 0xE8
		for b.Loop() {
			if _, err := d.Decrypt(out, packet, 1000); err != ErrImplausible {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkForgedBatch is 64 forged packets at a time: tried in whole where they are the first of
// their kind, by their first bytes in a flood.
func BenchmarkForgedBatch(b *testing.B) {
	for _, flood := range []bool{false, true} {
		b.Run(fmt.Sprintf("flood=%v", flood), func(b *testing.B) {
			forEachSize(b, func(b *testing.B, cfg Config, size int) {
				d, err := NewDecrypter(cfg)
				if err != nil {
					b.Fatal(err)
				}
				packets := make([]Packet, batchedPackets)
				for i := range packets {
					data := make([]byte, HeaderSize+size)
					data[0], data[1] = 0x93, byte(i)
					packets[i] = Packet{Data: data, Dst: make([]byte, 0, 2048)}
				}
				var batch ReceiveBatch
				b.SetBytes(int64(batchedPackets * size))
				for b.Loop() {
					d.wary = flood
					for i := range packets {
						batch.Add(d, &packets[i])
					}
					batch.Decrypt()
				}
				perPacket(b)
			})
		})
	}
}

// BenchmarkKeyChange is one step of the key chain (RFC 3078 section 7.3).
func BenchmarkKeyChange(b *testing.B) {
	for _, backend := range arc4.Backends() {
		b.Run("backend="+backend.Name(), func(b *testing.B) {
			cfg := testConfig(128, true)
			cfg.Backend = backend
			keys, session, err := newKeyChanger(cfg)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				keys.change(&session)
			}
		})
	}
}
