package ppp

import "fmt"

// EAP codes (RFC 3748 section 4).
const (
	eapRequest  = 1
	eapResponse = 2
	eapSuccess  = 3
	eapFailure  = 4
)

// Types of Requests and Responses (RFC 3748 section 5).
const (
	eapIdentity     = 1
	eapNotification = 2
	eapNak          = 3
	eapMSCHAPv2     = 26 // draft-kamath-pppext-eap-mschapv2
)

// eapTypeNames are of types that peers ask for.
var eapTypeNames = map[byte]string{
	eapIdentity: "Identity", eapNotification: "Notification", eapNak: "Nak", eapMSCHAPv2: "MSCHAPv2",
	4: "MD5", 5: "OTP", 6: "GTC", 13: "TLS", 17: "LEAP", 21: "TTLS", 25: "PEAP", 43: "FAST",
}

// eapTypeName is a type for a message, with its number.
func eapTypeName(t byte) string {
	if name := eapTypeNames[t]; name != "" {
		return fmt.Sprintf("EAP-%s (type %d)", name, t)
	}
	return fmt.Sprintf("EAP of type %d", t)
}

// MSCHAPv2InEAP gives the packet of CHAP that an EAP packet of type 26 carries: Challenge,
// Response, Success or Failure, which have codes, identifier, length and data as in CHAP. info is
// the information field of a frame of protocol 0xC227. False: it carries none; nor do the answers
// to Success and Failure, which are one byte.
func MSCHAPv2InEAP(info []byte) (chap []byte, ok bool) {
	outer, err := parsePacket(info)
	if err != nil || outer.code != eapRequest && outer.code != eapResponse || len(outer.data) == 0 || outer.data[0] != eapMSCHAPv2 {
		return nil, false
	}
	inner, err := parsePacket(outer.data[1:])
	return inner.raw, err == nil
}

// appendEAPMSCHAPv2 appends the data of a Request or Response that carries a packet of CHAP.
func appendEAPMSCHAPv2(dst []byte, code, id byte, data []byte) []byte {
	return appendPacket(append(dst, eapMSCHAPv2), code, id, data)
}
