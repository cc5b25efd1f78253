package ppp

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/mschap"
)

// wordsFrame is a frame of a protocol with FF 03 in front.
func wordsFrame(proto uint16, code, id byte, data ...byte) []byte {
	return appendPacket(AppendHeader(nil, proto, false, false), code, id, data)
}

func TestWords(t *testing.T) {
	options := func(lists ...[]byte) []byte { return bytes.Join(lists, nil) }
	for _, c := range []struct {
		name  string
		frame []byte
		want  string
	}{
		{"LCP options that PPTP peers use", wordsFrame(ProtoLCP, 1, 1, options([]byte{1, 4, 5, 0x7C}, []byte{2, 6, 0, 0, 0, 0},
			[]byte{3, 5, 0xC2, 0x23, 0x81}, []byte{5, 6, 0x5D, 0x2A, 0x7F, 0x11}, []byte{7, 2}, []byte{8, 2})...),
			"[LCP ConfReq id=0x1 <mru 1404> <asyncmap 0x0> <auth chap MS-v2> <magic 0x5d2a7f11> <pcomp> <accomp>]"},
		{"LCP options of Windows", wordsFrame(ProtoLCP, 4, 0, options([]byte{13, 3, 6}, []byte{17, 4, 6, 78},
			[]byte{19, 9, 3, 0, 21, 93, 1, 2, 3}, []byte{23, 4, 0, 7})...),
			"[LCP ConfRej id=0x0 <callback CBCP> <mrru 1614> <endpoint [MAC:00:15:5d:01:02:03]> <linkdisc 0x7>]"},
		{"ways to authenticate", wordsFrame(ProtoLCP, 3, 2, options([]byte{3, 4, 0xC0, 0x23}, []byte{3, 5, 0xC2, 0x23, 5}, []byte{3, 5, 0xC2, 0x23, 0x80},
			[]byte{3, 4, 0xC2, 0x27}, []byte{3, 4, 0xC0, 0x27})...),
			"[LCP ConfNak id=0x2 <auth pap> <auth chap MD5> <auth chap MS> <auth eap> <auth 0xc027>]"},
		{"an option without words", wordsFrame(ProtoLCP, 1, 3, 99, 5, 1, 2, 3), "[LCP ConfReq id=0x3 <99 01 02 03>]"},
		{"an option of a wrong length", wordsFrame(ProtoLCP, 1, 3, 1, 3, 5), "[LCP ConfReq id=0x3 <1 05>]"},
		{"options that run past the end", wordsFrame(ProtoLCP, 1, 3, 1, 4, 5, 0x7C, 5, 6, 1), "[LCP ConfReq id=0x3 <mru 1404> malformed option, 3 bytes: 05 06 01]"},
		{"Terminate-Request with a reason", wordsFrame(ProtoLCP, 5, 2, []byte("shutting \"down\"")...), `[LCP TermReq id=0x2 "shutting \"down\""]`},
		{"Terminate-Request with more than text", wordsFrame(ProtoLCP, 5, 2, []byte("bye\x1b[2J\n")...), "[LCP TermReq id=0x2 8 bytes: 62 79 65 1b 5b 32 4a 0a]"},
		{"Terminate-Ack", wordsFrame(ProtoLCP, 6, 2), "[LCP TermAck id=0x2]"},
		{"Echo-Request", wordsFrame(ProtoLCP, 9, 7, 0, 0, 0x7C, 0x5A), "[LCP EchoReq id=0x7 magic=0x7c5a]"},
		{"Echo-Reply with data", wordsFrame(ProtoLCP, 10, 7, 0, 0, 0, 0, 1, 2), "[LCP EchoRep id=0x7 magic=0x0 +2 bytes]"},
		{"Identification", wordsFrame(ProtoLCP, 12, 1, append([]byte{0, 0, 0, 9}, "MSRASV5.20"...)...), `[LCP Ident id=0x1 magic=0x9 "MSRASV5.20"]`},
		{"Code-Reject", wordsFrame(ProtoLCP, 7, 1, 12, 9, 0, 8, 1, 2, 3, 4), "[LCP CodeRej id=0x1 of Ident id=0x9, 8 bytes]"},
		{"Protocol-Reject of CCP", wordsFrame(ProtoLCP, 8, 3, append([]byte{0x80, 0xFD}, appendPacket(nil, 1, 1, []byte{18, 6, 1, 0, 0, 0x40})...)...),
			"[LCP ProtRej id=0x3 of [CCP ConfReq id=0x1 <mppe +H -M +S -L -D -C>]]"},
		{"Protocol-Reject of what nobody knows", wordsFrame(ProtoLCP, 8, 3, 0x12, 0x35, 1, 2, 3), "[LCP ProtRej id=0x3 of [protocol 0x1235 3 bytes hidden]]"},
		{"Protocol-Reject of PAP", wordsFrame(ProtoLCP, 8, 3, append([]byte{0xC0, 0x23}, appendPacket(nil, 1, 1, []byte("\x05alice\x06secret"))...)...),
			`[LCP ProtRej id=0x3 of [PAP AuthReq id=0x1 user="alice" password=<hidden>]]`},
		{"an unknown code", wordsFrame(ProtoLCP, 99, 3, 1, 2), "[LCP code=99 id=0x3 malformed, without a magic number]"},
		{"CCP of old", wordsFrame(ProtoCCP, 1, 1, options([]byte{1, 2}, []byte{21, 3, 0x2F}, []byte{24, 4, 0x78, 0}, []byte{26, 4, 0x78, 0}, []byte{17, 5, 0, 1, 4}, []byte{18, 6, 0, 0, 0, 0xE1})...),
			"[CCP ConfReq id=0x1 <predictor 1> <bsd v1 15> <deflate(old#) 15> <deflate 15> <lzs 1 4> <mppe -H +M +S +L -D +C>]"},
		{"CCP Reset-Request", wordsFrame(ProtoCCP, 14, 5), "[CCP ResetReq id=0x5]"},
		{"IPCP", wordsFrame(ProtoIPCP, 3, 2, options([]byte{3, 6, 10, 0, 0, 7}, []byte{129, 6, 9, 9, 9, 9}, []byte{131, 6, 8, 8, 8, 8}, []byte{130, 6, 1, 2, 3, 4}, []byte{2, 6, 0, 0x2D, 15, 1})...),
			"[IPCP ConfNak id=0x2 <addr 10.0.0.7> <ms-dns1 9.9.9.9> <ms-dns2 8.8.8.8> <ms-wins1 1.2.3.4> <compress VJ 0f 01>]"},
		{"IPV6CP", wordsFrame(ProtoIPV6CP, 1, 1, 1, 10, 0, 0, 0, 0, 0, 0, 0, 7), "[IPV6CP ConfReq id=0x1 <addr fe80::7>]"},
		{"PAP request", wordsFrame(ProtoPAP, 1, 1, []byte("\x05alice\x06secret")...), `[PAP AuthReq id=0x1 user="alice" password=<hidden>]`},
		{"PAP request that does not add up", wordsFrame(ProtoPAP, 1, 1, []byte("\x05alice\x05secret")...), `[PAP AuthReq id=0x1 malformed <13 bytes hidden>]`},
		{"PAP refusal", wordsFrame(ProtoPAP, 3, 1, []byte("\x0fLogin incorrect")...), `[PAP AuthNak id=0x1 "Login incorrect"]`},
		{"PAP refusal without a word", wordsFrame(ProtoPAP, 3, 1), `[PAP AuthNak id=0x1]`},
		{"CHAP Challenge", wordsFrame(ProtoCHAP, 1, 9, []byte("\x10ABCDEFGHIJKLMNOPpptpd")...), `[CHAP Challenge id=0x9 <16 bytes hidden>, name = "pptpd"]`},
		{"CHAP Success", wordsFrame(ProtoCHAP, 3, 9, []byte("S=0123456789ABCDEF0123456789ABCDEF01234567 M=welcome")...), `[CHAP Success id=0x9 "S=<hidden> M=welcome"]`},
		{"CHAP Failure", wordsFrame(ProtoCHAP, 4, 9, []byte("E=691 R=0 C=0123456789ABCDEF0123456789ABCDEF V=3 M=no")...), `[CHAP Failure id=0x9 "E=691 R=0 C=<hidden> V=3 M=no"]`},
		{"EAP's question for a name", wordsFrame(ProtoEAP, 1, 7, 1), "[EAP Request id=0x7 Identity]"},
		{"the same as pppd asks", wordsFrame(ProtoEAP, 1, 7, []byte("\x01Name")...), `[EAP Request id=0x7 Identity "Name"]`},
		{"EAP's name", wordsFrame(ProtoEAP, 2, 7, []byte("\x01CORP\\alice")...), `[EAP Response id=0x7 Identity name = "CORP\\alice"]`},
		{"EAP's name that is none", wordsFrame(ProtoEAP, 2, 7, 1, 2, 3), "[EAP Response id=0x7 Identity name = <2 bytes, not text>]"},
		{"EAP Notification", wordsFrame(ProtoEAP, 1, 7, []byte("\x02pay your bill")...), `[EAP Request id=0x7 Notification "pay your bill"]`},
		{"EAP Nak", wordsFrame(ProtoEAP, 2, 7, 3, 26), "[EAP Response id=0x7 Nak for EAP-MSCHAPv2 (type 26)]"},
		{"EAP Challenge", wire(t, vectorChallenge), `[EAP Request id=0x8 MSCHAPv2 Challenge id=0x8 <16 bytes hidden>, name = "srv"]`},
		{"EAP Response", wire(t, vectorResponse), `[EAP Response id=0x8 MSCHAPv2 Response id=0x8 <49 bytes hidden>, name = "User"]`},
		{"EAP proof", wire(t, vectorSuccess), `[EAP Request id=0x9 MSCHAPv2 Success id=0x8 "S=<hidden> M=welcome"]`},
		{"EAP acceptance", wire(t, vectorAcceptance), "[EAP Response id=0x9 MSCHAPv2 Success]"},
		{"EAP refusal", wordsFrame(ProtoEAP, 1, 9, appendEAPMSCHAPv2(nil, 4, 9, []byte("E=691 R=0 C=0123456789ABCDEF0123456789ABCDEF V=3 M=no"))...),
			`[EAP Request id=0x9 MSCHAPv2 Failure id=0x9 "E=691 R=0 C=<hidden> V=3 M=no"]`},
		{"EAP Success", wire(t, vectorEnd), "[EAP Success id=0x9]"},
		{"EAP-MD5", wordsFrame(ProtoEAP, 1, 1, append([]byte{4, 16}, make([]byte, 20)...)...), "[EAP Request id=0x1 MD5 <21 bytes hidden>]"},
		{"EAP with a password in clear", wordsFrame(ProtoEAP, 2, 1, []byte("\x06secret")...), "[EAP Response id=0x1 GTC <6 bytes hidden>]"},
		{"EAP of an unknown type", wordsFrame(ProtoEAP, 1, 1, 99, 2), "[EAP Request id=0x1 type=99 <1 bytes hidden>]"},
		{"EAP-MSCHAPv2 that does not add up", wordsFrame(ProtoEAP, 1, 1, 26, 1, 1, 0, 99, 16), "[EAP Request id=0x1 MSCHAPv2 malformed <5 bytes hidden>]"},
		{"EAP without a type", wordsFrame(ProtoEAP, 1, 1), "[EAP Request id=0x1]"},
		{"a protocol with a name", wordsFrame(0x8281, 1, 1), "[MPLSCP (0x8281) 4 bytes: 01 01 00 04]"},
		{"another", wordsFrame(0x1235, 1, 1), "[protocol 0x1235 4 bytes: 01 01 00 04]"},
		{"one that may authenticate", wordsFrame(0xC027, 1, 1, 1, 2), "[SPAP (0xc027) 6 bytes hidden]"},
		{"padding", append(wordsFrame(ProtoLCP, 6, 2), 0, 0), "[LCP TermAck id=0x2 +2 bytes of padding]"},
		{"a length that cannot be", []byte{0xFF, 3, 0xC0, 0x21, 1, 1, 0, 9, 0}, "[LCP malformed packet, 5 bytes: 01 01 00 09 00]"},
		{"the same of PAP", []byte{0xFF, 3, 0xC0, 0x23, 1, 1, 0, 9, 0}, "[PAP malformed packet, 5 bytes]"},
		{"a protocol field that cannot be", []byte{0xFF, 3, 0xC0, 0x22, 1, 1, 0, 9, 0}, "[malformed frame, 9 bytes: ff 03 c0 22]"},
		{"nothing", nil, "[malformed frame, 0 bytes: ]"},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, Words(c.frame)) })
	}
}

