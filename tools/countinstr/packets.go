package main

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/mppe"
)

// packetsPrefix is what the emulated program is told before the name of a backend that is to take
// whole packets.
const packetsPrefix = "packets:"

const (
	batch = 16
	// batches is how many of them are sent and received; the first pays for what is made once.
	batches = 2
)

// What is counted of a batch, in this order.
const (
	sending = iota
	receiving
	ways
)

// runPackets is what the emulated program does: whole packets of stateless 128-bit MPPE, in the
// batches that a tunnel makes, are encrypted and decrypted in place.
func runPackets(name string) error {
	b, err := arc4.Lookup(name)
	if err != nil {
		return err
	}
	config := mppe.Config{
		Key: []byte("0123456789abcdef"), Strength: 128, Stateless: true, Backend: b,
		Plausible: mppe.PlausiblePPP(true, false),
	}
	e, err := mppe.NewEncrypter(config)
	if err != nil {
		return err
	}
	d, err := mppe.NewDecrypter(config)
	if err != nil {
		return err
	}
	debug.SetGCPercent(-1)
	runtime.LockOSThread()
	var send mppe.SendBatch
	var receive mppe.ReceiveBatch
	out, plain, received := make([][]byte, batch), make([][]byte, batch), make([]mppe.Packet, batch)
	seq := uint32(0)
	for range batches {
		for i := range batch {
			frame := make([]byte, mppe.HeaderSize+packet)
			out[i], plain[i] = frame[:0], frame[mppe.HeaderSize:]
			writeIPv4(plain[i])
		}
		mark()
		send.Add(e, out, plain)
		send.Encrypt()
		mark()
		for i := range batch {
			received[i] = mppe.Packet{Data: out[i], Seq: seq, Dst: out[i][mppe.HeaderSize:mppe.HeaderSize]}
			receive.Add(d, &received[i])
			seq++
		}
		receive.Decrypt()
		for i := range received {
			if received[i].Err != nil {
				return fmt.Errorf("packet %d: %w", seq, received[i].Err)
			}
		}
	}
	mark()
	return nil
}

// writeIPv4 makes p the PPP protocol and header of an IPv4 packet.
func writeIPv4(p []byte) {
	binary.BigEndian.PutUint16(p, 0x0021)
	header := p[2:22]
	header[0] = 0x45
	binary.BigEndian.PutUint16(header[2:], uint16(len(p)-2))
	header[8], header[9] = 64, 6
	sum := uint32(0)
	for i := 0; i < len(header); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(header[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(header[10:], ^uint16(sum))
}
