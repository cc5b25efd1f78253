package ppp

import (
	"fmt"
	"strings"
)

// AuthMethod is a way for the client to prove who it is.
type AuthMethod int

// The methods, strongest first. MS-CHAPv1 is not among them: it is broken in ways the second
// version is not. The first two are the same arithmetic in different packets.
const (
	MSCHAPv2    AuthMethod = iota + 1 // RFC 2759
	EAPMSCHAPv2                       // RFC 3748, of which the type MSCHAPv2 (26) alone is spoken
	CHAPMD5                           // RFC 1994
	PAP                               // RFC 1334; shows the password to everyone on the way
)

// GivesKeys reports whether MPPE can be had after a login by the method.
func (m AuthMethod) GivesKeys() bool { return m == MSCHAPv2 || m == EAPMSCHAPv2 }

// CHAP algorithm numbers inside LCP's Authentication-Protocol option.
const (
	chapAlgorithmMD5      = 0x05
	chapAlgorithmMSCHAPv1 = 0x80
	chapAlgorithmMSCHAPv2 = 0x81
)

// String is the method's usual name.
func (m AuthMethod) String() string {
	switch m {
	case MSCHAPv2:
		return "MS-CHAPv2"
	case EAPMSCHAPv2:
		return "EAP-MSCHAPv2"
	case CHAPMD5:
		return "CHAP-MD5"
	case PAP:
		return "PAP"
	}
	return fmt.Sprintf("AuthMethod(%d)", int(m))
}

// ParseAuthMethod reads a method's name as a user writes it: mschapv2, eap,
// chap-md5 (or chap), pap, in any case, with or without dashes.
func ParseAuthMethod(s string) (AuthMethod, error) {
	switch strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(s)) {
	case "mschapv2", "mschap2":
		return MSCHAPv2, nil
	case "eap", "eapmschapv2":
		return EAPMSCHAPv2, nil
	case "chapmd5", "chap", "md5":
		return CHAPMD5, nil
	case "pap":
		return PAP, nil
	}
	return 0, fmt.Errorf("unknown authentication method %q: use mschapv2, eap, chap-md5 or pap", s)
}

// option is the value of LCP option 3 that asks for the method.
func (m AuthMethod) option() []byte {
	switch m {
	case MSCHAPv2:
		return []byte{byte(ProtoCHAP >> 8), byte(ProtoCHAP & 0xFF), chapAlgorithmMSCHAPv2}
	case EAPMSCHAPv2:
		return []byte{byte(ProtoEAP >> 8), byte(ProtoEAP & 0xFF)}
	case CHAPMD5:
		return []byte{byte(ProtoCHAP >> 8), byte(ProtoCHAP & 0xFF), chapAlgorithmMD5}
	default:
		return []byte{byte(ProtoPAP >> 8), byte(ProtoPAP & 0xFF)}
	}
}

// authFromOption reads the value of LCP option 3. The name is for messages, also
// where the method is one we do not speak; the method is 0 then.
func authFromOption(v []byte) (AuthMethod, string) {
	if len(v) < 2 {
		return 0, "a malformed authentication option"
	}
	proto := uint16(v[0])<<8 | uint16(v[1])
	switch {
	case proto == ProtoPAP && len(v) == 2:
		return PAP, PAP.String()
	case proto == ProtoCHAP && len(v) == 3:
		switch v[2] {
		case chapAlgorithmMSCHAPv2:
			return MSCHAPv2, MSCHAPv2.String()
		case chapAlgorithmMD5:
			return CHAPMD5, CHAPMD5.String()
		case chapAlgorithmMSCHAPv1:
			return 0, "MS-CHAPv1"
		}
		return 0, fmt.Sprintf("CHAP algorithm %d", v[2])
	case proto == ProtoEAP && len(v) == 2:
		return EAPMSCHAPv2, "EAP" // which type of it, its Requests say
	}
	return 0, fmt.Sprintf("authentication protocol 0x%04x", proto)
}

// methodNames lists methods for a message.
func methodNames(ms []AuthMethod) string {
	names := make([]string, len(ms))
	for i, m := range ms {
		names[i] = m.String()
	}
	return strings.Join(names, ", ")
}