// requireWords holds any text of Words to what is promised of it.
func requireWords(t *testing.T, frame []byte) string {
	t.Helper()
	s := Words(frame)
	require.LessOrEqual(t, len(s), maxWords)
	require.True(t, utf8.ValidString(s))
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		require.FailNow(t, "what does not print", "%q", s)
	}
	return s
}

// requireHidden demands that a secret is in no form in a text: as it is, quoted, or in hex of any
// kind.
func requireHidden(t *testing.T, secret []byte, s string, frame []byte) {
	t.Helper()
	bare := strings.ToLower(strings.NewReplacer(" ", "", ":", "").Replace(s))
	for _, form := range []string{string(secret), strings.Trim(strconv.Quote(string(secret)), `"`), hex.EncodeToString(secret)} {
		form = strings.ToLower(form)
		if strings.Contains(strings.ToLower(s), form) || strings.Contains(bare, form) {
			require.FailNow(t, "a secret shows", "%q in %s of the frame % x", secret, s, frame)
		}
	}
}

// secretFrames are frames of each kind in which a secret stands where secrets stand, as good and as
// bad peers send them.
func secretFrames(secret []byte) [][]byte {
	cut := func(n int) []byte { return append(bytes.Clone(secret), make([]byte, n)...)[:n] }
	coded := []byte(strings.ToUpper(hex.EncodeToString(cut(20))))
	pap := append(append([]byte("\x05alice"), byte(len(secret))), secret...)
	response := appendChapValue(nil, cut(mschap.ResponseLen), "alice")
	packets := []struct {
		proto uint16
		code  byte
		data  []byte
	}{
		{ProtoPAP, papRequest, pap},
		{ProtoPAP, papRequest, append(append([]byte{0, byte(len(secret))}, secret...), "padding"...)},
		{ProtoCHAP, chapChallenge, appendChapValue(nil, secret, "pptpd")},
		{ProtoCHAP, chapResponse, response},
		{ProtoCHAP, chapResponse, appendChapValue(nil, cut(16), "alice")},
		{ProtoCHAP, chapSuccess, append(append([]byte("S="), coded...), " M=welcome"...)},
		{ProtoCHAP, chapSuccess, append(append([]byte("s="), coded...), " M=welcome"...)},
		{ProtoCHAP, chapSuccess, append([]byte("welcome "), coded...)},
		{ProtoCHAP, chapFailure, append(append([]byte("E=691 R=1 C="), coded[:32]...), " V=3 M=no"...)},
		{ProtoCHAP, chapFailure, append(append([]byte("E=691 R=1 C="), secret...), " V=3 M=no"...)},
		{ProtoEAP, 2, secret},
		{ProtoEAP, 2, append([]byte{6}, secret...)},
		{ProtoEAP, 1, append([]byte{4, byte(len(secret))}, secret...)},
		{ProtoEAP, 1, appendEAPMSCHAPv2(nil, chapChallenge, 1, appendChapValue(nil, secret, "pptpd"))},
		{ProtoEAP, 2, appendEAPMSCHAPv2(nil, chapResponse, 1, response)},
		{ProtoEAP, 1, appendEAPMSCHAPv2(nil, chapSuccess, 1, append(append([]byte("S="), coded...), " M=welcome"...))},
		{ProtoEAP, 1, appendEAPMSCHAPv2(nil, chapFailure, 1, append(append([]byte("E=691 R=1 C="), secret...), " V=3 M=no"...))},
		{0xC027, 1, secret},
		{0xC123, 1, secret},
		{0xC281, 1, secret},
	}
	var frames [][]byte
	for _, p := range packets {
		frame := wordsFrame(p.proto, p.code, 7, p.data...)
		info := frame[2:] // protocol and packet
		frames = append(frames, frame, info, frame[:len(frame)-1],
			wordsFrame(ProtoLCP, codeProtocolReject, 1, info...),
			wordsFrame(ProtoLCP, codeProtocolReject, 1, info[:len(info)-1]...),
			wordsFrame(ProtoLCP, codeProtocolReject, 1, frame...),
			wordsFrame(ProtoLCP, codeProtocolReject, 1, wordsFrame(ProtoLCP, codeProtocolReject, 2, info...)[2:]...),
			wordsFrame(ProtoLCP, codeCodeReject, 1, info[2:]...),
			wordsFrame(ProtoLCP, codeEchoReply, 1, append([]byte{0, 0, 0, 0}, info...)...))
	}
	return frames
}

