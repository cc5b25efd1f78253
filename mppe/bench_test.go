package mppe

import (
	"fmt"
	"testing"

	"github.com/arc4tun/arc4tun/arc4"
)

// forEachSize runs f for every backend with packets of usual sizes; benchstat -col /backend compares them.
func forEachSize(b *testing.B, f func(b *testing.B, cfg Config, size int)) {
	for _, backend := range arc4.Backends() {
		for _, size := range []int{64, 576, 1400} {
			b.Run(fmt.Sprintf("backend=%s/size=%d", backend.Name(), size), func(b *testing.B) {
				cfg := judged(testConfig(128, true))
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

func BenchmarkEncryptBatch(b *testing.B) {
	forEachSize(b, func(b *testing.B, cfg Config, size int) {
		e, err := NewEncrypter(cfg)
		if err != nil {
			b.Fatal(err)
		}
		const n = batchSize
		packets, dst, room := make([][]byte, n), make([][]byte, n), make([][]byte, n)
		for i := range packets {
			packets[i], room[i] = ipv4(uint32(i), size), make([]byte, 0, 2048)
		}
		b.SetBytes(int64(n * size))
		for b.Loop() {
			copy(dst, room)
			e.EncryptBatch(dst, packets)
		}
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
		i := n
		for b.Loop() {
			if i == n {
				b.StopTimer()
				copy(dst, room)
				e.EncryptBatch(dst, packets)
				i = 0
				b.StartTimer()
			}
			if _, err := d.Decrypt(out, dst[i]); err != nil {
				b.Fatal(err)
			}
			i++
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
			if _, err := d.Decrypt(out, packet); err != ErrImplausible {
				b.Fatal(err)
			}
		}
	})
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
