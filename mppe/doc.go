// Package mppe is Microsoft Point-To-Point Encryption: the packets of RFC 3078 and the keys of RFC
// 3079, for 40, 56 and 128 bits, stateless and stateful. It is pure: bytes in, bytes out, no clock,
// no sockets, no goroutines.
//
// # The scheme
//
// Authentication gives a start key for each direction ([KeysFromMSCHAPv2]). From it comes a chain
// of session keys, each made of the start key and the one before (RFC 3078 section 7.3). A packet
// is the PPP protocol field and payload, encrypted by RC4, behind two bytes of header: the bits A
// (FLUSHED: the tables are new) and D (encrypted), and a coherency count of 12 bits, which is the
// packet's place in the chain modulo 4,096.
//
// In stateless mode the key changes before every packet, the first one included. In stateful mode
// RC4 runs on from packet to packet and the key changes before those whose count ends in 0xFF; a
// lost packet then costs a CCP Reset-Request and a round trip, and the encrypter's next packet
// starts with new tables ([Encrypter.Reset]). RFC 3078 section 8.2 starts them with the current
// key, so that two packets may share keystream; Linux changes the key first (Config.LinuxReset).
//
// # Believe nothing that does not decrypt
//
// MPPE has no message authentication code. Who can guess a session's addresses and call ID can send
// it packets, and a receiver that goes where their count says has lost its keys for good. What a
// receiver can do is look at what comes out: a negotiated PPP protocol and a sound IP header are
// 2^-28 to 2^-46 unlikely to come from a packet that was not made with the key ([PlausiblePPP]). So
// in stateless mode a packet is tried with the key that its count means, and nothing has moved
// unless its first 64 bytes come out plausible; what a forged one can cost is bounded
// ([Decrypter.Decrypt]). An outage of more than 2,047 packets, after which the count no longer
// tells where the session is, is recovered from with the GRE sequence number, which must prove
// itself in the same way ([Decrypter.CatchUp]).
//
// Stateful mode cannot try a packet without spending the keystream it has. There a forged packet
// that meets the expected count, or any other, costs a Reset-Request; the key chain itself still
// moves only with what is plausible. It is the weaker mode.
//
// None of this makes MPPE safe: whoever is on the path can flip bits of a genuine packet behind its
// header, drop the D bit, replay within what was lost, and break MS-CHAPv2 for the keys.
package mppe