// TestWordsHideSecrets plants secrets of every kind where they stand, in frames that are sound,
// cut, padded, altered or quoted by a reject: none is in the words, in any form. What a frame shows
// must be shown in spite of that.
func TestWordsHideSecrets(t *testing.T) {
	dice := rand.New(rand.NewPCG(9, 10))
	n := 0
	for range 20 {
		// A secret is what nobody types: with it no name and no text can be confused.
		secret := make([]byte, 16+dice.IntN(16))
		for i := range secret {
			secret[i] = byte(dice.Uint32())
		}
		secret[dice.IntN(8)] = 0x80 | byte(dice.Uint32()&0x3F)
		secret[8+dice.IntN(8)] = 1
		hidden := secret[:16] // what a fixed length of a field leaves of it
		for _, frame := range secretFrames(secret) {
			for range 12 {
				mutated := bytes.Clone(frame)
				if n%3 != 0 {
					// The fields' lengths are what an odd peer gets wrong, and a cut of the
					// network.
					from := 4
					if mutated[2] == 0xC0 && mutated[3] == 0x21 {
						from = 6 // one of LCP stays what it is
					}
					at := from + dice.IntN(min(8, len(mutated)-from))
					if !bytes.Contains(mutated[at:at+1], secret[:1]) {
						mutated[at] = byte(dice.Uint32())
					}
				}
				if n%5 == 4 {
					mutated = mutated[:len(mutated)-dice.IntN(4)]
				}
				n++
				requireHidden(t, hidden[:12], requireWords(t, mutated), mutated)
			}
		}
	}
	t.Logf("%d frames with a secret", n)
}

