package ppp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The table of RFC 1661 section 4.1, word for word, lines that continue a cell
// joined. A letter after a state is a footnote.
const (
	rfcStates0to5 = `
 Up   |    2     irc,scr/6     -         -         -         -
 Down |    -         -         0       tls/1       0         1
 Open |  tls/1       1     irc,scr/6     3r        5r        5r
 Close|    0       tlf/0       2         2         4         4
  TO+ |    -         -         -         -       str/4     str/5
  TO- |    -         -         -         -       tlf/2     tlf/3
 RCR+ |    -         -       sta/2 irc,scr,sca/8   4         5
 RCR- |    -         -       sta/2 irc,scr,scn/6   4         5
 RCA  |    -         -       sta/2     sta/3       4         5
 RCN  |    -         -       sta/2     sta/3       4         5
 RTR  |    -         -       sta/2     sta/3     sta/4     sta/5
 RTA  |    -         -         2         3       tlf/2     tlf/3
 RUC  |    -         -       scj/2     scj/3     scj/4     scj/5
 RXJ+ |    -         -         2         3         4         5
 RXJ- |    -         -       tlf/2     tlf/3     tlf/2     tlf/3
 RXR  |    -         -         2         3         4         5`
	rfcStates6to9 = `
 Up   |    -         -         -           -
 Down |    1         1         1         tld/1
 Open |    6         7         8           9r
 Close|irc,str/4 irc,str/4 irc,str/4 tld,irc,str/4
  TO+ |  scr/6     scr/6     scr/8         -
  TO- |  tlf/3p    tlf/3p    tlf/3p        -
 RCR+ |  sca/8   sca,tlu/9   sca/8   tld,scr,sca/8
 RCR- |  scn/6     scn/7     scn/6   tld,scr,scn/6
 RCA  |  irc/7     scr/6x  irc,tlu/9   tld,scr/6x
 RCN  |irc,scr/6   scr/6x  irc,scr/8   tld,scr/6x
 RTR  |  sta/6     sta/6     sta/6   tld,zrc,sta/5
 RTA  |    6         6         8       tld,scr/6
 RUC  |  scj/6     scj/7     scj/8       scj/9
 RXJ+ |    6         6         8           9
 RXJ- |  tlf/3     tlf/3     tlf/3   tld,irc,str/5
 RXR  |    6         7         8         ser/9`
)

var eventNames = []string{"Up", "Down", "Open", "Close", "TO+", "TO-", "RCR+", "RCR-", "RCA", "RCN", "RTR", "RTA", "RUC", "RXJ+", "RXJ-", "RXR"}

var actionNames = map[string]action{
	"tlu": actTLU, "tld": actTLD, "tls": actTLS, "tlf": actTLF, "irc": actIRC, "zrc": actZRC, "scr": actSCR,
	"sca": actSCA, "scn": actSCN, "str": actSTR, "sta": actSTA, "scj": actSCJ, "ser": actSER,
}

// rfcTable reads the RFC's text.
func rfcTable(t *testing.T) (table [numEvents][numStates]transition) {
	for first, text := range map[int]string{0: rfcStates0to5, 6: rfcStates6to9} {
		for _, line := range strings.Split(strings.Trim(text, "\n"), "\n") {
			name, row, ok := strings.Cut(line, "|")
			require.True(t, ok, line)
			ev := slices.Index(eventNames, strings.TrimSpace(name))
			require.GreaterOrEqual(t, ev, 0, line)
			for i, cell := range strings.Fields(row) {
				table[ev][first+i] = parseCell(t, cell)
			}
		}
	}
	return table
}

// parseCell reads "irc,scr/6x", "4" or "-".
func parseCell(t *testing.T, cell string) transition {
	if cell == "-" {
		return transition{}
	}
	actions, next, found := strings.Cut(cell, "/")
	if !found {
		actions, next = "", cell
	}
	n, err := strconv.Atoi(strings.TrimRight(next, "rpx"))
	require.NoError(t, err, cell)
	tr := transition{next: state(n), legal: true}
	if actions != "" {
		for _, a := range strings.Split(actions, ",") {
			act, ok := actionNames[a]
			require.True(t, ok, cell)
			tr.actions = append(tr.actions, act)
		}
	}
	return tr
}

