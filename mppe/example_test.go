package mppe_test

import (
	"encoding/binary"
	"fmt"
	"log"

	"github.com/arc4tun/arc4tun/mppe"
)

// Two ends of a session. The client encrypts three packets as a batch; the server decrypts what
// comes of them, in whatever order, with somebody's forged packet among them.
func Example() {
	// MS-CHAPv2 leaves these two with both ends; these are those of RFC 3079 section 3.5.
	passwordHashHash := [16]byte{
		0x41, 0xC0, 0x0C, 0x58, 0x4B, 0xD2, 0xD9, 0x1C, 0x40, 0x17, 0xA2, 0xA1, 0x2F, 0xA5, 0x9F, 0x3F,
	}
	ntResponse := [24]byte{
		0x82, 0x30, 0x9E, 0xCD, 0x8D, 0x70, 0x8B, 0x5E, 0xA0, 0x8F, 0xAA, 0x39,
		0x81, 0xCD, 0x83, 0x54, 0x42, 0x33, 0x11, 0x4A, 0x3D, 0x85, 0xD6, 0xDF,
	}
	client, err := mppe.KeysFromMSCHAPv2(passwordHashHash, ntResponse, 128, false)
	if err != nil {
		log.Fatal(err)
	}
	server, err := mppe.KeysFromMSCHAPv2(passwordHashHash, ntResponse, 128, true)
	if err != nil {
		log.Fatal(err)
	}
	enc, err := mppe.NewEncrypter(mppe.Config{Key: client.Send, Strength: 128, Stateless: true})
	if err != nil {
		log.Fatal(err)
	}
	dec, err := mppe.NewDecrypter(mppe.Config{
		Key: server.Recv, Strength: 128, Stateless: true, Plausible: mppe.PlausiblePPP(true, false),
	})
	if err != nil {
		log.Fatal(err)
	}

	plain := [][]byte{frame("one"), frame("two"), frame("three")}
	sealed := make([][]byte, len(plain)) // with room in them, nothing would be allocated
	var out mppe.SendBatch
	out.Add(enc, sealed, plain)
	out.Encrypt()

	// The second packet is lost and the third overtakes the first. Seq is that of GRE's header.
	forged := append([]byte{0x90, 0x01}, "anything but ciphertext"...)
	packets := []mppe.Packet{{Data: sealed[2], Seq: 2}, {Data: forged, Seq: 1}, {Data: sealed[0], Seq: 0}}
	var in mppe.ReceiveBatch
	for i := range packets {
		in.Add(dec, &packets[i])
	}
	in.Decrypt()
	for _, p := range packets {
		if p.Err != nil {
			fmt.Println(p.Seq, p.Err)
			continue
		}
		fmt.Printf("%d %q\n", p.Seq, p.Dst[2+20:])
	}

	// Output:
	// 2 "three"
	// 1 mppe: packet does not decrypt to anything plausible
	// 0 "one"
}

// frame is what MPPE encrypts: a PPP protocol field and a packet of that protocol, here an IPv4
// header with text behind it.
func frame(text string) []byte {
	b := make([]byte, 2+20, 2+20+len(text))
	b[1] = 0x21
	ip := b[2:]
	ip[0], ip[8], ip[9] = 0x45, 64, 253
	binary.BigEndian.PutUint16(ip[2:], uint16(20+len(text)))
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	return append(b, text...)
}
