// Package ppp runs one PPP link (RFC 1661) over a PPTP call: LCP, authentication
// (PAP, CHAP-MD5, MS-CHAPv2, EAP-MSCHAPv2), CCP with MPPE, IPCP and IPV6CP.
//
// The package is pure. Frames and the time go in through the methods of [Link];
// frames and events come out through [Config.Send] and [Config.Event], in the
// order in which they happened, before the method that caused them returns.
// There are no goroutines, no sockets and no clock inside, and a Link must not
// be used by two goroutines at once. Both callbacks may call the Link again.
//
// User data (protocols 0x0021, 0x0057 and 0x00FD) is the owner's: it may flow
// from [NetworkUp] to [NetworkDown], and only encrypted once [EncryptionUp] has
// been seen.
package ppp