func TestTransitionTableIsTheRFCs(t *testing.T) {
	want := rfcTable(t)
	for ev := range numEvents {
		for st := range numStates {
			assert.Equal(t, want[ev][st], transitions[ev][st], "event %s in state %d", eventNames[ev], st)
		}
	}
}

// recorder is a layer and a carrier that write down what the automaton does.
type recorder struct {
	plainLayer
	did   []string
	now   time.Time
	stats Stats
	good  bool // answer accepts
}

func (r *recorder) request() []byte { return []byte{1, 4, 5, 0x78} }
func (r *recorder) answer(_ []byte, v *verdict) bool {
	if !r.good {
		v.insist(1, []byte{1, 2})
	}
	return true
}
func (r *recorder) naked([]byte)               {}
func (r *recorder) rejected([]byte)            {}
func (r *recorder) stuck()                     { r.did = append(r.did, "stuck") }
func (r *recorder) extra(p packet) bool        { return false }
func (r *recorder) echo(packet)                { r.did = append(r.did, "ser") }
func (r *recorder) up()                        { r.did = append(r.did, "tlu") }
func (r *recorder) down()                      { r.did = append(r.did, "tld") }
func (r *recorder) started()                   { r.did = append(r.did, "tls") }
func (r *recorder) finished(event)             { r.did = append(r.did, "tlf") }
func (r *recorder) clock() time.Time           { return r.now }
func (r *recorder) mayReject() bool            { return true }
func (r *recorder) peerMRU() int               { return 1500 }
func (r *recorder) answered(time.Duration)     {}
func (r *recorder) isOurs(uint16, []byte) bool { return true }
func (r *recorder) counters() *Stats           { return &r.stats }
func (r *recorder) transmit(_ uint16, code, _ byte, _ []byte) {
	r.did = append(r.did, map[byte]string{1: "scr", 2: "sca", 3: "scn", 4: "scn", 5: "str", 6: "sta", 7: "scj"}[code])
}

// newRecorded makes an automaton in a given state.
func newRecorded(st state) (*automaton, *recorder) {
	r := &recorder{now: time.Unix(1000, 0)}
	a := &automaton{proto: ProtoLCP, layer: r, via: r, lim: limits{restart: 3 * time.Second, maxConfigure: 10, maxTerminate: 2, maxFails: 5}, state: st}
	if a.timed() {
		a.timer = r.now.Add(3 * time.Second)
	}
	return a, r
}

// TestAutomatonWalksEveryCell puts every event to a real automaton in every
// state and compares what it does with the RFC's table.
func TestAutomatonWalksEveryCell(t *testing.T) {
	table := rfcTable(t)
	for ev := range numEvents {
		for st := range numStates {
			t.Run(fmt.Sprintf("%s in %d", eventNames[ev], st), func(t *testing.T) {
				a, r := newRecorded(st)
				a.restart = 7
				a.in = packet{code: 1, id: 9, raw: []byte{1, 9, 0, 4}}
				a.code = codeConfigureNak
				a.handle(ev)
				want := table[ev][st]
				if !want.legal {
					assert.Equal(t, st, a.state)
					assert.Empty(t, r.did)
					assert.Equal(t, uint64(1), r.stats.WrongPhase)
					return
				}
				assert.Equal(t, want.next, a.state)
				var did []string
				restart := 7
				for _, act := range want.actions {
					switch act {
					case actIRC:
						restart = 10
						if want.next == stClosing || want.next == stStopping {
							restart = 2
						}
					case actZRC:
						restart = 0
					default:
						for name, n := range actionNames {
							if n == act {
								did = append(did, name)
							}
						}
					}
					if act == actSCR || act == actSTR {
						restart--
					}
				}
				assert.Equal(t, did, r.did)
				assert.Equal(t, restart, a.restart, "restart counter")
				timed := want.next >= stClosing && want.next <= stAckSent
				if !timed {
					assert.True(t, a.timer.IsZero(), "the timer is off outside of the states that have one")
				}
				if slices.Contains(want.actions, actSCR) || slices.Contains(want.actions, actSTR) || slices.Contains(want.actions, actZRC) {
					assert.False(t, a.timer.IsZero(), "these actions start the timer")
				}
			})
		}
	}
}

