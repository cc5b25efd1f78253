package ppp

// state is a state of the automaton (RFC 1661 section 4.2).
type state uint8

const (
	stInitial state = iota
	stStarting
	stClosed
	stStopped
	stClosing
	stStopping
	stReqSent
	stAckRcvd
	stAckSent
	stOpened
	numStates
)

// event is an event of the automaton (RFC 1661 section 4.3).
type event uint8

const (
	evUp       event = iota
	evDown           // lower layer is down
	evOpen           // administrative open
	evClose          // administrative close
	evTOPlus         // timeout, restart counter above 0
	evTOMinus        // timeout, restart counter used up
	evRCRPlus        // Configure-Request, acceptable
	evRCRMinus       // Configure-Request, not acceptable
	evRCA            // Configure-Ack
	evRCN            // Configure-Nak or -Reject
	evRTR            // Terminate-Request
	evRTA            // Terminate-Ack
	evRUC            // unknown code
	evRXJPlus        // Code-Reject or Protocol-Reject that can be lived with
	evRXJMinus       // the same, that cannot
	evRXR            // Echo-Request, Echo-Reply, Discard-Request
	numEvents
)

// action is an action of the automaton (RFC 1661 section 4.4).
type action uint8

const (
	actTLU action = iota // this layer up
	actTLD               // this layer down
	actTLS               // this layer started
	actTLF               // this layer finished
	actIRC               // initialize restart counter
	actZRC               // zero restart counter
	actSCR               // send Configure-Request
	actSCA               // send Configure-Ack
	actSCN               // send Configure-Nak or -Reject
	actSTR               // send Terminate-Request
	actSTA               // send Terminate-Ack
	actSCJ               // send Code-Reject
	actSER               // send Echo-Reply
)

// transition is one cell of the table: where to go and what to do. The zero value is a cell that
// RFC 1661 marks with a dash.
type transition struct {
	legal   bool
	next    state
	actions []action
}

// to is in all other cells.
const to = true

