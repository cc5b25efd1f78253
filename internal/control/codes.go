package control

import "fmt"

// ResultGeneralError is the result code, in every reply, that refers to the error code beside it.
const ResultGeneralError = 2

// Results of a StartReply (RFC 2637 section 2.2).
const (
	StartOK            = 1
	StartChannelExists = 3
	StartNotAuthorized = 4
	StartBadVersion    = 5
)

// Reasons of a StopRequest (RFC 2637 section 2.3).
const (
	StopGeneral       = 1
	StopProtocol      = 2
	StopLocalShutdown = 3
)

// Results of an OutgoingCallReply (RFC 2637 section 2.8).
const (
	CallConnected   = 1
	CallNoCarrier   = 3
	CallBusy        = 4
	CallNoDialTone  = 5
	CallTimeout     = 6
	CallDoNotAccept = 7
)

// Results of an IncomingCallReply (RFC 2637 section 2.10).
const (
	IncomingConnect     = 1
	IncomingDoNotAccept = 3
)

// Results of a CallDisconnectNotify (RFC 2637 section 2.13).
const (
	DisconnectLostCarrier   = 1
	DisconnectAdminShutdown = 3
	DisconnectRequest       = 4
)

// resultOK is the good result of Stop-Control-Connection-Reply and Echo-Reply.
const resultOK = 1

// General error codes (RFC 2637 section 2.16).
const (
	ErrorNone         = 0
	ErrorNotConnected = 1
	ErrorBadFormat    = 2
	ErrorBadValue     = 3
	ErrorNoResource   = 4
	ErrorBadCallID    = 5
	ErrorPAC          = 6
)

// results has the words for each result code of each message that has one.
var results = map[Type]map[uint8]string{
	TypeStartReply: {
		StartOK:            "established",
		StartChannelExists: "a control connection already exists",
		StartNotAuthorized: "not authorized to open a control connection: this address may be banned for a while after failed logins",
		StartBadVersion:    "protocol version not supported",
	},
	TypeStopRequest: {
		StopGeneral:       "no reason given",
		StopProtocol:      "protocol version not supported",
		StopLocalShutdown: "it is shutting down",
	},
	TypeStopReply: {resultOK: "closed"},
	TypeEchoReply: {resultOK: "alive"},
	TypeOutgoingCallReply: {
		CallConnected:   "connected",
		CallNoCarrier:   "no carrier",
		CallBusy:        "busy",
		CallNoDialTone:  "no dial tone",
		CallTimeout:     "the call was not answered in time",
		CallDoNotAccept: "calls are administratively prohibited",
	},
	TypeIncomingCallReply: {
		IncomingConnect:     "the call should be answered",
		IncomingDoNotAccept: "the call is not accepted",
	},
	TypeCallDisconnectNotify: {
		DisconnectLostCarrier:   "the carrier was lost",
		DisconnectAdminShutdown: "shut down by its administrator",
		DisconnectRequest:       "as was requested",
	},
}

// generalErrors has the words for each general error code.
var generalErrors = map[uint8]string{
	ErrorNone:         "no error named",
	ErrorNotConnected: "no control connection exists yet",
	ErrorBadFormat:    "bad length or magic cookie",
	ErrorBadValue:     "a field value is out of range",
	ErrorNoResource:   "insufficient resources at the moment",
	ErrorBadCallID:    "the call ID is invalid here",
	ErrorPAC:          "vendor-specific error of the server",
}

// resultText puts a result code of a message of type t, and its general error code, into words.
func resultText(t Type, result, general uint8) string {
	if text, ok := results[t][result]; ok {
		return text
	}
	if result != ResultGeneralError {
		return fmt.Sprintf("unknown result code %d", result)
	}
	if text, ok := generalErrors[general]; ok {
		return "general error: " + text
	}
	return fmt.Sprintf("general error: unknown error code %d", general)
}
