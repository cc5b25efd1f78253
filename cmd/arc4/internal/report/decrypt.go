//go:build !nodecrypt

package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/internal/decrypt"
)

// Decrypted is what arc4 decrypt has found in a capture.
type Decrypted struct {
	decrypt.Report
	// Cut reports whether the capture ends within a packet.
	Cut bool
	// Unread are packets that could not be read for what is below IP.
	Unread []string
}

// decryptedJSON is the same for programs.
type decryptedJSON struct {
	Packets  uint64     `json:"packets"`
	Control  uint64     `json:"control_segments"`
	Acks     uint64     `json:"acknowledgments"`
	Strange  uint64     `json:"other_gre"`
	Cut      bool       `json:"ends_within_a_packet"`
	Unread   []string   `json:"unread,omitempty"`
	Calls    []callJSON `json:"calls"`
	Unlisted int        `json:"unlisted_calls"`
}

type callJSON struct {
	Begin      time.Time       `json:"begin,omitzero"`
	End        time.Time       `json:"end,omitzero"`
	Control    bool            `json:"control_connection"`
	Login      string          `json:"login"`
	Method     string          `json:"method,omitempty"`
	User       string          `json:"user,omitempty"`
	Directions []directionJSON `json:"directions"`
}

type directionJSON struct {
	From        netip.Addr        `json:"from"`
	To          netip.Addr        `json:"to"`
	CallID      uint16            `json:"call_id"`
	Packets     uint64            `json:"packets"`
	Negotiation uint64            `json:"negotiation"`
	Deciphered  uint64            `json:"deciphered"`
	Plain       uint64            `json:"in_clear"`
	Bytes       uint64            `json:"bytes"`
	Bits        int               `json:"bits"`
	Stateful    bool              `json:"stateful"`
	Left        map[string]uint64 `json:"not_deciphered"`
}

// WriteDecryptedJSON writes one object.
func WriteDecryptedJSON(out io.Writer, d Decrypted) error {
	j := decryptedJSON{Packets: d.Packets, Control: d.Control, Acks: d.Acks, Strange: d.Strange, Cut: d.Cut, Unread: d.Unread,
		Calls: []callJSON{}, Unlisted: d.Unlisted}
	for _, c := range d.Calls {
		call := callJSON{Begin: c.Begin, End: c.End, Control: c.Control, Login: c.Login.Name(), Method: c.Method, User: c.User, Directions: []directionJSON{}}
		for _, way := range c.Directions {
			if !way.From.IsValid() {
				continue
			}
			left := make(map[string]uint64)
			for why, n := range way.Missed {
				if n > 0 {
					left[decrypt.Reason(why).Name()] = n
				}
			}
			call.Directions = append(call.Directions, directionJSON{From: way.From, To: way.To, CallID: way.CallID, Packets: way.Packets,
				Negotiation: way.Negotiation, Deciphered: way.Deciphered, Plain: way.Plain, Bytes: way.Bytes, Bits: way.Bits, Stateful: way.Stateful, Left: left})
		}
		j.Calls = append(j.Calls, call)
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(j)
}

// whyWidth is how wide the reasons are.
const whyWidth = 44

// WriteDecrypted writes what people read: a row for each direction of each call.
func WriteDecrypted(out io.Writer, d Decrypted) error {
	var b strings.Builder
	if len(d.Calls) > 0 {
		t := newTable("call", "from", "to", "id", "user", "encryption", "packets", "deciphered", "in clear", "not", "why")
		t.alignRight(4, 4)
		t.alignRight(7, 10)
		t.wrap(11, whyWidth)
		for i, c := range d.Calls {
			number := fmt.Sprint(i + 1)
			for _, way := range c.Directions {
				if !way.From.IsValid() {
					continue
				}
				t.add(number, way.From, way.To, way.CallID, cmp.Or(printable(c.User), "-"), encryptionOf(way), way.Packets-way.Negotiation,
					way.Deciphered, way.Plain, way.Left(), whyLeft(c, way))
				number = ""
			}
		}
		t.write(&b)
	}
	if d.Unlisted > 0 {
		fmt.Fprintf(&b, "\nand %d calls more\n", d.Unlisted)
	}
	if len(d.Calls) > 0 {
		fmt.Fprintln(&b)
	}
	for i, c := range d.Calls {
		fmt.Fprintf(&b, "call %d: %s to %s, %s\n", i+1, clock(c.Begin), clock(c.End), loginOf(c))
	}
	_, err := io.WriteString(out, strings.TrimPrefix(b.String(), "\n"))
	return err
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "?"
	}
	return t.Local().Format(time.DateTime)
}

// loginOf says what was seen of a login.
func loginOf(c decrypt.Call) string {
	text := "login: " + c.Login.String()
	if c.Method != "" && c.Login != decrypt.LoginMissing {
		text = c.Method + " " + text
	}
	if !c.Control {
		text += "; its control connection is not in the capture"
	}
	return text
}

func encryptionOf(way decrypt.Direction) string {
	switch {
	case way.Bits == 0 && way.Plain > 0 && way.Left() == 0:
		return "none"
	case way.Bits == 0:
		return "-"
	case way.Stateful:
		return fmt.Sprintf("%d bits stateful", way.Bits)
	}
	return fmt.Sprintf("%d bits", way.Bits)
}

// whyLeft says why packets were not deciphered, with the numbers where there are several reasons.
func whyLeft(c decrypt.Call, way decrypt.Direction) string {
	var list []string
	for why, n := range way.Missed {
		if n == 0 {
			continue
		}
		text := decrypt.Reason(why).String()
		if n != way.Left() {
			text = fmt.Sprintf("%d %s", n, text)
		}
		list = append(list, text)
	}
	if len(list) == 0 && way.Packets == 0 && c.Control {
		return "no GRE packets in the capture"
	}
	return strings.Join(list, ", ")
}