// transitions is the whole table of RFC 1661 section 4.1. The passive [p] and
// restart [r] options are not taken.
var transitions = [numEvents][numStates]transition{
	evUp: {
		stInitial:  {to, stClosed, nil},
		stStarting: {to, stReqSent, []action{actIRC, actSCR}},
	},
	evDown: {
		stClosed:   {to, stInitial, nil},
		stStopped:  {to, stStarting, []action{actTLS}},
		stClosing:  {to, stInitial, nil},
		stStopping: {to, stStarting, nil},
		stReqSent:  {to, stStarting, nil},
		stAckRcvd:  {to, stStarting, nil},
		stAckSent:  {to, stStarting, nil},
		stOpened:   {to, stStarting, []action{actTLD}},
	},
	evOpen: {
		stInitial:  {to, stStarting, []action{actTLS}},
		stStarting: {to, stStarting, nil},
		stClosed:   {to, stReqSent, []action{actIRC, actSCR}},
		stStopped:  {to, stStopped, nil},
		stClosing:  {to, stStopping, nil},
		stStopping: {to, stStopping, nil},
		stReqSent:  {to, stReqSent, nil},
		stAckRcvd:  {to, stAckRcvd, nil},
		stAckSent:  {to, stAckSent, nil},
		stOpened:   {to, stOpened, nil},
	},
	evClose: {
		stInitial:  {to, stInitial, nil},
		stStarting: {to, stInitial, []action{actTLF}},
		stClosed:   {to, stClosed, nil},
		stStopped:  {to, stClosed, nil},
		stClosing:  {to, stClosing, nil},
		stStopping: {to, stClosing, nil},
		stReqSent:  {to, stClosing, []action{actIRC, actSTR}},
		stAckRcvd:  {to, stClosing, []action{actIRC, actSTR}},
		stAckSent:  {to, stClosing, []action{actIRC, actSTR}},
		stOpened:   {to, stClosing, []action{actTLD, actIRC, actSTR}},
	},
	evTOPlus: {
		stClosing:  {to, stClosing, []action{actSTR}},
		stStopping: {to, stStopping, []action{actSTR}},
		stReqSent:  {to, stReqSent, []action{actSCR}},
		stAckRcvd:  {to, stReqSent, []action{actSCR}},
		stAckSent:  {to, stAckSent, []action{actSCR}},
	},
	evTOMinus: {
		stClosing:  {to, stClosed, []action{actTLF}},
		stStopping: {to, stStopped, []action{actTLF}},
		stReqSent:  {to, stStopped, []action{actTLF}},
		stAckRcvd:  {to, stStopped, []action{actTLF}},
		stAckSent:  {to, stStopped, []action{actTLF}},
	},
	evRCRPlus: {
		stClosed:   {to, stClosed, []action{actSTA}},
		stStopped:  {to, stAckSent, []action{actIRC, actSCR, actSCA}},
		stClosing:  {to, stClosing, nil},
		stStopping: {to, stStopping, nil},
		stReqSent:  {to, stAckSent, []action{actSCA}},
		stAckRcvd:  {to, stOpened, []action{actSCA, actTLU}},
		stAckSent:  {to, stAckSent, []action{actSCA}},
		stOpened:   {to, stAckSent, []action{actTLD, actSCR, actSCA}},
	},
	evRCRMinus: {
		stClosed:   {to, stClosed, []action{actSTA}},
		stStopped:  {to, stReqSent, []action{actIRC, actSCR, actSCN}},
		stClosing:  {to, stClosing, nil},
		stStopping: {to, stStopping, nil},
		stReqSent:  {to, stReqSent, []action{actSCN}},
		stAckRcvd:  {to, stAckRcvd, []action{actSCN}},
		stAckSent:  {to, stReqSent, []action{actSCN}},
		stOpened:   {to, stReqSent, []action{actTLD, actSCR, actSCN}},
	},
	evRCA: {
		stClosed:   {to, stClosed, []action{actSTA}},
		stStopped:  {to, stStopped, []action{actSTA}},
		stClosing:  {to, stClosing, nil},
		stStopping: {to, stStopping, nil},
		stReqSent:  {to, stAckRcvd, []action{actIRC}},
		stAckRcvd:  {to, stReqSent, []action{actSCR}},
		stAckSent:  {to, stOpened, []action{actIRC, actTLU}},
		stOpened:   {to, stReqSent, []action{actTLD, actSCR}},
	},
	evRCN: {
		stClosed:   {to, stClosed, []action{actSTA}},
		stStopped:  {to, stStopped, []action{actSTA}},
		stClosing:  {to, stClosing, nil},
		stStopping: {to, stStopping, nil},
		stReqSent:  {to, stReqSent, []action{actIRC, actSCR}},
		stAckRcvd:  {to, stReqSent, []action{actSCR}},
		stAckSent:  {to, stAckSent, []action{actIRC, actSCR}},
		stOpened:   {to, stReqSent, []action{actTLD, actSCR}},
	},
	evRTR: {
		stClosed:   {to, stClosed, []action{actSTA}},
		stStopped:  {to, stStopped, []action{actSTA}},
		stClosing:  {to, stClosing, []action{actSTA}},
		stStopping: {to, stStopping, []action{actSTA}},
		stReqSent:  {to, stReqSent, []action{actSTA}},
		stAckRcvd:  {to, stReqSent, []action{actSTA}},
		stAckSent:  {to, stReqSent, []action{actSTA}},
		stOpened:   {to, stStopping, []action{actTLD, actZRC, actSTA}},
	},
	evRTA: {
		stClosed:   {to, stClosed, nil},
		stStopped:  {to, stStopped, nil},
		stClosing:  {to, stClosed, []action{actTLF}},
		stStopping: {to, stStopped, []action{actTLF}},
		stReqSent:  {to, stReqSent, nil},
		stAckRcvd:  {to, stReqSent, nil},
		stAckSent:  {to, stAckSent, nil},
		stOpened:   {to, stReqSent, []action{actTLD, actSCR}},
	},
	evRUC: {
		stClosed:   {to, stClosed, []action{actSCJ}},
		stStopped:  {to, stStopped, []action{actSCJ}},
		stClosing:  {to, stClosing, []action{actSCJ}},
		stStopping: {to, stStopping, []action{actSCJ}},
		stReqSent:  {to, stReqSent, []action{actSCJ}},
		stAckRcvd:  {to, stAckRcvd, []action{actSCJ}},
		stAckSent:  {to, stAckSent, []action{actSCJ}},
		stOpened:   {to, stOpened, []action{actSCJ}},
	},
	evRXJPlus: {
		stClosed:   {to, stClosed, nil},
		stStopped:  {to, stStopped, nil},
		stClosing:  {to, stClosing, nil},
		stStopping: {to, stStopping, nil},
		stReqSent:  {to, stReqSent, nil},
		stAckRcvd:  {to, stReqSent, nil},
		stAckSent:  {to, stAckSent, nil},
		stOpened:   {to, stOpened, nil},
	},
	evRXJMinus: {
		stClosed:   {to, stClosed, []action{actTLF}},
		stStopped:  {to, stStopped, []action{actTLF}},
		stClosing:  {to, stClosed, []action{actTLF}},
		stStopping: {to, stStopped, []action{actTLF}},
		stReqSent:  {to, stStopped, []action{actTLF}},
		stAckRcvd:  {to, stStopped, []action{actTLF}},
		stAckSent:  {to, stStopped, []action{actTLF}},
		stOpened:   {to, stStopping, []action{actTLD, actIRC, actSTR}},
	},
	evRXR: {
		stClosed:   {to, stClosed, nil},
		stStopped:  {to, stStopped, nil},
		stClosing:  {to, stClosing, nil},
		stStopping: {to, stStopping, nil},
		stReqSent:  {to, stReqSent, nil},
		stAckRcvd:  {to, stAckRcvd, nil},
		stAckSent:  {to, stAckSent, nil},
		stOpened:   {to, stOpened, []action{actSER}},
	},
}
