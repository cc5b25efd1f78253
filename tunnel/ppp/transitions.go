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

// transition is one cell of the table: what to do and where to go. legal is
// false in the cells RFC 1661 marks with a dash.
type transition struct {
	actions []action
	next    state
	legal   bool
}

// to makes a cell.
func to(next state, actions ...action) transition {
	return transition{actions: actions, next: next, legal: true}
}

// transitions is the whole table of RFC 1661 section 4.1. The passive [p] and
// restart [r] options are not taken.
var transitions = [numEvents][numStates]transition{
	evUp: {
		stInitial:  to(stClosed),
		stStarting: to(stReqSent, actIRC, actSCR),
	},
	evDown: {
		stClosed:   to(stInitial),
		stStopped:  to(stStarting, actTLS),
		stClosing:  to(stInitial),
		stStopping: to(stStarting),
		stReqSent:  to(stStarting),
		stAckRcvd:  to(stStarting),
		stAckSent:  to(stStarting),
		stOpened:   to(stStarting, actTLD),
	},
	evOpen: {
		stInitial:  to(stStarting, actTLS),
		stStarting: to(stStarting),
		stClosed:   to(stReqSent, actIRC, actSCR),
		stStopped:  to(stStopped),
		stClosing:  to(stStopping),
		stStopping: to(stStopping),
		stReqSent:  to(stReqSent),
		stAckRcvd:  to(stAckRcvd),
		stAckSent:  to(stAckSent),
		stOpened:   to(stOpened),
	},
	evClose: {
		stInitial:  to(stInitial),
		stStarting: to(stInitial, actTLF),
		stClosed:   to(stClosed),
		stStopped:  to(stClosed),
		stClosing:  to(stClosing),
		stStopping: to(stClosing),
		stReqSent:  to(stClosing, actIRC, actSTR),
		stAckRcvd:  to(stClosing, actIRC, actSTR),
		stAckSent:  to(stClosing, actIRC, actSTR),
		stOpened:   to(stClosing, actTLD, actIRC, actSTR),
	},
	evTOPlus: {
		stClosing:  to(stClosing, actSTR),
		stStopping: to(stStopping, actSTR),
		stReqSent:  to(stReqSent, actSCR),
		stAckRcvd:  to(stReqSent, actSCR),
		stAckSent:  to(stAckSent, actSCR),
	},
	evTOMinus: {
		stClosing:  to(stClosed, actTLF),
		stStopping: to(stStopped, actTLF),
		stReqSent:  to(stStopped, actTLF),
		stAckRcvd:  to(stStopped, actTLF),
		stAckSent:  to(stStopped, actTLF),
	},
	evRCRPlus: {
		stClosed:   to(stClosed, actSTA),
		stStopped:  to(stAckSent, actIRC, actSCR, actSCA),
		stClosing:  to(stClosing),
		stStopping: to(stStopping),
		stReqSent:  to(stAckSent, actSCA),
		stAckRcvd:  to(stOpened, actSCA, actTLU),
		stAckSent:  to(stAckSent, actSCA),
		stOpened:   to(stAckSent, actTLD, actSCR, actSCA),
	},
	evRCRMinus: {
		stClosed:   to(stClosed, actSTA),
		stStopped:  to(stReqSent, actIRC, actSCR, actSCN),
		stClosing:  to(stClosing),
		stStopping: to(stStopping),
		stReqSent:  to(stReqSent, actSCN),
		stAckRcvd:  to(stAckRcvd, actSCN),
		stAckSent:  to(stReqSent, actSCN),
		stOpened:   to(stReqSent, actTLD, actSCR, actSCN),
	},
	evRCA: {
		stClosed:   to(stClosed, actSTA),
		stStopped:  to(stStopped, actSTA),
		stClosing:  to(stClosing),
		stStopping: to(stStopping),
		stReqSent:  to(stAckRcvd, actIRC),
		stAckRcvd:  to(stReqSent, actSCR),
		stAckSent:  to(stOpened, actIRC, actTLU),
		stOpened:   to(stReqSent, actTLD, actSCR),
	},
	evRCN: {
		stClosed:   to(stClosed, actSTA),
		stStopped:  to(stStopped, actSTA),
		stClosing:  to(stClosing),
		stStopping: to(stStopping),
		stReqSent:  to(stReqSent, actIRC, actSCR),
		stAckRcvd:  to(stReqSent, actSCR),
		stAckSent:  to(stAckSent, actIRC, actSCR),
		stOpened:   to(stReqSent, actTLD, actSCR),
	},
	evRTR: {
		stClosed:   to(stClosed, actSTA),
		stStopped:  to(stStopped, actSTA),
		stClosing:  to(stClosing, actSTA),
		stStopping: to(stStopping, actSTA),
		stReqSent:  to(stReqSent, actSTA),
		stAckRcvd:  to(stReqSent, actSTA),
		stAckSent:  to(stReqSent, actSTA),
		stOpened:   to(stStopping, actTLD, actZRC, actSTA),
	},
	evRTA: {
		stClosed:   to(stClosed),
		stStopped:  to(stStopped),
		stClosing:  to(stClosed, actTLF),
		stStopping: to(stStopped, actTLF),
		stReqSent:  to(stReqSent),
		stAckRcvd:  to(stReqSent),
		stAckSent:  to(stAckSent),
		stOpened:   to(stReqSent, actTLD, actSCR),
	},
	evRUC: {
		stClosed:   to(stClosed, actSCJ),
		stStopped:  to(stStopped, actSCJ),
		stClosing:  to(stClosing, actSCJ),
		stStopping: to(stStopping, actSCJ),
		stReqSent:  to(stReqSent, actSCJ),
		stAckRcvd:  to(stAckRcvd, actSCJ),
		stAckSent:  to(stAckSent, actSCJ),
		stOpened:   to(stOpened, actSCJ),
	},
	evRXJPlus: {
		stClosed:   to(stClosed),
		stStopped:  to(stStopped),
		stClosing:  to(stClosing),
		stStopping: to(stStopping),
		stReqSent:  to(stReqSent),
		stAckRcvd:  to(stReqSent),
		stAckSent:  to(stAckSent),
		stOpened:   to(stOpened),
	},
	evRXJMinus: {
		stClosed:   to(stClosed, actTLF),
		stStopped:  to(stStopped, actTLF),
		stClosing:  to(stClosed, actTLF),
		stStopping: to(stStopped, actTLF),
		stReqSent:  to(stStopped, actTLF),
		stAckRcvd:  to(stStopped, actTLF),
		stAckSent:  to(stStopped, actTLF),
		stOpened:   to(stStopping, actTLD, actIRC, actSTR),
	},
	evRXR: {
		stClosed:   to(stClosed),
		stStopped:  to(stStopped),
		stClosing:  to(stClosing),
		stStopping: to(stStopping),
		stReqSent:  to(stReqSent),
		stAckRcvd:  to(stAckRcvd),
		stAckSent:  to(stAckSent),
		stOpened:   to(stOpened, actSER),
	},
}
