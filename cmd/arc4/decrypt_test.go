//go:build !nodecrypt

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/capturefile"
	"github.com/arc4tun/arc4tun/internal/decrypt"
	"github.com/arc4tun/arc4tun/internal/decrypt/recording"
	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/internal/mschap"
)

// recorded is a directory with captures of two calls, and what was sent in them.
type recorded struct {
	dir  string
	sent [][]byte // in the order of sending
}

// file is a file of the directory.
func (r *recorded) file(name string) string { return filepath.Join(r.dir, name) }

// put writes a file that nobody else may read.
func (r *recorded) put(t *testing.T, name, text string) string {
	require.NoError(t, os.WriteFile(r.file(name), []byte(text), 0o600))
	return r.file(name)
}

func recordCalls(t *testing.T) *recorded {
	r := &recorded{dir: t.TempDir()}
	rec := recording.New(1)
	var calls []*recording.Call
	for i, user := range []string{`OFFICE\alice`, "bob"} {
		c, err := rec.Dial(recording.Options{User: user, Password: "correct horse", ClientID: uint16(i + 1), ServerID: uint16(i + 11)})
		require.NoError(t, err)
		calls = append(calls, c)
	}
	for i := range 40 {
		ip := recording.IPv4(netip.MustParseAddr("10.99.0.100"), netip.MustParseAddr("10.99.0.1"), ippkt.UDP, uint16(i), make([]byte, 10*i))
		calls[i%2].Send(i/2%2, ip)
		r.sent = append(r.sent, ip)
	}
	var b bytes.Buffer
	require.NoError(t, recording.Write(&b, capturefile.Format{}, rec.Packets))
	require.NoError(t, os.WriteFile(r.file("calls.pcap"), b.Bytes(), 0o644))
	require.NoError(t, os.WriteFile(r.file("cut.pcap"), b.Bytes()[:b.Len()-5], 0o644))
	late := b.Bytes()[:24:24] // the file's header, and the last packets
	at := 24
	for i, p := range rec.Packets {
		if i >= len(rec.Packets)-40 {
			late = append(late, b.Bytes()[at:at+16+len(p.IP)]...)
		}
		at += 16 + len(p.IP)
	}
	require.NoError(t, os.WriteFile(r.file("late.pcap"), late, 0o644))
	require.NoError(t, os.WriteFile(r.file("none.pcap"), b.Bytes()[:24], 0o644))
	b.Reset()
	require.NoError(t, recording.Write(&b, capturefile.Format{Pcapng: true}, rec.Packets))
	require.NoError(t, os.WriteFile(r.file("calls.pcapng"), b.Bytes(), 0o644))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(b.Bytes())
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(r.file("calls.pcapng.gz"), packed.Bytes(), 0o644))
	return r
}

// decryptRun runs the command.
func decryptRun(t *testing.T, args ...string) (stdout, stderr string, code int) {
	root := newRoot()
	var out, errs bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs(append([]string{"decrypt"}, args...))
	err := root.ExecuteContext(t.Context())
	code = exit.Report(&errs, err)
	return out.String(), errs.String(), code
}

// packetsOf are those of a capture.
func packetsOf(t *testing.T, in io.Reader) (list [][]byte) {
	r, err := capturefile.NewReader(in)
	require.NoError(t, err)
	for {
		p, err := r.Next()
		if err == io.EOF {
			return list
		}
		require.NoError(t, err)
		list = append(list, bytes.Clone(p.IP))
	}
}

