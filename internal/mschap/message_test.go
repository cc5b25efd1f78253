package mschap

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseSuccess(t *testing.T) {
	const digits = "407A5589115FD0D6209F510FE9C04566932CDA56"
	for name, c := range map[string]struct {
		in      string
		message string
		err     error
	}{
		"with text":           {"S=" + digits + " M=welcome", "welcome", nil},
		"without text":        {"S=" + digits, "", nil},
		"text without space":  {"S=" + digits + "M=hi", "hi", nil},
		"lower case":          {"S=" + strings.ToLower(digits), "", nil},
		"text holds M= again": {"S=" + digits + " M=a M=b", "a M=b", nil},
		"empty":               {"", "", ErrNoAuthenticatorResponse},
		"only text":           {"M=welcome", "", ErrNoAuthenticatorResponse},
		"39 digits":           {"S=" + digits[1:], "", ErrBadHex},
		"not hexadecimal":     {"S=" + strings.Repeat("G", 40), "", ErrBadHex},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseSuccess([]byte(c.in))
			assert.ErrorIs(t, err, c.err)
			if c.err == nil {
				require.NoError(t, err)
				assert.Equal(t, unhex(t, digits), s.AuthenticatorResponse[:])
				assert.Equal(t, c.message, s.Message)
			}
		})
	}
}

func TestParseFailure(t *testing.T) {
	challenge := "000102030405060708090A0B0C0D0E0F"
	raw := [16]byte(unhex(t, challenge))
	for name, c := range map[string]struct {
		in   string
		want Failure
	}{
		"RFC":                 {"E=691 R=1 C=" + challenge + " V=3 M=no", Failure{691, true, raw, 3, "no"}},
		"pppd says V=0":       {"E=691 R=1 C=" + challenge + " V=0 M=Access denied", Failure{691, true, raw, 0, "Access denied"}},
		"accel sends no C":    {"E=691 R=0 V=3 M=Authentication failure", Failure{Code: 691, Version: 3, Message: "Authentication failure"}},
		"ten digits":          {"E=0000000649 R=0", Failure{Code: 649}},
		"C too short":         {"E=691 R=1 C=0011", Failure{Code: 691, Retry: true}},
		"C not hex":           {"E=691 C=" + strings.Repeat("z", 32), Failure{Code: 691}},
		"number out of range": {"E=99999999999999999999 R=0", Failure{}},
		"negative":            {"E=-1", Failure{}},
		"text only":           {"go away", Failure{Message: "go away"}},
		"unknown fields":      {"X=1 E=647", Failure{Code: 647}},
		"empty":               {"", Failure{}},
		"spaces":              {"   ", Failure{Message: "   "}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, ParseFailure([]byte(c.in)))
		})
	}
	t.Run("what is written can be read", func(t *testing.T) {
		f := Failure{Code: 691, Retry: true, Challenge: raw, Version: 3, Message: "wrong"}
		assert.Equal(t, f, ParseFailure(f.AppendTo(nil)))
	})
}

func TestDescribeKnowsEveryCode(t *testing.T) {
	for _, code := range []int{646, 647, 648, 649, 691, 709} {
		assert.NotEqual(t, Describe(0), Describe(code), code)
	}
}
