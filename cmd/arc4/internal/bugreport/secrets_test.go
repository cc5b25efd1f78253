package bugreport

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/mschap"
)

// TestHide: a secret goes in whatever way it is written, and what is around it stays.
func TestHide(t *testing.T) {
	for _, secret := range []string{"wonderland", "correct horse", `quo"te\d`, "it's", "p%40ss/w+rd=", "Grüße", "abc"} {
		var s Secrets
		s.Add(secret)
		hash := mschap.NTPasswordHash(secret)
		escaped, err := json.Marshal(secret)
		require.NoError(t, err)
		for name, written := range map[string]string{
			"plain": secret, "quoted by Go": fmt.Sprintf("%q", secret), "JSON": string(escaped),
			"in a query": url.QueryEscape(secret), "in a path": url.PathEscape(secret),
			"hexadecimal": hex.EncodeToString([]byte(secret)), "its hash": hex.EncodeToString(hash[:]), "its hash, upper": strings.ToUpper(hex.EncodeToString(hash[:])),
			"base64": base64.StdEncoding.EncodeToString([]byte(secret)), "base64 of the hash": base64.StdEncoding.EncodeToString(hash[:]),
			"base64 for URLs": base64.URLEncoding.EncodeToString([]byte(secret)),
		} {
			got := string(s.Hide([]byte("before " + written + " after\n")))
			assert.NotContains(t, got, strings.Trim(written, `"=`), "%s: %s", secret, name)
			assert.Contains(t, got, "before ")
			assert.Contains(t, got, " after\n")
		}
	}
}

// TestHideAmongMany: each of a server's many passwords goes, and no more than those.
func TestHideAmongMany(t *testing.T) {
	var s Secrets
	var before, after strings.Builder
	for i := range 2000 {
		secret := fmt.Sprintf("%x-of-%d", i*7919, i)
		s.Add(secret)
		if i%3 == 0 {
			fmt.Fprintf(&before, "line %c has %s.\n", 'a'+i%26, secret)
			fmt.Fprintf(&after, "line %c has ***.\n", 'a'+i%26)
		}
	}
	assert.Equal(t, after.String(), string(s.Hide([]byte(before.String()))))
}

// TestHideWithinBase64: where a login is encoded as a whole, no part of the password can be had of
// it.
func TestHideWithinBase64(t *testing.T) {
	var s Secrets
	s.Add("wonderland")
	for _, before := range []string{"", "a", "al", "ali", "alice:"} {
		for _, after := range []string{"", "x", "xy", "xyz"} {
			encoded := base64.StdEncoding.EncodeToString([]byte(before + "wonderland" + after))
			clean := string(s.Hide([]byte("Basic " + encoded)))
			// What is left on both sides of the mark decodes to less than the password has.
			require.Contains(t, clean, hidden, "%q %q", before, after)
			left, _, _ := strings.Cut(strings.TrimPrefix(clean, "Basic "), hidden)
			text, _ := base64.RawStdEncoding.DecodeString(left[:len(left)/4*4])
			assert.True(t, strings.HasPrefix(before, string(text)) || strings.HasPrefix(before+"w", string(text)), "%q", text)
		}
	}
}

func TestHideOverlapping(t *testing.T) {
	var s Secrets
	s.Add("wonder", "wonderland", "wonderland", "  wonder\n", "", " ", "x")
	assert.Equal(t, 3, s.Len())
	assert.Equal(t, "*** *** *** xyz max_x a=***;", string(s.Hide([]byte("wonderland wonder x xyz max_x a=x;"))))
	var none Secrets
	assert.Equal(t, "as it was", string(none.Hide([]byte("as it was"))))
}

func TestUserInfo(t *testing.T) {
	for text, want := range map[string][]string{
		"http://proxy.example.net:8080":      nil,
		"http://alice@proxy.example.net":     nil,
		"http://alice:hunter2@proxy:80/":     {"hunter2", "hunter2", "YWxpY2U6aHVudGVyMg=="},
		"x socks5://a:p%40ss@h, http://b:c@": {"p%40ss", "p@ss", "YTpwQHNz", "c", "c", "Yjpj"},
		"no URL user:password@host":          nil,
	} {
		assert.Equal(t, want, UserInfo(text), text)
	}
}

func TestAnonymize(t *testing.T) {
	a := NewAnonymizer("alice", "vpn.example.net", "")
	text := `alice at 192.0.2.7/24 and 10.0.0.1, vpn.example.net 192.0.2.7:1723, fe80::1%eth0, 2001:db8::2/64, 02:00:5e:10:00:01, 127.0.0.1 0.0.0.0/0 ::1 version 6.1.0-13 at 12:30:45`
	assert.Equal(t, `*** at ipv4-1/24 and ipv4-2, *** ipv4-1:1723, ipv6-1%eth0, ipv6-2/64, mac-1, 127.0.0.1 0.0.0.0/0 ::1 version 6.1.0-13 at 12:30:45`, string(a.Hide([]byte(text))))
	assert.Equal(t, "ipv4-2 ipv4-3", string(a.Hide([]byte("10.0.0.1 10.0.0.2"))), "the same in the next file")
}

func TestClean(t *testing.T) {
	make := func() *Report {
		r := new(Report)
		r.Add("b.txt", "names", []byte("alice wonderland 192.0.2.7"), nil)
		r.Add("none.txt", "", nil, nil)
		r.Miss("a.txt", errors.New("wonderland is out of reach"))
		r.Files = append(r.Files, File{Name: "c.bin", Data: []byte{1, 2, 3}, Binary: true}, File{Name: "d.bin", Data: []byte("\x00wonderland"), Binary: true})
		return r
	}
	var s Secrets
	s.Add("wonderland")
	r := make()
	r.Clean(&s, nil)
	assert.Equal(t, []File{
		{Name: "b.txt", Data: []byte("alice *** 192.0.2.7"), Tells: "names"}, {Name: "c.bin", Data: []byte{1, 2, 3}, Binary: true},
		{Name: "missing.txt", Data: []byte("a.txt: *** is out of reach\nd.bin: there is a secret in it\n")},
	}, r.Files)
	r = make()
	r.Clean(&s, NewAnonymizer("alice"))
	assert.Equal(t, "*** *** ipv4-1", string(r.Files[0].Data))
	assert.Empty(t, r.Files[0].Tells)
	assert.Len(t, r.Files, 2, "what cannot be made anonymous is left out")
}

func TestWrite(t *testing.T) {
	var r Report
	r.Add("dir/a.txt", "", []byte("text"), nil)
	at := time.Unix(1_000_000_000, 0)
	var b bytes.Buffer
	require.NoError(t, r.Write(&b, "folder", at))
	plain, err := gzip.NewReader(&b)
	require.NoError(t, err)
	archive := tar.NewReader(plain)
	h, err := archive.Next()
	require.NoError(t, err)
	assert.Equal(t, []any{"folder/dir/a.txt", int64(0o600), at.Unix()}, []any{h.Name, h.Mode, h.ModTime.Unix()})
	text, err := io.ReadAll(archive)
	require.NoError(t, err)
	assert.Equal(t, "text", string(text))
	_, err = archive.Next()
	assert.Equal(t, io.EOF, err)
}