// TestDecrypt: every packet inside comes out, by each kind of password and of file.
func TestDecrypt(t *testing.T) {
	r := recordCalls(t)
	hash := mschap.NTPasswordHash("correct horse")
	password := r.put(t, "password", "correct horse\n")
	for name, c := range map[string]struct {
		in, out string
		flags   []string
	}{
		"a password":           {"calls.pcap", "a.pcap", []string{"--password-file", password}},
		"a hash, and pcapng":   {"calls.pcapng", "b.pcapng", []string{"--nt-hash-file", r.put(t, "hash", hex.EncodeToString(hash[:])+"\n")}},
		"a file of secrets":    {"calls.pcapng.gz", "c.pcap", []string{"--secrets", r.put(t, "secrets", "alice arc4 \"correct horse\" *\nalice office old *\n\"bob\" * \"correct horse\" *\n")}},
		"a damaged end":        {"cut.pcap", "d.pcap", []string{"--password-file", password}},
		"a backend, and force": {"calls.pcap", "hash", []string{"--password-file", password, "--backend", "reference", "--force"}},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "a backend, and force" {
				c.out = filepath.Base(r.put(t, "old.pcap", "old"))
			}
			out := r.file(c.out)
			stdout, stderr, code := decryptRun(t, append([]string{r.file(c.in), "-w", out}, c.flags...)...)
			require.Zero(t, code, stderr)
			assert.Equal(t, decryptYours+"\n", stderr)
			assert.Contains(t, stdout, `OFFICE\alice  128 bits`)
			assert.Contains(t, stdout, "MS-CHAPv2 login: the password is right")
			info, err := os.Stat(out)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			f, err := os.Open(out)
			require.NoError(t, err)
			defer f.Close()
			want := r.sent
			if c.in == "cut.pcap" {
				want = want[:len(want)-1]
				assert.Contains(t, stdout, "The capture ends within a packet")
			}
			assert.Equal(t, want, packetsOf(t, f))
			left, err := filepath.Glob(r.file(".*"))
			require.NoError(t, err)
			assert.Empty(t, left, "nothing else stays")
		})
	}
}

// TestDecryptToOutput sends the packets to standard output, and the table to standard error.
func TestDecryptToOutput(t *testing.T) {
	r := recordCalls(t)
	stdout, stderr, code := decryptRun(t, r.file("calls.pcap"), "-w", "-", "--password-file", r.put(t, "password", "correct horse"))
	require.Zero(t, code, stderr)
	assert.Equal(t, r.sent, packetsOf(t, bytes.NewReader([]byte(stdout))))
	assert.Contains(t, stderr, "40 packets inside written\n")
}

// TestDecryptJSON says the same to programs.
func TestDecryptJSON(t *testing.T) {
	r := recordCalls(t)
	stdout, stderr, code := decryptRun(t, r.file("calls.pcap"), "--json", "--password-file", r.put(t, "password", "correct horse"))
	require.Zero(t, code, stderr)
	var got struct {
		Calls []struct {
			Login, User string
			Directions  []struct {
				From       netip.Addr
				Deciphered int
				Bits       int
				CallID     int            `json:"call_id"`
				Left       map[string]int `json:"not_deciphered"`
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &got))
	require.Len(t, got.Calls, 2)
	for i, c := range got.Calls {
		assert.Equal(t, "right", c.Login)
		assert.Equal(t, []string{`OFFICE\alice`, "bob"}[i], c.User)
		require.Len(t, c.Directions, 2)
		for j, d := range c.Directions {
			assert.Equal(t, []string{"192.0.2.2", "192.0.2.1"}[j], d.From.String())
			assert.Equal(t, [2][2]int{{11, 1}, {12, 2}}[i][j], d.CallID)
			assert.Equal(t, 10, d.Deciphered)
			assert.Equal(t, 128, d.Bits)
			assert.Empty(t, d.Left)
		}
	}
}

// TestDecryptInVain: what cannot be had has a reason and an exit code, and no file stays.
func TestDecryptInVain(t *testing.T) {
	r := recordCalls(t)
	wrong := r.put(t, "wrong", "wrong horse")
	there := r.put(t, "there.pcap", "mine")
	out := r.file("out.pcap")
	for name, c := range map[string]struct {
		args []string
		code int
		text string
	}{
		"a wrong password":     {[]string{"calls.pcap", "-w", out, "--password-file", wrong}, exit.Auth, `the password is not that of "OFFICE\\alice", "bob": the response to the server's challenge is another`},
		"and force":            {[]string{"calls.pcap", "-w", there, "--force", "--password-file", wrong}, exit.Auth, "the password is not that of"},
		"other users":          {[]string{"calls.pcap", "-w", out, "--secrets", r.put(t, "carol", "carol * x *\n")}, exit.Auth, `there is no password for "OFFICE\\alice", "bob"`},
		"a late capture":       {[]string{"late.pcap", "-w", out, "--password-file", wrong}, exit.Failure, "nothing could be deciphered, for the login is not in the capture: begin it before the call"},
		"an empty capture":     {[]string{"none.pcap", "-w", out, "--password-file", wrong}, exit.Failure, "no PPTP call is in it"},
		"a file that is there": {[]string{"calls.pcap", "-w", there, "--password-file", wrong}, exit.Usage, "it is there already: give another name, or --force to replace it"},
		"the capture itself":   {[]string{"calls.pcap", "-w", r.file("calls.pcap"), "--force", "--password-file", wrong}, exit.Usage, "that is the capture itself"},
		"a directory":          {[]string{"calls.pcap", "-w", r.dir, "--password-file", wrong}, exit.Usage, "that is a directory"},
		"no directory":         {[]string{"calls.pcap", "-w", r.file("no/out.pcap"), "--password-file", wrong}, exit.Failure, "no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			c.args[0] = r.file(c.args[0])
			_, stderr, code := decryptRun(t, c.args...)
			assert.Equal(t, c.code, code)
			assert.Contains(t, stderr, c.text)
			assert.NotContains(t, stderr, "horse")
			assert.NoFileExists(t, out)
			mine, err := os.ReadFile(there)
			require.NoError(t, err)
			assert.Equal(t, "mine", string(mine), "what was there stays")
		})
	}
}

