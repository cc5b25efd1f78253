package httpproxy

import (
	"bytes"
	"slices"
	"strings"
)

// field is a line of a head, as it came.
type field struct{ name, value string }

func (f field) append(b []byte) []byte {
	return append(append(append(append(b, f.name...), ": "...), f.value...), "\r\n"...)
}

// split reads a head's first line and its fields. Lines that go on in the next one, and whatever
// else one reader takes for another thing than the next, are refused (RFC 9112 sections 2.2 and 5).
func split(head []byte) (first string, fields []field, err error) {
	text, ended := strings.CutSuffix(string(head), "\r\n\r\n")
	if !ended {
		if text, ended = strings.CutSuffix(text, "\n\n"); !ended {
			return "", nil, bad("the head does not end")
		}
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7F }) {
			return "", nil, bad("there are control characters in the head")
		}
		if i == 0 {
			first = line
			continue
		}
		name, value, is := strings.Cut(line, ":")
		if !is || !isToken(name) {
			return "", nil, bad("a field of the head is malformed")
		}
		fields = append(fields, field{name, strings.Trim(value, " \t")})
	}
	return first, fields, nil
}

// isToken reports whether s is one (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		alphanumeric := r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !alphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// values are those of all fields of a name.
func values(fields []field, name string) (all []string) {
	for _, f := range fields {
		if strings.EqualFold(f.name, name) {
			all = append(all, f.value)
		}
	}
	return all
}

// only is the value of a field that is there once.
func only(fields []field, name string) (string, bool) {
	all := values(fields, name)
	if len(all) != 1 {
		return "", false
	}
	return all[0], true
}

// tokens are those in the lists of all fields of a name, in small letters.
func tokens(fields []field, name string) (all []string) {
	for _, value := range values(fields, name) {
		for token := range strings.SplitSeq(value, ",") {
			all = append(all, strings.ToLower(strings.TrimSpace(token)))
		}
	}
	return all
}

func hasToken(fields []field, name, token string) bool {
	return slices.Contains(tokens(fields, name), token)
}

// hops are the fields that are meant for the next hop alone (RFC 9110 section 7.6.1), in small
// letters.
var hops = []string{"connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate", "te"}

// endToEnd are the fields that are passed on: all but those of one hop. Upgrade is of one hop, and
// is passed on where both ends are to speak another protocol.
func endToEnd(fields []field, upgrades bool) []field {
	named := tokens(fields, "Connection")
	return slices.DeleteFunc(slices.Clone(fields), func(f field) bool {
		name := strings.ToLower(f.name)
		switch name {
		case "upgrade":
			return !upgrades
		case "content-length", "transfer-encoding", "host":
			return false // whatever Connection says of them
		}
		return slices.Contains(hops, name) || slices.Contains(named, name)
	})
}

// HeadEnd is the length of the head that b begins with, or 0 while that has no end.
func HeadEnd(b []byte) int {
	long, short := bytes.Index(b, []byte("\r\n\r\n")), bytes.Index(b, []byte("\n\n"))
	switch {
	case long >= 0 && (short < 0 || long < short):
		return long + 4
	case short >= 0:
		return short + 2
	}
	return 0
}