func TestAutomatonCountsItsRequests(t *testing.T) {
	a, r := newRecorded(stInitial)
	a.start()
	for range 20 {
		r.now = r.now.Add(3 * time.Second)
		a.expire()
	}
	assert.Equal(t, append(slices.Insert(slices.Repeat([]string{"scr"}, 10), 0, "tls")[1:], "tlf"), r.did, "ten requests, then the end")
	assert.Equal(t, stStopped, a.state)
}

func TestAutomatonCountsItsTerminations(t *testing.T) {
	a, r := newRecorded(stOpened)
	a.handle(evClose)
	for range 5 {
		r.now = r.now.Add(3 * time.Second)
		a.expire()
	}
	assert.Equal(t, []string{"tld", "str", "str", "tlf"}, r.did)
	assert.Equal(t, stClosed, a.state)
}

func TestAutomatonAnswers(t *testing.T) {
	request := func(id byte) packet {
		raw := appendPacket(nil, codeConfigureRequest, id, []byte{1, 4, 5, 0xDC})
		p, err := parsePacket(raw)
		require.NoError(t, err)
		return p
	}
	t.Run("naks turn into rejects after max-failure", func(t *testing.T) {
		a, _ := newRecorded(stReqSent)
		for i := range 8 {
			before := a.naksOut
			a.receive(request(byte(i)))
			if i < 5 {
				assert.Equal(t, before+1, a.naksOut)
			}
		}
	})
	t.Run("a repeated request in the open state is only acknowledged", func(t *testing.T) {
		a, r := newRecorded(stReqSent)
		r.good = true
		a.receive(request(3))
		a.state = stOpened
		r.did = nil
		a.receive(request(3))
		assert.Equal(t, []string{"sca"}, r.did)
		assert.Equal(t, stOpened, a.state)
		a.receive(request(4))
		assert.Equal(t, []string{"sca", "tld", "scr", "sca"}, r.did, "another identifier is a renegotiation")
	})
	t.Run("a late copy of a refused request does not tear the link down", func(t *testing.T) {
		a, r := newRecorded(stReqSent)
		a.receive(request(3))
		r.good = true
		a.receive(request(4))
		a.state = stOpened
		r.did = nil
		a.receive(request(3))
		assert.Empty(t, r.did)
	})
	t.Run("an answer counts once", func(t *testing.T) {
		a, r := newRecorded(stInitial)
		a.start()
		ack, err := parsePacket(appendPacket(nil, codeConfigureAck, a.reqID, r.request()))
		require.NoError(t, err)
		a.receive(ack)
		assert.Equal(t, stAckRcvd, a.state)
		a.receive(ack)
		assert.Equal(t, stAckRcvd, a.state)
		assert.Equal(t, uint64(1), r.stats.Repeated)
	})
	t.Run("wrong copies and identifiers are dropped", func(t *testing.T) {
		a, r := newRecorded(stInitial)
		a.start()
		for _, raw := range [][]byte{
			appendPacket(nil, codeConfigureAck, a.reqID+1, r.request()),
			appendPacket(nil, codeConfigureAck, a.reqID, nil),
			appendPacket(nil, codeConfigureAck, a.reqID, []byte{1, 4, 5, 0x79}),
			appendPacket(nil, codeConfigureNak, a.reqID+1, []byte{1, 4, 5, 0x79}),
			appendPacket(nil, codeConfigureReject, a.reqID, []byte{1, 4, 5, 0x79}),
			appendPacket(nil, codeConfigureReject, a.reqID, []byte{7, 2}),
			appendPacket(nil, codeConfigureReject, a.reqID, nil),
		} {
			p, err := parsePacket(raw)
			require.NoError(t, err)
			a.receive(p)
			assert.Equal(t, stReqSent, a.state)
		}
		assert.Equal(t, uint64(7), r.stats.WrongID)
	})
	t.Run("endless refusals end", func(t *testing.T) {
		a, r := newRecorded(stInitial)
		a.start()
		for range 100 {
			p, err := parsePacket(appendPacket(nil, codeConfigureNak, a.reqID, []byte{1, 4, 5, 0x79}))
			require.NoError(t, err)
			a.receive(p)
		}
		assert.Contains(t, r.did, "stuck")
	})
}
