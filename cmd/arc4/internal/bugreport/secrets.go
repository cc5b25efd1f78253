package bugreport

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/arc4tun/arc4tun/internal/mschap"
)

// hidden stands where a secret stood.
const hidden = "***"

// shortest is how long a form of a secret is at least that is hidden within words, in bytes: one
// letter would be hidden in every line.
const shortest = 3

// Secrets are the values that may not be in a report. The zero value has none.
type Secrets struct {
	values map[string]bool
	forms  []string // the longest first; nil: to be made anew
}

// Add has a value hidden. White space at its ends is none of it; one without anything else hides
// nothing.
func (s *Secrets) Add(values ...string) {
	for _, v := range values {
		if v = strings.TrimSpace(v); v == "" || s.values[v] {
			continue
		}
		if s.values == nil {
			s.values = make(map[string]bool)
		}
		s.values[v], s.forms = true, nil
	}
}

// Len is how many there are.
func (s *Secrets) Len() int { return len(s.values) }

// Hide takes the secrets out of a text, as they are and as other programs write them: escaped, in
// hexadecimal digits, in base64 alone or within something longer, and as the hash that logs in
// instead of a password.
func (s *Secrets) Hide(text []byte) []byte {
	if s.forms == nil {
		s.makeForms()
	}
	within := trigramsOf(text)
	for _, form := range s.forms {
		if len(form) < shortest {
			text = hideWord(text, form)
		} else if within.mayHave(form) && bytes.Contains(text, []byte(form)) {
			text = bytes.ReplaceAll(text, []byte(form), []byte(hidden))
		}
	}
	return text
}

// trigrams are which three bytes in a row a text has, a bit each. A server of thousands of users
// has a hundred thousand forms to look for, nearly none of which is anywhere: this tells so at
// once.
type trigrams []uint64

func trigramsOf(text []byte) trigrams {
	t := make(trigrams, 1<<24/64)
	for i := 2; i < len(text); i++ {
		n := uint(text[i-2])<<16 | uint(text[i-1])<<8 | uint(text[i])
		t[n/64] |= 1 << (n % 64)
	}
	return t
}

// mayHave is false where a form of three bytes or more is not in the text.
func (t trigrams) mayHave(form string) bool {
	for i := 2; i < len(form); i++ {
		n := uint(form[i-2])<<16 | uint(form[i-1])<<8 | uint(form[i])
		if t[n/64]>>(n%64)&1 == 0 {
			return false
		}
	}
	return true
}

func (s *Secrets) makeForms() {
	all := make(map[string]bool)
	for v := range s.values {
		for _, form := range formsOf(v) {
			all[form] = true
		}
	}
	s.forms = make([]string, 0, len(all))
	for form := range all {
		s.forms = append(s.forms, form)
	}
	slices.SortFunc(s.forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
}

// formsOf are the ways in which a value may be written.
func formsOf(v string) []string {
	quoted := strconv.Quote(v)
	escaped, _ := json.Marshal(v) // a string never fails
	hash := mschap.NTPasswordHash(v)
	forms := []string{v, quoted[1 : len(quoted)-1], string(escaped[1 : len(escaped)-1]), url.QueryEscape(v), url.PathEscape(v),
		strings.ReplaceAll(v, `'`, `'\''`)}
	for _, b := range [][]byte{[]byte(v), hash[:]} {
		digits := hex.EncodeToString(b)
		if len(b) < shortest {
			continue // 61 is a number
		}
		forms = append(forms, digits, strings.ToUpper(digits))
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			forms = append(forms, e.EncodeToString(b))
			forms = append(forms, within(e, b)...)
		}
	}
	return forms
}

// leastBase64 is how long the part of base64 is at least that is hidden, in characters.
const leastBase64 = 6

// within are the parts that do not depend on what stands around b where something longer is encoded
// that has it: one for each place that it can begin at in a group of three bytes.
func within(e *base64.Encoding, b []byte) (parts []string) {
	raw := e.WithPadding(base64.NoPadding)
	for before := range 3 {
		text := raw.EncodeToString(append(make([]byte, before), b...))
		from := []int{0, 2, 3}[before]
		to := len(text)
		if (before+len(b))%3 != 0 {
			to-- // it holds bits of what comes after
		}
		if to-from >= leastBase64 {
			parts = append(parts, text[from:to])
		}
	}
	return parts
}

// hideWord hides a short form where it stands alone.
func hideWord(text []byte, word string) []byte {
	var b bytes.Buffer
	for rest := text; ; {
		at := bytes.Index(rest, []byte(word))
		if at < 0 {
			b.Write(rest)
			return b.Bytes()
		}
		end := at + len(word)
		alone := (at == 0 || !isWord(rest[at-1])) && (end == len(rest) || !isWord(rest[end]))
		b.Write(rest[:at])
		if alone {
			b.WriteString(hidden)
		} else {
			b.WriteString(word)
		}
		rest = rest[end:]
	}
}

func isWord(c byte) bool {
	return c >= 0x80 || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// UserInfo is what logs in somewhere within the URLs of a text, as in http://USER:PASSWORD@HOST: the
// passwords, and what a proxy is sent for each.
func UserInfo(text string) (found []string) {
	for rest := text; ; {
		_, after, more := strings.Cut(rest, "://")
		if !more {
			return found
		}
		authority := after
		if end := strings.IndexAny(after, "/?# \t\n\"'"); end >= 0 {
			authority = after[:end]
		}
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			user, password, has := strings.Cut(authority[:at], ":")
			plainUser, err1 := url.PathUnescape(user)
			plain, err2 := url.PathUnescape(password)
			if has && err1 == nil && err2 == nil {
				found = append(found, password, plain, base64.StdEncoding.EncodeToString([]byte(plainUser+":"+plain)))
			}
		}
		rest = after
	}
}