// TestDecryptSurvey says what is in a capture without a password.
func TestDecryptSurvey(t *testing.T) {
	r := recordCalls(t)
	stdout, stderr, code := decryptRun(t, r.file("calls.pcap"))
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "bob           128 bits")
	assert.Contains(t, stdout, "no password for the user")
}

// endless is a capture that goes on without a packet, and is interrupted.
type endless struct {
	begin io.Reader
	end   context.CancelFunc
	reads int
}

func (e *endless) Read(p []byte) (int, error) {
	if n, _ := e.begin.Read(p); n > 0 {
		return n, nil
	}
	if e.reads++; e.reads == 3 {
		e.end()
	}
	block := []byte{0xAD, 0x0B, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0} // of a kind that nobody reads
	return copy(p, bytes.Repeat(block, len(p)/len(block))), nil
}

// TestDecryptInterrupted: a capture without an end can be left.
func TestDecryptInterrupted(t *testing.T) {
	r := recordCalls(t)
	begin, err := os.ReadFile(r.file("calls.pcapng"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, err := capturefile.NewReader(&countingReader{in: &endless{begin: bytes.NewReader(begin), end: cancel}, ctx: ctx})
	require.NoError(t, err)
	err = feed(ctx, decrypt.New(decrypt.Options{Hashes: new(knownPasswords).hashes}), reader)
	assert.Equal(t, errInterrupted, err)
}

// TestDecryptedFileEnds: what could not be written whole does not stay, and what it was to replace
// does.
func TestDecryptedFileEnds(t *testing.T) {
	packet := decrypt.Plain{IP: recording.IPv4(netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), ippkt.UDP, 1, make([]byte, 8))}
	for name, c := range map[string]struct {
		old, broken, whole bool
		fails              bool
		want               string // what is there then; empty: nothing, pcap: what was written
	}{
		"all is well":           {false, false, true, false, "pcap"},
		"interrupted":           {false, false, false, false, "pcap"},
		"no room":               {false, true, true, true, ""},
		"replaced":              {true, false, true, false, "pcap"},
		"replaced, no room":     {true, true, true, true, "old"},
		"replaced, interrupted": {true, false, false, false, "old"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "out.pcap")
			if c.old {
				require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
			}
			d := &decryptedFile{path: path, flows: make(map[versionedFlow]int)}
			require.NoError(t, d.open(true, os.Stdin))
			var err error
			d.out, err = capturefile.NewWriter(d.file, capturefile.Format{})
			require.NoError(t, err)
			require.NoError(t, d.write(packet))
			if c.broken {
				require.NoError(t, d.file.Close()) // nothing can be written any more
			}
			err = d.finish(c.whole)
			assert.Equal(t, c.fails, err != nil, "%v", err)
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			switch c.want {
			case "":
				assert.Empty(t, left)
			case "old":
				require.Len(t, left, 1)
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				assert.Equal(t, "old", string(text))
				assert.Zero(t, d.written)
			case "pcap":
				require.Len(t, left, 1)
				f, err := os.Open(path)
				require.NoError(t, err)
				defer f.Close()
				assert.Equal(t, [][]byte{packet.IP}, packetsOf(t, f))
			}
		})
	}
}
