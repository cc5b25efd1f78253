package ppp

import "github.com/arc4tun/arc4tun/internal/mschap"

// Overheard is what a control packet says to who only listens to a link between others, such as the
// reader of a capture: of those packets alone that logins and encryption rest on.
type Overheard struct {
	Kind OverheardKind
	ID   byte
	// Data is the options of a Configure-Request or its answers, the value of a Challenge or a
	// Response, the message of a Success or a Failure. It is a part of the packet.
	Data []byte
	// Name is who sends a Challenge, and who wants to log in.
	Name string
}

// OverheardKind is what a control packet is.
type OverheardKind int

// The kinds. A packet of any other is OverheardNothing.
const (
	OverheardNothing OverheardKind = iota
	OverheardConfigureRequest
	OverheardConfigureAck
	OverheardConfigureOther // Nak or Reject
	OverheardTerminate      // request or acknowledgment
	OverheardResetRequest   // CCP
	OverheardResetAck       // CCP
	OverheardChallenge      // MS-CHAP, in CHAP or EAP, and CHAP
	OverheardResponse       // MS-CHAP and CHAP
	OverheardSuccess        // MS-CHAP and CHAP
	OverheardFailure        // MS-CHAP and CHAP
	OverheardPAPRequest
)

// Overhear reads a control packet of a protocol, from its code on.
func Overhear(proto uint16, info []byte) Overheard {
	p, err := parsePacket(info)
	if err != nil {
		return Overheard{}
	}
	o := Overheard{ID: p.id, Data: p.data}
	switch proto {
	case ProtoLCP, ProtoCCP, ProtoIPCP, ProtoIPV6CP:
		o.Kind = overheardLayer(proto, p)
	case ProtoCHAP:
		o.overhearCHAP(p)
	case ProtoEAP:
		raw, _ := MSCHAPv2InEAP(info)
		if in, err := parsePacket(raw); err == nil {
			o.ID, o.Data = in.id, in.data // which those of MS-CHAPv2 are told by
			o.overhearCHAP(in)
		}
	case ProtoPAP:
		if name, _, ok := papCredentials(p.data); ok && p.code == papRequest {
			o.Kind, o.Name, o.Data = OverheardPAPRequest, name, nil
		}
	}
	return o
}

func overheardLayer(proto uint16, p packet) OverheardKind {
	switch p.code {
	case codeConfigureRequest, codeConfigureAck, codeConfigureNak, codeConfigureReject:
		if checkOptions(p.data) != nil {
			return OverheardNothing
		}
		switch p.code {
		case codeConfigureRequest:
			return OverheardConfigureRequest
		case codeConfigureAck:
			return OverheardConfigureAck
		}
		return OverheardConfigureOther
	case codeTerminateRequest, codeTerminateAck:
		return OverheardTerminate
	case codeResetRequest:
		if proto == ProtoCCP {
			return OverheardResetRequest
		}
	case codeResetAck:
		if proto == ProtoCCP {
			return OverheardResetAck
		}
	}
	return OverheardNothing
}

func (o *Overheard) overhearCHAP(p packet) {
	switch p.code {
	case chapChallenge, chapResponse:
		value, name, ok := chapValue(p.data)
		if !ok || len(name) > maxNameLen {
			return
		}
		o.Data, o.Name = value, string(name)
		if o.Kind = OverheardChallenge; p.code == chapResponse {
			o.Kind = OverheardResponse
		}
	case chapSuccess:
		o.Kind = OverheardSuccess
	case chapFailure:
		o.Kind = OverheardFailure
	}
}

// IsMSCHAPv2 reports whether a Response has the form of MS-CHAPv2: the algorithm itself is in LCP.
func (o Overheard) IsMSCHAPv2() bool {
	return o.Kind == OverheardResponse && len(o.Data) == mschap.ResponseLen
}

// MPPEOf reads MPPE out of the options of CCP: in an acknowledged request, one strength in bits,
// and stateless or not. ok is false where the options ask for no MPPE, or for several strengths.
func MPPEOf(options []byte) (strength int, stateless, ok bool) {
	bits := soleMPPE(options)
	strength = strengthOf(bits)
	return strength, bits&mppeStateless != 0, strength != 0 && bits&mppeStrengths == strengthBit(strength)
}

// AuthOf is the authentication that options of LCP ask for, by its name; empty if they ask for
// none.
func AuthOf(options []byte) (name string) {
	eachOption(options, func(o option) {
		if o.typ == lcpOptAuth {
			_, name = authFromOption(o.value)
		}
	})
	return name
}
