package netdev

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValidateName(t *testing.T) {
	for _, name := range []string{DefaultName, "tun0", "a", "vpn-office_1.2", "123456789012345", "t%dx"} {
		assert.NoError(t, ValidateName(name), name)
	}
	for name, want := range map[string]string{
		"":                 "is empty",
		".":                "reserved",
		"..":               "reserved",
		"1234567890123456": "16 bytes long",
		"a/b":              `has "/" in it`,
		"a b":              `has " " in it`,
		"a\nb":             "has",
		"eth0:1":           `has ":" in it`,
		"vpn%":             "only as one %d",
		"vpn%s":            "only as one %d",
		"%d%d":             "only as one %d",
		"bücher":           "has",
		"\x00":             "has",
	} {
		assert.ErrorContains(t, ValidateName(name), want, "%q", name)
	}
}

func TestCreateTUNRefusesBadValues(t *testing.T) {
	for _, mtu := range []int{-1, 0, 67, 65536} {
		_, _, err := CreateTUN("x0", mtu)
		require.Error(t, err)
		assert.ErrorContains(t, err, "MTU "+strconv.Itoa(mtu)+" is out of range")
	}
	_, _, err := CreateTUN("a/b", 1400)
	assert.ErrorContains(t, err, `"a/b"`)
}

func FuzzValidateName(f *testing.F) {
	for _, s := range []string{DefaultName, "", "..", "a/b", "%d%d", "1234567890123456"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if ValidateName(name) == nil {
			assert.NotEmpty(t, name)
			assert.LessOrEqual(t, len(name), 15)
			assert.NotContains(t, name, "/")
			assert.NotContains(t, name, "\x00")
		}
	})
}
