package ppp

import "errors"

// An option of a Configure packet (RFC 1661 section 6): type, length, value.
type option struct {
	typ   byte
	value []byte // without type and length
	raw   []byte // the whole option as it came
}

// What is wrong with an option list. Such a packet is discarded whole, as RFC
// 1661 section 6 asks.
var (
	errOptionShort    = errors.New("ppp: option length is below 2")
	errOptionOverlong = errors.New("ppp: option runs past the end of the packet")
)

// nextOption cuts the first option off a list.
func nextOption(list []byte) (o option, rest []byte, err error) {
	if len(list) < 2 {
		return option{}, nil, errOptionOverlong
	}
	n := int(list[1])
	if n < 2 {
		return option{}, nil, errOptionShort
	}
	if n > len(list) {
		return option{}, nil, errOptionOverlong
	}
	return option{typ: list[0], value: list[2:n], raw: list[:n]}, list[n:], nil
}

// checkOptions walks a list and reports the first thing wrong with its lengths.
func checkOptions(list []byte) error {
	for len(list) > 0 {
		var err error
		if _, list, err = nextOption(list); err != nil {
			return err
		}
	}
	return nil
}

// eachOption calls f for every option of a list that checkOptions found sound.
func eachOption(list []byte, f func(option)) {
	for len(list) > 0 {
		o, rest, err := nextOption(list)
		if err != nil {
			return
		}
		f(o)
		list = rest
	}
}

// appendOption appends an option. value must be at most 253 bytes.
func appendOption(dst []byte, typ byte, value []byte) []byte {
	dst = append(dst, typ, byte(2+len(value)))
	return append(dst, value...)
}

// verdict collects the answer to a Configure-Request: everything to reject goes
// into one Configure-Reject, else everything to change into one Configure-Nak,
// else the request is acknowledged as it came (RFC 1661 sections 5.2 to 5.4).
type verdict struct {
	// noNak: too many Naks went out already, so that what would be Naked is
	// rejected and nothing is suggested (RFC 1661 section 4.6, Max-Failure).
	noNak    bool
	rejected []byte
	naked    []byte
	seen     [256 / 8]byte // option types met so far
}

// duplicate reports whether an option of this type came before in the same request.
// None of the options here may be repeated; the repetition is rejected.
func (v *verdict) duplicate(o option) bool {
	i, bit := o.typ/8, byte(1)<<(o.typ%8)
	if v.seen[i]&bit != 0 {
		return true
	}
	v.seen[i] |= bit
	return false
}

// has reports whether the request held an option of the type.
func (v *verdict) has(typ byte) bool { return v.seen[typ/8]&(1<<(typ%8)) != 0 }

// reject puts the option into the Configure-Reject, byte for byte.
func (v *verdict) reject(o option) { v.rejected = append(v.rejected, o.raw...) }

// nak asks for another value of the option, or rejects it when Naks are used up.
func (v *verdict) nak(o option, value []byte) {
	if v.noNak {
		v.reject(o)
		return
	}
	v.insist(o.typ, value)
}

// want asks for an option the request did not hold, unless Naks are used up.
func (v *verdict) want(typ byte, value []byte) {
	if !v.noNak {
		v.insist(typ, value)
	}
}

// insist asks for a value even when Naks are used up, for the few options that
// must not be rejected; the caller counts.
func (v *verdict) insist(typ byte, value []byte) {
	// 255 bytes and more of suggestions come only from an absurd request.
	if len(v.naked)+2+len(value) <= 1024 {
		v.naked = appendOption(v.naked, typ, value)
	}
}