// TestWordsHideTypedPasswords: a password of letters stands in sound frames, and in those whose end
// was cut off.
func TestWordsHideTypedPasswords(t *testing.T) {
	password := []byte("correct-horse-battery-staple")
	for _, frame := range secretFrames(password) {
		requireHidden(t, password[:12], requireWords(t, frame), frame)
	}
	login := wordsFrame(ProtoPAP, papRequest, 1, []byte("\x05alice\x1ccorrect-horse-battery-staple")...)
	for n := range len(login) {
		requireHidden(t, password[:min(12, max(1, n-14))], "", login)
		require.NotContains(t, Words(login[:n]), "correct")
		require.NotContains(t, Words(login[:n]), "63 6f 72")
	}
	require.Contains(t, Words(login), `user="alice" password=<hidden>`)
}

func FuzzWords(f *testing.F) {
	for _, frame := range secretFrames([]byte("a secret of some length")) {
		f.Add(frame)
	}
	for _, code := range []byte{1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 14} {
		for _, proto := range []uint16{ProtoLCP, ProtoCCP, ProtoIPCP, ProtoIPV6CP} {
			f.Add(wordsFrame(proto, code, 1, 1, 4, 5, 6, 18, 6, 1, 0, 0, 64, 3, 6, 10, 0, 0, 1))
		}
	}
	f.Add(bytes.Repeat([]byte{0xC0, 0x21, 8, 1, 0, 200}, 200))
	f.Add(append([]byte{0xC0, 0x21, 1, 1, 5, 0xDC}, bytes.Repeat([]byte{99, 2}, 748)...))
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := fmt.Sprintf("%x", frame)
		requireWords(t, frame)
		require.Equal(t, before, fmt.Sprintf("%x", frame), "the frame is left alone")
	})
}
